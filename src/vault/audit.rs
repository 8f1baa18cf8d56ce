//! Owns sealing audit entries. Does not know where they are kept.

use std::borrow::Cow;
use std::time::Duration;

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::encoding::{decode, encode};
use super::{NONCE_LEN, Vault, VaultError};
use crate::session::audit::{About, Action, Entry, EntryId, EntryName, Outcome, Step, StepBegun};
use crate::session::key::{Partition, SessionKey, TenantNumber, UserKey};
use crate::session::time::Timestamp;

const VERSION: &[u8] = &[1];

/// An [`Entry`] as it is kept; when it was made stands in its id. A field is never renumbered; a new one is optional.
#[derive(Encode, Decode)]
struct EntryForm {
    #[n(0)]
    action: u8,
    #[n(1)]
    outcome: u8,
    #[n(2)]
    reason: String,
    #[n(3)]
    detail: String,
    #[n(4)]
    note: String,
    #[n(5)]
    caller: String,
    #[n(6)]
    request_id: String,
    #[n(7)]
    client: String,
    #[n(8)]
    session: Option<ByteArray<22>>,
    /// Partition and hash.
    #[n(9)]
    user: Option<(u16, ByteArray<10>)>,
    #[n(10)]
    provider: String,
    #[n(11)]
    count: u64,
    #[n(12)]
    login: Option<ByteArray<8>>,
    /// Of each its number, and how many milliseconds after the first it was begun.
    #[n(13)]
    steps: Vec<(u8, u64)>,
    /// When the first step was begun: milliseconds since 1970.
    #[n(14)]
    first_step: u64,
    #[n(15)]
    ended: Option<Vec<ByteArray<22>>>,
    /// By how many milliseconds it was made before its id says, where it had to wait.
    #[n(16)]
    waited: Option<u64>,
}

fn subject(tenant: TenantNumber, id: &EntryId) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&tenant.0.to_be_bytes());
    bytes[4..].copy_from_slice(&id.0);
    bytes
}

/// What is hashed of what an entry is about.
fn parts<'a>(about: &'a About<'_>) -> (&'static [u8], Cow<'a, [u8]>) {
    match about {
        About::Request(id) => (b"request", id.as_bytes().into()),
        About::Login(id) => (b"login", id.as_slice().into()),
        About::Session(key) => (b"session", key.to_bytes().to_vec().into()),
        About::User(user) => (b"user", user.hash.as_slice().into()),
    }
}

impl Vault {
    /// The name by which an entry about this is found that is sealed now.
    #[must_use]
    pub fn entry_name(&self, about: &About<'_>) -> EntryName {
        let (kind, id) = parts(about);
        EntryName(self.audit_name.sign(&[kind, &id]).1)
    }

    /// The names of all entries about this that can be opened: one for each key.
    #[must_use]
    pub fn entry_names(&self, about: &About<'_>) -> Vec<EntryName> {
        let (kind, id) = parts(about);
        self.audit_name.tags(&[kind, &id]).map(EntryName).collect()
    }

    /// Seals an entry under its id.
    #[must_use]
    pub fn seal_entry(&self, nonce: [u8; NONCE_LEN], tenant: TenantNumber, id: &EntryId, entry: &Entry) -> Vec<u8> {
        let first_step = entry.steps.first().map_or(0, |first| first.at.as_millis());
        let form = EntryForm {
            action: entry.action as u8,
            outcome: entry.outcome as u8,
            reason: entry.reason.clone(),
            detail: entry.detail.clone(),
            note: entry.note.clone(),
            caller: entry.caller.clone(),
            request_id: entry.request_id.clone(),
            client: entry.client.clone(),
            session: entry.session.map(|key| key.to_bytes().into()),
            user: entry.user.map(|user| (user.partition.number(), user.hash.into())),
            provider: entry.provider.clone(),
            count: entry.count,
            login: entry.login.map(Into::into),
            steps: entry
                .steps
                .iter()
                .map(|one| (one.step as u8, one.at.as_millis().saturating_sub(first_step)))
                .collect(),
            first_step,
            ended: Some(entry.ended.iter().map(|key| key.to_bytes().into()).collect::<Vec<_>>())
                .filter(|ended| !ended.is_empty()),
            waited: Some(id.time().as_millis().saturating_sub(entry.at.as_millis())).filter(|waited| *waited > 0),
        };
        self.audit.seal(nonce, &[&subject(tenant, id)], &[b"audit", VERSION], &encode(&form))
    }

