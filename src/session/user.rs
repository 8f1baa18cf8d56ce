//! Owns what is kept of a person beyond their sessions: a profile, and whether they may log in. Does not know how it is
//! sealed or stored.

use super::identity::Identity;
use super::time::Timestamp;

/// Who a user is, as their provider said it at the last login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `<provider>_<sub>`, as [`Identity::user_id`].
    pub user_id: String,
    /// The provider's name in the configuration.
    pub provider: String,
    /// The issuer, exactly as in the ID token.
    pub issuer: String,
    /// The subject at that issuer.
    pub sub: String,
    /// The email address, if the provider gave one.
    pub email: Option<String>,
    /// Whether the provider says that it verified the address.
    pub email_verified: bool,
    /// The display name, if the provider gave one.
    pub name: Option<String>,
    /// The address of a picture, if the provider gave one.
    pub picture: Option<String>,
}

impl From<&Identity> for Profile {
    fn from(identity: &Identity) -> Self {
        Self {
            user_id: identity.user_id.clone(),
            provider: identity.provider.clone(),
            issuer: identity.issuer.clone(),
            sub: identity.sub.clone(),
            email: identity.email.clone(),
            email_verified: identity.email_verified,
            name: identity.name.clone(),
            picture: identity.picture.clone(),
        }
    }
}

/// What stands in plain in a user's record, because the step that makes a session changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// Whether no login of theirs makes a session.
    pub disabled: bool,
    /// How many logins made a session.
    pub logins: u64,
    /// The first of these.
    pub first_login: Timestamp,
    /// The last of these.
    pub last_login: Timestamp,
}
