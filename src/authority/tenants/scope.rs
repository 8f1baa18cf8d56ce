//! Owns for which tenants a caller may ask, and which of them a call names. Does not know the tenants.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::authority::Error;
use crate::session::event::Event;
use crate::session::key::TenantNumber;
use crate::session::mark::EVERY_TENANT;

/// For which tenants a caller may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For every one, those of later too.
    Every,
    /// For these.
    Of(Arc<[TenantNumber]>),
}

impl Default for Scope {
    /// For none.
    fn default() -> Self {
        Self::Of(Arc::default())
    }
}

impl Scope {
    /// For one tenant.
    #[must_use]
    pub fn one(tenant: TenantNumber) -> Self {
        Self::Of([tenant].into())
    }

    /// For these tenants, however often each is named.
    #[must_use]
    pub fn of(tenants: impl IntoIterator<Item = TenantNumber>) -> Self {
        Self::Of(tenants.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Whether this tenant is among them.
    #[must_use]
    pub fn admits(&self, tenant: TenantNumber) -> bool {
        match self {
            Self::Every => true,
            Self::Of(tenants) => tenants.contains(&tenant),
        }
    }

    /// The only tenant, where there is no other.
    #[must_use]
    pub fn only(&self) -> Option<TenantNumber> {
        match self {
            Self::Of(tenants) => match **tenants {
                [only] => Some(only),
                _ => None,
            },
            Self::Every => None,
        }
    }

    /// Whether somebody who is told of these tenants is told of what is this one's, or everyone's.
    pub(in crate::authority) fn is_told_of(&self, whose: TenantNumber) -> bool {
        whose == EVERY_TENANT || self.admits(whose)
    }

    /// Whether somebody who is told of these tenants is told of this.
    pub(in crate::authority) fn concerns(&self, event: &Event) -> bool {
        self.is_told_of(event.whose())
    }
}

/// Who asks, as far as tenants go.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// For which tenants the caller may ask.
    pub scope: Scope,
    /// The tenant that the call itself names: its name or number. `None` leaves it to the request.
    pub named: Option<Box<[u8]>>,
}

impl Asker {
    /// Ending everything ends the sessions of every tenant.
    ///
    /// # Errors
    /// When the caller may ask for some tenants alone, or the call names one.
    pub fn may_end_everything(&self) -> Result<(), Error> {
        if self.scope == Scope::Every && self.named.is_none() { Ok(()) } else { Err(Error::NotEveryTenant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whoever is for one tenant alone names none; named twice it is still one.
    #[test]
    fn a_tenant_that_is_named_twice_is_one() {
        let (one, two) = (TenantNumber(1), TenantNumber(2));
        assert_eq!(Scope::of([two, two]).only(), Some(two));
        assert_eq!(Scope::of([two, one, two]), Scope::of([one, two]));
    }

    #[test]
    fn whoever_nothing_is_said_of_may_ask_for_no_tenant() {
        let asker = Asker::default();
        assert!(!asker.scope.admits(TenantNumber(1)) && asker.may_end_everything().is_err());
    }
}
