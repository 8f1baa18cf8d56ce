//! Owns taking a number away from a tenant that is gone: its sessions end, its users and keys are deleted, and the number
//! is as good as new. Does not know who asks for it.

use std::sync::Arc;
use std::time::Duration;

use super::parts::{self, Store};
use super::world::SystemClock;
use super::{AppError, tenancy};
use crate::authority::ports::{KeptMintKeys, StoreResult};
use crate::config::Config;
use crate::session::event::{Event, What};
use crate::session::key::TenantNumber;
use crate::session::mark::MarkTarget;

/// How long it is known that its sessions are dead: longer than any may have been allowed to live.
const MARK_FOR: Duration = Duration::from_hours(400 * 24);
/// For what is to be gone at once, as short as a store can keep anything.
const AT_ONCE: Duration = Duration::ZERO;
/// How many users are deleted between two looks at the list.
const USERS_AT_ONCE: usize = 256;

/// What became of asking for it.
#[derive(Debug, PartialEq, Eq)]
pub enum Released {
    /// The number is free. The name that had it, and how many users were deleted.
    Yes {
        /// Whose it was.
        name: String,
        /// How many users it had.
        users: u64,
    },
    /// No tenant has it.
    Nobodys,
    /// The configuration still has this tenant.
    StillThere {
        /// Its name.
        name: String,
    },
}

/// Which tenants of this store have which numbers, those that the configuration no longer has among them.
///
/// # Errors
/// When the store can't be used.
pub async fn tenants(config: &Config) -> Result<Vec<(TenantNumber, String)>, AppError> {
    Ok(open(config).await?.tenants.tenants().await?)
}

/// Ends and deletes all that is kept under a number, and frees it.
///
/// # Errors
/// When the store can't be used. Doing it again is safe.
pub async fn release(config: &Config, number: TenantNumber) -> Result<Released, AppError> {
    let store = open(config).await?;
    let known = store.tenants.tenants().await?.into_iter().find(|(known, _)| *known == number);
    let Some((_, name)) = known else { return Ok(Released::Nobodys) };
    if tenancy::named(config).iter().any(|tenant| tenant.number == number && tenant.is_or_was(&name)) {
        return Ok(Released::StillThere { name });
    }
    let target = MarkTarget::Tenant(number);
    let mark = store.sessions.raise(&target, MARK_FOR).await?;
    // An authority that still serves it hears of its end; one that does not hear reads the mark.
    store.events.announce(vec![Event::of(number, What::Marked { target, mark })]).await?;
    let users = delete_users(&store, number).await?;
    drop_mint_keys(&store, number).await?;
    drop_caller_keys(&store, number).await?;
    store.audit.drop_entries(number).await?;
    store.tenants.release(number).await?;
    Ok(Released::Yes { name, users })
}

/// The store as it is, whosever the numbers are in it.
pub(super) async fn open(config: &Config) -> Result<Store, AppError> {
    parts::store(config, Arc::new(SystemClock), false, Vec::new()).await
}

async fn delete_users(store: &Store, tenant: TenantNumber) -> StoreResult<u64> {
    let (mut from, mut count) = (None, 0);
    loop {
        let page = store.users.users(tenant, from, USERS_AT_ONCE).await?;
        for (user, _) in page.users {
            let deleted = store.users.delete_user(&user, AT_ONCE, MARK_FOR, AT_ONCE).await?;
            count += u64::from(deleted.is_some());
        }
        from = page.next;
        if from.is_none() {
            return Ok(count);
        }
    }
}

async fn drop_caller_keys(store: &Store, tenant: TenantNumber) -> StoreResult<()> {
    for (id, _) in store.callers.caller_keys(tenant).await? {
        store.callers.remove_caller_key(&id).await?;
    }
    Ok(())
}

async fn drop_mint_keys(store: &Store, tenant: TenantNumber) -> StoreResult<()> {
    while let Some(kept) = store.mint_keys.mint_keys(tenant).await? {
        let none = KeptMintKeys { revision: kept.revision + 1, sealed: Vec::new() };
        if store.mint_keys.put_mint_keys(tenant, none, AT_ONCE).await? {
            break;
        }
    }
    Ok(())
}
