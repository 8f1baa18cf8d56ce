//! Owns the ways in which the authority can fail to answer, named by what the caller can do. What is wrong with a
//! session is not among them: that is an answer. Does not know status codes.

use std::sync::Arc;
use std::time::Duration;

use super::answer::HttpAnswer;
use super::ports::{Cause, StoreError};
use super::provider::{Offer, ProviderError};
use super::stream::EndedSessions;
use crate::crypto::Unsealable;
use crate::vault::VaultError;

/// Why there is no answer. `Display` is fixed text that a caller may see; causes are sources, for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the caller's own is not right: its path, what was expected.
    #[error("{field}: {expected}")]
    InvalidField {
        /// The field's path in the request, as in the contract.
        field: &'static str,
        /// What was expected, and what to do.
        expected: String,
    },
    /// A requirement can't be judged without the request context.
    #[error("requirements.{0}: it can't be judged without `context`; send what the edge saw of the request")]
    ContextRequired(&'static str),
    /// The store can't be reached, or did not answer in time.
    #[error("the session store is unavailable; try again")]
    StoreUnavailable(#[source] Cause),
    /// It is done, and a failover of the store may still undo it.
    #[error("it has ended, and too few replicas of the store have it yet, so a failover may undo it; try again")]
    Unreplicated {
        /// Why nobody can say that they have it.
        source: Cause,
        /// What has ended, as far as it is known.
        ended: Box<EndedSessions>,
    },
    /// A record is sealed with a key that is not loaded.
    #[error("a record is sealed with a key that is not loaded; restore it in the configuration")]
    KeyUnavailable(#[source] Cause),
    /// The provider can't be reached, or answered with trouble of its own.
    #[error("the identity provider is unavailable; try again")]
    ProviderUnavailable(#[source] Cause),
    /// The provider refused the session's refresh or access token.
    #[error("the identity provider refused the session's token; a new login is needed for new tokens")]
    ProviderRefused(#[source] Cause),
    /// The session holds no refresh token.
    #[error("the session holds no refresh token; see oidc.refresh_tokens in the configuration")]
    NoRefreshToken,
    /// The access token lives too short, and can't be refreshed.
    #[error("the access token has expired or lives shorter than asked for, and can't be refreshed")]
    AccessTokenExpired,
    /// Somebody else is refreshing and has not finished.
    #[error("the tokens are being refreshed by another call; try again")]
    RefreshInProgress,
    /// No token is given for this audience.
    #[error("no token is given for this audience; see the audiences in the configuration")]
    AudienceRefused,
    /// The authority mints no tokens.
    #[error("this authority mints no tokens; see tokens.mint in the configuration")]
    MintingOff,
    /// The provider gives no token for another audience, or is not asked for any.
    #[error("no token for another audience can be had of this provider; see token_exchange in the configuration")]
    ExchangeUnsupported,
    /// No token is checked.
    #[error("this authority checks no access tokens; see access_tokens and tokens.mint in the configuration")]
    TokenCheckOff,
    /// The provider does not say anew who the user is.
    #[error("the identity provider offers no user info to ask again")]
    UserInfoUnsupported,
    /// No living session has this id.
    #[error("no living session has this id")]
    SessionNotFound,
    /// Nobody with this id has logged in, or they were deleted long ago.
    #[error("no user has this id")]
    UserNotFound,
    /// Nothing is kept of what happened.
    #[error("this authority keeps no audit entries: see app.audit.keep_for in the configuration")]
    AuditOff,
    /// No audit entry is kept of this request.
    #[error(
        "no audit entry is kept of this request id: it is of another tenant, too long ago, or was never one of a login"
    )]
    RequestUnknown,
    /// What was to be changed has been changed meanwhile.
    #[error("another version is kept by now; read it again, and decide again")]
    VersionConflict,
    /// The idempotency key came with another request before.
    #[error(
        "idempotency_key: it came with another request before; send each request with a key of its own, and the same \
         key only with the same request"
    )]
    IdempotencyKeyReused,
    /// The call or its key names a tenant that there is not, or that the caller may not ask for.
    #[error("this API key knows no such tenant; see `tenants` of the caller, and metadata `x-tenant-id`")]
    TenantUnknown,
    /// The caller may ask for several tenants, the default one not among them, and named none.
    #[error("this API key is for several tenants: name one in metadata `x-tenant-id`")]
    TenantNotNamed,
    /// The caller may not ask for every tenant, or asks for one.
    #[error(
        "`everything` is the sessions of every tenant: name none with the call, by an API key that is for all of them"
    )]
    NotEveryTenant,
    /// A caller's key would give more than whoever makes it has: what is more, and what to do.
    #[error("nobody makes an API key that gives more than their own: {0}")]
    BeyondMaker(&'static str),
    /// The tenant has as many callers' keys as it may have.
    #[error("the tenant has 1,000 API keys that were made at run time; revoke one that nobody needs")]
    CallerKeyLimit,
    /// A client, or all of the tenant's, did something too often.
    #[error("too many of these came from this client, or for this tenant; try again later")]
    RateLimited {
        /// How long it is until the next one is let through.
        wait: Duration,
        /// What to answer the browser.
        answer: Box<HttpAnswer>,
    },
    /// A fault of the authority's own.
    #[error("internal error")]
    Internal(#[source] Cause),
}

impl Error {
    /// The number under which this is kept as the answer to an idempotency key; `None` for what another try may mend, and
    /// for what was refused before anything was looked at. The format of kept answers fixes the numbers.
    pub(super) const fn kept_number(&self) -> Option<u8> {
        match self {
            Self::VersionConflict => Some(1),
            Self::UserNotFound => Some(2),
            Self::NoRefreshToken => Some(3),
            Self::ProviderRefused(_) => Some(4),
            Self::UserInfoUnsupported => Some(5),
            Self::AccessTokenExpired => Some(6),
            _ => None,
        }
    }

    /// The failure of that number, told once more.
    pub(super) fn kept(number: u8) -> Self {
        match number {
            1 => Self::VersionConflict,
            2 => Self::UserNotFound,
            3 => Self::NoRefreshToken,
            4 => Self::ProviderRefused("its idempotency key was answered so before".into()),
            5 => Self::UserInfoUnsupported,
            6 => Self::AccessTokenExpired,
            _ => Self::Internal("a failure of a later version is kept for this idempotency key".into()),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => Self::StoreUnavailable(cause),
            StoreError::Unreplicated(source) => Self::Unreplicated { source, ended: Box::default() },
            StoreError::Unreadable(cause) => Self::Internal(cause),
        }
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Sealed(Unsealable::UnknownKey { .. }) => Self::KeyUnavailable(error.into()),
            VaultError::Sealed(Unsealable::Broken) | VaultError::Format => Self::Internal(error.into()),
        }
    }
}

