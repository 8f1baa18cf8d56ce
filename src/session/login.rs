//! Owns a login under way: what is remembered between its start and its callback, and the `state` that names it.
//! Does not know how it is kept or how a provider is spoken to.

use super::key::{LoginKey, SessionKey, TenantNumber};
use super::need::LoginNeeds;
use super::record::{Marks, Standing, Tokens};
use super::signed;
use super::time::Timestamp;
use crate::crypto::{MacRing, Secret, SecretBytes};

const VERSION: u8 = 1;
const SIGNED_LEN: usize = 1 + 4 + 32;

/// The `state` parameter of a login: names it, and shows that this authority began it (RFC 6749, 10.12).
///
/// base64url of: version (1 byte), tenant number (4), secret (32), key id (4), MAC (16).
#[derive(Clone, Debug)]
pub struct LoginState {
    /// The tenant that the login belongs to.
    pub tenant: TenantNumber,
    secret: SecretBytes<32>,
}

impl LoginState {
    /// A new state from fresh random bytes.
    #[must_use]
    pub const fn new(tenant: TenantNumber, secret: [u8; 32]) -> Self {
        Self { tenant, secret: SecretBytes::new(secret) }
    }

    /// Where the login is kept.
    #[must_use]
    pub fn key(&self) -> LoginKey {
        LoginKey::of(self.tenant, self.secret.expose())
    }

    /// The secret: one half of what opens the login's kept answer.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes<32> {
        &self.secret
    }

    /// The parameter's value.
    #[must_use]
    pub fn text(&self, ring: &MacRing) -> Secret {
        let mut bytes = Vec::with_capacity(SIGNED_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.tenant.0.to_be_bytes());
        bytes.extend_from_slice(self.secret.expose());
        signed::write("", &bytes, ring)
    }

    /// Reads the parameter's value; `None` for whatever this ring has not signed (security.md 15).
    #[must_use]
    pub fn read(text: &str, ring: &MacRing) -> Option<Self> {
        let bytes = signed::read::<SIGNED_LEN>("", text.as_bytes(), ring)?;
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (tenant, secret) = rest.split_first_chunk::<4>()?;
        Some(Self::new(TenantNumber(u32::from_be_bytes(*tenant)), secret.try_into().ok()?))
    }

    /// The tenant whose number the parameter's value carries, before anybody has verified it.
    #[must_use]
    pub fn claimed_tenant(text: &str) -> Option<TenantNumber> {
        signed::claimed_tenant("", text.as_bytes(), VERSION)
    }
}

/// What is remembered of a login between its start and its callback. Sealed; the callback uses nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLogin {
    /// The provider's name.
    pub provider: String,
    /// The redirect address that was sent to the provider.
    pub redirect_uri: String,
    /// Whether the answer has to come as a form that the browser posts.
    pub form_post: bool,
    /// The nonce that the ID token has to carry.
    pub nonce: String,
    /// The PKCE code verifier.
    pub code_verifier: Secret,
    /// Where to go afterwards; `None` for the landing place.
    pub return_to: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// What was asked of the login, and is checked when the user is back.
    pub needs: LoginNeeds,
    /// The session to be stepped up, if its own user comes back.
    pub step_up: Option<SessionKey>,
    /// Whether the session is to be a "remember me" session.
    pub remember: bool,
    /// The session that the browser had when it began, which ends when the new one is made.
    pub prior: Option<SessionKey>,
    /// Keyed hash of the binding it belongs to.
    pub binding_hash: [u8; 16],
    /// The marks that were in force when it began. The session it makes is born under them.
    pub born: Marks,
}

/// A login whose user is known and has to choose: which sessions end, so that there is room for its own. Sealed under a
/// key made from what the one who chooses has to present again, since it holds tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLogin {
    /// The login.
    pub login: PendingLogin,
    /// What its session would have been when it was held.
    pub standing: Standing,
    /// The provider's tokens.
    pub tokens: Tokens,
}

/// What a login answered, kept to answer a callback that is delivered twice.
/// Sealed under a key made from what the repeater has to present again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptAnswer {
    /// It made a session.
    Session(KeptLogin),
    /// It failed.
    Failure(KeptFailure),
}

/// The answer of a login that made a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLogin {
    /// The session it made.
    pub session: SessionKey,
    /// The generation of the credential it gave out: a later one shows that the session was rotated since.
    pub generation: u32,
    /// The credential it gave out.
    pub credential: Secret,
    /// Hash of the authorization code it was made from.
    pub code_hash: [u8; 32],
    /// Where it sent the browser.
    pub return_to: Option<String>,
    /// Until when it is repeated.
    pub repeat_until: Timestamp,
    /// Whether it was the user's first.
    pub first_login: bool,
}

/// The answer of a login that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFailure {
    /// Why, as the use case numbers it.
    pub reason: u8,
    /// Where it sent the browser.
    pub return_to: Option<String>,
    /// The call that failed, under which the log has the cause: every repeat names it.
    pub request_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyRing;

    #[test]
    fn a_state_reads_back_and_no_changed_one_does() {
        let ring = KeyRing::new(Secret::new("s"), []).mac("state");
        let text = LoginState::new(TenantNumber(5), [8; 32]).text(&ring);
        let read = LoginState::read(text.expose(), &ring).unwrap();
        assert_eq!((read.tenant, read.secret.expose()), (TenantNumber(5), &[8; 32]));
        for (position, _) in text.expose().char_indices() {
            let mut bent = text.expose().to_owned();
            bent.replace_range(position..=position, if bent.as_bytes()[position] == b'A' { "B" } else { "A" });
            assert!(LoginState::read(&bent, &ring).is_none(), "{position}");
        }
        assert!(LoginState::read(&"A".repeat(100_000), &ring).is_none());
        assert!(LoginState::read("", &ring).is_none());
    }
}
