//! Owns the little randomness that spreads retries and names requests. Does not know secrets: nothing here is one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

/// A number that differs from call to call and from process to process.
pub(crate) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Between half of `longest` and all of it.
pub(crate) fn jittered(longest: Duration) -> Duration {
    const STEPS: u32 = 1024;
    let step = u32::try_from(number() % u64::from(STEPS)).unwrap_or(STEPS);
    longest / 2 + longest / 2 * step / STEPS
}
