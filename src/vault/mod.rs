//! HOW WHAT IS KEPT IS SEALED. Owns the encoding and sealing of records, tokens, logins and kept answers, and the
//! keys for each purpose. Pure; does not know where the bytes go.

mod audit;
mod callers;
mod compact;
mod encoding;
mod kept_calls;
mod logins;
mod mint;
mod pair;
mod sessions;
mod short;
mod step_up;
mod users;

use crate::crypto::{KeyId, KeyRing, MacRing, SealRing, Unsealable};
use crate::session::key::TenantNumber;

pub use crate::crypto::NONCE_LEN;
pub use logins::LogoutState;
pub use mint::MintKey;
pub use pair::promote_successor;
pub use sessions::TokenKey;

/// The tenant whose number stands in no derivation.
const FIRST: TenantNumber = TenantNumber(1);

/// The rings from which a tenant's keys are derived.
#[derive(Clone, Debug)]
pub struct Rings {
    /// Signs credentials, states, bindings and page tokens.
    pub session: KeyRing,
    /// Signs CSRF tokens.
    pub csrf: KeyRing,
    /// Seals sessions, users, and logins under way.
    pub sealing: KeyRing,
    /// Hashes fingerprints.
    pub fingerprint: KeyRing,
    /// Seals answers that are kept to be repeated, and names them.
    pub answers: KeyRing,
    /// Seals the keys that sign our own tokens.
    pub minting: KeyRing,
}

impl Rings {
    /// One ring for everything but CSRF tokens.
    #[must_use]
    pub fn two(session: &KeyRing, csrf: &KeyRing) -> Self {
        let session = || session.clone();
        Self {
            session: session(),
            csrf: csrf.clone(),
            sealing: session(),
            fingerprint: session(),
            answers: session(),
            minting: session(),
        }
    }
}

/// Every key that a tenant's authority holds, one ring for each purpose.
#[derive(Clone)]
pub struct Vault {
    /// Signs session credentials.
    pub credential: MacRing,
    /// Signs the `state` of logins whose answer comes to a callback of the edge's own.
    pub state: MacRing,
    /// Signs the `state` of logins whose code a front end forwards: no kind is good for another.
    pub forwarded_state: MacRing,
    /// Signs the `state` of logins whose session a front end collects.
    pub collected_state: MacRing,
    /// Signs binding cookies.
    pub binding: MacRing,
    /// Hashes bindings for the store.
    pub binding_hash: MacRing,
    /// Signs CSRF tokens.
    pub csrf: MacRing,
    /// Hashes fingerprints.
    pub fingerprint: MacRing,
    /// Signs page tokens.
    pub page: MacRing,
    /// Hashes clients whose calls are counted.
    pub rate: MacRing,
    /// Hashes what names a call with an idempotency key, and its request.
    pub call: MacRing,
    /// Signs API keys that are made at run time.
    pub caller_key: MacRing,
    /// Hashes what audit entries are found by.
    audit_name: MacRing,
    standing: SealRing,
    token_key: SealRing,
    login: SealRing,
    kept: SealRing,
    logout: SealRing,
    mint: SealRing,
    held: SealRing,
    user: SealRing,
    caller: SealRing,
    step_up: SealRing,
    audit: SealRing,
}

/// Why something kept could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It is sealed with a key that is not loaded.
    #[error(transparent)]
    Sealed(#[from] Unsealable),
    /// It opened, but what is inside is not what this version knows.
    #[error("sealed content of another format")]
    Format,
}

impl Vault {
    /// The rings for each purpose, derived from the session ring; CSRF tokens have a ring of their own. Those of a process
    /// with one tenant, number 1.
    #[must_use]
    pub fn new(sessions: &KeyRing, csrf: &KeyRing) -> Self {
        Self::of(FIRST, sessions, csrf)
    }

    /// As [`Vault::with`], of one ring for everything but CSRF tokens.
    #[must_use]
    pub fn of(tenant: TenantNumber, sessions: &KeyRing, csrf: &KeyRing) -> Self {
        Self::with(tenant, &Rings::two(sessions, csrf))
    }

