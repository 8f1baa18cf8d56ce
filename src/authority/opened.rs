//! Owns the standings that were opened of late, so that a session in use is not unsealed anew for every request.
//! Does not know whether a session lives: that is asked of the store every time.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::open_standing::OpenStanding;
use crate::session::key::SessionKey;
use crate::session::record::{Marks, Record};
use crate::vault::{Vault, VaultError};

/// How many are remembered at most. Each takes about 1.5 kB.
const SLOTS: usize = 8192;

/// What opening has given. Every session has one slot, by its id, which is a hash; of two in one slot the later stays.
///
/// **Invariant:** an answer is what [`Vault::open_standing`] would answer now: key, marks and every sealed byte have
/// to be those that were opened.
pub(super) struct Opened {
    slots: Box<[Mutex<Option<Box<Slot>>>]>,
}

struct Slot {
    key: SessionKey,
    marks: Marks,
    body: Bytes,
    standing: Arc<OpenStanding>,
}

impl Opened {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Mutex::default()).collect() }
    }

    /// The standing in a record's body.
    ///
    /// # Errors
    /// As [`Vault::open_standing`].
    pub(super) fn standing(
        &self,
        vault: &Vault,
        key: &SessionKey,
        record: &Record,
    ) -> Result<Arc<OpenStanding>, VaultError> {
        let (marks, body) = (record.header.marks, &record.body);
        let slot = self.slot(key);
        if let Some(slot) = slot {
            let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |kept: &&Slot| kept.key == *key && kept.marks == marks && kept.body == *body;
            if let Some(kept) = slot.as_deref().filter(same) {
                return Ok(Arc::clone(&kept.standing));
            }
        }
        let standing: Arc<OpenStanding> = vault.open_standing(key, &marks, body)?.into();
        if let Some(slot) = slot {
            let kept = Slot { key: *key, marks, body: body.clone(), standing: Arc::clone(&standing) };
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(kept));
        }
        Ok(standing)
    }

    /// Forgets a session that is gone.
    pub(super) fn forget(&self, key: &SessionKey) {
        if let Some(slot) = self.slot(key) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.as_ref().is_some_and(|kept| kept.key == *key) {
                *slot = None;
            }
        }
    }

    fn slot(&self, key: &SessionKey) -> Option<&Mutex<Option<Box<Slot>>>> {
        let [first, second, ..] = key.id;
        self.slots.get(usize::from(u16::from_be_bytes([first, second])) % SLOTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};
    use crate::session::credential::Credential;
    use crate::session::identity::Identity;
    use crate::session::key::{Partition, TenantNumber};
    use crate::session::record::{Header, Standing};
    use crate::session::time::Timestamp;
    use crate::vault::TokenKey;

    fn vault() -> Vault {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        Vault::new(&ring, &ring)
    }

    fn record(name: &str, marks: Marks) -> (SessionKey, Record) {
        let credential = Credential::new(TenantNumber(1), Partition::new(1).unwrap(), [1; 16], 1, [2; 32]);
        let identity = Identity { name: Some(name.to_owned()), ..nobody() };
        let moment = Timestamp::default();
        let standing = Standing {
            identity,
            created: moment,
            absolute_end: moment,
            remembered: false,
            generation_since: moment,
            fingerprint: None,
            user_agent: String::new(),
            client_address: String::new(),
            provider_session: None,
            access_token_end: None,
            renewable: false,
            user_info_time: None,
        };
        let body = vault().seal_body([1; 12], &credential, &marks, &standing, &TokenKey::new([3; 32])).into();
        let current = credential.secret_hash();
        let header = Header { revision: 1, generation: 1, current, other: None, last_active: None, fence: 0, marks };
        (credential.key, Record { header, body })
    }

    fn nobody() -> Identity {
        Identity {
            user_id: String::new(),
            provider: String::new(),
            issuer: String::new(),
            sub: String::new(),
            email: None,
            email_verified: false,
            name: None,
            picture: None,
            claims: serde_json::Map::new(),
            scopes: Vec::new(),
            auth_time: Timestamp::default(),
            acr: None,
            amr: Vec::new(),
        }
    }

    // security.md 75: what was opened once vouches for nothing else.
    #[test]
    fn only_what_was_opened_is_answered_from_memory() {
        let (opened, vault, marks) = (Opened::new(), vault(), Marks::default());
        let (key, first) = record("Ada", marks);
        let once = opened.standing(&vault, &key, &first).unwrap();
        assert!(Arc::ptr_eq(&once, &opened.standing(&vault, &key, &first).unwrap()));

        let (_, second) = record("Grace", marks);
        assert_eq!(opened.standing(&vault, &key, &second).unwrap().identity.name.as_deref(), Some("Grace"));

        let mut false_marks = second.clone();
        false_marks.header.marks.tenant = 1;
        assert!(opened.standing(&vault, &key, &false_marks).is_err());
        let other = SessionKey { tenant: TenantNumber(2), ..key };
        assert!(opened.standing(&vault, &other, &second).is_err());
        let cut = Record { body: second.body.slice(..second.body.len() - 1), ..second.clone() };
        assert!(opened.standing(&vault, &key, &cut).is_err());
    }

    #[test]
    fn a_session_that_is_gone_is_forgotten() {
        let (opened, vault) = (Opened::new(), vault());
        let (key, record) = record("Ada", Marks::default());
        let once = opened.standing(&vault, &key, &record).unwrap();
        opened.forget(&key);
        assert!(!Arc::ptr_eq(&once, &opened.standing(&vault, &key, &record).unwrap()));
    }
}
