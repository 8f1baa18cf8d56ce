//! Owns carrying what waits to be written down to the store: by the keys and settings that are in force when it goes, whoever
//! added it, and with word of what could not be kept. Does not know what an entry says.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::Ports;
use super::audit_left_out::NotKept;
use super::audit_queue::AuditQueue;
use super::audit_store::{EntryAdded, KeptEntry, WRITTEN_WITHIN};
use super::ports::{StoreError, StoreResult};
use super::refusals::Refusals;
use super::settings::Settings;
use crate::session::audit::{Entry, EntryId};
use crate::session::time::Timestamp;
use crate::vault::Vault;

/// How many entries are on their way to the store at once.
const AT_ONCE: usize = 64;
/// How often an entry is tried that comes too late each time.
const TRIES: usize = 4;
/// How soon it is written down that entries are not kept, and how often at most.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// What entries of a tenant are written by.
#[derive(Clone)]
pub(super) struct AuditWriter {
    pub(super) ports: Ports,
    pub(super) vault: Arc<Vault>,
    pub(super) settings: Arc<Settings>,
    pub(super) refusals: Arc<Refusals>,
}

/// Why an entry is not kept, and the cause, if there is one.
type Lost = (NotKept, Option<StoreError>);

/// Writes what waits, until nothing does.
pub(super) async fn write_entries(queue: Arc<AuditQueue>) {
    loop {
        let some = queue.take(AT_ONCE);
        let Some(writer) = queue.writer().filter(|_| !some.is_empty()) else { return };
        let (began, all) = (writer.ports.clock.running(), some.len());
        let kept = join_all(some.iter().map(|entry| keep(&queue, entry))).await;
        let lost: Vec<_> = kept.into_iter().filter_map(Result::err).collect();
        let is_trouble = lost.iter().any(|(why, _)| *why == NotKept::StoreInTrouble);
        // What failed may be kept all the same.
        if is_trouble || writer.ports.clock.running().saturating_sub(began) > WRITTEN_WITHIN {
            queue.note_late();
        }
        let some_are_kept = lost.len() < all;
        for (why, error) in lost {
            leave_out(&queue, &writer, why, error.as_ref());
        }
        if some_are_kept && queue.begin_to_tell() {
            tell_soon(&queue, &writer);
        }
    }
}

/// Notes that an entry is not kept: it is counted, said now and then, and written down in a moment.
pub(super) fn leave_out(queue: &Arc<AuditQueue>, writer: &AuditWriter, why: NotKept, error: Option<&StoreError>) {
    writer.say(why, error);
    queue.leave_out(why);
    if queue.begin_to_tell() {
        tell_soon(queue, writer);
    }
}

fn tell_soon(queue: &Arc<AuditQueue>, writer: &AuditWriter) {
    let telling = Box::pin(tell_left_out(Arc::clone(queue), writer.clone()));
    if !writer.ports.beside.run(telling) {
        queue.told(None);
    }
}

/// Writes down what was left out, until the store does not take it: then it waits until one is kept.
async fn tell_left_out(queue: Arc<AuditQueue>, writer: AuditWriter) {
    loop {
        writer.ports.beside.pause(TOLD_AFTER).await;
        let left_out = queue.left_out();
        let is_kept = keep(&queue, &left_out.entry(writer.ports.clock.now())).await.is_ok();
        if !queue.told(is_kept.then_some(&left_out)) {
            return;
        }
    }
}

/// Keeps an entry under the moment when it was made. Where those who watch may have looked past that, it is kept under the
/// present one. Each try goes by what is in force then; where no entries are kept any more, none is.
async fn keep(queue: &AuditQueue, entry: &Entry) -> Result<(), Lost> {
    let trouble = |error| (NotKept::StoreInTrouble, Some(error));
    let mut late = None;
    for _ in 0..TRIES {
        let Some(writer) = queue.writer() else { return Ok(()) };
        let now = writer.ports.clock.now();
        let waited = now.since(entry.at) > WRITTEN_WITHIN;
        let at = late.unwrap_or(if waited { now } else { entry.at });
        match writer.keep(queue.place(), entry, at).await.map_err(trouble)? {
            Some(EntryAdded::TooLate(now)) => late = Some(now),
            Some(EntryAdded::HourIsFull) => {
                queue.close(entry.room(), at);
                return Err((NotKept::HourIsFull, None));
            }
            Some(EntryAdded::Yes) | None => return Ok(()),
        }
    }
    Err(trouble(StoreError::Unavailable("an entry came too late each time".into())))
}

impl AuditWriter {
    async fn keep(&self, place: u16, entry: &Entry, at: Timestamp) -> StoreResult<Option<EntryAdded>> {
        let (tenant, Some(settings)) = (self.settings.tenant, self.settings.audit) else { return Ok(None) };
        let id = EntryId::new(at, place, self.random());
        let kept = KeptEntry {
            id,
            names: entry.about().iter().map(|about| self.vault.entry_name(about)).collect(),
            room: entry.room(),
            sealed: self.vault.seal_entry(self.random(), tenant, &id, entry),
        };
        self.ports.audit.keep_entry(tenant, kept, settings.keep_for, settings.most_an_hour).await.map(Some)
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.ports.entropy.fill(&mut bytes);
        bytes
    }

    fn say(&self, why: NotKept, error: Option<&StoreError>) {
        let (tenant, (reason, why)) = (self.settings.tenant, why.words());
        if let Some(observer) = &self.ports.observer {
            observer.not_audited(tenant, reason, 1);
        }
        if let Some(unsaid) = self.refusals.say(tenant, ("audit", why), self.ports.clock.running()) {
            let (tenant, error) = (&self.settings.tenant_name, error.map(|error| error as &dyn std::error::Error));
            tracing::warn!(tenant, why, unsaid, error, "audit entries are not kept: the log alone has them");
        }
    }
}
