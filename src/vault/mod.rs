//! HOW WHAT IS KEPT IS SEALED. Owns the encoding and sealing of records, tokens, logins and kept answers, and the
//! keys for each purpose. Pure; does not know where the bytes go.

mod compact;
mod encoding;
mod logins;
mod mint;
mod pair;
mod sessions;
mod short;
mod step_up;
mod users;

use crate::crypto::{KeyRing, MacRing, SealRing, Unsealable};

pub use crate::crypto::NONCE_LEN;
pub use logins::LogoutState;
pub use mint::MintKey;
pub use pair::promote_successor;
pub use sessions::TokenKey;

/// Every key that the authority holds, one ring for each purpose.
#[derive(Clone)]
pub struct Vault {
    /// Signs session credentials.
    pub credential: MacRing,
    /// Signs the `state` of logins.
    pub state: MacRing,
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
    standing: SealRing,
    token_key: SealRing,
    login: SealRing,
    kept: SealRing,
    logout: SealRing,
    mint: SealRing,
    held: SealRing,
    user: SealRing,
    step_up: SealRing,
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
    /// The rings for each purpose, derived from the session ring; CSRF tokens have a ring of their own.
    #[must_use]
    pub fn new(sessions: &KeyRing, csrf: &KeyRing) -> Self {
        Self {
            credential: sessions.mac("credential"),
            state: sessions.mac("login state"),
            binding: sessions.mac("binding"),
            binding_hash: sessions.mac("binding hash"),
            csrf: csrf.mac("csrf token"),
            fingerprint: sessions.mac("fingerprint"),
            page: sessions.mac("page token"),
            standing: sessions.seal("standing"),
            token_key: sessions.seal("token key"),
            login: sessions.seal("login"),
            kept: sessions.seal("kept answer"),
            logout: sessions.seal("logout state"),
            mint: sessions.seal("mint keys"),
            held: sessions.seal("held login"),
            user: sessions.seal("user"),
            step_up: sessions.seal("step-up"),
        }
    }
}
