//! Owns the use case WatchAudit: what is written down from now on, as it comes. Does not know how it was asked.
//!
//! The store is asked anew each second, and a little into the past each time: replicas write beside their answers, by clocks
//! that differ a little. What comes later than that is for ListAudit.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream::{self, Stream};

use super::list_audit::{EntryView, Filter, Understood};
use super::{Authority, Error};
use crate::session::audit::{Entry, EntryId};
use crate::session::time::Timestamp;

/// How often the store is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How late an entry may come.
const LATE: Duration = Duration::from_secs(10);
/// How many entries are read at once, and how often before the next message.
const AT_ONCE: usize = 500;
const ROUNDS: usize = 20;

struct Watch {
    authority: Authority,
    wanted: Understood,
    /// Nothing of before.
    began: Timestamp,
    /// Up to when everything was read.
    read_at: Timestamp,
    /// Those from [`LATE`] before that on that were told, or not wanted.
    seen: BTreeSet<EntryId>,
    is_first: bool,
}

impl Authority {
    /// Tells entries as they come, the oldest first, for as long as it is listened to. The first message comes at once, and
    /// may be empty.
    ///
    /// # Errors
    /// When none are kept, or a field is not right.
    pub fn watch_audit(&self, filter: &Filter) -> Result<impl Stream<Item = Vec<EntryView>> + Send + use<>, Error> {
        self.audit_settings()?;
        let (wanted, now) = (self.understand(filter)?, self.ports.clock.now());
        let authority = self.clone();
        let watch = Watch { authority, wanted, began: now, read_at: now, seen: BTreeSet::new(), is_first: true };
        Ok(stream::unfold(watch, |mut watch| async move { Some((watch.next().await, watch)) }))
    }
}

impl Watch {
    async fn next(&mut self) -> Vec<EntryView> {
        if std::mem::take(&mut self.is_first) {
            return Vec::new();
        }
        loop {
            self.authority.ports.beside.pause(EVERY).await;
            match self.news().await {
                Ok(news) if news.is_empty() => (),
                Ok(news) => return self.authority.views(news).await,
                // It is asked for the same stretch again.
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the audit can't be read yet");
                }
            }
        }
    }

    /// What has come since, the oldest first.
    async fn news(&mut self) -> Result<Vec<(EntryId, Entry)>, Error> {
        let (authority, now) = (&self.authority, self.authority.ports.clock.now());
        let start = EntryId::at(self.began.max(self.read_at - LATE));
        let (mut end, mut news) = (EntryId::LAST, Vec::new());
        for _ in 0..ROUNDS {
            let page = authority.ports.audit.entries(authority.settings.tenant, None, start..end, AT_ONCE).await?;
            news.extend(page.entries.into_iter().filter(|(id, _)| !self.seen.contains(id)));
            let Some(next) = page.next else { break };
            end = next;
        }
        self.seen.extend(news.iter().map(|(id, _)| *id));
        self.read_at = now;
        self.seen = self.seen.split_off(&EntryId::at(now - LATE));
        let mut news = authority.opened(news);
        news.retain(|(_, entry)| self.wanted.lets(entry));
        news.reverse();
        Ok(news)
    }
}
