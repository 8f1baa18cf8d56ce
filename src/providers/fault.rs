//! Owns what can go wrong in an exchange with a provider, and what it says about the provider.
//! Does not know which step of a login it went wrong in.

use std::sync::Arc;

use crate::authority::error::Foreign;
use crate::authority::not_refreshed::NotRefreshed;
use crate::authority::provider::ProviderError;

/// What went wrong in an exchange. `Display` never holds anything that a provider wrote.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The address is one that must not be called; nothing was sent.
    #[error("the address is refused: {0}")]
    AddressRefused(&'static str),
    /// No whole answer within the time limit.
    #[error("no answer in time")]
    Timeout,
    /// No connection: nothing was sent.
    #[error("the connection failed")]
    Connection(#[source] Foreign),
    /// The connection broke before the answer was whole: what was sent may have been done.
    #[error("the connection broke before the answer came")]
    Lost(#[source] Foreign),
    /// The server's certificate is not accepted: why.
    #[error("the provider's certificate is refused: {0}")]
    Certificate(&'static str, #[source] Foreign),
    /// The client could not be set up.
    #[error("the HTTP client could not be set up; are there trusted certificates on this machine?")]
    Setup(#[source] Foreign),
    /// The same, for every call after the first.
    #[error("there is no HTTP client")]
    NotSetUp(#[source] Arc<Fault>),
    /// An answer with a status that is neither success nor what was asked for.
    #[error("the answer's status is {0}")]
    Status(u16),
    /// An answer beyond a limit.
    #[error("the answer is too large: {0}")]
    TooLarge(&'static str),
    /// An answer that is not the document it has to be: which rule it breaks.
    #[error("the answer is not valid: {0}")]
    Invalid(&'static str),
    /// The metadata that the exchange needs could not be had.
    #[error("the provider's metadata could not be had")]
    Metadata(#[source] Arc<Fault>),
    /// What is missing in a document was looked for a moment ago: it is too early to ask again.
    #[error("the provider was asked for its keys a moment ago, and this one was not among them")]
    AskedJustNow,
    /// What would show the provider who we are could not be signed: why. Nothing was sent.
    #[error("nothing shows the provider who this client is: {0}")]
    NotSigned(&'static str),
    /// An OAuth2 error answer.
    #[error("the provider answered the OAuth2 error {0}")]
    OAuth(OAuthError),
}

/// The OAuth2 errors that say something to us (RFC 6749, 5.2; RFC 7009, 2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// The code or refresh token is not good, or no longer.
    InvalidGrant,
    /// Our client id or secret is not accepted.
    InvalidClient,
    /// The provider is overloaded or under maintenance.
    TemporarilyUnavailable,
    /// The provider gives no token for the audience (RFC 8693, 2.2.2).
    InvalidTarget,
    /// It does not let us have what we ask for.
    AccessDenied,
    /// It does not know the grant type.
    UnsupportedGrantType,
    /// It does not let our client use the grant type.
    UnauthorizedClient,
    /// Any other.
    Other,
}

impl OAuthError {
    /// Reads the `error` member of an answer.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            "invalid_grant" => Self::InvalidGrant,
            "invalid_client" => Self::InvalidClient,
            "temporarily_unavailable" | "server_error" => Self::TemporarilyUnavailable,
            "invalid_target" => Self::InvalidTarget,
            "access_denied" => Self::AccessDenied,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            "unauthorized_client" => Self::UnauthorizedClient,
            _ => Self::Other,
        }
    }
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidClient => "invalid_client",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::Other => "(another one)",
        })
    }
}

impl Fault {
    /// What went wrong, in a word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AddressRefused(_) => "address_refused",
            Self::Timeout => "timeout",
            Self::Connection(_) => "connection",
            Self::Lost(_) => "lost",
            Self::Certificate(..) => "certificate",
            Self::Setup(_) | Self::NotSetUp(_) => "setup",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "too_large",
            Self::Invalid(_) => "invalid",
            Self::Metadata(_) => "metadata",
            Self::AskedJustNow => "asked_just_now",
            Self::NotSigned(_) => "not_signed",
            Self::OAuth(_) => "oauth",
        }
    }

    /// Whether no answer came at all.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Timeout | Self::Connection(_) | Self::Lost(_) | Self::Certificate(..))
    }

    /// Whether it speaks of a moment rather than of the provider: trying again later may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Connection(_)
            | Self::Lost(_)
            | Self::Certificate(..)
            | Self::AskedJustNow
            | Self::Status(429 | 500..=599)
            | Self::OAuth(OAuthError::TemporarilyUnavailable) => true,
            Self::Metadata(fault) => fault.is_passing(),
            _ => false,
        }
    }

    /// Whether what was asked was certainly not done: it was not sent, or the server that would do it says so. The word of
    /// one that stands before it (502, 504, and 520 to 599 of some) says nothing of what was done behind it.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        match self {
            Self::AddressRefused(_)
            | Self::Connection(_)
            | Self::Certificate(..)
            | Self::Setup(_)
            | Self::NotSetUp(_)
            | Self::Metadata(_)
            | Self::AskedJustNow
            | Self::NotSigned(_)
            | Self::OAuth(_) => true,
            Self::Status(status) => !matches!(status, 200..=299 | 502 | 504 | 520..=599),
            Self::Timeout | Self::Lost(_) | Self::TooLarge(_) | Self::Invalid(_) => false,
        }
    }
}

impl From<Fault> for ProviderError {
    fn from(fault: Fault) -> Self {
        Arc::new(fault).into()
    }
}

impl From<Arc<Fault>> for ProviderError {
    fn from(fault: Arc<Fault>) -> Self {
        match &*fault {
            Fault::OAuth(OAuthError::InvalidGrant) => Self::InvalidGrant(fault.into()),
            passing if passing.is_passing() => Self::Unavailable(fault.into()),
            _ => Self::Failed(fault.into()),
        }
    }
}

impl From<Fault> for NotRefreshed {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(cause) => Self::may_be_spent(ProviderError::Lost(cause.into())),
            undone if undone.is_undone() => Self::unspent(undone),
            unclear => Self::may_be_spent(unclear),
        }
    }
}
