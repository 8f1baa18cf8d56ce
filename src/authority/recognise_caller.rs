//! Owns knowing a caller by an API key that was made at run time: a forged key costs a MAC, a good one at most one reading of
//! the store, and one that is known nothing. Does not know how the key came.
//!
//! A key outlives the one that signed it, since its text is with its caller and can't be signed anew. It is told by the hash in
//! its record then, which is sealed anew; the signature only spares the store what is forged. Where it says nothing, the list of
//! the tenant's keys does, which is read once after each change of keys and each loss of the log, and once a second while the
//! store fails.

use std::sync::Arc;
use std::time::Duration;

use super::caller::Caller;
use super::known_callers::{Known, KnownKey, Signers};
use super::stream::MAX_STALENESS;
use super::tenants::Scope;
use super::{Authority, Error};
use crate::crypto::{Digest, equal};
use crate::session::caller::{self, CallerKeyId, Signature};
use crate::session::mark::EVERY_TENANT;
use crate::vault::VaultError;

/// How long what was read of a key counts where this authority may not hear of its end: a cut-off replica is asked of many
/// calls, and reads each key once a second.
const UNHEARD: Duration = Duration::from_secs(1);

/// Whose a key is.
#[derive(Clone, Debug)]
pub enum Recognised {
    /// Nobody's.
    Nobody,
    /// This caller's.
    Caller(Arc<Caller>),
    /// This caller's, whose time is over.
    Ended(Arc<Caller>),
    /// The store has to be asked.
    Unread(Unread),
}

/// A key of which the store has to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it is kept, if it is.
    pub id: CallerKeyId,
    /// Whether a key of the ring says that it was made here.
    pub is_signed: bool,
}

impl Authority {
    /// Whose a key is that says it is kept under `id`, as far as it is known without asking the store.
    pub(super) fn recall_caller(&self, id: CallerKeyId, text: &[u8], hash: &Digest) -> Recognised {
        let is_signed = match caller::signature(text, &self.vault.caller_key) {
            Signature::Good => true,
            Signature::Forged => return Recognised::Nobody,
            Signature::Unknown if self.is_listed(&id) == Some(false) => return Recognised::Nobody,
            Signature::Unknown => false,
        };
        match self.known_caller(&id) {
            Known::Key(key, is_due) => {
                if is_due {
                    self.read_again_beside(id);
                }
                self.judged(key, hash)
            }
            Known::Gone => Recognised::Nobody,
            // Reading it says so.
            Known::Unknown | Known::Shut(_) => Recognised::Unread(Unread { id, is_signed }),
        }
    }

    /// Whose a key is, as the store has it.
    pub(super) async fn read_caller(&self, key: Unread, hash: &Digest) -> Result<Recognised, Error> {
        if !key.is_signed && !self.outlives_its_signer(&key.id).await? {
            return Ok(Recognised::Nobody);
        }
        if let Known::Shut(error) = self.known_caller(&key.id) {
            return Err(error.into());
        }
        Ok(self.read_key(key.id).await?.map_or(Recognised::Nobody, |key| self.judged(key, hash)))
    }

    /// Whether there is such a key, whose signer is not at hand: asked of the store once for all keys of its tenant.
    async fn outlives_its_signer(&self, id: &CallerKeyId) -> Result<bool, Error> {
        let known = self.stream.callers();
        let turn = known.turns.next(id.tenant, &self.ports.clock).await;
        if let Some(is_listed) = self.is_listed(id) {
            return Ok(is_listed);
        }
        let mut turn = turn.ok_or_else(|| Error::StoreUnavailable("keys could not be listed just now".into()))?;
        let reading = known.reading(id.tenant);
        let kept = turn.list(self.ports.callers.caller_keys(id.tenant)).await?;
        // One that does not open is none that there is not: reading it says why.
        let signer =
            |id: &CallerKeyId, sealed: &[u8]| self.vault.open_caller(id, sealed).ok().and_then(|facts| facts.signer);
        let keys: Signers = kept.iter().map(|(id, kept)| (*id, signer(id, &kept.sealed))).collect();
        known.list(id.tenant, keys, reading);
        // Where something was forgotten meanwhile, it is read and judged by its hash all the same.
        Ok(self.is_listed(id).unwrap_or_else(|| kept.iter().any(|(own, _)| own == id)))
    }

    fn is_listed(&self, id: &CallerKeyId) -> Option<bool> {
        self.stream.callers().is_listed(id, |signer| self.vault.caller_key.has(signer))
    }

    /// For how long a key that was good may still be taken for so: no longer than what was read of it may be stale, however the
    /// log and the store fare meanwhile. `None` where it is not good any more.
    pub(super) async fn caller_is_good_for(&self, id: CallerKeyId) -> Result<Option<Duration>, Error> {
        let key = match self.known_caller(&id) {
            Known::Key(key, is_due) => {
                if is_due {
                    self.read_again_beside(id);
                }
                Some(key)
            }
            Known::Gone => None,
            Known::Shut(error) => return Err(error.into()),
            Known::Unknown => self.read_key(id).await?,
        };
        let stale = |key: &KnownKey| (key.at + MAX_STALENESS).saturating_sub(self.ports.clock.running());
        Ok(key.filter(|key| !self.has_ended(&key.caller)).as_ref().map(stale))
    }

    fn known_caller(&self, id: &CallerKeyId) -> Known {
        let now = self.ports.clock.running();
        let for_at_most = if self.stream.is_trusted(now) { MAX_STALENESS } else { UNHEARD };
        self.stream.callers().get(id, now, for_at_most)
    }

    fn read_again_beside(&self, id: CallerKeyId) {
        let authority = self.clone();
        let reading = async move {
            if let Err(error) = authority.read_key(id).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a caller's key could not be read again yet");
            }
        };
        // Where it does not begin, the next call that finds the key too old reads it.
        let _ = self.ports.beside.run(Box::pin(reading));
    }

    async fn read_key(&self, id: CallerKeyId) -> Result<Option<KnownKey>, Error> {
        let known = self.stream.callers();
        let (reading, at) = (known.reading(id.tenant), self.ports.clock.running());
        let kept = self.ports.callers.caller_key(&id).await?;
        let found = kept.map(|kept| self.open_key(id, &kept.sealed, at)).transpose();
        known.keep(id, found.clone(), reading, at);
        Ok(found?.filter(|_| !known.is_revoked(&id)))
    }

    fn open_key(&self, id: CallerKeyId, sealed: &[u8], at: Duration) -> Result<KnownKey, VaultError> {
        let facts = self.vault.open_caller(&id, sealed)?;
        let caller = Caller {
            name: self.caller_name(&id, &facts.name).into(),
            role: facts.role,
            // Whoever can write rows of one tenant, and has its secret, has no other.
            tenants: match facts.tenants {
                _ if id.tenant != EVERY_TENANT => Scope::one(id.tenant),
                None => Scope::Every,
                Some(tenants) => Scope::of(tenants),
            },
            rpcs: facts.rpcs,
            key: Some(id),
            ends: Some(facts.ends),
        };
        Ok(KnownKey { caller: Arc::new(caller), hash: facts.hash, at })
    }

    fn judged(&self, key: KnownKey, hash: &Digest) -> Recognised {
        if !equal(&key.hash, hash) {
            return Recognised::Nobody;
        }
        if self.has_ended(&key.caller) { Recognised::Ended(key.caller) } else { Recognised::Caller(key.caller) }
    }

    fn has_ended(&self, caller: &Caller) -> bool {
        caller.ends.is_some_and(|ends| ends <= self.ports.clock.now())
    }
}
