//! Shows what becomes of keys when their dates come or another configuration does, and who is told. Does not know a store.

use std::sync::atomic::AtomicU64;

use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::super::world::{RuntimeTasks, SystemEntropy};
use super::super::{settings, tenancy};
use super::*;
use crate::authority::Authority;
use crate::authority::caller::Caller;
use crate::authority::create_caller_key::Question;
use crate::authority::list_audit;
use crate::authority::watch_sessions::{self, Kind};
use crate::authority::{Call, ports::Clock};
use crate::config::load::Sources;
use crate::crypto::{Secret, key_id, key_id_text};
use crate::session::audit::Action;
use crate::session::caller::{Role, Rpcs};
use crate::session::event::What;
use crate::session::key::{Partition, SessionKey, TenantNumber};
use crate::store::embedded::EmbeddedStore;

/// A clock that is set by hand, back too.
#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// 2027-01-15T08:00:00Z.
const EIGHT: u64 = 1_800_000_000;
const BEFORE: &str = "former secret of the tests, long enough";
const AFTER: &str = "second secret of the tests, long enough";

/// A configuration with these keys in its ring `session`, and this header for CSRF tokens.
fn loaded(keys: &str, header: &str) -> Loaded {
    let text = format!(
        "development: true\napp: {{ sessions: {{ csrf_header: {header}, rings: {{ session: [{keys}] }} }} }}\n"
    );
    settings::load(Sources::text("test", text)).unwrap()
}

/// The second key from 2027-01-15T08:00:00Z on, and the first until two hours later.
fn dated() -> String {
    format!(
        "{{ secret: '{BEFORE}', retire_after: 2027-01-15T10:00:00Z }}, \
         {{ secret: '{AFTER}', active_from: 2027-01-15T08:00:00Z }}"
    )
}

/// What has these keys.
fn live(hand: &Arc<Hand>) -> Arc<Live> {
    live_with(hand, &loaded(&dated(), "x-csrf"))
}

/// What has this configuration.
fn live_with(hand: &Arc<Hand>, loaded: &Loaded) -> Arc<Live> {
    let config = loaded.config.clone();
    let blueprints = tenancy::blueprints(&config, &Telemetry::default(), |_| None).unwrap();
    let store = EmbeddedStore::open(None, Arc::clone(hand) as Arc<dyn Clock>).unwrap();
    let clock = Arc::new(StoreClock::new(Arc::clone(hand) as Arc<dyn Clock>));
    let own = Arc::clone(&clock);
    let ports = move |providers| Ports {
        sessions: store.clone(),
        logins: store.clone(),
        logouts: store.clone(),
        answers: store.clone(),
        rates: store.clone(),
        users: store.clone(),
        events: store.clone(),
        mint_keys: store.clone(),
        callers: store.clone(),
        audit: store.clone(),
        providers,
        clock: own.clone(),
        wall: own.clone(),
        entropy: Arc::new(SystemEntropy),
        beside: Arc::new(RuntimeTasks::new(crate::rpc::tasks::Tasks::default())),
        observer: None,
    };
    let live =
        Live::begin(&config, blueprints, Box::new(ports), Vec::new(), Telemetry::default(), clock, None).unwrap();
    live.was_read(loaded);
    live
}

/// Which key signs what is new.
async fn signer(live: &Live, name: &str) -> String {
    let tenancy = live.tenants().now();
    let authority = tenancy.authorities().next().unwrap();
    let (name, role, reason) = (name.to_owned(), Role::Edge, String::new());
    let question = Question { name, role, rpcs: Rpcs::Usual, tenants: None, lifetime: None, reason };
    let maker = Caller::new("ops", Role::Admin);
    let (made, _) = authority.create_caller_key(&Call::default(), &maker, question).await.unwrap();
    key_id_text(made.kept.unwrap().facts.signer.unwrap())
}

