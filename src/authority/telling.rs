//! Owns which providers may have said that a session has ended there: those that are offered, and those whose users' sessions
//! live on. Does not know what they say, nor whether it is true.

use std::sync::Arc;

use super::logout_notice::LogoutChannels;
use super::ports::Providers;
use super::provider::IdentityProvider;
use crate::session::claimed_jwt::ClaimedJwt;

type Provider = Arc<dyn IdentityProvider>;

/// The providers that may say so, those that are offered first. A clone is the same ones.
#[derive(Clone, Default)]
pub(super) struct Telling {
    all: Arc<[Provider]>,
    offered: usize,
}

/// How likely it is that something is for a tenant: one that offers the provider comes before one that has retired it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likely {
    /// The provider is offered.
    First,
    /// It is no longer offered.
    Then,
}

impl Telling {
    pub(super) fn of(providers: &dyn Providers) -> Self {
        let offered = providers.all();
        Self { offered: offered.len(), all: offered.into_iter().chain(providers.retired()).collect() }
    }

    /// Those that may have sent a logout token that says this of itself.
    pub(super) fn senders_of<'a>(&'a self, claimed: &'a ClaimedJwt) -> impl Iterator<Item = (Likely, &'a Provider)> {
        let audience = claimed.audience.as_deref();
        let is_for_us = move |one: &Provider| audience.is_some_and(|id| one.is_client(id));
        self.by(&claimed.issuer, |channels| channels.back).filter(move |(_, one)| is_for_us(one))
    }

    /// Whether any provider of this issuer sends logout tokens.
    pub(super) fn has_sender(&self, issuer: &str) -> bool {
        self.by(issuer, |channels| channels.back).next().is_some()
    }

    /// Those whose pages may log out sessions of this issuer.
    pub(super) fn pages_of<'a>(&'a self, issuer: &'a str) -> impl Iterator<Item = (Likely, &'a Provider)> {
        self.by(issuer, |channels| channels.front)
    }

    fn by<'a>(
        &'a self,
        issuer: &'a str,
        by_way: fn(LogoutChannels) -> bool,
    ) -> impl Iterator<Item = (Likely, &'a Provider)> {
        let likely = |at| if at < self.offered { Likely::First } else { Likely::Then };
        let all = self.all.iter().enumerate().map(move |(at, one)| (likely(at), one));
        all.filter(move |(_, one)| by_way(one.logout_channels()) && one.info().issuer.admits(issuer))
    }
}
