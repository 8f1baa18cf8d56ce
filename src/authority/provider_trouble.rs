//! Owns what a browser is told when the provider, the want of one of its tokens, a key that was used before, or a limit of
//! rates kept a call from being answered. Does not know which call that was.

use super::Error;
use super::answer::{HttpAnswer, Trouble};

impl Error {
    /// A finished answer for a failure that a browser can't mend by asking the same again: trouble of the provider,
    /// a session without the token that is needed, another request's idempotency key, or too many of the same. `None` for trouble of the authority's own or the caller's.
    #[must_use]
    pub fn answer(&self, request_id: &str) -> Option<HttpAnswer> {
        let log_in = "Log in again to go on with new tokens; the session itself lives.";
        let (status, reason, detail, remedy) = match self {
            Self::ProviderUnavailable(_) => {
                (503, "provider_unavailable", "The provider can't be reached", "Try again in a while.")
            }
            Self::ProviderRefused(_) => (409, "provider_refused", "The provider refused this session's token", log_in),
            Self::NoRefreshToken => (409, "no_refresh_token", "This session has no refresh token", log_in),
            Self::AccessTokenExpired => (409, "access_token_expired", "This session's access token has ended", log_in),
            Self::UserInfoUnsupported => {
                (409, "user_info_unsupported", "The provider does not say anew who somebody is", "")
            }
            Self::IdempotencyKeyReused => (
                409,
                "idempotency_key_reused",
                "This Idempotency-Key came with another request before",
                "Send each request with a key of its own, and the same key only with the same request.",
            ),
            Self::RateLimited { answer, .. } => return Some((**answer).clone()),
            _ => return None,
        };
        let mut answer = HttpAnswer::error(
            &Trouble { status, reason, detail: detail.to_owned(), remedy: remedy.to_owned() },
            request_id,
        );
        if status == 503 {
            answer.headers.push(("retry-after", "1".to_owned()));
        }
        Some(answer)
    }
}
