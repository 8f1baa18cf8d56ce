//! Owns how often the log says that something which anybody can send was refused: now and then, and how many went unsaid.
//! Does not know what was sent.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::session::key::TenantNumber;

/// How long nothing more is said of the same kind.
const QUIET: Duration = Duration::from_secs(10);

/// A reason and a check, both out of a fixed few.
type Kind = (&'static str, &'static str);

/// What was refused of late.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(TenantNumber, Kind), Said>>);

#[derive(Debug)]
struct Said {
    at: Duration,
    unsaid: u64,
}

impl Refusals {
    /// Notes a refusal of this kind. How many went unsaid before it, if it is to be said; `None` if it is not.
    pub(super) fn say(&self, tenant: TenantNumber, kind: Kind, now: Duration) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&(tenant, kind)) {
            Some(said) if now < said.at + QUIET => {
                said.unsaid += 1;
                None
            }
            Some(said) => Some(std::mem::replace(said, Said { at: now, unsaid: 0 }).unsaid),
            None => {
                all.insert((tenant, kind), Said { at: now, unsaid: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_said_and_then_one_now_and_then() {
        let refusals = Refusals::default();
        let say = |tenant, check, seconds| {
            refusals.say(TenantNumber(tenant), ("rejected", check), Duration::from_secs(seconds))
        };
        assert_eq!(say(1, "aud", 0), Some(0));
        assert_eq!((say(1, "aud", 1), say(1, "aud", 9)), (None, None));
        assert_eq!((say(1, "iss", 1), say(2, "aud", 1)), (Some(0), Some(0)), "another kind, another tenant");
        assert_eq!(say(1, "aud", 10), Some(2));
        assert_eq!((say(1, "aud", 11), say(1, "aud", 20)), (None, Some(1)));
    }
}
