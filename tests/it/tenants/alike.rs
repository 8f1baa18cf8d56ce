//! Owns the comparison of what is another tenant's with what nobody has: neither the bytes of the answers nor the steps that
//! they take tell one from the other. Steps are counted, for a clock shows too little. Does not know what is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::bytes::Bytes;
use async_trait::async_trait;
use futures::future::BoxFuture;
use gatelodge::authority::ports::{Beside, EventLog, Heard, StoreResult};
use gatelodge::session::event::{Event, Position};
use prost::Message;
use tonic::{Response, Status};

use super::town::Town;
use crate::world::replicas::until;
use crate::world::{Browser, Spawned};

/// How often each step was taken: of the store, of each tenant's provider, and of the log.
type Steps = [BTreeMap<&'static str, usize>; 5];

/// The public id of a session that nobody has.
pub const NOBODYS_ID: &str = "sid_AAAAAAAAAAAAAAAAAAAAAAAA";

/// What the store is asked now and then, whoever calls: health.
const UNASKED: &str = "ping";

/// Tasks of the test's runtime, of which is known whether any is under way.
#[derive(Default)]
pub struct Attended(Arc<AtomicUsize>);

struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Attended {
    fn attend(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(Arc::clone(&self.0));
        Box::pin(async move {
            let _under_way = under_way;
            work.await;
        })
    }
}

impl Beside for Attended {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        Spawned.run(self.attend(work))
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        Spawned.finish(self.attend(work));
    }

    fn pause(&self, length: Duration) -> BoxFuture<'static, ()> {
        Spawned.pause(length)
    }
}

/// A log of which is known how much it was told.
pub struct Counting {
    pub log: Arc<dyn EventLog>,
    pub told: AtomicUsize,
}

#[async_trait]
impl EventLog for Counting {
    async fn announce(&self, events: Vec<Event>) -> StoreResult<Position> {
        self.told.fetch_add(events.len(), Ordering::SeqCst);
        self.log.announce(events).await
    }

    async fn next(&self, after: Option<Position>, at_most: Duration) -> StoreResult<Heard> {
        self.log.next(after, at_most).await
    }
}

/// The steps so far, when none is under way.
async fn steps(town: &Town) -> Steps {
    until(|| town.beside.0.load(Ordering::SeqCst) == 0).await;
    let mut store = town.store.asked();
    store.remove(UNASKED);
    let [one, two, three] = town.worlds.each_ref().map(|world| world.provider.steps());
    [store, one, two, three, [("told", town.log.told.load(Ordering::SeqCst))].into()]
}

/// What was answered, and which steps it took.
async fn told<A: Message>(town: &Town, answer: impl Future<Output = Result<Response<A>, Status>>) -> (Bytes, Steps) {
    let before = steps(town).await;
    let shown = match answer.await {
        Ok(answer) => answer.into_inner().encode_to_vec().into(),
        Err(status) => format!("{:?} {} {}", status.code(), status.message(), status.details().escape_ascii()).into(),
    };
    let mut taken = steps(town).await;
    for (taken, before) in taken.iter_mut().zip(&before) {
        taken.retain(|step, count| {
            *count -= before.get(step).copied().unwrap_or_default();
            *count > 0
        });
    }
    (shown, taken)
}

/// Asks the same of what is theirs and of what nobody has: the answers and the steps are the same.
pub async fn alike<S, A: Message>(
    town: &Town,
    what: &'static str,
    [theirs, nobodys]: [S; 2],
    ask: impl AsyncFn(&S) -> Result<Response<A>, Status>,
) {
    // Something is read once, by whoever comes first.
    told(town, ask(&nobodys)).await;
    assert_eq!(told(town, ask(&theirs)).await, told(town, ask(&nobodys)).await, "{what}");
    town.compared.lock().unwrap().insert(what);
}

/// The same of their session and of one that nobody has signed.
pub async fn unknown<A: Message>(
    town: &Town,
    what: &'static str,
    theirs: &Browser,
    ask: impl AsyncFn(&Browser) -> Result<Response<A>, Status>,
) {
    alike(town, what, [theirs, &forged()], async |browser| ask(browser).await).await;
}

/// A browser whose credential nobody has signed: what a stranger's looks like.
fn forged() -> Browser {
    Browser { cookies: vec![("__Host-session".into(), format!("sess_{}", "A".repeat(112)))], ..Browser::default() }
}

/// An id or a state of which nobody has the end.
pub fn garbled(known: &str) -> String {
    format!("{}AAAA", &known[..known.len() - 4])
}
