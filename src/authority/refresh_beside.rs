//! Owns refreshing tokens that are due beside an answer, never before it, and resting after a failure.
//! Does not know what the answer is about.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::admit::Admitted;
use super::{Authority, Call, Error};
use crate::session::audit::Entry;
use crate::session::key::SessionKey;
use crate::session::record::Standing;
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// After a refresh that began beside an answer, whatever came of it, this session's next one has to wait so long.
const REST: Duration = Duration::from_secs(30);
/// So many sessions can rest at a time; beyond it they wait for the next answer.
const MOST_RESTING: usize = 16_384;

/// Sessions whose tokens are being refreshed beside an answer, or were a moment ago, and until when they rest.
#[derive(Default)]
pub(super) struct Resting(Mutex<HashMap<SessionKey, Timestamp>>);

impl Resting {
    /// Whether a refresh may begin now: then this session rests, and nobody else begins one.
    fn begin(&self, key: &SessionKey, now: Timestamp) -> bool {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.get(key).is_some_and(|until| now < *until) {
            return false;
        }
        if resting.len() >= MOST_RESTING {
            resting.retain(|_, until| now < *until);
        }
        resting.len() < MOST_RESTING && resting.insert(*key, now + REST).is_none_or(|until| until <= now)
    }
}

impl Authority {
    /// Begins to refresh the tokens of a session in use, when they are due. Costs nothing when they are not: the
    /// standing says so without opening them.
    pub(super) fn refresh_beside(&self, admitted: &Admitted, call: &Call, context: Option<&RequestContext>) {
        let now = admitted.judged_at;
        if !self.is_due(&admitted.standing, now) || !self.under_way.resting.begin(&admitted.credential.key, now) {
            return;
        }
        let entry = self.entry_of_refresh(admitted, call, context);
        let (authority, admitted) = (self.clone(), admitted.clone());
        self.ports.beside.run(Box::pin(async move {
            if let Err(error) = authority.refresh_due(&admitted, entry).await {
                tracing::warn!(
                    session = admitted.credential.key.public(),
                    provider = admitted.standing.identity.provider,
                    error = &error as &dyn std::error::Error,
                    "tokens that are due were not refreshed"
                );
            }
        }));
    }

    fn is_due(&self, standing: &Standing, now: Timestamp) -> bool {
        let tokens = &self.settings.tokens;
        let is_over = |end| end <= now + tokens.margin;
        tokens.refresh && standing.refresh_token.is_there() && standing.access_token_end.is_some_and(is_over)
    }

    async fn refresh_due(&self, admitted: &Admitted, entry: Entry) -> Result<(), Error> {
        let Some(sealed) = self.ports.sessions.tokens(&admitted.credential.key).await? else { return Ok(()) };
        let tokens = self.open_tokens(admitted, &sealed)?;
        if tokens.refresh.is_none() || self.lives_for(&tokens, self.settings.tokens.margin) {
            return Ok(());
        }
        self.refresh(admitted, sealed, entry).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::{Partition, TenantNumber};

    fn key(number: u16) -> SessionKey {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        SessionKey { tenant: TenantNumber(1), partition: Partition::new(1).unwrap(), id }
    }

    #[test]
    fn a_session_rests_between_two_refreshes() {
        let (resting, now) = (Resting::default(), Timestamp::from_secs(1000));
        assert!(resting.begin(&key(1), now) && resting.begin(&key(2), now));
        assert!(!resting.begin(&key(1), now + Duration::from_millis(29_999)));
        assert!(resting.begin(&key(1), now + REST));
    }

    #[test]
    fn what_rests_is_bounded_and_a_full_house_begins_nothing() {
        let (resting, now) = (Resting::default(), Timestamp::from_secs(1000));
        let begun = (0..20_000).filter(|number| resting.begin(&key(*number), now)).count();
        assert_eq!(begun, MOST_RESTING);
        assert!(resting.begin(&key(20_000), now + REST));
    }
}
