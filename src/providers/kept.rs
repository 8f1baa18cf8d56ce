//! Owns a document that is fetched when first needed and then kept fresh beside the calls: one fetch at a time,
//! failures remembered for a moment, the old one kept on error. Does not know what the document says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::fault::Fault;

/// How long a document is good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// It is fetched anew this long after it came, where the sender does not say how long it is good.
    pub usual: Duration,
    /// What the sender says is not believed below this.
    pub least: Duration,
    /// What the sender says is not believed above this.
    pub most: Duration,
    /// When it can't be fetched anew, it is used for so long after it came.
    pub stale: Duration,
    /// After a failure nothing is asked for so long.
    pub pause: Duration,
}

/// A document as it came, and how long the sender lets it be kept.
pub(super) type Fetched<T> = (T, Option<Duration>);

/// What somebody needs a newer document for. What one of these has used up is not the others': anybody can send some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// A login, whose tokens the provider itself has just given us.
    Login,
    /// A bearer token, of whoever presents it.
    BearerToken,
    /// A logout token, of whoever sends it.
    Logout,
}

/// Where a document comes from.
pub(super) trait Source: Send + Sync + 'static {
    /// What is read from it.
    type Document: Send + Sync + 'static;

    /// What it is and whose, for the log.
    fn what(&self) -> String;

    /// Fetches it, bounded in time and size.
    fn fetch(&self) -> impl Future<Output = Result<Fetched<Self::Document>, Fault>> + Send;
}

/// A document that is kept fresh.
pub(super) struct Kept<S: Source> {
    source: S,
    freshness: Freshness,
    held: ArcSwapOption<Held<S::Document>>,
    /// Whoever holds this is fetching.
    last: Mutex<Last>,
}

struct Held<T> {
    value: Arc<T>,
    came: Instant,
    fresh_until: Instant,
}

#[derive(Default)]
struct Last {
    failure: Option<(Instant, Arc<Fault>)>,
    /// When a fetch was last forced before the document was due, and what for.
    forced: HashMap<Purpose, Instant>,
}

impl<S: Source> Kept<S> {
    pub(super) fn new(source: S, freshness: Freshness) -> Arc<Self> {
        Arc::new(Self { source, freshness, held: ArcSwapOption::empty(), last: Mutex::default() })
    }

    /// The document. Waits for the network only when there is none that may be used.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Arc<S::Document>, Arc<Fault>> {
        let now = Instant::now();
        if let Some(held) = self.held.load_full().filter(|held| now < held.came + self.freshness.stale) {
            if now >= held.fresh_until {
                self.renew_beside();
            }
            return Ok(held.value.clone());
        }
        self.detached(|kept| async move {
            let mut last = kept.last.lock().await;
            match kept.came_after(now) {
                Some(value) => Ok(value),
                None => kept.fetch(&mut last).await,
            }
        })
        .await
    }

    /// A document newer than `than`, which lacked something: fetched at once if the last such fetch for this purpose is at
    /// least `cool_down` ago. `None` when there was none newer a short while ago; an error when nobody could look. Several
    /// callers share one fetch.
    pub(super) async fn newer(
        self: &Arc<Self>,
        than: &Arc<S::Document>,
        purpose: Purpose,
        cool_down: Duration,
    ) -> Result<Option<Arc<S::Document>>, Arc<Fault>> {
        let than = than.clone();
        self.detached(move |kept| async move {
            let mut last = kept.last.lock().await;
            if let Some(held) = kept.held.load_full().filter(|held| !Arc::ptr_eq(&held.value, &than)) {
                return Ok(Some(held.value.clone()));
            }
            if last.forced.get(&purpose).is_some_and(|forced| forced.elapsed() < cool_down) {
                return last.failure.as_ref().map_or(Ok(None), |(_, fault)| Err(fault.clone()));
            }
            last.forced.insert(purpose, Instant::now());
            kept.fetch(&mut last).await.map(Some)
        })
        .await
    }

    fn renew_beside(self: &Arc<Self>) {
        let kept = self.clone();
        tokio::spawn(async move {
            // Somebody is at it already.
            let Ok(mut last) = kept.last.try_lock() else { return };
            let due = kept.held.load().as_ref().is_none_or(|held| Instant::now() >= held.fresh_until);
            if due {
                // A failure is logged where it happens, and the old document stays.
                let _ = kept.fetch(&mut last).await;
            }
        });
    }

    /// Asks the source, unless it failed a moment ago.
    async fn fetch(&self, last: &mut Last) -> Result<Arc<S::Document>, Arc<Fault>> {
        if let Some((when, fault)) = &last.failure
            && when.elapsed() < self.freshness.pause
        {
            return Err(fault.clone());
        }
        match self.source.fetch().await {
            Ok((value, max_age)) => {
                let rule = &self.freshness;
                let good = max_age.map_or(rule.usual, |age| age.clamp(rule.least, rule.most));
                let value = Arc::new(value);
                let came = Instant::now();
                self.held.store(Some(Arc::new(Held { value: value.clone(), came, fresh_until: came + good })));
                last.failure = None;
                Ok(value)
            }
            Err(fault) => {
                let fault = Arc::new(fault);
                tracing::warn!(
                    what = self.source.what(),
                    error = &*fault as &dyn std::error::Error,
                    "a document of a provider could not be fetched"
                );
                last.failure = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    fn came_after(&self, moment: Instant) -> Option<Arc<S::Document>> {
        self.held.load_full().filter(|held| held.came >= moment).map(|held| held.value.clone())
    }

    /// Runs `work` to its end, even when the caller goes away: others may be waiting for what it brings.
    async fn detached<R, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) -> R
    where
        R: Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        match tokio::spawn(work(self.clone()).in_current_span()).await {
            Ok(result) => result,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}
