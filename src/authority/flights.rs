//! Owns work that many want at once: one of them starts it, and all get its result. Does not know what the work is.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

/// Work under way, by what it is for.
///
/// **Invariant:** work that has begun runs to its end, whatever becomes of those who wait for it: so it begins only once
/// somebody has taken it on. What it brings is given to nobody who asked for another key.
pub struct Flights<K, T: Clone> {
    under_way: Mutex<HashMap<K, Flight<T>>>,
}

type Flight<T> = Shared<BoxFuture<'static, T>>;

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Nothing is under way.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { under_way: Mutex::default() })
    }

    /// Joins the work for `key` that is under way, or begins `work`. `run` keeps it going when nobody waits any more, on a
    /// task of its own, and answers whether it does. `None` when it does not: then nothing was begun.
    pub async fn join(
        self: &Arc<Self>,
        key: K,
        run: impl FnOnce(BoxFuture<'static, ()>) -> bool + Send,
        work: impl FnOnce() -> BoxFuture<'static, T> + Send,
    ) -> Option<T> {
        let flight = self.board(key, run, work)?;
        Some(flight.await)
    }

    fn board(
        self: &Arc<Self>,
        key: K,
        run: impl FnOnce(BoxFuture<'static, ()>) -> bool,
        work: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Option<Flight<T>> {
        let mut under_way = self.lock();
        if let Some(flight) = under_way.get(&key) {
            return Some(flight.clone());
        }
        let (flights, own_key, work) = (Arc::clone(self), key.clone(), work());
        let flight = async move {
            let _landing = Landing { flights, key: own_key };
            work.await
        };
        let flight = flight.boxed().shared();
        // Until it is taken on nobody else sees it, and nobody moves it.
        if !run(flight.clone().map(drop).boxed()) {
            return None;
        }
        under_way.insert(key, flight.clone());
        Some(flight)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Flight<T>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight that has begun off the board when it has ended, by whatever way.
struct Landing<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> {
    flights: Arc<Flights<K, T>>,
    key: K,
}

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> Drop for Landing<K, T> {
    fn drop(&mut self) {
        // Dropped only after the lock is free again: the last handle of a flight must not fall under it.
        let flight = self.flights.lock().remove(&self.key);
        drop(flight);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn spawn(work: BoxFuture<'static, ()>) -> bool {
        drop(tokio::spawn(work));
        true
    }

    #[tokio::test]
    async fn one_does_the_work_and_all_get_its_result() {
        let (flights, begun) = (Flights::new(), Arc::new(AtomicUsize::default()));
        let ask = |key: u8| {
            let begun = Arc::clone(&begun);
            flights.join(key, spawn, move || {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                Box::pin(async move {
                    // Each of those who wait moves it on.
                    for _ in 0..9 {
                        tokio::task::yield_now().await;
                    }
                    (key, number)
                })
            })
        };
        let all = futures::future::join_all([ask(1), ask(2), ask(1), ask(1)]).await;
        assert_eq!(all, [(1, 0), (2, 1), (1, 0), (1, 0)].map(Some));
        assert_eq!(ask(1).await, Some((1, 2)), "what has ended is begun anew");
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_any_more() {
        let (flights, (done, ended)) = (Flights::new(), tokio::sync::oneshot::channel());
        let mut first = Box::pin(flights.join(1, spawn, || {
            Box::pin(async move {
                tokio::task::yield_now().await;
                done.send(()).unwrap();
            })
        }));
        assert!(futures::poll!(&mut first).is_pending());
        drop(first);
        ended.await.unwrap();
    }

    // Moved on by its waiters alone, it would stand still when they leave: a refresh token spent, and nobody to keep what
    // it brought.
    #[tokio::test]
    async fn work_that_nobody_takes_on_does_not_begin() {
        let (flights, begun) = (Flights::new(), Arc::new(AtomicUsize::default()));
        let ask = |run: fn(BoxFuture<'static, ()>) -> bool| {
            let begun = Arc::clone(&begun);
            flights.join(1, run, move || Box::pin(async move { begun.fetch_add(1, Ordering::SeqCst) }))
        };
        assert_eq!(ask(|_| false).await, None);
        assert!(begun.load(Ordering::SeqCst) == 0 && flights.lock().is_empty());
        assert_eq!(ask(spawn).await, Some(0), "and may begin later");
    }
}
