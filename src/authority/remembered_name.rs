//! Owns what a user is called whom the provider names at the first login alone: as it stands in their record. Does not know
//! which providers do so.

use super::Authority;
use super::get_user::UserView;
use super::ports::UserLookup;
use crate::session::identity::Identity;
use crate::session::key::UserKey;

impl Authority {
    /// The name of before. A store or a record in trouble is no reason to keep anybody out.
    pub(super) async fn remembered_name(&self, identity: &Identity) -> Option<String> {
        let user = UserKey::of(self.settings.tenant, &identity.issuer, &identity.sub);
        let UserLookup::Found(kept) = self.ports.users.user(&user).await.ok()? else { return None };
        match self.open_user(&user, &kept).ok()? {
            UserView::Known(profile, _) => profile.name,
            UserView::Deleted(..) => None,
        }
    }
}
