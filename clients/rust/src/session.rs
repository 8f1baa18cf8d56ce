//! Owns a living session as an application sees it. Does not know how it was found or what it may do.

use std::fmt;
use std::sync::Arc;

use crate::client::error::Error;
use crate::v1;

/// A living session that meets every requirement which was asked for. Cheap to clone.
///
/// In a handler of axum under a [`crate::SessionLayer`] it is an extractor: `Session` answers for the handler when
/// nobody is logged in, `Option<Session>` leaves that to the handler.
#[derive(Clone, PartialEq)]
pub struct Session(Arc<Parts>);

#[derive(PartialEq)]
struct Parts {
    identity: v1::Identity,
    info: v1::SessionInfo,
    judged: v1::JudgedRequirements,
    csrf_token: String,
    set_cookies: Vec<String>,
}

impl Session {
    pub(crate) fn new(active: v1::ActiveSession) -> Result<Self, Error> {
        let (Some(identity), Some(info)) = (active.identity, active.session) else {
            return Err(Error::could_not_say("the authority found a session, and did not say whose"));
        };
        let v1::ActiveSession { csrf_token, set_cookies, .. } = active;
        Ok(Self(Arc::new(Parts { identity, info, judged: active.judged.unwrap_or_default(), csrf_token, set_cookies })))
    }

    /// The user's stable id, `<provider>_<sub>`: the key to keep a user's own data under.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.0.identity.user_id
    }

    /// The email address, when the provider gave one. Not an identity: it may change hands.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        given(&self.0.identity.email)
    }

    /// The display name, when the provider gave one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        given(&self.0.identity.name)
    }

    /// The provider's name in the authority's configuration.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.0.identity.provider
    }

    /// The scopes that were granted.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.identity.scopes
    }

    /// The roles that the provider gave, by the authority's configuration.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.0.identity.roles
    }

    /// The permissions likewise.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.0.identity.permissions
    }

    /// All that the provider said.
    #[must_use]
    pub fn identity(&self) -> &v1::Identity {
        &self.0.identity
    }

    /// The session's facts: its public id and its times.
    #[must_use]
    pub fn info(&self) -> &v1::SessionInfo {
        &self.0.info
    }

    /// What was judged to let this request through.
    #[must_use]
    pub fn judged(&self) -> &v1::JudgedRequirements {
        &self.0.judged
    }

    /// A fresh CSRF token, when one was asked for or the credential was rotated. A [`crate::SessionLayer`] delivers it.
    #[must_use]
    pub fn csrf_token(&self) -> Option<&str> {
        given(&self.0.csrf_token)
    }

    /// Whole Set-Cookie values to deliver with the answer to this very request. A [`crate::SessionLayer`] does so.
    #[must_use]
    pub fn set_cookies(&self) -> &[String] {
        &self.0.set_cookies
    }
}

/// What a text says, where an empty one says nothing.
pub(crate) fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { identity, info, .. } = self.0.as_ref();
        f.debug_struct("Session")
            .field("user_id", &identity.user_id)
            .field("session_id", &info.session_id)
            .finish_non_exhaustive()
    }
}
