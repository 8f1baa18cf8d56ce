//! Owns a session of the fake as a test holds it. Does not know how it is judged.

use super::tokens::token_of;
use super::{FakeAuthority, State, channels};

/// A browser that holds a session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    authority: FakeAuthority,
    session_id: String,
}

impl SignedIn {
    pub(super) fn new(authority: FakeAuthority, session_id: String) -> Self {
        Self { authority, session_id }
    }

    /// The session cookie, as a pair for the Cookie header.
    #[must_use]
    pub fn cookie(&self) -> String {
        let world = self.authority.world();
        let name = world.settings.session_cookie_names.first().cloned().unwrap_or_default();
        let value = world.by_id(&self.session_id).map(|kept| kept.cookie.clone()).unwrap_or_default();
        format!("{name}={value}")
    }

    /// A CSRF token that is good for the session, for the header `x-csrf-token`.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        let world = self.authority.world();
        world.by_id(&self.session_id).map(|kept| kept.csrf_token.clone()).unwrap_or_default()
    }

    /// The session's own access token, which the fake accepts as a bearer token for as long as the session lives. It is for
    /// no audience.
    #[must_use]
    pub fn bearer_token(&self) -> String {
        token_of(&self.session_id, "")
    }

    /// As [`SignedIn::bearer_token`], for an audience: as `GetAccessToken` gives it.
    #[must_use]
    pub fn bearer_token_for(&self, audience: &str) -> String {
        token_of(&self.session_id, audience)
    }

    /// What the provider's server sends to `/auth/web/backchannel-logout`, as `logout_token`, when the session there has
    /// ended.
    #[must_use]
    pub fn logout_token(&self) -> String {
        channels::logout_token(&self.provider_session())
    }

    /// The provider's own session: what its page sends to `/auth/web/frontchannel-logout` as `sid`, with
    /// `https://provider.example` as `iss`.
    #[must_use]
    pub fn provider_session(&self) -> String {
        let world = self.authority.world();
        world.by_id(&self.session_id).map(|kept| kept.provider_session.clone()).unwrap_or_default()
    }

    /// The session's public id.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Ends the session, as an admin or another browser would.
    pub fn end(&self) {
        self.set_state(State::Revoked);
    }

    /// Says why the session is dead; [`State::Active`] brings it back.
    pub fn set_state(&self, state: State) {
        let mut world = self.authority.world();
        if let Some(kept) = world.sessions.iter_mut().find(|kept| kept.info.session_id == self.session_id) {
            kept.state = state;
        }
        world.events.tell(&self.session_id);
    }
}
