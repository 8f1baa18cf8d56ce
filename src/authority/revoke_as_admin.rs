//! Owns the use cases AdminService.Revoke and PreviewRevoke: end sessions from outside the browser, and say before how
//! many that would be. Does not know how they were asked.

use super::ports::Lookup;
use super::{Authority, Call, Error};
use crate::session::mark::{MarkTarget, ProviderTag};
use crate::session::record::Ending;

/// What to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One session, by its public id.
    Session(String),
    /// All sessions of a user, and the logins of theirs that are under way.
    User(String),
    /// All sessions that a provider's logins have made, and its logins under way; by its name.
    Provider(String),
    /// All sessions of this tenant, and its logins under way.
    Tenant,
    /// All sessions of every tenant, and all logins under way.
    Everything,
}

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
    /// Ends what `target` names, and answers how many living sessions that were, of a session or user; others are not
    /// counted. The provider's refresh tokens are destroyed here, and can't be revoked there: they open only with the
    /// browser's credential.
    ///
    /// # Errors
    /// When the target is not one, or the store can't say; asking again is safe.
    pub async fn revoke_as_admin(&self, call: &Call, target: &Target, reason: &str) -> Result<u64, Error> {
        let count = match self.mark_target(target)? {
            Some(marked) => self.end_marked(marked).await.map(|()| 0)?,
            None => match target {
                Target::Session(id) => {
                    u64::from(self.end_session(&self.session_key(id)?, Ending::Revoked).await?)
                }
                Target::User(id) => self.end_user(&self.user_key(id)?).await?,
                Target::Provider(_) | Target::Tenant | Target::Everything => 0,
            },
        };
        let (what, id) = target.words();
        tracing::info!(what, id, reason, count, request_id = call.request_id, "an admin ended sessions");
        Ok(count)
    }

    /// How many living sessions `target` names. Ends none.
    ///
    /// # Errors
    /// When the target is not one, or the store can't say.
    pub async fn preview_revoke(&self, target: &Target) -> Result<Preview, Error> {
        let exact = |count| Ok(Preview { count, exact: true });
        if let Some(marked) = self.mark_target(target)? {
            let count = self.ports.sessions.count(self.settings.tenant).await?;
            if marked == MarkTarget::Everything || count > LOOKED_AT {
                return Ok(Preview { count, exact: false });
            }
            return exact(self.count_living(marked.provider()).await?);
        }
        match target {
            Target::Session(id) => {
                let found = self.look_up(&self.session_key(id)?).await?;
                exact(u64::from(matches!(found, Lookup::Found(_))))
            }
            Target::User(id) => exact(self.ports.sessions.sessions_of(&self.user_key(id)?).await?.len() as u64),
            Target::Provider(_) | Target::Tenant | Target::Everything => exact(0),
        }
    }

    async fn count_living(&self, provider: Option<ProviderTag>) -> Result<u64, Error> {
        let (mut count, mut from) = (0, None);
        loop {
            let page = self.ports.sessions.walk(self.settings.tenant, from, STEP).await?;
            let of = page.sessions.iter().map(|(_, record)| record.header.marks.of);
            count += of.filter(|of| provider.is_none_or(|provider| provider == *of)).count() as u64;
            match page.next {
                None => return Ok(count),
                next => from = next,
            }
        }
    }

    /// The mark that ends what `target` names; `None` for what is ended one by one.
    fn mark_target(&self, target: &Target) -> Result<Option<MarkTarget>, Error> {
        let tenant = self.settings.tenant;
        Ok(match target {
            Target::Session(_) | Target::User(_) => None,
            Target::Tenant => Some(MarkTarget::Tenant(tenant)),
            Target::Everything => Some(MarkTarget::Everything),
            Target::Provider(name) if self.ports.providers.issuer(name).is_some() => {
                Some(MarkTarget::Provider(tenant, name.clone()))
            }
            Target::Provider(_) => {
                let expected = "a provider of the configuration. One that logs nobody in any more stays there with \
                                `enabled: false`";
                return Err(Error::InvalidField { field: "provider", expected: expected.to_owned() });
            }
        })
    }
}

impl Target {
    /// What it is and which one, for the log.
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Session(id) => ("session", id),
            Self::User(id) => ("user", id),
            Self::Provider(name) => ("provider", name),
            Self::Tenant => ("tenant", ""),
            Self::Everything => ("everything", ""),
        }
    }
}
