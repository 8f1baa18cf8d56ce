//! Owns writing new tokens into their session: under the fence, whatever else is written meanwhile, through trouble in
//! the store. Does not know where the tokens came from.

use std::time::Duration;

use super::admit::Admitted;
use super::ports::{LeaseAttempt, Lookup, Written};
use super::provider::Rights;
use super::refresh::{ATTEMPTS, Refreshed};
use super::{Authority, Error};
use crate::crypto::Unsealable;
use crate::session::event::What;
use crate::session::record::{Record, RefreshToken, Tokens};
use crate::session::spent::Spent;
use crate::vault::{TokenKey, VaultError};

/// How often to try to write, with a pause that doubles while the store is in trouble: about six seconds in all.
pub(super) const WRITES: u32 = 8;
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What has brought new tokens.
#[derive(Clone, Copy)]
pub(super) enum Brought<'a> {
    /// A refresh.
    Refresh {
        /// What the user may do now.
        rights: &'a Rights,
        /// The refresh token that was sent, where another came for it.
        spent: Option<Spent>,
    },
    /// An exchange: one more token for another audience.
    Exchange,
    /// The refusal of the refresh token, which is not among them any more.
    Refusal,
}

/// What is to be written.
#[derive(Clone, Copy)]
struct New<'a> {
    tokens: &'a Tokens,
    brought: Brought<'a>,
}

/// What became of writing tokens.
enum Attempt {
    /// What the store says.
    Stored(Written),
    /// The session has a key by now that the credential in hand does not open: after a failover another credential was
    /// taken up, and the tokens were lost. Whether it has others that can be renewed.
    OtherKey { renewable: bool },
}

impl Authority {
    /// Writes `tokens` over those that were `seen` sealed, and answers those that the session has then. Since what they
    /// replace may be spent, neither trouble in the store nor a lost lease lets them be forgotten at once. After a refresh the
    /// session goes by the rights that came with it, and its refresh token is one that was never sent.
    pub(super) async fn keep_tokens(
        &self,
        fence: u64,
        admitted: &Admitted,
        seen: &[u8],
        tokens: &Tokens,
        brought: Brought<'_>,
    ) -> Result<Refreshed, Error> {
        let new = New { tokens, brought };
        let key = self.vault.open_token_key(&admitted.credential, &admitted.record.body)?;
        let kept = match self.write_tokens(fence, admitted, &key, new).await {
            Ok(Attempt::Stored(Written::FenceLost)) => self.keep_after_all(admitted, seen, &key, new).await,
            Ok(Attempt::Stored(Written::Yes)) => Ok(Refreshed::Tokens(Box::new(tokens.clone()))),
            Ok(Attempt::Stored(Written::Gone)) => Ok(Refreshed::SessionGone),
            Ok(Attempt::Stored(Written::RevisionChanged)) => Err(Error::RefreshInProgress),
            Ok(Attempt::OtherKey { renewable }) => Err(self.for_nobody(admitted, tokens, renewable)),
            Err(error) => Err(error),
        };
        match &kept {
            // Nobody would ever use them. Where a token of the same grant lives on in the session, it might be revoked
            // with this one.
            Ok(Refreshed::SessionGone) => self.revoke_at_provider(&admitted.standing.identity.provider, tokens),
            Ok(Refreshed::Tokens(_)) => {
                let spent = if let Brought::Refresh { spent, .. } = brought { spent } else { None };
                self.changed(&admitted.credential.key, |session| What::Refreshed { session, spent });
            }
            Err(error) => tracing::error!(
                session = admitted.credential.key.public(),
                error = error as &dyn std::error::Error,
                "refreshed tokens could not be kept; the session's own may be spent"
            ),
        }
        kept
    }

    /// Somebody took the lease over while the provider was asked. If they brought tokens, those are good; else ours are
    /// written under a lease of our own, once theirs is free.
    async fn keep_after_all(
        &self,
        admitted: &Admitted,
        seen: &[u8],
        token_key: &TokenKey,
        new: New<'_>,
    ) -> Result<Refreshed, Error> {
        let key = &admitted.credential.key;
        for _ in 0..ATTEMPTS {
            let lease = match self.ports.sessions.lease(key, self.settings.tokens.lease).await? {
                LeaseAttempt::Taken(lease) => lease,
                LeaseAttempt::Gone => return Ok(Refreshed::SessionGone),
                LeaseAttempt::Busy => {
                    self.ports.sessions.wait_for_lease(key, self.settings.tokens.wait).await?;
                    continue;
                }
            };
            // What they were refused was spent for ours.
            let theirs = match self.fresh(admitted, seen).await {
                Err(Error::ProviderRefused(_)) => Ok(None),
                theirs => theirs,
            };
            let written = match theirs {
                Ok(None) => self.write_tokens(lease.fence(), admitted, token_key, new).await,
                _ => Ok(Attempt::Stored(Written::FenceLost)),
            };
            lease.release().await;
            match (theirs?, written?) {
                (Some(theirs), _) => return Ok(theirs),
                (None, Attempt::Stored(Written::Yes)) => return Ok(Refreshed::Tokens(Box::new(new.tokens.clone()))),
                (None, Attempt::Stored(Written::Gone)) => return Ok(Refreshed::SessionGone),
                (None, Attempt::OtherKey { renewable }) => {
                    return Err(self.for_nobody(admitted, new.tokens, renewable));
                }
                (None, Attempt::Stored(Written::FenceLost | Written::RevisionChanged)) => (),
            }
        }
        Err(Error::RefreshInProgress)
    }

