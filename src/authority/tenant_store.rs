//! Owns the port of tenants' numbers: which name each was given to first, so that none is ever given to another by
//! mistake. Does not know who keeps it.

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::TenantNumber;

/// A tenant as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTenant {
    /// Its number.
    pub number: TenantNumber,
    /// Its name.
    pub name: String,
    /// Names that it had before.
    pub formerly: Vec<String>,
}

impl NamedTenant {
    /// Whether what is kept under its number for `name` is its own.
    #[must_use]
    pub fn is_or_was(&self, name: &str) -> bool {
        self.name == name || self.formerly.iter().any(|former| former == name)
    }

    /// Why it can't have its number, which is of `kept`.
    #[must_use]
    pub fn refused(&self, kept: String) -> NumberTaken {
        NumberTaken { number: self.number.0, name: self.name.clone(), kept }
    }
}

/// A number that belongs to another tenant: whoever were given it would find the other's users and sessions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "tenant number {number} belongs to `{kept}` in this store, and the configuration gives it to `{name}`, which would \
     take over the sessions and users of `{kept}`. Give `{name}` a number that no tenant ever had; if it is the same \
     tenant under another name, write `formerly: [{kept}]` beside its number; if `{kept}` is gone for good, `gatelodge \
     tenants release {number}` deletes what is left of it and frees the number"
)]
pub struct NumberTaken {
    /// The number.
    pub number: u32,
    /// To whom the configuration gives it.
    pub name: String,
    /// Whose it is.
    pub kept: String,
}

/// Keeps which name each number was given to.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// The numbers that were given out, and to which names.
    async fn tenants(&self) -> StoreResult<Vec<(TenantNumber, String)>>;

    /// Forgets to whom a number was given: it is as good as new. What is kept under it MUST have been ended before.
    async fn release(&self, tenant: TenantNumber) -> StoreResult<()>;
}
