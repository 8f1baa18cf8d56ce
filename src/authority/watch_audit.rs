//! Owns the use case WatchAudit: what is written down from now on, as it comes; where some of it is left out, that is said.
//! Does not know how it was asked.
//!
//! The store is asked anew each second, and a little into the past each time: replicas write beside their answers, by clocks
//! that differ a little.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use futures::stream::{self, Stream};

use super::audit_store::WRITTEN_WITHIN;
use super::list_audit::{EntryView, Filter, Understood};
use super::{Authority, Error};
use crate::session::audit::{Action, Entry, EntryId};
use crate::session::time::Timestamp;

/// How often the store is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How late an entry may come by its id: the store refuses what comes later, with as much again for clocks that differ.
const LATE: Duration = WRITTEN_WITHIN.saturating_mul(2);
/// How many entries are read at once, and how many new ones at most before the rest is left out.
const AT_ONCE: usize = 500;
const MOST: usize = 10_000;
/// How many one message tells: they fit into what a gRPC client takes (4 MiB), however long their texts are.
const TOLD_AT_ONCE: usize = 200;

/// What is told at once.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// What was written down, the oldest first.
    pub entries: Vec<EntryView>,
    /// Whether something before these may have been left out.
    pub gap: bool,
}

struct Watch {
    authority: Authority,
    wanted: Understood,
    /// Nothing of before.
    floor: EntryId,
    /// Up to when everything was read.
    read_at: Timestamp,
    /// Those from [`LATE`] before that on that were told, or not wanted.
    seen: BTreeSet<EntryId>,
    /// What is still to be told.
    untold: VecDeque<(EntryId, Entry)>,
    gap: bool,
    /// How often the store took too long with an entry of this process.
    late: u64,
    is_first: bool,
}

impl Authority {
    /// Tells entries as they come, the oldest first, for as long as it is listened to. The first message comes at once, and
    /// is empty.
    ///
    /// # Errors
    /// When none are kept, or a field is not right.
    pub fn watch_audit(&self, filter: &Filter) -> Result<impl Stream<Item = Told> + Send + use<>, Error> {
        self.audit_settings()?;
        let filter = Filter { after: None, before: None, ..filter.clone() };
        let (wanted, now) = (self.understand(&filter)?, self.ports.clock.now());
        let watch = Watch {
            authority: self.clone(),
            wanted,
            floor: EntryId::at(now),
            read_at: now,
            seen: BTreeSet::new(),
            untold: VecDeque::new(),
            gap: false,
            late: self.audit_queue.late(),
            is_first: true,
        };
        Ok(stream::unfold(watch, |mut watch| async move { Some((watch.next().await, watch)) }))
    }
}

impl Watch {
    async fn next(&mut self) -> Told {
        if std::mem::take(&mut self.is_first) {
            return Told::default();
        }
        while self.untold.is_empty() && !self.gap {
            self.authority.ports.beside.pause(EVERY).await;
            // What failed is asked for again, from the same moment on.
            if let Err(error) = self.look().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the audit can't be read yet");
            }
        }
        let some = self.untold.drain(..self.untold.len().min(TOLD_AT_ONCE)).collect();
        Told { entries: self.authority.views(some).await, gap: std::mem::take(&mut self.gap) }
    }

    /// Takes up what has come since.
    async fn look(&mut self) -> Result<(), Error> {
        let (authority, now) = (&self.authority, self.authority.ports.clock.now());
        // The store's clock may go back: what is written then lies before what was read.
        self.floor = self.floor.min(EntryId::at(now));
        self.gap |= now + WRITTEN_WITHIN < self.read_at;
        let (late, start) = (authority.audit_queue.late(), self.floor.max(EntryId::at(self.read_at.min(now) - LATE)));
        let (mut end, mut news) = (EntryId::LAST, Vec::new());
        let left_out = loop {
            let page = authority.entries(None, start..end, AT_ONCE).await?;
            news.extend(page.entries.into_iter().filter(|(id, _)| !self.seen.contains(id)));
            match page.next {
                None => break None,
                next if news.len() >= MOST => break next,
                Some(next) => end = next,
            }
        };
        self.gap |= left_out.is_some() || late != self.late;
        (self.late, self.read_at, self.floor) = (late, now, left_out.unwrap_or(self.floor));
        self.seen.extend(news.iter().map(|(id, _)| *id));
        self.seen = self.seen.split_off(&EntryId::at(now - LATE));
        let came = news.len();
        let opened = authority.opened(news);
        // What does not open may have been wanted, and so may what was never kept, at whichever replica.
        self.gap |= opened.len() < came || opened.iter().any(|(_, entry)| entry.action == Action::EntriesLeftOut);
        self.untold.extend(opened.into_iter().rev().filter(|(id, entry)| self.wanted.lets(id, entry)));
        Ok(())
    }
}