    /// Drops the session's refresh token, which the provider has refused: nobody sends it again, and no replica asks for it.
    /// The caller holds the lease. Where the store does not take it, the next who needs other tokens is refused anew.
    pub(super) async fn give_up_refresh_token(&self, fence: u64, admitted: &Admitted, tokens: Tokens) {
        let key = &admitted.credential.key;
        let tokens = Tokens { refresh: None, ..tokens };
        let written = match self.vault.open_token_key(&admitted.credential, &admitted.record.body) {
            Ok(token_key) => {
                let new = New { tokens: &tokens, brought: Brought::Refusal };
                self.write_tokens(fence, admitted, &token_key, new).await
            }
            Err(error) => Err(error.into()),
        };
        match written {
            Ok(Attempt::Stored(Written::Yes)) => self.changed(key, What::Changed),
            // Gone, or somebody else has the lease or other tokens.
            Ok(_) => (),
            Err(error) => tracing::warn!(
                session = key.public(),
                error = &error as &dyn std::error::Error,
                "a refresh token that the provider has refused could not be dropped"
            ),
        }
    }

    /// Nobody could open these tokens. They are revoked, unless the session has others by now: those might end with them.
    /// Whoever asks again comes with the credential in force.
    fn for_nobody(&self, admitted: &Admitted, tokens: &Tokens, renewable: bool) -> Error {
        if !renewable {
            self.revoke_at_provider(&admitted.standing.identity.provider, tokens);
        }
        Error::RefreshInProgress
    }

    /// Tries until it is written, or never will be under this fence. A rotation wraps the tokens' key anew, and changes
    /// neither it nor the fence.
    async fn write_tokens(
        &self,
        fence: u64,
        admitted: &Admitted,
        token_key: &TokenKey,
        new: New<'_>,
    ) -> Result<Attempt, Error> {
        let mut last = Ok(Attempt::Stored(Written::RevisionChanged));
        for turn in 0..WRITES {
            last = self.write_once(fence, admitted, token_key, new).await;
            match &last {
                Ok(Attempt::Stored(Written::RevisionChanged)) => (),
                Err(Error::StoreUnavailable(_)) if turn + 1 < WRITES => {
                    self.ports.beside.pause(FIRST_PAUSE * 2_u32.pow(turn)).await;
                }
                _ => break,
            }
        }
        last
    }

    async fn write_once(
        &self,
        fence: u64,
        admitted: &Admitted,
        token_key: &TokenKey,
        new: New<'_>,
    ) -> Result<Attempt, Error> {
        let (key, New { tokens, brought }) = (&admitted.credential.key, new);
        let Lookup::Found(mut record) = self.look_up(key).await? else { return Ok(Attempt::Stored(Written::Gone)) };
        let marks = record.header.marks;
        let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
        let Some(token_key) = self.token_key_now(admitted, &record, token_key).await? else {
            return Ok(Attempt::OtherKey { renewable: standing.refresh_token.is_there() });
        };
        standing.access_token_end = tokens.access_end;
        match brought {
            Brought::Refresh { rights, .. } => {
                rights.give(&mut standing.identity, &tokens.scopes);
                standing.refresh_token = RefreshToken::of(tokens);
            }
            Brought::Exchange => (),
            Brought::Refusal => standing.refresh_token = RefreshToken::Refused,
        }
        record.body = self.vault.reseal_standing(self.nonce(), key, &marks, &record.body, &standing)?.into();
        record.header.revision += 1;
        let sealed = token_key.seal(self.nonce(), key, tokens);
        Ok(Attempt::Stored(self.ports.sessions.write_tokens(key, fence, record, sealed).await?))
    }

    /// The key that the session's tokens have now, as far as this credential opens it: what is sealed with another is lost
    /// to everybody. The write that follows is void if the key changes before it, since the revision does too.
    async fn token_key_now(
        &self,
        admitted: &Admitted,
        record: &Record,
        before: &TokenKey,
    ) -> Result<Option<TokenKey>, Error> {
        match self.vault.open_token_key(&admitted.credential, &record.body) {
            Ok(key) => Ok(Some(key)),
            Err(VaultError::Sealed(Unsealable::Broken)) => {
                // Rotated twice since, or taken up after a failover: the tokens that are there tell which.
                let key = &admitted.credential.key;
                let sealed = self.ports.sessions.tokens(key).await?;
                Ok(sealed.filter(|sealed| before.open(key, sealed).is_ok()).map(|_| before.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }
}
