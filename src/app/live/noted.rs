//! Owns what is written down, at each tenant that it concerns, of a change of what is in force. Does not know how it changes.

use super::Live;
use crate::app::changes::{self, Changes, KeysNow, LostKey};
use crate::app::tenancy::Blueprint;
use crate::authority::Authority;
use crate::config::fault::Faults;
use crate::session::audit::Action;

impl Live {
    /// Another configuration is in force.
    pub(super) fn note_loaded(&self, changes: &Changes) {
        self.at_each(|blueprint, authority| {
            if let Some(keys) = changes.of_tenant(&blueprint.name) {
                authority.note_by_itself(Action::ConfigurationLoaded, "", &keys);
            }
        });
    }

    /// The configuration on disk can't be used. What is wrong with it is for the log: it may repeat what stands there.
    pub(super) fn note_refused(&self, faults: &Faults) {
        self.at_each(|blueprint, authority| {
            let keys = faults.0.iter().map(|fault| match fault.path.as_str() {
                "" => "a whole file",
                key => key,
            });
            if let Some(keys) = changes::of_tenant(keys, &blueprint.name) {
                authority.note_by_itself(Action::ConfigurationLoaded, "unusable", &keys);
            }
        });
    }

    /// Keys do something else than these did; and these are lost.
    pub(super) fn note_keys(&self, former: &KeysNow, lost: &[LostKey]) {
        self.at_each(|blueprint, authority| {
            let rings = self.in_force().keys.rings_that_differ(former, blueprint.number());
            if rings.is_empty() {
                return;
            }
            let rings = rings.into_iter().collect::<Vec<_>>().join(", ");
            let gone: Vec<_> = lost.iter().filter_map(|key| key.of_tenant(&blueprint.name)).collect();
            if gone.is_empty() {
                authority.note_by_itself(Action::KeysChanged, "", &rings);
            } else {
                let detail = format!("{rings}; gone while in use: {}", gone.join(", "));
                authority.note_by_itself(Action::KeysChanged, "key_lost", &detail);
            }
        });
    }

    /// Each tenant in force.
    fn at_each(&self, note: impl Fn(&Blueprint, &Authority)) {
        let (plan, tenants) = (self.plan(), self.tenants.now());
        for (authority, blueprint) in tenants.authorities().zip(&plan.blueprints) {
            note(blueprint, authority);
        }
    }
}
