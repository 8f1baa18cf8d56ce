//! Owns writing down what happened, beside the answer: it keeps nobody waiting, and its trouble fails nothing. Does not know
//! who asks for it later.

use std::time::Duration;

use futures::future::join_all;

use super::audit_queue::Added;
use super::audit_store::KeptEntry;
use super::ports::StoreResult;
use super::settings::{AuditSettings, ClientAddresses};
use super::trail::Trail;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, EntryId, Outcome, readable};
use crate::session::key::{SessionKey, UserKey};
use crate::session::rate::network;
use crate::session::request::RequestContext;

/// How many entries are on their way to the store at once.
const AT_ONCE: usize = 64;
/// How long an entry may take from when it was made until it is written, for those who watch to find it where they look.
pub(super) const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// Why an entry is not kept.
#[derive(Clone, Copy)]
enum NotKept {
    TooManyWait,
    HourIsFull,
    StoreInTrouble,
}

impl NotKept {
    /// For figures, and for the log.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TooManyWait => ("queue_full", "too many wait"),
            Self::HourIsFull => ("hour_full", "too many in an hour of what can be caused without a session"),
            Self::StoreInTrouble => ("store_unavailable", "trouble of the store"),
        }
    }
}

impl Authority {
    /// An entry of something that was done by this call just now.
    pub(super) fn entry(&self, action: Action, call: &Call, context: Option<&RequestContext>) -> Entry {
        Entry {
            caller: readable(call.caller()),
            request_id: call.request_id.clone(),
            client: context.map(|context| self.audited_client(context)).unwrap_or_default(),
            ..Entry::new(action, self.ports.clock.now())
        }
    }

    /// Writes an entry down, if entries are kept. It answers at once.
    pub(super) fn audit(&self, entry: Entry) {
        let Some(settings) = self.settings.audit else { return };
        match self.audit_queue.add(self.audit_writer, entry, settings.most_an_hour) {
            Added::First => self.ports.beside.finish(Box::pin(self.clone().write_entries(settings))),
            Added::Waits => (),
            Added::Full => self.say_not_kept(NotKept::TooManyWait, 1, None),
            Added::NoRoom => self.say_not_kept(NotKept::HourIsFull, 1, None),
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
        user: Option<UserKey>,
        call: &Call,
        context: Option<&RequestContext>,
        outcome: Outcome,
    ) {
        if self.settings.audit.is_some() && self.audit_queue.say(key, self.ports.clock.running()) {
            let reason = "fingerprint".to_owned();
            let entry = self.entry(Action::OtherClient, call, context);
            self.audit(Entry { outcome, reason, session: Some(*key), user, ..entry });
        }
    }

    /// Writes down that a token was given out, where that is wanted: there may be as many as requests.
    pub(super) fn audit_token(&self, action: Action, call: &Call, session: SessionKey, user: UserKey) {
        if self.settings.audit.is_some_and(|audit| audit.tokens) {
            let entry = self.entry(action, call, None);
            self.audit(Entry { session: Some(session), user: Some(user), ..entry });
        }
    }

    async fn write_entries(self, settings: AuditSettings) {
        loop {
            let some = self.audit_queue.take(self.audit_writer, AT_ONCE);
            if some.is_empty() {
                return;
            }
            let (began, mut no_room, mut failed, mut cause) = (self.ports.clock.running(), 0, 0, None);
            for kept in join_all(some.into_iter().map(|entry| self.keep_entry(entry, settings))).await {
                match kept {
                    Ok(true) => (),
                    Ok(false) => no_room += 1,
                    Err(error) => {
                        failed += 1;
                        cause = Some(error);
                    }
                }
            }
            // What failed may be kept all the same, and late.
            if failed > 0 || self.ports.clock.running().saturating_sub(began) > WRITTEN_WITHIN {
                self.audit_queue.note_late();
            }
            if no_room > 0 {
                self.say_not_kept(NotKept::HourIsFull, no_room, None);
            }
            if let Some(cause) = cause {
                self.say_not_kept(NotKept::StoreInTrouble, failed, Some(&cause));
            }
        }
    }

    /// Keeps an entry under the moment when it was made. One that had to wait is kept under the moment when it is written: so
    /// those who watch find it, who have looked past the other.
    async fn keep_entry(&self, entry: Entry, settings: AuditSettings) -> StoreResult<bool> {
        let (tenant, now) = (self.settings.tenant, self.ports.clock.now());
        let at = if now.since(entry.at) > WRITTEN_WITHIN { now } else { entry.at };
        let (id, room) = (EntryId::new(at, self.audit_queue.place(), self.random()), entry.room());
        let kept = KeptEntry {
            id,
            names: entry.about().iter().map(|about| self.vault.entry_name(about)).collect(),
            room,
            sealed: self.vault.seal_entry(self.nonce(), tenant, &id, &entry),
        };
        let is_kept = self.ports.audit.keep_entry(tenant, kept, settings.keep_for, settings.most_an_hour).await?;
        if let Some(room) = room.filter(|_| !is_kept) {
            self.audit_queue.close(room, at);
        }
        Ok(is_kept)
    }

    /// What is not kept is counted, and told now and then.
    fn say_not_kept(&self, why: NotKept, count: u64, error: Option<&(dyn std::error::Error + 'static)>) {
        let (reason, why) = why.words();
        self.show_not_audited(reason, count);
        let now = self.ports.clock.running();
        if let Some(unsaid) = self.refusals.say(self.settings.tenant, ("audit", why), now) {
            let tenant = &self.settings.tenant_name;
            tracing::warn!(tenant, why, count, unsaid, error, "audit entries are not kept: the log alone has them");
        }
    }

    /// The client as entries show it.
    fn audited_client(&self, context: &RequestContext) -> String {
        let client = || self.settings.trusted_proxies.client(context);
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
