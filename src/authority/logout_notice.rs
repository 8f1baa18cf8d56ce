//! Owns what a provider tells of the end of its own sessions, once that is verified, and by which ways it may. Does not
//! know what a logout token looks like.

use crate::session::time::Timestamp;

/// By which ways a provider may end sessions here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogoutChannels {
    /// By logout tokens, from server to server (OpenID Connect Back-Channel Logout 1.0).
    pub back: bool,
    /// Through the user's browser, where no signature comes along (OpenID Connect Front-Channel Logout 1.0).
    pub front: bool,
}

/// A verified logout token, but for whether it came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Names this token among all of the provider's (`jti`).
    pub id: String,
    /// The issuer, exactly as it stands there.
    pub issuer: String,
    /// What has ended.
    pub ended: WhatEnded,
    /// What began later than this is not meant, by the world's time: when the token was issued, and how far clocks may
    /// differ.
    pub meant_until: Timestamp,
    /// From when on no check would let the same token pass.
    pub good_until: Timestamp,
}

/// What has ended at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhatEnded {
    /// One of its own sessions (`sid`), and whose that was (`sub`), if it says so.
    Session(String, Option<String>),
    /// Every session of a user (`sub`).
    User(String),
}
