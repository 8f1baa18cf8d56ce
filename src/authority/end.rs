//! Owns ending a presented session: it is dead here first; the provider hears of it beside the answer.
//! Does not know who asked.

use super::admit::Admitted;
use super::stream::{EndedSessions, Untold};
use super::{Authority, Error};
use crate::crypto::Unsealable;
use crate::session::audit::Outcome;
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

/// What ended with a presented session.
pub(super) struct Ended {
    /// Its tokens, which only its credential opens.
    pub(super) tokens: Tokens,
    /// How many sessions were there, and which of them were known.
    pub(super) ended: EndedSessions,
}

impl Authority {
    /// Ends presented sessions, as far as it reaches, and answers what ended with each. `note` hears of each as it ends, and
    /// how: what becomes of the next takes nothing of that back.
    pub(super) async fn end_presented(
        &self,
        all: &[Admitted],
        reach: Reach,
        note: impl Fn(&Admitted, &EndedSessions, Outcome) + Send + Sync,
    ) -> Result<Vec<Ended>, Error> {
        let mut untold = self.untold();
        let ended = self.end_presented_in_store(all, reach, note, &mut untold).await;
        self.when_told(ended, untold).await
    }

    async fn end_presented_in_store(
        &self,
        all: &[Admitted],
        reach: Reach,
        note: impl Fn(&Admitted, &EndedSessions, Outcome) + Send + Sync,
        untold: &mut Untold,
    ) -> Result<Vec<Ended>, Error> {
        let mut ended = Vec::with_capacity(all.len());
        for admitted in all {
            let key = admitted.credential.key;
            let sealed = self.ports.sessions.tokens(&key).await.map_err(Error::from);
            let user = self.user_of(&admitted.standing.identity);
            let ends = match reach {
                Reach::Session => {
                    let ends = self.end_in_store(&[key], Ending::Revoked, untold).await;
                    EndedSessions::known_to_be(ends, |ends| EndedSessions { user: Some(user), ..ends })
                }
                Reach::User => self.end_user_in_store(&user, untold).await,
            };
            if let Some((ends, outcome)) = EndedSessions::of(&ends) {
                note(admitted, ends, outcome);
            }
            let ends = ends?;
            let tokens = self.tokens_of_ended(admitted, sealed);
            self.revoke_at_provider(&admitted.standing.identity.provider, &tokens);
            ended.push(Ended { tokens, ended: ends });
        }
        Ok(ended)
    }

    /// Tokens that can't be opened are no reason to keep a session alive.
    fn tokens_of_ended(&self, admitted: &Admitted, sealed: Result<Option<Vec<u8>>, Error>) -> Tokens {
        let opened = sealed.and_then(|sealed| sealed.map(|sealed| self.open_tokens(admitted, &sealed)).transpose());
        let tokens = opened.unwrap_or_else(|error| {
            tracing::warn!(
                session = admitted.credential.key.public(),
                error = &error as &dyn std::error::Error,
                "the ended session's tokens can't be opened"
            );
            None
        });
        tokens.unwrap_or_default()
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
        let now = self.ports.wall.now();
        self.ports.beside.run(Box::pin(async move {
            if let Err(error) = provider.revoke(&token, now).await {
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