    /// The rings of a tenant. Its number is in the derivation, so that tenants which share a secret, by inheriting it or by
    /// an operator's mistake, share no key: what one of them has sealed or signed is to every other as if forged. Only
    /// bindings are the browser's: it keeps one for logins with all tenants of a host. Number 1 adds nothing: so do
    /// authorities that know no tenants.
    #[must_use]
    pub fn with(tenant: TenantNumber, rings: &Rings) -> Self {
        let named = |purpose: &str| match tenant {
            FIRST => purpose.to_owned(),
            TenantNumber(number) => format!("tenant {number}: {purpose}"),
        };
        let mac = |purpose| rings.session.mac(&named(purpose));
        let seal = |ring: &KeyRing, purpose, what| ring.seal(&named(purpose)).of(what);
        Self {
            credential: mac("credential"),
            state: mac("login state"),
            forwarded_state: mac("forwarded login state"),
            collected_state: mac("collected login state"),
            binding: rings.session.mac("binding"),
            binding_hash: mac("binding hash"),
            csrf: rings.csrf.mac(&named("csrf token")),
            fingerprint: rings.fingerprint.mac(&named("fingerprint")),
            page: mac("page token"),
            rate: mac("rate"),
            call: rings.answers.mac(&named("call")),
            caller_key: mac("caller key"),
            audit_name: rings.sealing.mac(&named("audit name")),
            standing: seal(&rings.sealing, "standing", "a session"),
            token_key: seal(&rings.sealing, "token key", "the key of a session's tokens"),
            login: seal(&rings.sealing, "login", "a login under way"),
            kept: seal(&rings.answers, "kept answer", "an answer that is kept to be repeated"),
            logout: seal(&rings.sealing, "logout state", "a logout under way"),
            mint: seal(&rings.minting, "mint keys", "the set of keys that sign our own tokens"),
            held: seal(&rings.sealing, "held login", "a login that waits for a choice"),
            user: seal(&rings.sealing, "user", "a user's profile"),
            caller: seal(&rings.sealing, "caller", "a caller's key"),
            step_up: seal(&rings.session, "step-up", "a step-up"),
            audit: seal(&rings.sealing, "audit", "an entry of the audit log"),
        }
    }
}

/// The keys that a record's body is sealed with: that of the standing, and those under which the key of its tokens is
/// wrapped. No key is needed to tell.
///
/// # Errors
/// When the body is of another format.
pub fn keys_of_body(body: &[u8]) -> Result<Vec<KeyId>, VaultError> {
    let (wrapped, standing) = pair::split_body(body)?;
    std::iter::once(standing).chain(wrapped).map(key_of_sealed).collect()
}

/// The key that a profile, or a set of mint keys, is sealed with.
///
/// # Errors
/// When it is too short to be sealed at all.
pub fn key_of_sealed(sealed: &[u8]) -> Result<KeyId, VaultError> {
    sealed.first_chunk().copied().ok_or(VaultError::Format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    fn vault(tenant: u32) -> Vault {
        let ring = |text: &str| KeyRing::new(Secret::new(text), []);
        Vault::of(TenantNumber(tenant), &ring("one for sessions"), &ring("one for csrf"))
    }

    // store.md 2: tenants that inherit one secret share no key, but for the binding, which is the browser's.
    #[test]
    fn tenants_with_one_secret_share_no_key_but_the_browsers() {
        let vaults = [vault(1), vault(2), vault(12)];
        let rings: [fn(&Vault) -> &MacRing; 12] = [
            |v| &v.credential,
            |v| &v.state,
            |v| &v.forwarded_state,
            |v| &v.collected_state,
            |v| &v.binding_hash,
            |v| &v.csrf,
            |v| &v.fingerprint,
            |v| &v.page,
            |v| &v.rate,
            |v| &v.call,
            |v| &v.caller_key,
            |v| &v.audit_name,
        ];
        let verifies = |ring: fn(&Vault) -> &MacRing, one: usize, other: usize| {
            let (id, mac) = ring(&vaults[one]).sign(&[b"x"]);
            ring(&vaults[other]).verify(&id, &[b"x"], &mac)
        };
        for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            assert!(rings.iter().all(|ring| !verifies(*ring, one, other)), "{one} {other}");
            assert!(verifies(|vault| &vault.binding, one, other));
            let sealed = vaults[one].standing.seal([0; NONCE_LEN], &[b"s"], &[b"c"], b"text");
            assert!(vaults[other].standing.open(&[b"s"], &[b"c"], &sealed).is_err());
            assert!(vaults[one].standing.open(&[b"s"], &[b"c"], &sealed).is_ok());
        }
    }
}
