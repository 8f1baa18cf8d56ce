//! Owns the names under which things are kept: partitions, session ids, user keys. Does not know any store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::digest;

/// How many partitions there are, for ever: a user's sessions and their index live in one of them together.
pub const PARTITIONS: u16 = 1024;

/// A tenant's number: short, never reused, carried by state and credential under their MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantNumber(pub u32);

/// One of the [`PARTITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u16);

impl Partition {
    /// The partition of that number; `None` from [`PARTITIONS`] on.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number < PARTITIONS { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Every partition, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(Self)
    }

    fn of(hash: &[u8; 32]) -> Self {
        Self(u16::from_be_bytes([hash[30], hash[31]]) % PARTITIONS)
    }
}

/// A session's id within its tenant and partition: a hash of the handle that its credential carries.
pub type SessionId = [u8; 16];

/// Where a session is kept, for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// The tenant it belongs to.
    pub tenant: TenantNumber,
    /// The partition of its user.
    pub partition: Partition,
    /// Its id.
    pub id: SessionId,
}

const PUBLIC_PREFIX: &str = "sid_";

impl SessionKey {
    /// Where the session with this `handle` is kept.
    #[must_use]
    pub fn of(tenant: TenantNumber, partition: Partition, handle: &[u8; 16]) -> Self {
        let hash = digest("gatelodge session id", &[&tenant.0.to_be_bytes(), handle]);
        Self { tenant, partition, id: first_16(&hash) }
    }

    /// Its fixed form: tenant number (4 bytes), partition (2), id (16), big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 22] {
        let mut bytes = [0; 22];
        bytes[..4].copy_from_slice(&self.tenant.0.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.partition.0.to_be_bytes());
        bytes[6..].copy_from_slice(&self.id);
        bytes
    }

    /// Reads the fixed form; `None` when it is not one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tenant, rest) = bytes.split_first_chunk::<4>()?;
        let (number, id) = rest.split_first_chunk::<2>()?;
        let partition = Partition::new(u16::from_be_bytes(*number))?;
        Some(Self { tenant: TenantNumber(u32::from_be_bytes(*tenant)), partition, id: id.try_into().ok()? })
    }

    /// The public session id: `sid_` and 24 characters. It can be logged and shown; no credential follows from it.
    #[must_use]
    pub fn public(&self) -> String {
        let mut bytes = [0; 18];
        bytes[..2].copy_from_slice(&self.partition.0.to_be_bytes());
        bytes[2..].copy_from_slice(&self.id);
        let mut text = String::with_capacity(28);
        text.push_str(PUBLIC_PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        text
    }

    /// Reads a public session id of `tenant`; `None` when it is not one.
    #[must_use]
    pub fn from_public(tenant: TenantNumber, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PUBLIC_PREFIX)?).ok()?;
        let bytes: [u8; 18] = bytes.try_into().ok()?;
        let (number, id) = bytes.split_first_chunk::<2>()?;
        let partition = Partition::new(u16::from_be_bytes(*number))?;
        Some(Self { tenant, partition, id: id.try_into().ok()? })
    }
}

/// A user within a tenant: where their sessions are kept, and what the index names them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserKey {
    /// The tenant.
    pub tenant: TenantNumber,
    /// Where all sessions of this user are kept.
    pub partition: Partition,
    /// The first bytes of a hash of the identity key.
    pub hash: [u8; 10],
}

impl UserKey {
    /// The user with this identity key: (tenant, issuer, sub), never an email address (security.md 33).
    /// The hash is unkeyed, so that it stays the same when key rings rotate.
    #[must_use]
    pub fn of(tenant: TenantNumber, issuer: &str, sub: &str) -> Self {
        let hash = digest("gatelodge user", &[&tenant.0.to_be_bytes(), issuer.as_bytes(), sub.as_bytes()]);
        let mut short = [0; 10];
        short.copy_from_slice(&hash[..10]);
        Self { tenant, partition: Partition::of(&hash), hash: short }
    }
}

/// A session of the provider's own (`sid`) within a tenant, and where the names of the sessions that belong to it are kept:
/// in another partition than they are themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderSessionKey {
    /// The tenant.
    pub tenant: TenantNumber,
    /// A partition that spreads them evenly; unrelated to the user's.
    pub partition: Partition,
    /// A hash of the provider's name and the id of its session.
    pub id: [u8; 16],
}

impl ProviderSessionKey {
    /// The session that a provider, by its name in the configuration, calls `sid`.
    #[must_use]
    pub fn of(tenant: TenantNumber, provider: &str, sid: &str) -> Self {
        let hash =
            digest("gatelodge provider session", &[&tenant.0.to_be_bytes(), provider.as_bytes(), sid.as_bytes()]);
        Self { tenant, partition: Partition::of(&hash), id: first_16(&hash) }
    }
}

