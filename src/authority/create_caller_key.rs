//! Owns the use case CreateCallerKey: an API key that every replica takes from now on. Does not know how it was asked.

use std::time::Duration;

use super::caller::Caller;
use super::caller_keys::{CallerKeyView, MOST, name_hash};
use super::ports::{CallerKeyAdded, KeptCallerKey};
use super::tenants::Scope;
use super::{Authority, Call, Error};
use crate::crypto::{Secret, SecretBytes, sha256};
use crate::session::audit::{Action, Entry, readable};
use crate::session::caller::{self, CallerFacts, CallerKeyId, Role, Rpcs};
use crate::session::mark::EVERY_TENANT;

/// How long a key is good of which nothing was said.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// The key to make.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The calls of its role that it may make.
    pub rpcs: Rpcs,
    /// The tenants that it is for; `None` for that of the call.
    pub tenants: Option<Scope>,
    /// How long it is good.
    pub lifetime: Option<Duration>,
    /// Why, for the log.
    pub reason: String,
}

impl Authority {
    /// Makes an API key, which is told here and never again.
    ///
    /// # Errors
    /// When its name is no name or another key has it, it would give more than its maker has, the tenant has too many, or the
    /// store can't say.
    pub async fn create_caller_key(
        &self,
        call: &Call,
        maker: &Caller,
        question: Question,
    ) -> Result<(CallerKeyView, Secret), Error> {
        let Question { name, role, rpcs, tenants, lifetime, reason } = question;
        let now = self.ports.clock.now();
        let lifetime = maker.may_make(role, &rpcs, lifetime, YEAR, now)?;
        if tenants.is_some() && maker.tenants != Scope::Every {
            return Err(Error::BeyondMaker(
                "your API key is not for every tenant, so it makes keys for the tenant of the call",
            ));
        }
        let room = if tenants.is_some() { EVERY_TENANT } else { self.settings.tenant };
        let id = CallerKeyId { tenant: room, id: self.random() };
        let key = caller::write_key(id, &SecretBytes::new(self.random()), &self.vault.caller_key);
        let facts = CallerFacts {
            name,
            role,
            tenants: match tenants {
                None => Some(vec![self.settings.tenant]),
                Some(Scope::Every) => None,
                Some(Scope::Of(some)) => Some(some.to_vec()),
            },
            rpcs,
            hash: sha256(key.expose().as_bytes()),
            created: now,
            created_by: call.caller().to_owned(),
            ends: now + lifetime,
            signer: self.vault.caller_key.active(),
        };
        let sealed = self.vault.seal_caller(self.nonce(), &id, &facts);
        let kept = KeptCallerKey { ends: facts.ends, name: name_hash(&facts.name), sealed };
        match self.ports.callers.add_caller_key(&id, kept, now, lifetime, MOST).await? {
            CallerKeyAdded::Yes => (),
            CallerKeyAdded::NameTaken => {
                let expected = "a name that no other living key has: revoke that one, or choose another".to_owned();
                return Err(Error::InvalidField { field: "name", expected });
            }
            CallerKeyAdded::Full => return Err(Error::CallerKeyLimit),
        }
        let view = self.kept_view(&id, facts);
        let made = &view.caller;
        tracing::info!(
            key = id.public(),
            made,
            role = role.name(),
            reason,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a caller's key was made"
        );
        let entry = self.entry(Action::CallerKeyMade, call, None);
        self.audit(Entry { detail: readable(&view.words(&id)), note: readable(&reason), ..entry });
        Ok((CallerKeyView { id, ends: now + lifetime, kept: Ok(view) }, key))
    }
}
