//! Owns ending a presented session: it is dead here first; the provider hears of it beside the answer.
//! Does not know who asked.

use super::admit::Admitted;
use super::{Authority, Error};
use crate::crypto::Unsealable;
use crate::session::record::{Ending, Tokens};
use crate::session::rotation::Standpoint;
use crate::vault::{TokenKey, VaultError};

/// How much ends with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing else.
    Session,
    /// Every session of its user, in one step, and the logins of theirs that are under way.
    User,
}

impl Authority {
    /// Ends a session and answers its tokens, which only its credential opens, and whether it was still there.
    pub(super) async fn end(&self, admitted: &Admitted) -> Result<(Tokens, bool), Error> {
        let (tokens, ended) = self.end_with(admitted, Reach::Session).await?;
        Ok((tokens, ended > 0))
    }

    /// The same, and as far as it reaches; answers how many sessions were there. Tokens that can't be opened are no reason
    /// to keep a session alive.
    pub(super) async fn end_with(&self, admitted: &Admitted, reach: Reach) -> Result<(Tokens, u64), Error> {
        let key = &admitted.credential.key;
        let sealed = self.ports.sessions.tokens(key).await.map_err(Error::from);
        let ended = match reach {
            Reach::Session => u64::from(self.end_session(key, Ending::Revoked).await?),
            Reach::User => self.end_user(&self.user_of(&admitted.standing.identity)).await?,
        };
        let opened = sealed.and_then(|sealed| sealed.map(|sealed| self.open_tokens(admitted, &sealed)).transpose());
        let tokens = opened.unwrap_or_else(|error| {
            tracing::warn!(
                session = key.public(),
                error = &error as &dyn std::error::Error,
                "the ended session's tokens can't be opened"
            );
            None
        });
        let tokens = tokens.unwrap_or_default();
        self.revoke_at_provider(&admitted.standing.identity.provider, &tokens);
        Ok((tokens, ended))
    }

    /// Opens a session's tokens with the presented credential. One whose successor was taken up after a failover opens
    /// none: they were lost then.
    pub(super) fn open_tokens(&self, admitted: &Admitted, sealed: &[u8]) -> Result<Tokens, Error> {
        match self.token_key_of(admitted)? {
            Some(key) => Ok(key.open(&admitted.credential.key, sealed)?),
            None => Ok(Tokens::default()),
        }
    }

    /// The key of what is sealed for whoever holds the presented credential; `None` for the predecessor of one that was
    /// taken up after a failover, which nobody could wrap it for.
    pub(super) fn token_key_of(&self, admitted: &Admitted) -> Result<Option<TokenKey>, Error> {
        match self.vault.open_token_key(&admitted.credential, &admitted.record.body) {
            Err(VaultError::Sealed(Unsealable::Broken)) if admitted.standpoint == Standpoint::Predecessor => Ok(None),
            opened => Ok(Some(opened?)),
        }
    }

    /// Revokes a refresh token at the provider (RFC 7009), beside the answer: it may be away, and that blocks nobody.
    pub(super) fn revoke_at_provider(&self, provider: &str, tokens: &Tokens) {
        let Some(provider) = self.ports.providers.get(provider) else { return };
        let Some(token) = tokens.refresh.clone() else { return };
        self.ports.beside.run(Box::pin(async move {
            if let Err(error) = provider.revoke(&token).await {
                let name = &provider.info().name;
                tracing::warn!(
                    provider = name,
                    error = &error as &dyn std::error::Error,
                    "the refresh token was not revoked at the provider"
                );
            }
        }));
    }
}