/// An error with its causes, as people read it.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

/// The same, for whoever is shown less than the log: of what is [`Foreign`] its word alone.
#[must_use]
pub fn in_our_words(error: &(dyn std::error::Error + 'static)) -> String {
    let (mut text, mut cause) = (String::new(), Some(error));
    while let Some(own) = cause {
        let foreign = own.downcast_ref::<Foreign>();
        let words = foreign.map_or_else(|| Some(own.to_string()), |foreign| foreign.word.clone());
        if let Some(words) = words {
            text = if text.is_empty() { words } else { format!("{text}: {words}") };
        }
        cause = own.source().filter(|_| foreign.is_none());
    }
    text
}

/// An error of a library that speaks to others. Its text, and what lies behind it, may repeat what they wrote: it is for the
/// log, as it is. What anybody else may read of it is a word.
#[derive(Debug)]
pub struct Foreign {
    cause: Cause,
    word: Option<String>,
}

impl Foreign {
    /// The error, and a word for it that nobody else wrote, if there is one.
    #[must_use]
    pub fn new(cause: impl Into<Cause>, word: Option<String>) -> Self {
        Self { cause: cause.into(), word }
    }
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.cause, f)
    }
}

impl std::error::Error for Foreign {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(cause) | ProviderError::Lost(cause) | ProviderError::Failed(cause) => {
                Self::ProviderUnavailable(cause)
            }
            ProviderError::InvalidGrant(cause) | ProviderError::RequestRefused(cause) => Self::ProviderRefused(cause),
            ProviderError::Rejected(_)
            | ProviderError::Unsupported(Offer::LoginAge | Offer::LoginContext | Offer::SilentLogin) => {
                Self::ProviderRefused(error.into())
            }
            // A token that was bound to a key which there is no longer.
            ProviderError::Unsupported(Offer::Proofs) => Self::AccessTokenExpired,
            ProviderError::Unsupported(Offer::UserInfo) => Self::UserInfoUnsupported,
            ProviderError::Unsupported(Offer::TokenExchange) => Self::ExchangeUnsupported,
            ProviderError::AudienceRefused(_) => Self::AudienceRefused,
        }
    }
}

