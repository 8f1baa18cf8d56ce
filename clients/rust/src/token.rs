//! Owns a good bearer token as an application sees it. Does not know how it was judged.

use std::fmt;
use std::sync::Arc;

use crate::session::given;
use crate::v1;

/// A good bearer token that meets every requirement which was asked for. It holds no secret. Cheap to clone.
#[derive(Clone, PartialEq)]
pub struct Token(Arc<v1::ActiveToken>);

impl Token {
    pub(crate) fn new(active: v1::ActiveToken) -> Self {
        Self(Arc::new(active))
    }

    /// The user's stable id, `<provider>_<sub>`. `None` for a token that speaks for a program alone.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        given(&self.0.identity.as_ref()?.user_id)
    }

    /// The OAuth2 client that it was given to, when it says.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        given(&self.0.client_id)
    }

    /// The scopes that it was granted.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.0.identity.as_ref().map_or(&[], |identity| &identity.scopes)
    }

    /// The roles that it names, by the authority's configuration.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        self.0.identity.as_ref().map_or(&[], |identity| &identity.roles)
    }

    /// What it permits beyond scopes.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.0.permissions
    }

    /// All that the authority said of it: whom it is for, its times, and the claims of one of the authority's own.
    #[must_use]
    pub fn active(&self) -> &v1::ActiveToken {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("user_id", &self.user_id()).field("client_id", &self.client_id()).finish()
    }
}
