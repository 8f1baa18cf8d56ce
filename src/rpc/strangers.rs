//! Owns telling the operator of calls without a good API key or certificate: now and then, with where they come from and
//! nothing of the key. Does not know any key.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header;
use tokio::time::Instant;

use super::peer::Peer;

/// How long nothing more is said: a caller with an old key asks many times a second.
const QUIET: Duration = Duration::from_secs(10);

/// Who came without a good key.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    keys: NowAndThen,
    certificates: NowAndThen,
}

impl Strangers {
    /// Notes a call that was turned away, and says so if nothing was said of late.
    pub(super) fn turned_away<B>(&self, request: &http::Request<B>) {
        let Some(unsaid) = self.keys.say() else { return };
        let key = if request.headers().contains_key(header::AUTHORIZATION) { "unknown" } else { "missing" };
        let (peer, method) = (address(request), request.uri().path());
        tracing::warn!(peer, key, method, unsaid, "a call without a valid API key was refused; see `callers`");
    }

    /// Notes a call over a connection whose client certificate is no longer good.
    pub(super) fn outlived<B>(&self, request: &http::Request<B>, why: &str, remedy: &str) {
        let Some(unsaid) = self.certificates.say() else { return };
        let (peer, method) = (address(request), request.uri().path());
        tracing::warn!(
            peer,
            why,
            remedy,
            method,
            unsaid,
            "a call was refused for the client certificate of its connection"
        );
    }
}

fn address<B>(request: &http::Request<B>) -> Option<impl tracing::Value> {
    Peer::of(request.extensions())?.address.map(tracing::field::display)
}

/// What anybody can bring about is said at most once in [`QUIET`].
#[derive(Debug, Default)]
pub(super) struct NowAndThen(Mutex<Option<Last>>);

#[derive(Debug)]
struct Last {
    said: Instant,
    unsaid: u64,
}

impl NowAndThen {
    /// How many went unsaid before this one, if it is to be said; `None` if it is not.
    pub(super) fn say(&self) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(recent) = last.as_mut().filter(|last| now < last.said + QUIET) {
            recent.unsaid += 1;
            return None;
        }
        Some(last.replace(Last { said: now, unsaid: 0 }).map_or(0, |earlier| earlier.unsaid))
    }
}
