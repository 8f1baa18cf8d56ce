//! Owns the figures of what the use cases come to: checks, logins, refreshes. Does not know how they are sent.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};

use super::labels::Labels;
use super::tally::Tally;
use crate::authority::login_answer::LoginFailure;
use crate::authority::observer::{Basis, Observer, Verdict};
use crate::authority::provider::ProviderError;
use crate::session::key::TenantNumber;

const BASES: [(Basis, &str); 3] = [(Basis::Request, "request"), (Basis::Memory, "memory"), (Basis::Store, "store")];
const VERDICTS: usize = Verdict::ALL.len();
/// How many counters a tenant has.
const OF_A_TENANT: usize = VERDICTS * BASES.len();

/// What the use cases have come to.
#[derive(Debug)]
pub(super) struct Work {
    labels: Arc<Labels>,
    checks: Arc<Tally>,
    logins_begun: Counter<u64>,
    logins_ended: Counter<u64>,
    refreshes: Counter<u64>,
    not_audited: Counter<u64>,
}

fn place(slot: usize, verdict: Verdict, basis: Basis) -> usize {
    slot * OF_A_TENANT + verdict as usize * BASES.len() + basis as usize
}

impl Work {
    pub(super) fn new(meter: &Meter, labels: &Arc<Labels>) -> Self {
        let checks = Arc::new(Tally::new(labels.slots() * OF_A_TENANT));
        report_checks(meter, labels, &checks);
        report_lookups(meter, labels, &checks);
        let counter = |name, unit, text| meter.u64_counter(name).with_unit(unit).with_description(text).build();
        Self {
            labels: Arc::clone(labels),
            checks,
            logins_begun: counter("gatelodge.logins.begun", "{login}", "Browsers sent to a provider to log in"),
            logins_ended: counter(
                "gatelodge.logins.ended",
                "{login}",
                "Logins that made a session, or why they did not",
            ),
            refreshes: counter("gatelodge.refreshes", "{refresh}", "New tokens that a provider was asked for"),
            not_audited: counter(
                "gatelodge.audit.not_kept",
                "{entry}",
                "Entries of the audit that the log alone has, and why",
            ),
        }
    }
}

fn report_checks(meter: &Meter, labels: &Arc<Labels>, checks: &Arc<Tally>) {
    let (labels, checks) = (Arc::clone(labels), Arc::clone(checks));
    let builder = meter.u64_observable_counter("gatelodge.validations").with_unit("{validation}");
    let builder = builder.with_description("Sessions that were validated, by what the answer was and what it rests on");
    builder
        .with_callback(move |into| {
            for slot in 0..labels.slots() {
                for (verdict, (basis, word)) in Verdict::ALL.into_iter().flat_map(|one| BASES.map(|basis| (one, basis)))
                {
                    let count = checks.read(place(slot, verdict, basis));
                    if count > 0 {
                        let (outcome, reason) = verdict.words();
                        let label = |name, value: &'static str| KeyValue::new(name, value);
                        let own = [
                            labels.tenant_at(slot),
                            label("gatelodge.outcome", outcome),
                            label("gatelodge.reason", reason),
                            label("gatelodge.basis", word),
                        ];
                        into.observe(count, &own);
                    }
                }
            }
        })
        .build();
}

/// A check that rests on the store has looked in the near cache before, or was not allowed to.
fn report_lookups(meter: &Meter, labels: &Arc<Labels>, checks: &Arc<Tally>) {
    let (labels, checks) = (Arc::clone(labels), Arc::clone(checks));
    let builder = meter.u64_observable_counter("gatelodge.near_cache.lookups").with_unit("{lookup}");
    let builder = builder.with_description("Validations that the near cache answered, and those that the store had to");
    builder
        .with_callback(move |into| {
            for (basis, result) in [(Basis::Memory, "hit"), (Basis::Store, "miss")] {
                let of = |slot| {
                    Verdict::ALL.map(|verdict| checks.read(place(slot, verdict, basis))).into_iter().sum::<u64>()
                };
                into.observe((0..labels.slots()).map(of).sum(), &[KeyValue::new("gatelodge.result", result)]);
            }
        })
        .build();
}

impl Observer for Work {
    fn checked(&self, tenant: TenantNumber, verdict: Verdict, basis: Basis) {
        self.checks.raise(place(self.labels.slot(tenant), verdict, basis));
    }

    fn login_began(&self, tenant: TenantNumber, provider: &str) {
        self.logins_begun.add(1, &[self.labels.tenant(tenant), self.labels.provider(Some(provider))]);
    }

    fn login_ended(&self, tenant: TenantNumber, provider: Option<&str>, failure: Option<LoginFailure>) {
        let (outcome, reason) = failure.map_or(("complete", "none"), |failure| ("failed", failure.reason()));
        let own = [KeyValue::new("gatelodge.outcome", outcome), KeyValue::new("gatelodge.reason", reason)];
        let [outcome, reason] = own;
        self.logins_ended.add(1, &[self.labels.tenant(tenant), self.labels.provider(provider), outcome, reason]);
    }

    fn refreshed(&self, tenant: TenantNumber, provider: &str, failure: Option<&ProviderError>) {
        let outcome = KeyValue::new("gatelodge.outcome", failure.map_or("refreshed", name));
        self.refreshes.add(1, &[self.labels.tenant(tenant), self.labels.provider(Some(provider)), outcome]);
    }

    fn not_audited(&self, tenant: TenantNumber, why: &'static str, count: u64) {
        self.not_audited.add(count, &[self.labels.tenant(tenant), KeyValue::new("gatelodge.reason", why)]);
    }
}

/// What a provider did instead of what it was asked, in a word.
const fn name(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Unavailable(_) => "unavailable",
        ProviderError::Lost(_) => "lost",
        ProviderError::InvalidGrant(_) => "invalid_grant",
        ProviderError::Failed(_) => "failed",
        ProviderError::Rejected(_) => "rejected",
        ProviderError::Unsupported(_) => "unsupported",
        ProviderError::RequestRefused(_) => "request_refused",
        ProviderError::AudienceRefused(_) => "audience_refused",
    }
}