/// A logout token of a provider within a tenant, and where it is kept that it was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogoutTokenKey {
    /// The tenant.
    pub tenant: TenantNumber,
    /// A partition that spreads them evenly.
    pub partition: Partition,
    /// A hash of the provider's name and the token's id (`jti`).
    pub id: [u8; 16],
}

impl LogoutTokenKey {
    /// The token that a provider, by its name in the configuration, calls `jti`.
    #[must_use]
    pub fn of(tenant: TenantNumber, provider: &str, jti: &str) -> Self {
        let hash = digest("gatelodge logout token", &[&tenant.0.to_be_bytes(), provider.as_bytes(), jti.as_bytes()]);
        Self { tenant, partition: Partition::of(&hash), id: first_16(&hash) }
    }
}

/// Where a pending login is kept: a hash of the secret that its `state` carries, and a partition made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoginKey {
    /// The tenant it belongs to.
    pub tenant: TenantNumber,
    /// A partition that spreads logins evenly; unrelated to the user's.
    pub partition: Partition,
    /// Its id.
    pub id: [u8; 16],
}

impl LoginKey {
    /// Where the login with this secret is kept.
    #[must_use]
    pub fn of(tenant: TenantNumber, secret: &[u8; 32]) -> Self {
        let hash = digest("gatelodge login id", &[&tenant.0.to_be_bytes(), secret]);
        Self { tenant, partition: Partition::of(&hash), id: first_16(&hash) }
    }
}

/// What is counted of a client or a tenant, and where: an id from which no address follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RateKey {
    /// The tenant.
    pub tenant: TenantNumber,
    /// A partition that spreads them evenly.
    pub partition: Partition,
    /// A keyed hash of what is counted, and whose.
    pub id: [u8; 16],
}

impl RateKey {
    /// Where what has this keyed hash is counted.
    #[must_use]
    pub fn of(tenant: TenantNumber, id: [u8; 16]) -> Self {
        let hash = digest("gatelodge rate", &[&tenant.0.to_be_bytes(), &id]);
        Self { tenant, partition: Partition::of(&hash), id }
    }
}

/// Where the answer to a call with an idempotency key is kept: an id from which neither key nor credential follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerKey {
    /// The tenant.
    pub tenant: TenantNumber,
    /// A partition that spreads them evenly.
    pub partition: Partition,
    /// A keyed hash of all that names the call.
    pub id: [u8; 16],
}

impl AnswerKey {
    /// Where the answer is kept of the call whose name has this keyed hash.
    #[must_use]
    pub fn of(tenant: TenantNumber, id: [u8; 16]) -> Self {
        let hash = digest("gatelodge answer", &[&tenant.0.to_be_bytes(), &id]);
        Self { tenant, partition: Partition::of(&hash), id }
    }
}

fn first_16(hash: &[u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantNumber = TenantNumber(1);

    #[test]
    fn a_public_id_reads_back_and_nothing_else_does() {
        let key = SessionKey::of(TENANT, Partition(777), &[9; 16]);
        assert_eq!(SessionKey::from_public(TENANT, &key.public()), Some(key));
        assert_eq!(SessionKey::from_bytes(&key.to_bytes()), Some(key));
        for wrong in ["", "sid_", "sid_AAAA", "sess_AAAAAAAAAAAAAAAAAAAAAAAA", "sid_________________________"] {
            assert_eq!(SessionKey::from_public(TENANT, wrong), None, "{wrong}");
        }
    }

    // security.md 33, 103, 104: the identity key is (tenant, issuer, sub), and no two of them collide by cutting.
    #[test]
    fn tenant_issuer_and_sub_each_make_another_user() {
        let users = [
            UserKey::of(TENANT, "https://a", "b:c"),
            UserKey::of(TENANT, "https://a:b", "c"),
            UserKey::of(TENANT, "https://ab", ":c"),
            UserKey::of(TenantNumber(2), "https://a", "b:c"),
        ];
        for (i, one) in users.iter().enumerate() {
            assert!(users.iter().skip(i + 1).all(|other| one.hash != other.hash));
        }
    }

    // The store format fixes these for ever: a change here loses every session that was kept before.
    #[test]
    fn names_never_change() {
        let user = UserKey::of(TENANT, "https://accounts.google.com", "1234567890");
        let session = SessionKey::of(TENANT, user.partition, &[7; 16]);
        assert_eq!((user.partition.number(), session.public().as_str()), (GOLDEN_PARTITION, GOLDEN_PUBLIC));
    }

    const GOLDEN_PARTITION: u16 = 797;
    const GOLDEN_PUBLIC: &str = "sid_Ax2hPixHvRjwg5C5f81807X4";
}
