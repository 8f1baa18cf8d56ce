//! Owns refreshing a session's tokens under a lease: one provider call, whose result all who wait for it get.
//! Does not know who wants them.

use super::admit::Admitted;
use super::ports::{Lease, LeaseAttempt, Lookup, Written};
use super::provider::RefreshRequest;
use super::{Authority, Call, Error};
use crate::session::record::Tokens;
use crate::vault::TokenKey;

/// What became of a refresh.
pub(super) enum Refreshed {
    /// New tokens, ours or those of whoever was faster.
    Tokens(Box<Tokens>),
    /// The session ended meanwhile.
    SessionGone,
}

/// How often to try for the lease before telling the caller to come back.
const ATTEMPTS: usize = 3;
/// How often to try to write what the provider gave.
const WRITES: usize = 8;

impl Authority {
    /// Refreshes the tokens that were `seen` sealed. Tokens in the store that differ from them are somebody's fresh
    /// result, and are taken as they are.
    /// Somebody else's refresh is waited for no longer than this call's caller waits.
    pub(super) async fn refresh(&self, call: &Call, admitted: &Admitted, seen: Vec<u8>) -> Result<Refreshed, Error> {
        if !self.settings.tokens.refresh || self.open_tokens(admitted, &seen)?.refresh.is_none() {
            return Err(Error::NoRefreshToken);
        }
        let key = &admitted.credential.key;
        let until = self.ports.clock.now() + call.patience;
        for _ in 0..ATTEMPTS {
            match self.ports.sessions.lease(key, self.settings.tokens.lease).await? {
                LeaseAttempt::Gone => return Ok(Refreshed::SessionGone),
                LeaseAttempt::Busy => {
                    let at_most = self.settings.tokens.wait.min(until.since(self.ports.clock.now()));
                    if at_most.is_zero() {
                        break;
                    }
                    self.ports.sessions.wait_for_lease(key, at_most).await?;
                }
                LeaseAttempt::Taken(lease) => {
                    let refreshed = self.refresh_under(lease.as_ref(), admitted, &seen).await;
                    lease.release().await;
                    return refreshed;
                }
            }
            if let Some(tokens) = self.fresh(admitted, &seen).await? {
                return Ok(tokens);
            }
        }
        Err(Error::RefreshInProgress)
    }

    /// What the store holds now, if it is no longer what was seen.
    async fn fresh(&self, admitted: &Admitted, seen: &[u8]) -> Result<Option<Refreshed>, Error> {
        match self.ports.sessions.tokens(&admitted.credential.key).await? {
            None => Ok(Some(Refreshed::SessionGone)),
            Some(sealed) if sealed == seen => Ok(None),
            Some(sealed) => Ok(Some(Refreshed::Tokens(Box::new(self.open_tokens(admitted, &sealed)?)))),
        }
    }

    async fn refresh_under(&self, lease: &dyn Lease, admitted: &Admitted, seen: &[u8]) -> Result<Refreshed, Error> {
        if let Some(already) = self.fresh(admitted, seen).await? {
            return Ok(already);
        }
        let old = self.open_tokens(admitted, seen)?;
        let identity = &admitted.standing.identity;
        let provider = self.ports.providers.get(&identity.provider).ok_or(Error::NoRefreshToken)?;
        let asked = self.asked();
        let request = RefreshRequest {
            refresh_token: old.refresh.clone().ok_or(Error::NoRefreshToken)?,
            issuer: identity.issuer.clone(),
            sub: identity.sub.clone(),
            auth_time: identity.auth_time,
            now: asked.wall,
        };
        if !lease.is_held() {
            return Err(Error::RefreshInProgress);
        }
        let token_key = self.vault.open_token_key(&admitted.credential, &admitted.record.body)?;
        let tokens = merge(old, asked.in_store_time(provider.refresh(&request).await?));
        let kept = self.keep(lease.fence(), admitted, &token_key, &tokens).await;
        if !matches!(kept, Ok(Refreshed::Tokens(_))) {
            // Nobody would ever use them, and the one they replaced may be spent.
            self.revoke_at_provider(&identity.provider, &tokens);
        }
        kept
    }

    /// Writes refreshed tokens, whatever else was written meanwhile (a rotation wraps their key anew and changes
    /// neither it nor the fence), unless somebody took the lease or the session ended. Since the old refresh token may
    /// be spent, trouble in the store is met by trying again.
    async fn keep(
        &self,
        fence: u64,
        admitted: &Admitted,
        token_key: &TokenKey,
        tokens: &Tokens,
    ) -> Result<Refreshed, Error> {
        let mut trouble = Error::RefreshInProgress;
        for _ in 0..WRITES {
            match self.write(fence, admitted, token_key, tokens).await {
                Ok(Written::Yes) => return Ok(Refreshed::Tokens(Box::new(tokens.clone()))),
                Ok(Written::Gone) => return Ok(Refreshed::SessionGone),
                Ok(Written::FenceLost) => return Err(Error::RefreshInProgress),
                Ok(Written::RevisionChanged) => (),
                Err(error @ Error::StoreUnavailable(_)) => trouble = error,
                Err(error) => return Err(error),
            }
        }
        Err(trouble)
    }

    async fn write(
        &self,
        fence: u64,
        admitted: &Admitted,
        token_key: &TokenKey,
        tokens: &Tokens,
    ) -> Result<Written, Error> {
        let key = &admitted.credential.key;
        let Lookup::Found(mut record) = self.ports.sessions.read(key).await? else { return Ok(Written::Gone) };
        let marks = record.header.marks;
        let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
        standing.access_token_end = tokens.access_end;
        record.body = self.vault.reseal_standing(self.nonce(), key, &marks, &record.body, &standing)?.into();
        record.header.revision += 1;
        Ok(self.ports.sessions.write_tokens(key, fence, record, token_key.seal(self.nonce(), key, tokens)).await?)
    }
}

/// What the provider left out stays as it was (RFC 6749, 6).
fn merge(old: Tokens, new: Tokens) -> Tokens {
    Tokens {
        access: new.access.or(old.access),
        access_end: new.access_end,
        scopes: if new.scopes.is_empty() { old.scopes } else { new.scopes },
        refresh: new.refresh.or(old.refresh),
        id: new.id.or(old.id),
    }
}
