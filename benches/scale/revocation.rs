//! Owns what happens to validations while all sessions of a tenant are revoked. Does not know how it is announced: that
//! is `revoke`.

use std::time::Duration;

use gatelodge::authority::ports::Lookup;
use gatelodge::session::key::TenantNumber;
use gatelodge::session::mark::MarkTarget;
use tokio::time::Instant;

use crate::filled::Filled;
use crate::rounds::{any, micros};
use crate::{Result, session};

/// The revocation of a whole tenant in the largest store.
pub struct Revocation {
    pub sessions: usize,
    /// From the call to the answer, after which every one of them is dead.
    pub took: Duration,
    /// The slowest read of one session just before, and while it was under way, in microseconds.
    pub slowest_before: f64,
    pub slowest_meanwhile: f64,
    /// Whether a session that was born after the mark lives.
    pub newer_lives: bool,
}

/// Raises the mark while sessions are read, one after another.
pub async fn measure(filled: &Filled) -> Result<Revocation> {
    const BEFORE: Duration = Duration::from_millis(200);
    let tenant = TenantNumber(1);
    let (store, begin) = (filled.store.as_ref(), Instant::now());
    let slowest_before = slowest_until(filled, || begin.elapsed() > BEFORE).await?;
    let (raising, begin) = (std::sync::Arc::clone(&filled.store), Instant::now());
    let target = MarkTarget::Tenant(tenant);
    let raised = tokio::spawn(async move {
        let mark = raising.raise(&target, Duration::from_hours(24)).await;
        (mark, begin.elapsed())
    });
    let slowest_meanwhile = slowest_until(filled, || raised.is_finished()).await?;
    let (mark, took) = raised.await?;
    mark?;

    // A login that begins now notes the mark in force at its birth.
    let marks = store.marks(tenant).await?;
    let (mut new, _) = session::make(&filled.vault, session::user(filled.sessions.len()), None);
    let (old, old_key) = (any(filled)?.0, new.key);
    new.record.header.marks = marks.at_birth(new.record.header.marks.of);
    store.create(new).await?;
    let mark_of = |found| match found {
        Lookup::Found(record) => Some(marks.kill(&record.header.marks)),
        Lookup::Gone(_) => None,
    };
    if mark_of(store.read(&old).await?) != Some(true) {
        return Err("a session outlived the revocation of its tenant".into());
    }
    let newer_lives = mark_of(store.read(&old_key).await?) == Some(false);
    Ok(Revocation { sessions: filled.sessions.len(), took, slowest_before, slowest_meanwhile, newer_lives })
}

async fn slowest_until(filled: &Filled, done: impl Fn() -> bool) -> Result<f64> {
    let mut slowest = 0_f64;
    loop {
        let begin = Instant::now();
        filled.store.read(&any(filled)?.0).await?;
        slowest = slowest.max(micros(begin.elapsed()));
        if done() {
            return Ok(slowest);
        }
    }
}
