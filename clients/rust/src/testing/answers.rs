//! Owns the finished answers of the fake. Judges nothing.

use std::collections::HashMap;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::judge::{Missing, is_navigation};
use super::people::Kept;
use crate::v1::{self, DeniedReason, InactiveReason};

const LOGIN: &str = "/auth/web/login";

/// A redirect.
pub(super) fn redirect(status: u32, location: String, set_cookies: Vec<String>) -> v1::HttpAnswer {
    v1::HttpAnswer { status, location, set_cookies, headers: no_store(), ..Default::default() }
}

/// An answer of JSON.
pub(super) fn json_answer(status: u32, body: &Value) -> v1::HttpAnswer {
    let (content_type, body) = ("application/json".into(), body.to_string().into());
    v1::HttpAnswer { status, content_type, body, headers: no_store(), ..Default::default() }
}

fn no_store() -> Vec<v1::HttpHeader> {
    vec![v1::HttpHeader { name: "cache-control".into(), value: "no-store".into() }]
}

/// An error answer.
pub(super) fn problem(status: u32, reason: &str, detail: &str, remedy: &str, request_id: &str) -> v1::HttpAnswer {
    json_answer(status, &json!({"detail": detail, "reason": reason, "remedy": remedy, "request_id": request_id}))
}

/// For what can't be read.
pub(super) fn malformed(remedy: &str, request_id: &str) -> v1::HttpAnswer {
    problem(400, "request_malformed", "The request can't be read", remedy, request_id)
}