// The machine's clock stands in until the store's is known, which also may be set right.
#[tokio::test]
async fn keys_turn_back_when_the_stores_clock_does() {
    let hand = Arc::new(Hand::default());
    let at = |second: u64| hand.0.store(second, Ordering::SeqCst);
    let [before, after] = [BEFORE, AFTER].map(|text| key_id_text(key_id(&Secret::new(text))));
    at(EIGHT + 86_400);
    let live = live(&hand);
    for (number, (moment, expected)) in [
        (EIGHT + 86_400, &after),
        (EIGHT - 1, &before),
        (EIGHT, &after),
        (EIGHT - 1, &before),
        (EIGHT + 7200, &after),
        (EIGHT + 7199, &after),
        (EIGHT - 3600, &before),
    ]
    .into_iter()
    .enumerate()
    {
        at(moment);
        live.turn();
        assert_eq!(&signer(&live, &format!("{number}")).await, expected, "{number}: {moment}");
    }
}

/// What is told of keys from now on. Nobody is told of a session that is not there.
struct Told {
    authority: Authority,
    watch: BoxStream<'static, watch_sessions::Told>,
}

impl Told {
    async fn of(live: &Live) -> Self {
        let authority = live.tenants().now().authorities().next().unwrap().clone();
        tokio::spawn(keeper::keeping(authority.clone()));
        while !authority.hears_everything() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let watch = authority.watch_sessions(watch_sessions::Question::default()).boxed();
        Self { authority, watch }
    }

