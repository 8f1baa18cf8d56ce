//! Owns how a refresh token that has brought another is known again, without being kept. Does not know who remembers it.

use super::key::SessionKey;
use crate::crypto::{Secret, digest};

/// The first bytes of a hash of a refresh token and its session. No token follows from it: one has at least 128 bits that
/// nobody can guess (RFC 6749, 10.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spent(pub [u8; 8]);

impl Spent {
    /// This token, of this session.
    #[must_use]
    pub fn of(session: &SessionKey, token: &Secret) -> Self {
        let hash = digest("gatelodge spent refresh token", &[&session.to_bytes(), token.expose().as_bytes()]);
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        Self(short)
    }
}
