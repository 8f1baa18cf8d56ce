//! Owns the steps of a login, as its audit entries have them. Does not know when one is taken.

use super::time::Timestamp;

/// A step of a login, in the order in which they are taken. Each is begun; the next one says that it was passed, and the end
/// of the login that the last one was, or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// The request is read, and what it asks for allowed.
    Request = 1,
    /// Limits of rates, and of what the tenant may have at once.
    Limits = 2,
    /// The provider's address is made, by its metadata.
    ProviderAddress = 3,
    /// The login is kept.
    LoginKept = 4,
    /// The callback is read: its state and binding are ours.
    Callback = 5,
    /// The login is found, of this browser and not yet completed.
    LoginFound = 6,
    /// What the provider sent along: an error, its issuer, the way that it came.
    ProviderAnswer = 7,
    /// The provider's metadata is had.
    Metadata = 8,
    /// The `iss` of what the provider sent along is its own (RFC 9207).
    ResponseIssuer = 14,
    /// The code is sent to the token endpoint, and its answer read.
    CodeRedeemed = 9,
    /// The ID token is checked.
    IdToken = 10,
    /// The userinfo, or a profile in its place, is asked for and checked.
    UserInfo = 11,
    /// The identity is held against what was asked of the login.
    Requirements = 12,
    /// The session is made, or stepped up.
    Session = 13,
}

impl Step {
    const ALL: [Self; 14] = [
        Self::Request,
        Self::Limits,
        Self::ProviderAddress,
        Self::LoginKept,
        Self::Callback,
        Self::LoginFound,
        Self::ProviderAnswer,
        Self::Metadata,
        Self::ResponseIssuer,
        Self::CodeRedeemed,
        Self::IdToken,
        Self::UserInfo,
        Self::Requirements,
        Self::Session,
    ];

    /// The step of that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u8 == number)
    }

    /// Its name, as answers have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Limits => "limits",
            Self::ProviderAddress => "provider_address",
            Self::LoginKept => "login_kept",
            Self::Callback => "callback",
            Self::LoginFound => "login_found",
            Self::ProviderAnswer => "provider_answer",
            Self::Metadata => "provider_metadata",
            Self::ResponseIssuer => "response_issuer",
            Self::CodeRedeemed => "code_redeemed",
            Self::IdToken => "id_token",
            Self::UserInfo => "user_info",
            Self::Requirements => "requirements",
            Self::Session => "session",
        }
    }
}

/// A step that was begun, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBegun {
    /// Which one.
    pub step: Step,
    /// When, in the store's time.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        assert!(Step::ALL.into_iter().all(|step| Step::from_number(step as u8) == Some(step)));
        assert_eq!(Step::from_number(99), None);
    }
}
