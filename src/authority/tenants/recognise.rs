//! Owns finding the tenant under which an API key is kept that was made at run time. Does not know what is kept of it.

use std::time::Duration;

use super::Tenancy;
use crate::authority::recognise_caller::{Recognised, Unread};
use crate::authority::{Authority, Error};
use crate::crypto::Digest;
use crate::session::caller::{self, CallerKeyId};
use crate::session::key::TenantNumber;
use crate::session::mark::EVERY_TENANT;

use super::Scope;

impl Tenancy {
    /// Whose a key is, of which this is the SHA-256, as far as it is known without asking the store.
    #[must_use]
    pub fn recall_caller(&self, key: &[u8], hash: &Digest) -> Recognised {
        let claimed = caller::claimed_key(key);
        let keeper = claimed.and_then(|id| Some((id, self.keeper_of(id)?)));
        keeper.map_or(Recognised::Nobody, |(id, keeper)| keeper.recall_caller(id, key, hash))
    }

    /// Whose a key is, as the store has it.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn read_caller(&self, key: Unread, hash: &Digest) -> Result<Recognised, Error> {
        match self.keeper_of(key.id) {
            Some(keeper) => keeper.read_caller(key, hash).await,
            None => Ok(Recognised::Nobody),
        }
    }

    /// For how long a key that was good may still be taken for so, by what was read of it last; `None` where it is not good any
    /// more.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn caller_is_good_for(&self, id: CallerKeyId) -> Result<Option<Duration>, Error> {
        match self.keeper_of(id) {
            Some(keeper) => keeper.caller_is_good_for(id).await,
            None => Ok(None),
        }
    }

    /// The tenants of these names; `*` alone is every one. `None` where there is no such tenant.
    #[must_use]
    pub fn scope_of(&self, names: &[String]) -> Option<Scope> {
        if let [every] = names
            && every == "*"
        {
            return Some(Scope::Every);
        }
        let number = |name: &String| {
            self.by_name.get(name.as_bytes()).and_then(|at| self.members.get(*at)).map(super::Member::number)
        };
        names.iter().map(number).collect::<Option<Vec<_>>>().map(Scope::of)
    }

    /// A tenant's name; its number where it is gone.
    #[must_use]
    pub fn name_of(&self, tenant: TenantNumber) -> String {
        let found = self.authorities().find(|authority| authority.tenant_number() == tenant);
        found.map_or_else(|| tenant.0.to_string(), |authority| authority.tenant_name().to_owned())
    }

    /// Who keeps keys of that number: the default tenant those that are for several.
    fn keeper_of(&self, id: CallerKeyId) -> Option<&Authority> {
        let is_keeper = |authority: &&Authority| id.tenant == EVERY_TENANT || authority.tenant_number() == id.tenant;
        self.authorities().find(is_keeper)
    }
}
