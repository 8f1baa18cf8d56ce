//! Owns the use case GetUser: one user, as an admin sees them. Does not know how it was asked.

use std::time::Duration;

use super::ports::{KeptUser, UserLookup};
use super::settings::LoginSettings;
use super::{Authority, Error};
use crate::session::key::UserKey;
use crate::session::time::Timestamp;
use crate::session::user::{Profile, UserFacts};

/// A user, as an admin sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserView {
    /// Who has logged in.
    Known(Box<Profile>, UserFacts),
    /// Who was deleted: their id, and when.
    Deleted(String, Timestamp),
}

impl Authority {
    /// Shows one user.
    ///
    /// # Errors
    /// When the id is not one, nobody has it, or the store can't say.
    pub async fn get_user(&self, user_id: &str) -> Result<UserView, Error> {
        let user = self.user_key(user_id)?;
        match self.ports.users.user(&user).await? {
            UserLookup::Found(kept) => self.open_user(&user, &kept),
            UserLookup::Deleted(at) => Ok(UserView::Deleted(user_id.to_owned(), at)),
            UserLookup::Unknown => Err(Error::UserNotFound),
        }
    }

    /// A record as an admin sees it.
    pub(super) fn open_user(&self, user: &UserKey, kept: &KeptUser) -> Result<UserView, Error> {
        Ok(UserView::Known(Box::new(self.vault.open_profile(user, &kept.profile)?), kept.facts))
    }

    /// How long a user's mark stands: as long as a session or a login of before could. A login may be at the provider for
    /// its whole time, and then wait for a choice as long again; each time it is at work for a lease.
    pub(super) fn user_mark_for(&self) -> Duration {
        let LoginSettings { ttl, lease, .. } = self.settings.logins;
        self.settings.longest_life().max((ttl + lease) * 2)
    }
}