    /// Opens an entry.
    ///
    /// # Errors
    /// When its key is not loaded, it is not what was sealed under this id, or it is of a later version.
    pub fn open_entry(&self, tenant: TenantNumber, id: &EntryId, sealed: &[u8]) -> Result<Entry, VaultError> {
        let opened = self.audit.open(&[&subject(tenant, id)], &[b"audit", VERSION], sealed)?;
        let form: EntryForm = decode(&opened)?;
        let begun = |(number, after): (u8, u64)| {
            let at = Timestamp::from_millis(form.first_step.saturating_add(after));
            Some(StepBegun { step: Step::from_number(number)?, at })
        };
        let user = form.user.map(|(number, hash)| {
            let partition = Partition::new(number).ok_or(VaultError::Format)?;
            Ok::<_, VaultError>(UserKey { tenant, partition, hash: hash.into() })
        });
        let key = |bytes: ByteArray<22>| SessionKey::from_bytes(&*bytes).ok_or(VaultError::Format);
        let ended = form.ended.unwrap_or_default().into_iter().map(key);
        Ok(Entry {
            at: id.time() - Duration::from_millis(form.waited.unwrap_or_default()),
            action: Action::from_number(form.action).ok_or(VaultError::Format)?,
            outcome: Outcome::from_number(form.outcome).ok_or(VaultError::Format)?,
            reason: form.reason,
            detail: form.detail,
            note: form.note,
            caller: form.caller,
            request_id: form.request_id,
            client: form.client,
            session: form.session.map(key).transpose()?,
            user: user.transpose()?,
            provider: form.provider,
            count: form.count,
            ended: ended.collect::<Result<_, _>>()?,
            login: form.login.map(Into::into),
            steps: form.steps.into_iter().filter_map(begun).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};

    /// An entry of version 1, as it was sealed once.
    const GOLDEN: &str = "32a83e18010101010101010101010101ba1ca53e7818fdd9eda7f5dd837271cee13548d4fb4157ba0c7466763b49450dec75\
        dde00364fcd3a71a16b2b591547ff1b7ea274662d5532d3e6350c6c5e26aa7b98c2861f848b60d84c431d3e8182fcc262e20\
        82cdf78e5efe578f7134fa3f38a156079d2e227788a2afec3dc02cf0d699e578ca91480e33b10c1109a18f0657b26def544b\
        d9e7217b5261b1c6c802048c5015bc3b7c9a9168adf932bce8be0d824f0297c9cf12c24152b4c3c80378b9fa4b2b13f38bac\
        02";

    fn vault() -> Vault {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        Vault::new(&ring, &ring)
    }

    fn entry() -> (EntryId, Entry) {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let user = UserKey::of(TenantNumber(1), "https://idp.example", "ada");
        let begun = |step, after: u64| StepBegun { step, at: Timestamp::from_millis(1_699_999_999_000 + after) };
        let entry = Entry {
            outcome: Outcome::Failed,
            reason: "identity_rejected".into(),
            detail: "the identity did not pass the check id_token.aud".into(),
            note: "a note".into(),
            caller: "edge".into(),
            request_id: "0190".into(),
            client: "203.0.113.7".into(),
            session: Some(SessionKey { tenant: TenantNumber(1), partition: user.partition, id: [3; 16] }),
            user: Some(user),
            provider: "idp".into(),
            count: 2,
            login: Some([4; 8]),
            steps: vec![begun(Step::Callback, 0), begun(Step::IdToken, 250)],
            ..Entry::new(Action::LoginCompleted, at)
        };
        (EntryId::new(at, 0x0909, [9; 8]), entry)
    }

    #[test]
    fn golden_bytes() {
        let (id, entry) = entry();
        let sealed = vault().seal_entry([1; 12], TenantNumber(1), &id, &entry);
        let hex = sealed.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(hex, GOLDEN);
    }

    #[test]
    fn an_entry_opens_under_its_id_in_its_tenant_alone() {
        let (vault, (id, entry)) = (vault(), entry());
        let sealed = vault.seal_entry([1; 12], TenantNumber(1), &id, &entry);
        assert_eq!(vault.open_entry(TenantNumber(1), &id, &sealed), Ok(entry));
        assert!(vault.open_entry(TenantNumber(2), &id, &sealed).is_err());
        assert!(vault.open_entry(TenantNumber(1), &id.next(), &sealed).is_err());
    }

    #[test]
    fn an_entry_that_had_to_wait_says_when_it_was_made_and_what_ended() {
        let (vault, (_, entry)) = (vault(), entry());
        let ended: Vec<_> = entry.session.into_iter().collect();
        let entry = entry.ending(1, &ended);
        let id = EntryId::new(entry.at + Duration::from_mins(1), 0x0909, [9; 8]);
        let sealed = vault.seal_entry([1; 12], TenantNumber(1), &id, &entry);
        assert_eq!(vault.open_entry(TenantNumber(1), &id, &sealed), Ok(entry));
    }

    // Whoever reads the store has no key, and can't try out user or request ids.
    #[test]
    fn names_are_keyed_and_found_by_every_key_of_the_ring() {
        let ring = |first: &str, others: &[&str]| {
            let secret = |text: &str| Secret::new(format!("{text} secret of at least 32 characters"));
            let ring = KeyRing::new(secret(first), others.iter().map(|text| secret(text)));
            Vault::new(&ring, &ring)
        };
        let (old, both, other) = (ring("old", &[]), ring("new", &["old"]), ring("other", &[]));
        let (_, entry) = entry();
        let abouts = entry.about();
        assert_eq!(abouts.len(), 4);
        for about in abouts {
            let (before, now) = (old.entry_name(&about), both.entry_name(&about));
            assert_eq!(both.entry_names(&about), [now, before]);
            assert!(!other.entry_names(&about).contains(&before), "{about:?}");
        }
    }
}
