//! Owns what is said of an access token that a caller presents: whose it is and what it grants, or why it is not good.
//! Does not know how it was checked.

use crate::session::identity::Identity;
use crate::session::time::Timestamp;

/// What was found out about a token.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenVerdict {
    /// It is good.
    Good(Box<CheckedToken>),
    /// It is not good.
    Bad(TokenFault),
}

/// A token that passed every check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedToken {
    /// Whose it is. `sub` and `user_id` are empty for a token that speaks for a program alone.
    pub identity: Identity,
    /// The OAuth2 client that it was given to; empty when it does not say.
    pub client_id: String,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// What it permits beyond scopes.
    pub permissions: Vec<String>,
    /// When it was issued, if it says so.
    pub issued: Option<Timestamp>,
    /// When it ends, if it says so.
    pub expires: Option<Timestamp>,
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// No token came.
    Missing,
    /// It is no access token of whom it names: garbage, wrongly signed, of another kind.
    Forged,
    /// No provider that is configured has issued it.
    UnknownIssuer,
    /// It is for somebody else.
    OtherAudience,
    /// It has expired.
    Expired,
    /// It is not good yet.
    NotYetValid,
    /// Its issuer has withdrawn it, or its session has ended.
    Ended,
    /// Its session has ended, and there is no such user any more.
    UserGone,
}

/// How a provider's access tokens are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenCheck {
    /// Not at all.
    #[default]
    Off,
    /// As JWTs, by the provider's keys (RFC 9068).
    Jwt,
    /// By asking the provider (RFC 7662).
    Introspection,
}
