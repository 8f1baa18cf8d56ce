//! Owns the use case AdminService.Revoke: end sessions from outside the browser. Does not know how it was asked.

use super::stream::EndedSessions;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, Outcome, readable};
use crate::session::key::{ProviderSessionKey, SessionKey, UserKey};
use crate::session::mark::MarkTarget;
use crate::session::record::Ending;

/// What to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One session, by its public id.
    Session(String),
    /// All sessions of a user, and the logins of theirs that are under way.
    User(String),
    /// All sessions that belong to one of a provider's own: its name, and the id there.
    ProviderSession(String, String),
    /// All sessions that a provider's logins have made, and its logins under way; by its name.
    Provider(String),
    /// All sessions of this tenant, and its logins under way.
    Tenant,
    /// All sessions of every tenant, and all logins under way.
    Everything,
}

/// A target that is understood.
pub(super) enum Aim {
    Session(SessionKey),
    User(UserKey),
    ProviderSession(ProviderSessionKey),
    /// What one mark ends, however many sessions there are.
    Marked(MarkTarget),
}

impl Authority {
    /// Ends what `target` names, and answers how many living sessions that were, of a session, a user or a provider's
    /// session; others are not counted. The provider's refresh tokens are destroyed here, and can't be revoked there: they
    /// open only with the browser's credential.
    ///
    /// # Errors
    /// When the target is not one, or the store can't say; asking again is safe.
    pub async fn revoke_as_admin(&self, call: &Call, target: &Target, reason: &str) -> Result<u64, Error> {
        let aim = self.aim(target)?;
        let entry = self.entry_of_end(call, &aim, target, reason);
        let done = match aim {
            Aim::Marked(marked) => self.end_marked(marked).await.map(|()| EndedSessions::default()),
            Aim::Session(key) => self.end_sessions(&[key], Ending::Revoked).await,
            Aim::User(user) => self.end_user(&user).await,
            Aim::ProviderSession(of) => self.end_provider_session_of(&of, |_| true).await,
        };
        if let Some((EndedSessions { count, sessions, user }, outcome)) = EndedSessions::of(&done) {
            let (what, id) = target.words();
            tracing::info!(
                what,
                id,
                reason,
                count,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "an admin ended sessions"
            );
            let entry = Entry { at: self.ports.clock.now(), outcome, user: entry.user.or(*user), ..entry };
            self.audit(entry.ending(*count, sessions));
        }
        Ok(done?.count)
    }

    /// Writes down that an admin of all tenants ended everything, which was done with this outcome by another one's authority.
    pub(super) fn note_end_of_everything(&self, call: &Call, reason: &str, outcome: Outcome) {
        let aim = Aim::Marked(MarkTarget::Everything);
        let entry = self.entry_of_end(call, &aim, &Target::Everything, reason);
        self.audit(Entry { outcome, ..entry });
    }

    fn entry_of_end(&self, call: &Call, aim: &Aim, target: &Target, reason: &str) -> Entry {
        let (what, id) = target.words();
        let (session, user) = match aim {
            Aim::Session(key) => (Some(*key), None),
            Aim::User(user) => (None, Some(*user)),
            Aim::ProviderSession(_) | Aim::Marked(_) => (None, None),
        };
        let provider = match target {
            Target::ProviderSession(name, _) | Target::Provider(name) => name.clone(),
            Target::Session(_) | Target::User(_) | Target::Tenant | Target::Everything => String::new(),
        };
        // Which session of the provider's it was is for the log: it is an id of the user's there.
        let detail = if id.is_empty() || !provider.is_empty() { what.to_owned() } else { format!("one {what}") };
        Entry {
            session,
            user,
            provider,
            detail,
            note: readable(reason),
            ..self.entry(Action::RevokedByAdmin, call, None)
        }
    }

    /// What `target` names, understood.
    pub(super) fn aim(&self, target: &Target) -> Result<Aim, Error> {
        let tenant = self.settings.tenant;
        Ok(match target {
            Target::Session(id) => Aim::Session(self.session_key(id)?),
            Target::User(id) => Aim::User(self.user_key(id)?),
            Target::ProviderSession(provider, sid) => Aim::ProviderSession(self.provider_session_key(provider, sid)?),
            Target::Tenant => Aim::Marked(MarkTarget::Tenant(tenant)),
            Target::Everything => Aim::Marked(MarkTarget::Everything),
            Target::Provider(name) if self.ports.providers.issuer(name).is_some() => {
                Aim::Marked(MarkTarget::Provider(tenant, name.clone()))
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
            Self::ProviderSession(_, sid) => ("provider session", sid),
            Self::Provider(name) => ("provider", name),
            Self::Tenant => ("tenant", ""),
            Self::Everything => ("everything", ""),
        }
    }
}
