//! Owns sealing what is kept of an API key that was made at run time: whoever can write into the store makes no caller. Does
//! not know what a caller may do.

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::encoding::{decode, encode};
use super::{NONCE_LEN, Vault, VaultError, key_of_sealed};
use crate::session::caller::{CallerFacts, CallerKeyId, Role, Rpcs};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

const VERSION: &[u8] = &[1];
/// Stands alone in the list of a caller that may make every call of its role.
const ALL: &str = "*";

#[derive(Encode, Decode)]
struct CallerForm {
    #[n(0)]
    name: String,
    /// 0: edge, 1: backend, 2: admin.
    #[n(1)]
    role: u8,
    #[n(2)]
    tenants: Option<Vec<u32>>,
    /// Absent: the usual ones.
    #[n(3)]
    rpcs: Option<Vec<String>>,
    #[n(4)]
    hash: ByteArray<32>,
    #[n(5)]
    created: u64,
    #[n(6)]
    created_by: String,
    #[n(7)]
    ends: u64,
    #[n(8)]
    signer: Option<ByteArray<4>>,
}

impl Vault {
    /// Seals what is kept of a key.
    #[must_use]
    pub fn seal_caller(&self, nonce: [u8; NONCE_LEN], id: &CallerKeyId, facts: &CallerFacts) -> Vec<u8> {
        let form = CallerForm {
            name: facts.name.clone(),
            role: match facts.role {
                Role::Edge => 0,
                Role::Backend => 1,
                Role::Admin => 2,
            },
            tenants: facts.tenants.as_ref().map(|all| all.iter().map(|tenant| tenant.0).collect()),
            rpcs: match &facts.rpcs {
                Rpcs::Usual => None,
                Rpcs::All => Some(vec![ALL.to_owned()]),
                Rpcs::Only(rpcs) => Some(rpcs.clone()),
            },
            hash: facts.hash.into(),
            created: facts.created.as_millis(),
            created_by: facts.created_by.clone(),
            ends: facts.ends.as_millis(),
            signer: facts.signer.map(Into::into),
        };
        self.caller.seal(nonce, &[&id.to_bytes()], &[b"caller", VERSION], &encode(&form))
    }

    /// Opens what is kept of a key.
    ///
    /// # Errors
    /// When the ring's key is not loaded, or it is not what was sealed for this key.
    pub fn open_caller(&self, id: &CallerKeyId, sealed: &[u8]) -> Result<CallerFacts, VaultError> {
        let form: CallerForm = decode(&self.caller.open(&[&id.to_bytes()], &[b"caller", VERSION], sealed)?)?;
        // Where it was not noted: one key did both, unless sealing has keys of its own.
        let by_place = || key_of_sealed(sealed).ok().filter(|id| self.caller_key.has(id));
        Ok(CallerFacts {
            name: form.name,
            role: match form.role {
                0 => Role::Edge,
                1 => Role::Backend,
                2 => Role::Admin,
                _ => return Err(VaultError::Format),
            },
            tenants: form.tenants.map(|all| all.into_iter().map(TenantNumber).collect()),
            rpcs: match form.rpcs {
                None => Rpcs::Usual,
                Some(rpcs) if rpcs == [ALL] => Rpcs::All,
                Some(rpcs) => Rpcs::Only(rpcs),
            },
            hash: form.hash.into(),
            created: Timestamp::from_millis(form.created),
            created_by: form.created_by,
            ends: Timestamp::from_millis(form.ends),
            signer: form.signer.map(Into::into).or_else(by_place),
        })
    }

    /// Whether it is sealed with the ring's active key or a later one. One that is not is to be sealed anew.
    #[must_use]
    pub fn is_caller_up_to_date(&self, sealed: &[u8]) -> bool {
        self.caller.is_up_to_date(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};

    // security.md 75: a record opens for the key that it was made for, and for no other.
    #[test]
    fn it_opens_for_its_key_alone() {
        let ring =
            |text: &str, former: &[&str]| KeyRing::new(Secret::new(text), former.iter().map(|text| Secret::new(*text)));
        let vault = |ring: KeyRing| Vault::new(&ring, &ring);
        let (old, new) = (vault(ring("the old secret", &[])), vault(ring("the new secret", &["the old secret"])));
        let id = CallerKeyId { tenant: TenantNumber(1), id: [7; 12] };
        let facts = CallerFacts {
            name: "ci".into(),
            role: Role::Backend,
            tenants: Some(vec![TenantNumber(1), TenantNumber(9)]),
            rpcs: Rpcs::Only(vec!["/a.B/C".into()]),
            hash: [3; 32],
            created: Timestamp::from_secs(5),
            created_by: "ops".into(),
            ends: Timestamp::from_secs(9),
            signer: old.caller_key.active(),
        };
        let sealed = old.seal_caller([1; 12], &id, &facts);
        assert_eq!(new.open_caller(&id, &sealed), Ok(facts.clone()));
        assert!(old.is_caller_up_to_date(&sealed) && !new.is_caller_up_to_date(&sealed));
        // As it was kept before the signer was noted.
        let unnoted = old.seal_caller([1; 12], &id, &CallerFacts { signer: None, ..facts.clone() });
        assert_eq!(new.open_caller(&id, &unnoted), Ok(facts.clone()));
        for rpcs in [Rpcs::Usual, Rpcs::All] {
            let every = CallerFacts { tenants: None, rpcs, role: Role::Admin, ..facts.clone() };
            assert_eq!(new.open_caller(&id, &new.seal_caller([2; 12], &id, &every)), Ok(every));
        }
        for other in [CallerKeyId { id: [8; 12], ..id }, CallerKeyId { tenant: TenantNumber(0), ..id }] {
            assert!(old.open_caller(&other, &sealed).is_err());
        }
        assert!(vault(ring("another secret", &[])).open_caller(&id, &sealed).is_err());
    }
}
