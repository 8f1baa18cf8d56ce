//! Owns in what GitHub and Discord are unlike the rest. Does not know when what it says is asked.

use serde_json::Value;

use super::settings::Dialect;
use crate::providers::fault::OAuthError;
use crate::providers::json::Object;

impl Dialect {
    /// The error of a token answer that came with the status of a success. GitHub answers so, with names of its own.
    pub(super) fn error_in(self, body: &Object) -> Option<OAuthError> {
        let code = body.get("error")?.as_str().unwrap_or_default();
        Some(match (self, code) {
            (Self::GitHub, "bad_verification_code" | "bad_refresh_token") => OAuthError::InvalidGrant,
            (Self::GitHub, "incorrect_client_credentials") => OAuthError::InvalidClient,
            _ => OAuthError::of(code),
        })
    }

    /// The granted scopes. GitHub puts commas where RFC 6749, 3.3 has spaces.
    pub(super) fn scopes(self, scopes: Vec<String>) -> Vec<String> {
        match self {
            Self::GitHub => {
                let parts = scopes.iter().flat_map(|scope| scope.split(','));
                parts.filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
            }
            Self::Plain | Self::Discord => scopes,
        }
    }

    /// Whether these scopes let us read the user's addresses. Whoever takes a scope away still logs in.
    pub(super) fn may_read_emails(self, scopes: &[String]) -> bool {
        self != Self::GitHub || scopes.iter().any(|scope| scope == "user" || scope == "user:email")
    }

    /// Whether it knows logins that show nothing.
    pub(super) fn logs_in_silently(self) -> bool {
        self == Self::Discord
    }

    /// What stands for the display name where its own member is empty.
    pub(super) fn other_name(self, profile: &Object) -> Option<&Value> {
        match self {
            Self::Discord => profile.get("username"),
            Self::Plain | Self::GitHub => None,
        }
    }

    /// The picture's address where the profile only has what it is made of. Discord names the picture by a hash.
    pub(super) fn picture(self, profile: &Object) -> Option<String> {
        if self != Self::Discord {
            return None;
        }
        let part = |name| {
            let text = profile.get(name).and_then(Value::as_str)?;
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            plain.then_some(text)
        };
        Some(format!("https://cdn.discordapp.com/avatars/{}/{}.png", part("id")?, part("avatar")?))
    }
}
