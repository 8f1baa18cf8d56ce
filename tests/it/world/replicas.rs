//! Owns two authorities over one store, each hearing of what the other does; the second can be cut off from the log.
//! Does not know what is tested.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gatelodge::app::keeper::keeping;
use gatelodge::authority::Ports;
use gatelodge::authority::ports::{EventLog, Heard, StoreError, StoreResult};
use gatelodge::authority::settings::Settings;
use gatelodge::session::event::{Event, Position, What};
use gatelodge::session::key::TenantNumber;
use tokio::task::JoinHandle;

use super::kept::fresh_prefix;
use super::{FaultyStore, Kept, World};

/// A log that can be cut off, hang, or forget.
pub struct Cut {
    log: Arc<dyn EventLog>,
    pub off: AtomicBool,
    /// What is announced meanwhile gets no answer, ever, and is not in the log.
    pub hangs: AtomicBool,
    /// The next reading is a reset.
    pub forgets: AtomicBool,
}

impl Cut {
    fn check(&self) -> StoreResult<()> {
        if self.off.load(Ordering::SeqCst) { Err(StoreError::Unavailable("cut off".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl EventLog for Cut {
    async fn announce(&self, events: Vec<Event>) -> StoreResult<Position> {
        self.check()?;
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.log.announce(events).await
    }

    async fn next(&self, after: Option<Position>, at_most: Duration) -> StoreResult<Heard> {
        self.check()?;
        let heard = self.log.next(after, at_most.min(Duration::from_millis(50))).await?;
        self.check()?;
        Ok(match (self.forgets.swap(false, Ordering::SeqCst), after) {
            (true, Some(after)) => Heard::Reset(after),
            _ => heard,
        })
    }
}

/// Two authorities over one store, the second of which may be cut off from the log. One clock and one provider for both.
pub async fn two(kept: Kept) -> (World, World, Arc<Cut>) {
    let (one, two, cut, _) = joined(kept, &fresh_prefix(), |_| (), |_| ()).await;
    (one, two, cut)
}

async fn joined(
    kept: Kept,
    prefix: &str,
    change: impl Fn(&mut Settings),
    other: impl FnOnce(&mut Ports),
) -> (World, World, Arc<Cut>, Arc<FaultyStore>) {
    let (first, second) = kept.twice(prefix).await;
    let mut ports = None;
    let one = World::built(&["idp"], &change, |own| {
        first(own);
        ports = Some(own.clone());
    });
    let mut ports: Ports = ports.unwrap();
    second(&mut ports);
    other(&mut ports);
    let [off, hangs, forgets] = std::array::from_fn(|_| AtomicBool::default());
    let cut = Arc::new(Cut { log: ports.events.clone(), off, hangs, forgets });
    ports.events = cut.clone();
    let store = FaultyStore::before(&mut ports);
    let two = World::built(&["idp"], &change, |own| *own = ports);
    let two = World { clock: Arc::clone(&one.clock), provider: Arc::clone(&one.provider), ..two };
    (one, two, cut, store)
}

/// Two authorities that hear each other.
pub struct Replicas {
    pub one: World,
    pub two: World,
    /// Between the second and the log.
    pub cut: Arc<Cut>,
    /// The store of the second.
    pub store: Arc<FaultyStore>,
    /// What their keys in Redis begin with.
    pub prefix: String,
    keepers: [JoinHandle<()>; 2],
}

impl Replicas {
    pub async fn over(kept: Kept) -> Self {
        Self::with(kept, |_| ()).await
    }

    /// The same, whose settings differ.
    pub async fn with(kept: Kept, change: impl Fn(&mut Settings)) -> Self {
        Self::with_other(kept, change, |_| ()).await
    }

    /// The same, the second of which has other ports.
    pub async fn with_other(kept: Kept, change: impl Fn(&mut Settings), other: impl FnOnce(&mut Ports)) -> Self {
        let prefix = fresh_prefix();
        let (one, two, cut, store) = joined(kept, &prefix, change, other).await;
        let keepers = [&one, &two].map(|world| tokio::spawn(keeping(world.authority.clone())));
        let replicas = Self { one, two, cut, store, prefix, keepers };
        replicas.hear().await;
        replicas
    }

    /// Waits until both hear everything.
    pub async fn hear(&self) {
        until(|| self.one.authority.hears_everything() && self.two.authority.hears_everything()).await;
    }

    /// Waits until both have heard all that was announced.
    pub async fn catch_up(&self) {
        // Nobody takes it for anything.
        let mark = Event { tenant: TenantNumber(1), what: What::Heartbeat { author: [0; 8], number: 0 } };
        let last = Some(self.cut.log.announce(vec![mark]).await.unwrap());
        let heard = [&self.one, &self.two].map(|world| world.authority.clone());
        until(|| heard.iter().all(|authority| authority.heard_up_to() >= last)).await;
    }

    /// Ends what keeps the stream of the second, as when its process stops.
    pub async fn leave_two(&self) {
        let [_, two] = &self.keepers;
        two.abort();
        until(|| two.is_finished()).await;
    }

    /// Lets the second miss its heartbeats. The clock goes on for both.
    pub async fn cut_off(&self) {
        self.cut.off.store(true, Ordering::SeqCst);
        self.one.clock.advance(Duration::from_secs(4));
        until(|| self.one.authority.hears_everything() && !self.two.authority.hears_everything()).await;
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.keepers.iter().for_each(JoinHandle::abort);
    }
}

/// Waits until it is so, for ten seconds at most.
#[track_caller]
pub fn until(is_so: impl Fn() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let end = tokio::time::Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(tokio::time::Instant::now() < end, "it never was so: {caller}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