    /// How often it was told since the last time.
    async fn times(&mut self) -> usize {
        // What was left is told first.
        self.authority.announce_the_rest().await.unwrap();
        let key = SessionKey::of(TenantNumber(1), Partition::new(1).unwrap(), &[9; 16]);
        self.authority.announce(What::Changed(key)).await;
        let mut times = 0;
        loop {
            for event in self.watch.next().await.unwrap().events {
                match event.kind {
                    Kind::KeysRotated => times += 1,
                    Kind::Changed => return times,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

// store.md 1: what is kept is dropped when a key retires, wherever it is kept.
#[tokio::test]
async fn who_watches_is_told_when_a_date_changes_what_keys_do_and_not_before() {
    let hand = Arc::new(Hand::default());
    let at = |second: u64| hand.0.store(second, Ordering::SeqCst);
    at(EIGHT - 1);
    let live = live(&hand);
    let mut told = Told::of(&live).await;
    for (moment, expected) in [(EIGHT - 1, 0), (EIGHT, 1), (EIGHT + 7199, 0), (EIGHT + 7200, 1), (EIGHT + 7201, 0)] {
        at(moment);
        live.turn();
        live.turn();
        assert_eq!(told.times().await, expected, "{moment}");
    }
}

#[tokio::test]
async fn who_watches_is_told_of_a_load_that_changes_what_keys_do_and_of_no_other() {
    let hand = Arc::new(Hand::default());
    hand.0.store(EIGHT + 1, Ordering::SeqCst);
    let live = live(&hand);
    let mut told = Told::of(&live).await;
    let later = dated().replace("T10:", "T11:");
    let lost =
        later.replace(&format!("secret: '{BEFORE}'"), &format!("id: {}", key_id_text(key_id(&Secret::new(BEFORE)))));
    let gone = format!("{{ secret: '{AFTER}' }}");
    let over = format!("{gone}, {{ secret: '{BEFORE}', retire_after: 2027-01-15T07:00:00Z }}");
    for (what, keys, header, expected) in [
        ("nothing of keys", &dated(), "x-other", 0),
        ("a date", &later, "x-other", 0),
        ("a lost key", &lost, "x-other", 1),
        ("it is back", &later, "x-other", 1),
        ("a key that is gone", &gone, "x-other", 1),
        ("one whose time is over", &over, "x-other", 0),
    ] {
        live.load(loaded(keys, header)).await.unwrap();
        assert_eq!(told.times().await, expected, "{what}");
    }
}

/// A configuration of two tenants: a file's text with the keys of each, and the header of the second.
fn two(first: &str, second: &str, header: &str) -> String {
    let rings = |keys: &str| format!("rings: {{ session: [{keys}] }}");
    format!(
        "development: true\napp: {{ sessions: {{ {} }} }}\n\
         tenants:\n  acme:\n    number: 2\n    app: {{ redirects: {{ public_base_url: 'http://acme.localhost' }}, \
         sessions: {{ csrf_header: {header}, {} }} }}\n",
        rings(first),
        rings(second)
    )
}

/// What each tenant's audit says, the oldest first: action, reason and detail. `time` is another one each time.
async fn noted(live: &Live, time: &str) -> [Vec<(Action, String, String)>; 2] {
    let tenancy = live.tenants().now();
    let mut all: [Vec<(Action, String, String)>; 2] = Default::default();
    for (authority, of) in tenancy.authorities().zip(&mut all) {
        // It is written beside; what is asked for then comes last.
        authority.note_by_itself(Action::UserDeleted, "", time);
        while !of.iter().any(|(action, _, detail)| *action == Action::UserDeleted && detail == time) {
            tokio::task::yield_now().await;
            let page =
                authority.list_audit(&list_audit::Question { page_size: 100, ..Default::default() }).await.unwrap();
            let told = page.entries.into_iter().map(|view| (view.entry.action, view.entry.reason, view.entry.detail));
            *of = told.collect();
        }
        of.retain(|(action, ..)| *action != Action::UserDeleted);
        of.reverse();
    }
    all
}

// security.md 102: what is changed of one tenant is none of another's business.
#[tokio::test]
async fn each_tenant_is_told_in_its_audit_what_changed_of_it_and_no_other_tenants_names() {
    let hand = Arc::new(Hand::default());
    hand.0.store(EIGHT - 1, Ordering::SeqCst);
    let (key, other) = (format!("{{ secret: '{BEFORE}' }}"), "{ secret: 'another secret of the tests, long enough' }");
    let load = |text: String| settings::load(Sources::text("test", text));
    let live = live_with(&hand, &load(two(&dated(), other, "x-csrf")).unwrap());
    assert_eq!(noted(&live, "start").await, [vec![], vec![]], "a start is none");
    let said = |action, reason: &str, detail: &str| (action, reason.to_owned(), detail.to_owned());
    // The second's header, and then a date of the first's keys.
    live.load(load(two(&dated(), other, "x-other")).unwrap()).await.unwrap();
    let header = said(Action::ConfigurationLoaded, "", "tenants.acme.app.sessions.csrf_header");
    assert_eq!(noted(&live, "header").await, [vec![], vec![header.clone()]]);
    hand.0.store(EIGHT, Ordering::SeqCst);
    live.turn();
    let turned = said(Action::KeysChanged, "", "session");
    assert_eq!(noted(&live, "turn").await, [vec![turned.clone()], vec![header]]);
    // The second's key is gone while it was in use, and with it what it sealed.
    live.load(load(two(&dated(), &key, "x-other")).unwrap()).await.unwrap();
    let [first, second] = noted(&live, "loss").await;
    assert_eq!(first, [turned]);
    let [loaded, lost] = &second[..] else { panic!("{second:?}") };
    assert_eq!((loaded.0, loaded.2.contains("tenants.acme.app.sessions.rings")), (Action::ConfigurationLoaded, true));
    let id = key_id_text(key_id(&Secret::new("another secret of the tests, long enough")));
    assert_eq!(*lost, said(Action::KeysChanged, "key_lost", &format!("session; gone while in use: session {id}")));
    // What can't be used is told to whom it concerns, without what stands there.
    let faults = load(two(&dated(), &key, "'x y SECRET'")).unwrap_err();
    live.refuse(&faults);
    let [first, second] = noted(&live, "refusal").await;
    let refused = said(Action::ConfigurationLoaded, "unusable", "tenants.acme.app.sessions.csrf_header");
    assert_eq!((first.len(), second.last()), (1, Some(&refused)));
}
