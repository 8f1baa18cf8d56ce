//! Owns how many places those calls of a tenant hold that may wait for its providers: never more than are left for all
//! others, so that a provider that hangs stops its own tenant alone. Does not know the calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::{Code, Status};

use super::places::{Place, Places};
use super::status;
use super::v1::ErrorReason;
use crate::authority::tenants::Found;
use crate::session::key::TenantNumber;

/// The shares of all tenants in the places of all calls. A clone is the same shares.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    calls: Places,
    held: Arc<Mutex<BTreeMap<TenantNumber, Places>>>,
}

impl Shares {
    pub(super) fn new(calls: Places) -> Self {
        Self { calls, held: Arc::default() }
    }

    /// One of the tenant's, for a call that has a place already, to be held while it may wait. A tenant that is alone has
    /// all places.
    pub(super) fn take(&self, found: &Found<'_>, request_id: &str) -> Result<Option<Place>, Status> {
        if found.is_alone() {
            return Ok(None);
        }
        self.take_of(found.tenant_number()).map(Some).ok_or_else(|| {
            let message = "too many calls of this tenant are at work; try again";
            status::plain(Code::ResourceExhausted, ErrorReason::Overloaded, message, request_id)
        })
    }

    fn take_of(&self, tenant: TenantNumber) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.entry(tenant).or_insert_with(|| Places::new(usize::MAX));
        let left = self.calls.most().saturating_sub(self.calls.taken());
        (own.taken() <= left).then(|| own.take())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_tenants_take_all_that_they_can_there_is_a_place_left_for_another() {
        let calls = Places::new(64);
        let shares = Shares::new(calls.clone());
        let mut held = Vec::new();
        for tenant in 1..=5 {
            let before = held.len();
            while let Some(call) = calls.take()
                && let Some(share) = shares.take_of(TenantNumber(tenant))
            {
                held.push((call, share));
            }
            assert!(held.len() > before && calls.taken() < 64, "{tenant}: {} of 64", calls.taken());
        }
        held.clear();
        let call = calls.take();
        assert!(call.is_some() && shares.take_of(TenantNumber(1)).is_some(), "and it is given back");
    }
}