impl From<Arc<Error>> for Error {
    /// The same error for each of those who waited for one piece of work.
    fn from(shared: Arc<Self>) -> Self {
        match &*shared {
            Self::InvalidField { field, expected } => Self::InvalidField { field, expected: expected.clone() },
            Self::ContextRequired(requirement) => Self::ContextRequired(requirement),
            Self::StoreUnavailable(_) => Self::StoreUnavailable(shared.into()),
            Self::Unreplicated { ended, .. } => {
                Self::Unreplicated { ended: ended.clone(), source: Arc::clone(&shared).into() }
            }
            Self::KeyUnavailable(_) => Self::KeyUnavailable(shared.into()),
            Self::ProviderUnavailable(_) => Self::ProviderUnavailable(shared.into()),
            Self::ProviderRefused(_) => Self::ProviderRefused(shared.into()),
            Self::NoRefreshToken => Self::NoRefreshToken,
            Self::AccessTokenExpired => Self::AccessTokenExpired,
            Self::RefreshInProgress => Self::RefreshInProgress,
            Self::AudienceRefused => Self::AudienceRefused,
            Self::MintingOff => Self::MintingOff,
            Self::ExchangeUnsupported => Self::ExchangeUnsupported,
            Self::TokenCheckOff => Self::TokenCheckOff,
            Self::UserInfoUnsupported => Self::UserInfoUnsupported,
            Self::SessionNotFound => Self::SessionNotFound,
            Self::UserNotFound => Self::UserNotFound,
            Self::AuditOff => Self::AuditOff,
            Self::RequestUnknown => Self::RequestUnknown,
            Self::VersionConflict => Self::VersionConflict,
            Self::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            Self::TenantUnknown => Self::TenantUnknown,
            Self::TenantNotNamed => Self::TenantNotNamed,
            Self::NotEveryTenant => Self::NotEveryTenant,
            Self::BeyondMaker(what) => Self::BeyondMaker(what),
            Self::CallerKeyLimit => Self::CallerKeyLimit,
            Self::RateLimited { wait, answer } => Self::RateLimited { wait: *wait, answer: answer.clone() },
            Self::Internal(_) => Self::Internal(shared.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 109: a library may repeat what the other side wrote, as h2 does with the words of a GOAWAY.
    #[test]
    fn what_others_wrote_is_for_the_log_alone() {
        let theirs = || std::io::Error::other("CANARY: closed by the other side");
        for (word, shown) in [(None, ""), (Some("connection reset"), ": connection reset")] {
            let error = ProviderError::Failed(Foreign::new(theirs(), word.map(str::to_owned)).into());
            assert_eq!(in_our_words(&error), format!("the identity provider answered with an error{shown}"));
            assert!(with_causes(&error).contains("CANARY"));
        }
    }
}
