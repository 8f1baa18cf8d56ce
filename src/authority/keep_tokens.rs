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
use crate::session::record::{Record, Tokens};
use crate::vault::{TokenKey, VaultError};

/// How often to try to write, with a pause that doubles while the store is in trouble: about six seconds in all.
const WRITES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What is to be written.
#[derive(Clone, Copy)]
struct New<'a> {
    tokens: &'a Tokens,
    /// What the user may do now, where the tokens were refreshed.
    rights: Option<&'a Rights>,
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
    /// replace may be spent, neither trouble in the store nor a lost lease lets them be forgotten at once. `rights` come
    /// with what a refresh brought: the session goes by those from then on, and its refresh token is one that was never sent.
    pub(super) async fn keep_tokens(
        &self,
        fence: u64,
        admitted: &Admitted,
        seen: &[u8],
        tokens: &Tokens,
        rights: Option<&Rights>,
    ) -> Result<Refreshed, Error> {
        let new = New { tokens, rights };
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
            Ok(Refreshed::Tokens(_)) => self.changed(&admitted.credential.key, What::Refreshed),
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
            let theirs = self.fresh(admitted, seen).await;
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
        let (key, New { tokens, rights }) = (&admitted.credential.key, new);
        let Lookup::Found(mut record) = self.look_up(key).await? else { return Ok(Attempt::Stored(Written::Gone)) };
        let marks = record.header.marks;
        let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
        let Some(token_key) = self.token_key_now(admitted, &record, token_key).await? else {
            return Ok(Attempt::OtherKey { renewable: standing.renewable });
        };
        standing.access_token_end = tokens.access_end;
        standing.renewable = tokens.refresh.is_some();
        if let Some(rights) = rights {
            rights.give(&mut standing.identity, &tokens.scopes);
            standing.refresh_sent = false;
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
