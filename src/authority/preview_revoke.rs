//! Owns the use case PreviewRevoke: how many sessions a revocation would end. Does not know how it was asked.

use super::ports::Lookup;
use super::revoke_as_admin::{Aim, Target};
use super::{Authority, Error};
use crate::session::key::SessionKey;
use crate::session::mark::{MarkTarget, ProviderTag};
use crate::session::record::Record;

/// How many sessions a target names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// So many.
    pub count: u64,
    /// Whether that is so at the moment; else it is at most so many, of this tenant.
    pub exact: bool,
}

/// Up to how many sessions of the tenant are looked at one by one, to count exactly.
const LOOKED_AT: u64 = 10_000;

/// How many are looked at in one step.
const STEP: usize = 500;

impl Authority {
    /// How many living sessions `target` names. Ends none.
    ///
    /// # Errors
    /// When the target is not one, or the store can't say.
    pub async fn preview_revoke(&self, target: &Target) -> Result<Preview, Error> {
        let exact = |count| Ok(Preview { count, exact: true });
        match self.aim(target)? {
            Aim::Session(key) => exact(match self.look_up(&key).await? {
                Lookup::Found(record) => self.how_many_live(&[(key, record)]),
                Lookup::Gone(_) => 0,
            }),
            Aim::User(user) => exact(self.how_many_live(&self.ports.sessions.sessions_of(&user).await?)),
            Aim::ProviderSession(of) => exact(self.how_many_live(&self.living_of(&of).await?)),
            Aim::Marked(marked) => {
                let count = self.ports.sessions.count(self.settings.tenant).await?;
                if marked == MarkTarget::Everything || count > LOOKED_AT {
                    return Ok(Preview { count, exact: false });
                }
                exact(self.count_living(marked.provider()).await?)
            }
        }
    }

    async fn count_living(&self, provider: Option<ProviderTag>) -> Result<u64, Error> {
        let (mut count, mut from) = (0, None);
        loop {
            let mut page = self.ports.sessions.walk(self.settings.tenant, from, STEP).await?;
            page.sessions.retain(|(_, record)| provider.is_none_or(|provider| provider == record.header.marks.of));
            count += self.how_many_live(&page.sessions);
            match page.next {
                None => return Ok(count),
                next => from = next,
            }
        }
    }

    /// How many of them live by our own judgement too: limits may have been shortened since. One that does not open may.
    fn how_many_live(&self, sessions: &[(SessionKey, Record)]) -> u64 {
        let lives = |(key, record): &&(SessionKey, Record)| !matches!(self.open_living(*key, record), Ok(None));
        sessions.iter().filter(lives).count() as u64
    }
}
