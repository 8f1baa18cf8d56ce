//! Owns what is written down of what happens, beside the answer: it keeps nobody waiting, and its trouble fails nothing. Does
//! not know how it gets to the store, nor who asks for it later.

use std::sync::Arc;

use super::admit::Admitted;
use super::audit_queue::Added;
use super::audit_writer::{AuditWriter, leave_out, write_entries};
use super::settings::ClientAddresses;
use super::trail::Trail;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, Outcome, readable};
use crate::session::key::{SessionKey, UserKey};
use crate::session::rate::network;
use crate::session::request::RequestContext;

/// With which outcome something was done; `None` where it was not, or nobody can say.
pub(super) const fn outcome_of<T>(done: &Result<T, Error>) -> Option<Outcome> {
    match done {
        Ok(_) => Some(Outcome::Done),
        Err(Error::Unreplicated { .. }) => Some(Outcome::Unreplicated),
        Err(_) => None,
    }
}

impl Authority {
    /// An entry of something that was done by this call just now.
    pub(super) fn entry(&self, action: Action, call: &Call, context: Option<&RequestContext>) -> Entry {
        Entry {
            caller: readable(call.caller()),
            request_id: call.request_id.clone(),
            client: self.audited_client(call, context),
            ..Entry::new(action, self.ports.clock.now())
        }
    }

    /// Writes down what this process did at this tenant with no call asking for it.
    pub fn note_by_itself(&self, action: Action, reason: &str, detail: &str) {
        let outcome = if reason.is_empty() { Outcome::Done } else { Outcome::Failed };
        let (reason, detail) = (reason.to_owned(), readable(detail));
        self.audit(Entry { outcome, reason, detail, ..Entry::new(action, self.ports.clock.now()) });
    }

    /// The entry of what becomes of a session's tokens where this call asks for them, or they are due beside its answer.
    pub(super) fn entry_of_refresh(&self, admitted: &Admitted, call: &Call, context: Option<&RequestContext>) -> Entry {
        let identity = &admitted.standing.identity;
        Entry {
            session: Some(admitted.credential.key),
            user: Some(self.user_of(identity)),
            provider: identity.provider.clone(),
            ..self.entry(Action::Refreshed, call, context)
        }
    }

    /// Writes an entry down, if entries are kept. It answers at once.
    pub(super) fn audit(&self, entry: Entry) {
        let Some(settings) = self.settings.audit else { return };
        let queue = &self.audit_queue;
        match queue.add(entry, settings.most_an_hour) {
            Added::First => self.ports.beside.finish(Box::pin(write_entries(Arc::clone(queue)))),
            Added::Waits => (),
            Added::LeftOut(why) => leave_out(queue, &self.audit_writer(), why, None),
        }
    }

    /// By its keys and settings entries are written from now on, whichever authority of this tenant adds them.
    pub(super) fn take_effect(&self) {
        self.audit_queue.put_in_force(self.audit_writer());
    }

    fn audit_writer(&self) -> AuditWriter {
        AuditWriter {
            ports: self.ports.clone(),
            vault: Arc::clone(&self.vault),
            settings: Arc::clone(&self.settings),
            refusals: Arc::clone(&self.refusals),
        }
    }

    /// The trail of a login, which becomes an entry at its end; one that notes nothing where none are kept.
    pub(super) fn trail(&self, action: Action, call: &Call, context: &RequestContext) -> Trail {
        match self.settings.audit {
            Some(_) => Trail::new(self.ports.clock.clone(), self.entry(action, call, Some(context))),
            None => Trail::default(),
        }
    }

    /// Writes down what became of a login: done, or why not.
    pub(super) fn audit_trail(&self, trail: &Trail, end: impl FnOnce(&mut Entry)) {
        if let Some(mut entry) = trail.entry() {
            entry.at = self.ports.clock.now();
            end(&mut entry);
            self.audit(entry);
        }
    }

    /// The same where nobody could say what became of it, or too much came.
    pub(super) fn audit_error(&self, trail: &Trail, error: &Error) {
        self.audit_trail(trail, |entry| {
            (entry.outcome, entry.reason) = match error {
                Error::RateLimited { .. } => (Outcome::Failed, "rate_limited".to_owned()),
                _ => (Outcome::Trouble, "trouble".to_owned()),
            };
            entry.detail = error.to_string();
        });
    }

    /// Writes down that a session was presented by another client than at login: once in a while, since every request of it
    /// says so.
    pub(super) fn audit_other_client(
        &self,
        key: &SessionKey,
        user: UserKey,
        call: &Call,
        context: Option<&RequestContext>,
        outcome: Outcome,
    ) {
        if self.settings.audit.is_some() && self.audit_queue.say(key, self.ports.clock.running()) {
            let reason = "fingerprint".to_owned();
            let entry = self.entry(Action::OtherClient, call, context);
            self.audit(Entry { outcome, reason, session: Some(*key), user: Some(user), ..entry });
        }
    }

    /// Writes down that a token was given out, where that is wanted: there may be as many as requests.
    pub(super) fn audit_token(&self, action: Action, call: &Call, session: SessionKey, user: UserKey) {
        if self.settings.audit.is_some_and(|audit| audit.tokens) {
            let entry = self.entry(action, call, None);
            self.audit(Entry { session: Some(session), user: Some(user), ..entry });
        }
    }

    /// The client as entries show it: the browser's, or where no request of one came along, who called.
    fn audited_client(&self, call: &Call, context: Option<&RequestContext>) -> String {
        let client = || context.map_or(call.from, |context| self.settings.trusted_proxies.client(context));
        let shown = match self.settings.audit.map_or(ClientAddresses::None, |audit| audit.client_addresses) {
            ClientAddresses::Whole => client(),
            ClientAddresses::Network => client().map(|address| network(address.to_canonical())).map(without_host),
            ClientAddresses::None => None,
        };
        shown.map(|address| address.to_string()).unwrap_or_default()
    }
}

/// The /24 of an IPv4 address; of an IPv6 address the half that is its network's is all that is left by then.
fn without_host(address: std::net::IpAddr) -> std::net::IpAddr {
    match address {
        std::net::IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            std::net::Ipv4Addr::new(a, b, c, 0).into()
        }
        six @ std::net::IpAddr::V6(_) => six,
    }
}
