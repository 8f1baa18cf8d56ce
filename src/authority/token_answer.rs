//! Owns what an API answers over HTTP when a bearer token does not do (RFC 6750, 3). Does not know how it was judged.

use super::access_token::TokenFault;
use super::answer::{HttpAnswer, Trouble};
use crate::session::need::{LoginNeeds, Missing};

/// 401: there is no good token. Which fault it has is for callers; whoever presents it learns that it does not do.
pub(super) fn inactive(fault: TokenFault, request_id: &str) -> HttpAnswer {
    let (reason, challenge) = match fault {
        // Whoever sent none is told nothing of errors (RFC 6750, 3.1).
        TokenFault::Missing => ("not_signed_in", "Bearer".to_owned()),
        _ => ("invalid_token", "Bearer error=\"invalid_token\"".to_owned()),
    };
    let (detail, remedy) =
        ("Could not validate credentials", "Send a valid access token: Authorization: Bearer <token>.");
    answer(401, reason, detail.to_owned(), remedy, challenge, request_id)
}

/// 403: the token is good and not enough; 401 where a login would make one that is, with what it has to be asked for
/// (RFC 9470, 3).
pub(super) fn denied(missing: &Missing, needs: &LoginNeeds, request_id: &str) -> HttpAnswer {
    let insufficient = || "Bearer error=\"insufficient_scope\"".to_owned();
    let named = |kind: &str, names: &[String]| format!("Missing {kind}: {}", names.join(" "));
    let denied = |reason, detail, remedy, challenge| answer(403, reason, detail, remedy, challenge, request_id);
    let login = |reason, detail: &str| {
        let remedy = "Log in again, then repeat the request.";
        answer(401, reason, detail.to_owned(), remedy, login_challenge(needs), request_id)
    };
    match missing {
        Missing::Scopes(scopes) => {
            let quotable =
                scopes.iter().all(|scope| scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'));
            let scope = if quotable { format!(", scope=\"{}\"", scopes.join(" ")) } else { String::new() };
            let challenge = format!("{}{scope}", insufficient());
            denied("scope_missing", named("scope", scopes), "Ask for a token with the scope.", challenge)
        }
        Missing::Permissions(permissions) => {
            denied("permission_missing", named("permission", permissions), "Ask for the permission.", insufficient())
        }
        Missing::Roles(roles) => denied("role_missing", named("role", roles), "Ask for the role.", insufficient()),
        Missing::VerifiedEmail => {
            let remedy = "Verify your email address where you log in.";
            denied("email_not_verified", "A verified email address is needed".to_owned(), remedy, insufficient())
        }
        Missing::Acr(_) => login("acr_missing", "A stronger login is needed"),
        Missing::Amr(methods) => {
            login("amr_missing", &format!("A login is needed that uses {}", methods.join(" and ")))
        }
        Missing::FreshLogin => login("login_too_old", "A fresh login is needed"),
    }
}

/// What a login has to be asked for. The values hold no quote that could end the text: the caller's were checked, but for
/// that, so those that hold one are left out.
fn login_challenge(needs: &LoginNeeds) -> String {
    let quotable = needs.acr_values.iter().all(|value| !value.contains(['"', '\\']));
    let classes = Some(needs.acr_values.join(" ")).filter(|values| quotable && !values.is_empty());
    let classes = classes.map(|values| format!(", acr_values=\"{values}\"")).unwrap_or_default();
    let age = needs.max_age.map(|age| format!(", max_age=\"{}\"", age.as_secs())).unwrap_or_default();
    format!("Bearer error=\"insufficient_user_authentication\"{classes}{age}")
}

fn answer(
    status: u16,
    reason: &'static str,
    detail: String,
    remedy: &str,
    challenge: String,
    request_id: &str,
) -> HttpAnswer {
    let trouble = Trouble { status, reason, detail, remedy: remedy.to_owned() };
    let mut answer = HttpAnswer::error(&trouble, request_id);
    answer.headers.push(("www-authenticate", challenge));
    answer
}
