//! Owns which providers answer: as they did when they were last asked anything, and asked for nobody's sake where that is
//! long ago. Does not know what they are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use super::Authority;
use super::tenants::Tenancy;

/// When a provider was last asked anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastAsked {
    /// Whether it answered. A refusal is an answer; trouble of its own is none.
    pub answered: bool,
    /// How long ago that was.
    pub ago: Duration,
}

impl Authority {
    /// Whether each provider that is offered answered when it was last asked anything; `None` where it was not asked yet.
    #[must_use]
    pub fn providers_answer(&self) -> Vec<(String, Option<bool>)> {
        let of = |one: std::sync::Arc<dyn super::provider::IdentityProvider>| {
            (one.info().name.clone(), one.last_asked().map(|last| last.answered))
        };
        self.ports.providers.all().into_iter().map(of).collect()
    }

    /// Asks each provider that nobody has asked anything for that long.
    pub async fn knock_at_providers(&self, idle_for: Duration) {
        let providers = self.ports.providers.all();
        let idle = providers.iter().filter(|one| one.last_asked().is_none_or(|last| last.ago >= idle_for));
        join_all(idle.map(|one| one.knock())).await;
    }
}

impl Tenancy {
    /// Whether the providers of each name answered when they were last asked anything: not, if one did not.
    #[must_use]
    pub fn providers_answer(&self) -> BTreeMap<String, Option<bool>> {
        let mut all = BTreeMap::new();
        for (name, answers) in self.authorities().flat_map(Authority::providers_answer) {
            let known = all.entry(name).or_insert(answers);
            *known = match (*known, answers) {
                (Some(one), Some(other)) => Some(one && other),
                (known, other) => known.or(other),
            };
        }
        all
    }
}
