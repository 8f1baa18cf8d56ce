//! Owns the rounds: every operation in every store in turns. Does not know what a figure means.

use std::time::Duration;

use gatelodge::session::key::{SessionKey, UserKey};

use crate::filled::Filled;
use crate::operations::{OPERATIONS, Operation};
use crate::spread::Spread;
use crate::{Result, Size, session};

/// What one operation took in one store in one round: the median of its calls, in microseconds.
pub struct Measured {
    pub operation: Operation,
    /// The number of sessions in the store.
    pub sessions: usize,
    pub round: usize,
    pub microseconds: f64,
}

/// Asks one call at a time: what is compared is the work, not who waits for whom. Every round has every operation, so that
/// what a store does by itself after it was filled meets all of them alike.
pub async fn measure(stores: &[Filled], size: Size) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    let mut order: Vec<_> = stores.iter().collect();
    for round in 0..=size.rounds {
        for operation in OPERATIONS {
            for filled in &order {
                let microseconds = median(filled, operation, size.calls).await?;
                // The first round is the warm-up.
                if round > 0 {
                    measured.push(Measured { operation, sessions: filled.sessions.len(), round, microseconds });
                }
            }
        }
        order.rotate_left(1);
    }
    Ok(measured)
}

async fn median(filled: &Filled, operation: Operation, calls: usize) -> Result<f64> {
    let mut took = Vec::with_capacity(calls);
    for _ in 0..calls {
        took.push(micros(operation.once(filled, any(filled)?).await?));
    }
    Ok(Spread::of(took).median)
}

/// A session by chance, so that no cache of a processor knows it.
pub fn any(filled: &Filled) -> Result<&(SessionKey, UserKey)> {
    let chance = usize::from_be_bytes(session::random());
    let found = chance.checked_rem(filled.sessions.len()).and_then(|at| filled.sessions.get(at));
    found.ok_or_else(|| "a store without sessions".into())
}

pub const fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}
