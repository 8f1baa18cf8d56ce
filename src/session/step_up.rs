//! Owns the wish to step a session up: which session, and what its login lacks. Does not know how it is carried.

use super::credential::Credential;
use super::key::SessionKey;
use super::need::LoginNeeds;
use super::time::Timestamp;

/// What a denied request's login query carries, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// The session that was denied.
    pub session: SessionKey,
    /// The generation of the credential that was denied.
    pub generation: u32,
    /// What its login has to be.
    pub needs: LoginNeeds,
    /// Whether its query asks the provider to have the user log in (`prompt=login`): that is a way to meet the needs, and
    /// not one of them.
    pub prompts: bool,
    /// Until when it may be asked for.
    pub expires: Timestamp,
}

impl StepUp {
    /// Whether the browser that presents this credential is the one to step the session up: it holds the session, under
    /// the credential that was denied or a later one. Else the login is one like any other.
    #[must_use]
    pub fn is_for(&self, presented: &Credential) -> bool {
        self.session == presented.key && self.generation <= presented.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::{Partition, TenantNumber};

    #[test]
    fn a_step_up_is_for_whoever_holds_the_denied_credential_or_a_later_one() {
        let held = |handle, generation| {
            Credential::new(TenantNumber(1), Partition::new(1).unwrap(), [handle; 16], generation, [1; 32])
        };
        let (session, expires) = (held(1, 5).key, Timestamp::from_secs(1));
        let step_up = StepUp { session, generation: 5, needs: LoginNeeds::default(), prompts: false, expires };
        for (handle, generation, expected) in [(1, 5, true), (1, 6, true), (1, 4, false), (2, 5, false)] {
            assert_eq!(step_up.is_for(&held(handle, generation)), expected, "{handle} {generation}");
        }
    }
}
