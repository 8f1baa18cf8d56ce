//! Owns what an API answers over HTTP when a bearer token does not do (RFC 6750, 3). Does not know how it was judged.

use super::access_token::TokenFault;
use super::answer::{HttpAnswer, Trouble};
use super::validate_token::DeniedReason;

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

/// 403: the token is good and not enough.
pub(super) fn denied(reason: &DeniedReason, request_id: &str) -> HttpAnswer {
    let insufficient = "Bearer error=\"insufficient_scope\"".to_owned();
    match reason {
        DeniedReason::ScopeMissing(scopes) => {
            let remedy = "Ask for a token with the scope.";
            let detail = format!("Missing scope: {}", scopes.join(" "));
            let quotable =
                scopes.iter().all(|scope| scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'));
            let scope = if quotable { format!(", scope=\"{}\"", scopes.join(" ")) } else { String::new() };
            answer(403, "scope_missing", detail, remedy, format!("{insufficient}{scope}"), request_id)
        }
        DeniedReason::PermissionMissing(permissions) => {
            let detail = format!("Missing permission: {}", permissions.join(" "));
            answer(403, "permission_missing", detail, "Ask for the permission.", insufficient, request_id)
        }
        DeniedReason::LoginTooOld => {
            // RFC 9470, 3.
            let challenge = "Bearer error=\"insufficient_user_authentication\"".to_owned();
            let (detail, remedy) = ("A fresh login is needed".to_owned(), "Log in again, then repeat the request.");
            answer(401, "login_too_old", detail, remedy, challenge, request_id)
        }
    }
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