/// A whole Set-Cookie value; without a value it clears the cookie.
pub(super) fn set_cookie(settings: &v1::EdgeSettings, name: &str, value: &str, max_age: u32) -> String {
    let secure = if settings.public_base_url.starts_with("https://") { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly{secure}; SameSite=Lax")
}

/// The first name, under which a cookie is set.
pub(super) fn first(names: &[String]) -> &str {
    names.first().map_or("", String::as_str)
}

/// What is said of a session that is not there.
pub(super) fn inactive(
    reason: InactiveReason,
    context: Option<&v1::RequestContext>,
    answer_json: bool,
    request_id: &str,
) -> v1::InactiveSession {
    let is_unknown = matches!(reason, InactiveReason::None | InactiveReason::Forged | InactiveReason::Ambiguous);
    let answer = context.map(|context| match context {
        _ if goes_to_login(context, answer_json) => to_login(context, ""),
        _ if is_unknown => problem(401, "not_signed_in", "Not signed in", "Log in first.", request_id),
        _ => {
            let remedy = "The session has ended. Log in again.";
            problem(401, "session_ended", "Session expired", remedy, request_id)
        }
    });
    v1::InactiveSession { reason: reason.into(), answer }
}

/// What is said of a session that may not make a request.
pub(super) fn denied(
    missing: Missing,
    session: Option<&Kept>,
    needed: &v1::Requirements,
    context: Option<&v1::RequestContext>,
    answer_json: bool,
    request_id: &str,
) -> v1::DeniedSession {
    let provider = session.map_or("fake", |session| &session.identity.provider);
    let login_query = login_query(&missing, provider, needed);
    let (public_reason, detail, remedy) = told(&missing);
    let answer = context.map(|context| {
        if !login_query.is_empty() && goes_to_login(context, answer_json) {
            return to_login(context, &format!("{login_query}&"));
        }
        if login_query.is_empty() {
            return problem(403, public_reason, &detail, remedy, request_id);
        }
        let login_path = format!("{LOGIN}?{login_query}");
        let said = json!({
            "detail": detail, "reason": public_reason, "remedy": remedy, "request_id": request_id,
            "login_path": login_path,
        });
        json_answer(403, &said)
    });
    let Missing { reason, names } = missing;
    let session = session.map(|session| session.info.clone());
    let mut said = v1::DeniedSession { remedy: remedy.into(), login_query, answer, session, ..Default::default() };
    said.set_reason(reason);
    let list = match reason {
        DeniedReason::ScopeMissing => &mut said.missing_scopes,
        DeniedReason::PermissionMissing => &mut said.missing_permissions,
        DeniedReason::RoleMissing => &mut said.missing_roles,
        DeniedReason::AcrMissing => &mut said.missing_acr_values,
        DeniedReason::AmrMissing => &mut said.missing_amr_values,
        _ => return said,
    };
    *list = names;
    said
}

/// The query of the login that would help; empty where none would.
fn login_query(missing: &Missing, provider: &str, needed: &v1::Requirements) -> String {
    if !missing.is_mended_by_login() {
        return String::new();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("provider", provider);
    if let Some(age) = needed.max_login_age {
        query.append_pair("max_age", &age.seconds.to_string());
    }
    if !needed.acr_values.is_empty() {
        query.append_pair("acr_values", &needed.acr_values.join(" "));
    }
    if missing.reason == DeniedReason::AmrMissing {
        query.append_pair("prompt", "login");
    }
    query.finish()
}

pub(super) fn told(missing: &Missing) -> (&'static str, String, &'static str) {
    use DeniedReason::{
        AcrMissing, AmrMissing, CsrfExpired, CsrfInvalid, CsrfMissing, CsrfOtherSession, CsrfRotated, EmailNotVerified,
        LoginTooOld, OriginRefused, PermissionMissing, RoleMissing, ScopeMissing, Unspecified,
    };
    let names = missing.names.join(" ");
    let ask = "Ask whoever runs this application for it, then log in again.";
    let again = "Log in again in the way that is asked for, then repeat the request.";
    match missing.reason {
        OriginRefused => {
            let remedy = "Send the request from the site itself.";
            ("origin_refused", "Requests from this origin are not allowed".into(), remedy)
        }
        ScopeMissing => {
            let remedy = "Log in with an account that is granted the scope.";
            ("scope_missing", format!("Missing scope: {names}"), remedy)
        }
        PermissionMissing => ("permission_missing", format!("Missing permission: {names}"), ask),
        RoleMissing => ("role_missing", format!("Missing role: {names}"), ask),
        EmailNotVerified => {
            let remedy = "Verify your email address where you log in, then log in again.";
            ("email_not_verified", "A verified email address is needed".into(), remedy)
        }
        AcrMissing => ("acr_missing", "A stronger login is needed".into(), again),
        AmrMissing => {
            let detail = format!("A login is needed that uses {}", missing.names.join(" and "));
            ("amr_missing", detail, again)
        }
        LoginTooOld => ("login_too_old", "A fresh login is needed".into(), "Log in again, then repeat the request."),
        CsrfMissing | CsrfInvalid | CsrfExpired | CsrfOtherSession | CsrfRotated => {
            let remedy = "Fetch a fresh token from /auth/me and send it in the CSRF header.";
            ("csrf_mismatch", "CSRF token mismatch".into(), remedy)
        }
        Unspecified => ("forbidden", "This session may not make this request".into(), ""),
    }
}

/// What an API answers over HTTP where a bearer token does not do.
pub(super) fn token_refused(
    status: u32,
    reason: &str,
    detail: &str,
    challenge: String,
    request_id: &str,
) -> v1::HttpAnswer {
    let remedy = "Send a valid access token: Authorization: Bearer <token>.";
    let mut answer = problem(status, reason, detail, remedy, request_id);
    answer.headers.push(v1::HttpHeader { name: "www-authenticate".into(), value: challenge });
    answer
}

fn goes_to_login(context: &v1::RequestContext, answer_json: bool) -> bool {
    !answer_json && context.method == "GET" && is_navigation(context)
}

fn to_login(context: &v1::RequestContext, parameters: &str) -> v1::HttpAnswer {
    let place: String = form_urlencoded::byte_serialize(&context.target).collect();
    redirect(302, format!("{LOGIN}?{parameters}redirect_uri={place}"), Vec::new())
}

/// A call that fails.
pub(super) fn failure(code: Code, reason: &str, message: &str) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, "gatelodge", HashMap::new()))
}

/// A call whose field is wrong.
pub(super) fn is_required(field: &str) -> Status {
    let mut details = ErrorDetails::with_error_info("INVALID_FIELD", "gatelodge", HashMap::new());
    details.add_bad_request_violation(field, "is required");
    Status::with_error_details(Code::InvalidArgument, format!("{field} is required"), details)
}

/// A call of an authority that nobody can reach.
pub(super) fn away() -> Status {
    Status::unavailable("the fake authority is away")
}

/// A method that the fake does not have.
pub(super) fn unknown_method() -> Status {
    failure(Code::Unimplemented, "METHOD_UNKNOWN", "the fake authority has no such method")
}

/// The request id that came with a call.
pub(super) fn request_id<Q>(request: &tonic::Request<Q>) -> String {
    let id = request.metadata().get("x-request-id").and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}
