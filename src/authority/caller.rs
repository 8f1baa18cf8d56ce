//! Owns who calls, and what that lets them do. Does not know how they showed who they are, nor what a call does.

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use super::tenants::Scope;
use crate::session::caller::{CallerKeyId, Role, Rpcs};
use crate::session::time::Timestamp;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that logs show.
    pub name: Arc<str>,
    /// What it is for.
    pub role: Role,
    /// For which tenants it may ask.
    pub tenants: Scope,
    /// The calls of its role that it may make.
    pub rpcs: Rpcs,
    /// The key that was made for it at run time; `None` for one of the configuration.
    pub key: Option<CallerKeyId>,
    /// From when on it is refused; `None` for never.
    pub ends: Option<Timestamp>,
}

impl Caller {
    /// One of the configuration that may ask for every tenant all that its role may.
    #[must_use]
    pub fn new(name: &str, role: Role) -> Self {
        Self { name: name.into(), role, tenants: Scope::Every, rpcs: Rpcs::All, key: None, ends: None }
    }

    /// How long a key lives that it makes at `now` and is to live for `lifetime`, or for `default` where nothing was asked for:
    /// nobody makes one that gives more than they have themselves.
    ///
    /// # Errors
    /// [`Error::BeyondMaker`], which says what would be more.
    pub(super) fn may_make(
        &self,
        role: Role,
        rpcs: &Rpcs,
        lifetime: Option<Duration>,
        default: Duration,
        now: Timestamp,
    ) -> Result<Duration, Error> {
        let is_within = |own: &[String]| match rpcs {
            Rpcs::Only(rpcs) => role == self.role && rpcs.iter().all(|rpc| own.contains(rpc)),
            Rpcs::Usual | Rpcs::All => false,
        };
        if let Rpcs::Only(own) = &self.rpcs
            && !is_within(own)
        {
            return Err(Error::BeyondMaker(
                "your API key may call some RPCs alone: name `rpcs` that are among these, and the same role",
            ));
        }
        let rest = self.ends.map(|ends| ends.since(now));
        match (lifetime, rest) {
            (Some(lifetime), Some(rest)) if lifetime > rest => {
                Err(Error::BeyondMaker("your own API key ends before `lifetime` is over: ask for less, or for none"))
            }
            (Some(lifetime), _) => Ok(lifetime),
            (None, rest) => Ok(rest.map_or(default, |rest| rest.min(default))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 98: no key gives more than whoever makes it has.
    #[test]
    fn nobody_makes_a_key_that_may_do_more_or_lives_longer_than_their_own() {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let now = Timestamp::from_secs(1000);
        let list = |rpcs: &[&str]| rpcs.iter().map(|rpc| (*rpc).to_owned()).collect::<Vec<_>>();
        let whole = Caller::new("ops", Role::Admin);
        let made = |by: &Caller, role, rpcs: Option<&[&str]>, lifetime| {
            let rpcs = rpcs.map_or(Rpcs::Usual, |rpcs| Rpcs::Only(list(rpcs)));
            by.may_make(role, &rpcs, lifetime, hour, now).ok()
        };
        assert_eq!(made(&whole, Role::Backend, None, None), Some(hour));
        assert_eq!(made(&whole, Role::Admin, Some(&["/a"]), Some(minute)), Some(minute));
        let listed = Caller { rpcs: Rpcs::Only(list(&["/a", "/b"])), ..whole.clone() };
        assert!(listed.may_make(Role::Admin, &Rpcs::All, None, hour, now).is_err());
        assert_eq!(made(&listed, Role::Admin, Some(&["/b"]), None), Some(hour));
        for (role, rpcs) in
            [(Role::Admin, None), (Role::Admin, Some(&["/a", "/c"][..])), (Role::Edge, Some(&["/a"][..]))]
        {
            assert_eq!(made(&listed, role, rpcs, None), None, "{role:?} {rpcs:?}");
        }
        let ending = Caller { ends: Some(now + minute), ..whole };
        assert_eq!(made(&ending, Role::Edge, None, None), Some(minute));
        assert_eq!(made(&ending, Role::Edge, None, Some(minute)), Some(minute));
        assert_eq!(made(&ending, Role::Edge, None, Some(hour)), None);
    }
}
