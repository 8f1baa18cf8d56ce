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
use crate::authority::watch_sessions::{self, Kind};
use crate::authority::{Call, ports::Clock};
use crate::config::load::Sources;
use crate::crypto::{Secret, key_id, key_id_text};
use crate::session::caller::{Role, Rpcs};
use crate::session::event::What;
use crate::session::key::{Partition, SessionKey};
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
    let config = loaded(&dated(), "x-csrf").config;
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
    Live::begin(&config, blueprints, Box::new(ports), Vec::new(), Telemetry::default(), clock, None).unwrap()
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
