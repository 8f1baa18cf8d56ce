//! Owns the logouts that the fake's one provider tells of. Does not know how a session is found.

use serde_json::json;

use super::World;
use super::answers::{json_answer, problem};
use super::logins::values;
use super::people::Kept;
use crate::v1;

/// The fake's one provider.
pub(super) const ISSUER: &str = "https://provider.example";
/// What it sends by its server is this, and what has ended there.
const LOGOUT_TOKEN: &str = "logout_";

/// What the provider sends when one of its sessions has ended.
pub(super) fn logout_token(provider_session: &str) -> String {
    format!("{LOGOUT_TOKEN}{provider_session}")
}

impl World {
    /// Carries out a logout token, once.
    pub(super) fn told_by_server(&mut self, form: &[u8], request_id: &str) -> v1::HandleBackchannelLogoutResponse {
        let tokens = values(form, "logout_token");
        let named = match tokens.as_slice() {
            [token] => token.strip_prefix(LOGOUT_TOKEN).ok_or("logout_token_rejected"),
            _ => Err("request_malformed"),
        };
        let (answer, ended) = match named {
            Ok(named) => {
                let is_meant = |kept: &Kept| kept.provider_session == named || kept.identity.user_id == named;
                let ended = if self.carried_out.insert(named.to_owned()) { self.end(is_meant) } else { 0 };
                (json_answer(200, &json!({})), ended)
            }
            Err(reason) => {
                let detail = "The logout token was not accepted";
                let body = json!({
                    "detail": detail, "reason": reason, "request_id": request_id,
                    "error": "invalid_request", "error_description": detail,
                });
                (json_answer(400, &body), 0)
            }
        };
        let (revoked_count, event_position) = (u32::try_from(ended).unwrap_or_default(), self.events.position());
        let settings_version = self.settings.version.clone();
        v1::HandleBackchannelLogoutResponse { answer: Some(answer), revoked_count, settings_version, event_position }
    }

    /// Ends what a page of the provider's names.
    pub(super) fn told_by_page(&mut self, query: &[u8], request_id: &str) -> v1::HandleFrontchannelLogoutResponse {
        let one = |name: &str| values(query, name).into_iter().next().filter(|value| !value.is_empty());
        let (answer, ended) = match (one("iss"), one("sid")) {
            (Some(issuer), Some(sid)) if issuer == ISSUER => {
                (logged_out(), self.end(|kept| kept.provider_session == sid))
            }
            (Some(_), Some(_)) => {
                let detail = "No provider of this issuer may log out in this way";
                (problem(400, "provider_unknown", detail, "", request_id), 0)
            }
            _ => (problem(400, "request_malformed", "The parameters iss and sid are needed", "", request_id), 0),
        };
        let (revoked_count, event_position) = (u32::try_from(ended).unwrap_or_default(), self.events.position());
        let settings_version = self.settings.version.clone();
        v1::HandleFrontchannelLogoutResponse { answer: Some(answer), revoked_count, settings_version, event_position }
    }
}

/// A small page, which the provider alone may show in a frame.
fn logged_out() -> v1::HttpAnswer {
    let policy = format!("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ISSUER}");
    v1::HttpAnswer {
        status: 200,
        headers: vec![v1::HttpHeader { name: "content-security-policy".into(), value: policy }],
        content_type: "text/html; charset=utf-8".into(),
        body: "<!doctype html>\n<title>Logged out</title>\n<p>Logged out</p>\n".into(),
        ..Default::default()
    }
}
