//! Shows that what can be caused without a session costs the store a bounded number of writes, and takes no room from what
//! became of real logins. Does not know what else is written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::observer::{Basis, Observer, Verdict};
use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::settings::AuditSettings;
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::TenantNumber;
use gatelodge::session::rate::Allowance;
use gatelodge_client::v1;
use gatelodge_client::v1::{AuditAction, AuditOutcome};

use super::{ALL, begin, come_back, explained, listed, log_in, named, of};
use crate::rpc::serving::{Serving, context};
use crate::world::log::Log;
use crate::world::{Browser, FaultyStore, Kept, Patient, World, on_every_store};

on_every_store! {
    a_flood_without_a_session_costs_the_store_a_bounded_number_of_writes
    a_flood_of_logins_that_begin_leaves_room_for_what_became_of_others
}

/// How many entries of each kind an hour may have.
const MOST: usize = 20;

/// Counts the entries that are not kept since their hour is full.
#[derive(Debug, Default)]
struct LeftOut(AtomicU64);

impl Observer for LeftOut {
    fn checked(&self, _: TenantNumber, _: Verdict, _: Basis) {}

    fn login_began(&self, _: TenantNumber, _: &str) {}

    fn login_ended(&self, _: TenantNumber, _: Option<&str>, _: Option<LoginFailure>) {}

    fn refreshed(&self, _: TenantNumber, _: &str, _: Option<&ProviderError>) {}

    fn not_audited(&self, _: TenantNumber, why: &'static str, count: u64) {
        assert_eq!(why, "hour_full");
        self.0.fetch_add(count, Ordering::SeqCst);
    }
}

struct Flooded {
    world: World,
    serving: Serving,
    store: Arc<FaultyStore>,
    left_out: Arc<LeftOut>,
    beside: Arc<Patient>,
}

impl Flooded {
    async fn over(kept: Kept) -> Self {
        let (put, mut store, left_out) = (kept.ready().await, None, Arc::new(LeftOut::default()));
        let (seen, beside) = (Arc::clone(&left_out), Arc::new(Patient::default()));
        let tasks = Arc::clone(&beside);
        let world = World::built(
            &["idp"],
            |settings| {
                settings.audit = Some(AuditSettings { most_an_hour: MOST as u64, ..ALL });
                settings.rates.bad_credentials.tenant = Some(Allowance { most: 50, within: Duration::from_hours(1) });
            },
            |ports| {
                put(ports);
                store = Some(FaultyStore::before(ports));
                ports.observer = Some(seen);
                ports.beside = tasks;
            },
        );
        let serving = Serving::of(&world).await;
        Self { world, serving, store: store.unwrap(), left_out, beside }
    }

    /// What anybody can send who knows nothing: states that are forged, more of them than one may send, and logins with a
    /// provider that there is not.
    async fn junk(&self, count: usize) {
        let mut logins = self.serving.logins().await;
        for number in 0..count {
            let query = format!("code=x&state=forged-{number}");
            drop(come_back(&self.serving, &Browser::default(), "junk", query).await);
            let question = v1::StartLoginRequest {
                query: "provider=made-up".into(),
                context: Some(context("GET", "/auth/web/login")),
                ..Default::default()
            };
            logins.start_login(named("junk", Role::Edge, question)).await.unwrap();
        }
    }

    /// A login that its user refuses at the provider is explained from its beginning to its end.
    async fn a_denied_login_is_explained(&self, id: &str) {
        let mut browser = Browser::default();
        let (start, back) = (format!("start-{id}"), format!("back-{id}"));
        let state = begin(&self.serving, &mut browser, &start).await;
        come_back(&self.serving, &browser, &back, format!("error=access_denied&state={state}")).await.unwrap();
        let entries = explained(&self.serving, &back).await;
        assert!(entries.iter().any(|entry| entry.reason == "access_denied"), "{entries:?}");
    }

    fn written(&self) -> usize {
        self.store.count("keep_entry")
    }
}

// security.md 108.
async fn a_flood_without_a_session_costs_the_store_a_bounded_number_of_writes(kept: Kept) {
    let log = Log::default();
    let _listening = log.listen();
    let flooded = Flooded::over(kept).await;
    flooded.junk(100).await;
    log_in(&flooded.world, &flooded.serving, "ada").await;
    flooded.a_denied_login_is_explained("bob").await;
    let entries = explained(&flooded.serving, "back-ada").await;
    let ids: Vec<_> = entries.iter().map(|entry| entry.request_id.as_str()).collect();
    assert_eq!(ids, ["start-ada", "back-ada"]);
    assert_eq!(flooded.written(), MOST + 4, "and each login once for its beginning and once for its end");
    assert_eq!(flooded.left_out.0.load(Ordering::SeqCst), (200 - MOST) as u64);
    let lines = || log.text().lines().filter(|line| line.contains("audit entries are not kept")).count();
    assert_eq!(lines(), 1);
    flooded.world.clock.advance(Duration::from_secs(11));
    flooded.junk(2).await;
    assert_eq!(lines(), 2, "once more after a while");
    // The next hour has room again.
    flooded.world.clock.advance(Duration::from_hours(1));
    flooded.junk(1).await;
    listed(&flooded.serving, v1::AuditFilter { request_id: "junk".into(), ..Default::default() }, MOST + 2).await;
    assert_eq!(flooded.written(), MOST + 6);
    // How much is missing is written down too, in a moment.
    flooded.beside.go_on();
    let entries = listed(&flooded.serving, of(&[AuditAction::EntriesLeftOut]), 1).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let told = format!("{}: too many in an hour of what can be caused without a session", 204 - MOST);
    assert_eq!((entry.outcome(), entry.reason.as_str(), &entry.detail), (AuditOutcome::Failed, "not_kept", &told));
    assert_eq!((entry.caller.as_str(), entry.user_id.as_str()), ("", ""));
}

// security.md 108: whoever begins logins without end hides nobody's failure.
async fn a_flood_of_logins_that_begin_leaves_room_for_what_became_of_others(kept: Kept) {
    let flooded = Flooded::over(kept).await;
    for _ in 0..MOST * 3 {
        begin(&flooded.serving, &mut Browser::default(), "flood").await;
    }
    flooded.junk(MOST).await;
    flooded.a_denied_login_is_explained("bob").await;
    log_in(&flooded.world, &flooded.serving, "ada").await;
    let entries = explained(&flooded.serving, "back-ada").await;
    assert_eq!(entries.len(), 1, "its beginning is left out: {entries:?}");
    let begun = listed(&flooded.serving, of(&[AuditAction::LoginBegun]), MOST).await;
    assert_eq!(begun.iter().filter(|entry| entry.request_id == "flood").count(), MOST);
    assert_eq!(flooded.written(), 2 * MOST + 2);
}
