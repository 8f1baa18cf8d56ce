//! Owns the pages that people see, all of which work without scripts. Does not know what led to them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use super::desk::Desk;
use super::ledger::{Request, Strength};
use super::users::{CODE, PASSWORD, USERS, User};

/// The login page, with a name filled in, and with what was wrong the last time.
pub(super) fn login(
    desk: &Desk,
    request: &Request,
    form: &str,
    username: &str,
    wrong: Option<&'static str>,
) -> Html<String> {
    let client = escape(&desk.client.id);
    let place = Url::parse(&request.redirect_uri).map(|place| place.origin().ascii_serialization());
    let place = escape(&place.unwrap_or_default());
    let (alert, described) = match wrong {
        Some(wrong) => (
            format!(r#"<p class="wrong" id="error" role="alert">{}</p>"#, escape(wrong)),
            r#" aria-invalid="true" aria-describedby="error""#,
        ),
        None => (String::new(), ""),
    };
    let (on_username, on_password) = if username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    let (code, one_time) = match request.strength {
        Strength::Password => ("", String::new()),
        Strength::PasswordAndPerhapsCode => (CODE_IF_YOU_LIKE, format!(", the one-time code <code>{CODE}</code>")),
        Strength::PasswordAndCode => (CODE_NEEDED, format!(", the one-time code <code>{CODE}</code>")),
    };
    let users: String = USERS.iter().map(|user| user_row(user, form)).collect();
    let (form, username) = (escape(form), escape(username));
    page(
        "Log in",
        &format!(
            r#"<h1>Log in</h1>
<p class="lead">to continue to <strong>{client}</strong> at <strong>{place}</strong></p>
{alert}
<form method="post" action="/login">
<input type="hidden" name="form" value="{form}">
<label for="username">Email address</label>
<input id="username" name="username" type="text" inputmode="email" autocomplete="username" autocapitalize="none"
 spellcheck="false" required maxlength="200" value="{username}"{described}{on_username}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="200"{described}{on_password}>
{code}<button id="login" type="submit">Log in</button>
</form>
<section class="users" aria-labelledby="users">
<h2 id="users">Test users</h2>
<ul>{users}</ul>
<p>The password of both is <code>{PASSWORD}</code>{one_time}</p>
</section>"#
        ),
    )
}

const CODE_NEEDED: &str = r#"<label for="code">One-time code</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required maxlength="10">
"#;
const CODE_IF_YOU_LIKE: &str = r#"<label for="code">One-time code, if you like</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="10">
"#;

fn user_row(user: &User, form: &str) -> String {
    let (sub, name, email, form) = (user.sub, user.name, user.email, escape(form));
    let roles = user.roles.join(", ");
    format!(
        r#"<li><a href="/login?form={form}&amp;username={email}"><img src="/avatars/{sub}.svg" alt="" width="40"
 height="40"><span><b>{email}</b><small>{name} · {roles}</small></span></a></li>"#
    )
}

/// What a browser sees when a request can't be answered with a redirect.
pub(super) fn refused(why: &str) -> Html<String> {
    let why = escape(why);
    page("Refused", &format!("<h1>That did not work</h1>\n<p class=\"wrong\" id=\"error\" role=\"alert\">{why}</p>"))
}

/// Asks whether to log out.
pub(super) fn confirm_logout(proof: &str) -> Html<String> {
    let proof = escape(proof);
    page(
        "Log out",
        &format!(
            r#"<h1>Log out?</h1>
<p class="lead">You will be logged out of the development provider in this browser.</p>
<form method="post" action="/logout/confirm">
<input type="hidden" name="proof" value="{proof}">
<button id="logout" type="submit">Log out</button>
</form>"#
        ),
    )
}

/// Says that nobody is logged in any more.
pub(super) fn logged_out() -> Html<String> {
    page("Logged out", "<h1>You are logged out</h1>\n<p class=\"lead\">You can close this page.</p>")
}

/// `GET /`: what this is.
pub(super) async fn front(State(desk): State<Arc<Desk>>) -> Html<String> {
    let client = escape(&desk.client.id);
    page(
        "Development provider",
        &format!(
            r#"<h1>A provider to try things with</h1>
<p class="lead">This is an OpenID Provider with two test users and one client, <strong>{client}</strong>.
Logins begin at the application, not here.</p>
<p><a href="/.well-known/openid-configuration">Its metadata</a></p>
<p><a href="/logout">Log out here</a>, and be logged out at the application too</p>"#
        ),
    )
}

/// `GET /provider.css`.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("provider.css")).into_response()
}

/// Any other address.
pub(super) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, refused("There is no such page here.")).into_response()
}

fn page(title: &str, main: &str) -> Html<String> {
    let logo = include_str!("logo.svg").trim_end();
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · Gatelodge development provider</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/provider.css">
</head>
<body>
<header>{logo}<span>Gatelodge <b>development provider</b></span></header>
<main>
{main}
</main>
<footer>For development only: it runs on this machine, forgets everything when it stops, and its passwords are
public. Never type a real one.</footer>
</body>
</html>
"#
    ))
}

/// Makes a text safe between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
