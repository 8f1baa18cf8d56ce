//! Owns a world without a network: a fake clock, seeded chance, a scripted provider, the embedded store in memory.
//! Does not know what is tested in it.

mod browser;
pub mod certificates;
pub mod faults;
pub mod kept;
pub mod log;
pub mod process;
mod provider;
pub mod replicas;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use gatelodge::authority::ports::{Beside, Clock, Entropy};
use gatelodge::authority::settings::{LoginSet, Settings};
use gatelodge::authority::{
    Authority, Call, Error, Ports, Presented, complete_callback, revoke, start_login, validate_session,
};
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::session::time::Timestamp;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::vault::Vault;

pub use self::browser::{Browser, state_of};
pub use self::faults::FaultyStore;
pub(crate) use self::kept::on_every_store;
pub use self::kept::{Kept, connected_to};
pub use self::provider::{FakeProvider, ISSUER, Listed, Says, logout_token};
pub use self::settings::settings;

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct FakeClock(AtomicU64);

impl FakeClock {
    pub fn advance(&self, length: Duration) {
        self.0.fetch_add(u64::try_from(length.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// From now on it stands there, which may be before.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that never repeat, and are the same in every run.
#[derive(Default)]
pub struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        for (block, chunk) in (0_u64..).zip(bytes.chunks_mut(32)) {
            let hash = gatelodge::crypto::digest("test entropy", &[&number.to_be_bytes(), &block.to_be_bytes()]);
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// Tasks of the test's runtime.
pub struct Spawned;

impl Beside for Spawned {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        tokio::spawn(work);
        true
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }

    fn pause(&self, length: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}

/// Tasks of the test's runtime, whose pauses are over when the test says so.
pub struct Patient(tokio::sync::watch::Sender<bool>);

impl Default for Patient {
    fn default() -> Self {
        Self(tokio::sync::watch::Sender::new(false))
    }
}

impl Patient {
    /// All pauses are over from now on.
    pub fn go_on(&self) {
        self.0.send_replace(true);
    }
}

impl Beside for Patient {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        Spawned.run(work)
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        Spawned.finish(work);
    }

    fn pause(&self, _: Duration) -> BoxFuture<'static, ()> {
        let mut over = self.0.subscribe();
        Box::pin(async move { drop(over.wait_for(|over| *over).await) })
    }
}

/// Tasks of the test's runtime, where there may be too many of them already.
#[derive(Default)]
pub struct Crowded(AtomicBool);

impl Crowded {
    /// Whether there is room from now on.
    pub fn set_room(&self, room: bool) {
        self.0.store(!room, Ordering::SeqCst);
    }
}

impl Beside for Crowded {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        !self.0.load(Ordering::SeqCst) && Spawned.run(work)
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        Spawned.finish(work);
    }

    fn pause(&self, length: Duration) -> BoxFuture<'static, ()> {
        Spawned.pause(length)
    }
}

/// The world, and what a browser in it holds.
pub struct World {
    pub authority: Authority,
    pub clock: Arc<FakeClock>,
    pub provider: Arc<FakeProvider>,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A world whose settings differ.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_providers(&["idp"], change)
    }

    pub fn with_providers(names: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        Self::built(names, change, |_| ())
    }

    /// A world whose store can be told to fail.
    pub fn with_faults(change: impl FnOnce(&mut Settings)) -> (Self, Arc<FaultyStore>) {
        let mut store = None;
        let world = Self::built(&["idp"], change, |ports| store = Some(FaultyStore::before(ports)));
        (world, store.unwrap())
    }

    /// A world whose sessions are kept there, and its ports, for others over the same store.
    pub async fn kept_in(kept: Kept) -> (Self, Ports) {
        let (put, mut ports) = (kept.ready().await, None);
        let world = Self::built(
            &["idp"],
            |_| (),
            |own| {
                put(own);
                ports = Some(own.clone());
            },
        );
        (world, ports.unwrap())
    }

    /// A world with other settings and other ports.
    pub fn built(names: &[&str], change: impl FnOnce(&mut Settings), replace: impl FnOnce(&mut Ports)) -> Self {
        let clock = Arc::new(FakeClock(AtomicU64::new(1_800_000_000_000)));
        let providers: Vec<_> = names.iter().map(|name| Arc::new(FakeProvider::new(name))).collect();
        let provider = Arc::clone(&providers[0]);
        let store = EmbeddedStore::open(None, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let mut settings = settings();
        change(&mut settings);
        let mut ports = Ports {
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
            providers: Arc::new(Listed(providers)),
            clock: clock.clone(),
            wall: clock.clone(),
            entropy: Arc::new(Counted::default()),
            beside: Arc::new(Spawned),
            observer: None,
        };
        replace(&mut ports);
        let ring = |text: &str| KeyRing::new(Secret::new(text), []);
        let authority = Authority::new(ports, Vault::new(&ring("session ring"), &ring("csrf ring")), settings);
        Self { authority, clock, provider }
    }

    pub fn call() -> Call {
        Call { request_id: "test".into(), patience: Duration::from_secs(30), ..Call::default() }
    }

    /// Begins a login and answers its outcome.
    pub async fn start(&self, browser: &Browser, query: &str) -> start_login::Outcome {
        self.try_to_start(browser, query).await.unwrap()
    }

    async fn try_to_start(&self, browser: &Browser, query: &str) -> Result<start_login::Outcome, Error> {
        let question = start_login::Question {
            query: Bytes::copy_from_slice(query.as_bytes()),
            presented: browser.get("/auth/web/login"),
            ..Default::default()
        };
        self.authority.start_login(&Self::call(), question).await
    }

    /// Delivers a callback.
    pub async fn callback(&self, browser: &Browser, query: &str) -> complete_callback::Outcome {
        self.try_callback(browser, query).await.unwrap()
    }

    async fn try_callback(&self, browser: &Browser, query: &str) -> Result<complete_callback::Outcome, Error> {
        let response = complete_callback::Response::Query(Bytes::copy_from_slice(query.as_bytes()));
        let presented = browser.get("/auth/web/callback");
        let question = complete_callback::Question { set: LoginSet::Web, provider: Bytes::new(), response, presented };
        self.authority.complete_callback(&Self::call(), question).await
    }

    /// Logs a browser in as `sub`.
    pub async fn log_in(&self, browser: &mut Browser, sub: &str) -> complete_callback::Outcome {
        self.try_to_log_in(browser, sub).await.unwrap()
    }

    /// The same where there may be trouble.
    pub async fn try_to_log_in(&self, browser: &mut Browser, sub: &str) -> Result<complete_callback::Outcome, Error> {
        let started = self.try_to_start(browser, "").await?;
        browser.keep(&started.answer.set_cookies);
        let code = self.provider.code_for(sub);
        let query = format!("code={code}&state={}", state_of(&started.answer));
        let outcome = self.try_callback(browser, &query).await?;
        browser.keep(&outcome.answer.set_cookies);
        Ok(outcome)
    }

    /// Ends a browser's session, as its backend does, and answers how many ended.
    pub async fn revoke(&self, browser: &Browser) -> u64 {
        let presented = Presented { context: None, ..browser.get("/") };
        match self.authority.revoke(&Self::call(), &presented, &revoke::Target::Presented).await.unwrap() {
            revoke::Outcome::Ended { count, .. } => count,
            other => panic!("{other:?}"),
        }
    }

    /// Asks who is behind a request.
    pub async fn validate(&self, presented: Presented) -> validate_session::Outcome {
        let question = validate_session::Question { presented, touch: true, ..Default::default() };
        self.authority.validate_session(&Self::call(), question).await.unwrap()
    }
}
