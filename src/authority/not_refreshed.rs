//! Owns why a refresh brought no tokens, and what that says of the refresh token. Does not know any protocol.

use super::provider::ProviderError;

/// Why a refresh brought nothing.
#[derive(Debug)]
pub struct NotRefreshed {
    /// What went wrong.
    pub error: ProviderError,
    /// What has become of the refresh token.
    pub token: TokenFate,
}

/// What has become of a refresh token that brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFate {
    /// It is as it was: it was not sent, or the provider itself has answered, and has given nothing for it.
    AsItWas,
    /// It may be spent: no answer of the provider's own came, or one that can't be read or believed.
    MayBeSpent,
}

impl NotRefreshed {
    /// The token has reached nobody who would take it.
    #[must_use]
    pub fn unspent(error: impl Into<ProviderError>) -> Self {
        Self { error: error.into(), token: TokenFate::AsItWas }
    }

    /// Nobody knows whether it was taken.
    #[must_use]
    pub fn may_be_spent(error: impl Into<ProviderError>) -> Self {
        Self { error: error.into(), token: TokenFate::MayBeSpent }
    }
}
