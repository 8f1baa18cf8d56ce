//! Owns what is kept of a session: the plain header that stores compare, the standing, the tokens.
//! Does not know how any of it is sealed or stored.

use bytes::Bytes;

use super::credential::SecretHash;
use super::identity::Identity;
use super::mark::ProviderTag;
use super::time::{Lifetimes, Times, Timestamp};
use crate::crypto::Secret;

/// Not-before marks: numbers that only rise. A session is dead when one is now higher than when it was born.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The mark of everything.
    pub everything: u64,
    /// The mark of its tenant.
    pub tenant: u64,
    /// The mark of its provider in its tenant.
    pub provider: u64,
    /// Which provider that is: a store that lists sessions can't ask the sealed standing.
    pub of: ProviderTag,
}

/// The part of a record that stands in plain, because the steps that must be atomic compare it.
/// A false header can at most stretch the idle limit: what grants anything is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Rises with every write but a touch. A write names the revision that it read.
    pub revision: u64,
    /// The generation of the current credential.
    pub generation: u32,
    /// The hash of the current credential's secret.
    pub current: SecretHash,
    /// The hash of another secret that is, or was, good beside it.
    pub other: Option<Other>,
    /// When the session was last used; `None` while nobody has presented its credential yet.
    pub last_active: Option<Timestamp>,
    /// The number of the last token lease: whoever holds an older one may no longer write tokens.
    pub fence: u64,
    /// The marks it was born under.
    pub marks: Marks,
}

/// The one other credential that a record knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// The one before. It is good during its grace, and known until the next rotation: it coming back later is theft.
    Previous(SecretHash),
    /// A successor that was issued and not presented yet.
    Next(SecretHash),
}

/// A record as a store keeps it. The body is sealed, and opaque to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What is compared.
    pub header: Header,
    /// What is sealed: the wrapped key of the tokens and the standing. Shared, so that reading a session copies nothing.
    pub body: Bytes,
}

/// What a session is, apart from its tokens. Opens with the server's key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose it is.
    pub identity: Identity,
    /// When it began.
    pub created: Timestamp,
    /// When it ends whatever happens, as its cookie was told. A limit that was shortened since ends it earlier.
    pub absolute_end: Timestamp,
    /// Whether it is a "remember me" session, which has limits of its own.
    pub remembered: bool,
    /// Whether a token of our own speaks for it alone: nobody holds its credential, and it lives as long as that token.
    pub by_token: bool,
    /// When the generation in force was first presented.
    pub generation_since: Timestamp,
    /// Whether that generation came by a step-up: then the one before has no grace.
    pub stepped_up: bool,
    /// Keyed hash of the client's fingerprint at login; `None` when fingerprints were off.
    pub fingerprint: Option<[u8; 16]>,
    /// What the browser called itself at login, cut.
    pub user_agent: String,
    /// The client's network address at login.
    pub client_address: String,
    /// Where the client was at login, in the edge's words; empty when it did not say.
    pub place: String,
    /// The provider's id of its own session (`sid`), if it gave one.
    pub provider_session: Option<String>,
    /// When the access token ends; `None` when there is none or the provider did not say.
    pub access_token_end: Option<Timestamp>,
    /// What it has of a refresh token, so that it can be told without opening the tokens.
    pub refresh_token: RefreshToken,
    /// When the provider was last asked again who the user is; `None` when never since login.
    pub user_info_time: Option<Timestamp>,
}

/// What a session has of a refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshToken {
    /// None: none came, or none is kept.
    #[default]
    None,
    /// One that was never sent.
    Kept,
    /// One that was on its way to the provider, and nothing that came of it was kept: it may be spent.
    Sent,
    /// None any more: the provider has refused it for good.
    Refused,
}

impl RefreshToken {
    /// What a session has whose tokens are these and new.
    #[must_use]
    pub const fn of(tokens: &Tokens) -> Self {
        if tokens.refresh.is_some() { Self::Kept } else { Self::None }
    }

    /// Whether there is one.
    #[must_use]
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Kept | Self::Sent)
    }
}

impl Standing {
    /// The times of a session that is not there yet, and would be used now.
    #[must_use]
    pub const fn times_at(&self, now: Timestamp) -> Times {
        Times { created: self.created, last_active: now, absolute_end: self.absolute_end }
    }

    /// The session's times, together with what the header says of its use, under the limits of its kind. Limits that
    /// were shortened since the login hold at once; ones that were lengthened, only for later logins.
    #[must_use]
    pub fn times(&self, header: &Header, limits: &Lifetimes) -> Times {
        Times {
            created: self.created,
            last_active: header.last_active.unwrap_or(self.created),
            absolute_end: self.absolute_end.min(self.created + limits.absolute),
        }
    }
}

/// The provider's tokens. They open with the server's key ring and the credential's secret together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: Option<Secret>,
    /// Whether the access token is bound to our key at the provider (RFC 9449); else it is a bearer token.
    pub is_bound: bool,
    /// When the access token ends, if the provider said so.
    pub access_end: Option<Timestamp>,
    /// The scopes of the access token.
    pub scopes: Vec<String>,
    /// The refresh token, where one is kept.
    pub refresh: Option<Secret>,
    /// The ID token: the hint for the provider's logout.
    pub id: Option<Secret>,
    /// Access tokens for other audiences, those that were exchanged of late (RFC 8693).
    pub exchanged: Vec<ExchangedToken>,
}

/// An access token that the provider gave in exchange for the session's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangedToken {
    /// Whom it is for.
    pub audience: String,
    /// The token.
    pub access: Secret,
    /// Whether it is bound, as the session's own may be.
    pub is_bound: bool,
    /// When it ends.
    pub end: Timestamp,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// Why a session that is gone was ended, as far as it is still known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A logout or an admin.
    Revoked,
    /// A newer login: in the same browser, or one beyond the limit of sessions at once.
    Replaced,
    /// The login that was about to make it was interrupted.
    Interrupted,
    /// A credential of before a rotation came back after its grace.
    Stolen,
}
