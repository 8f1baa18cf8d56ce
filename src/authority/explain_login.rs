//! Owns the use case ExplainLogin: what became of a login, from the id of any of its requests. Does not know how it was asked.

use super::list_audit::EntryView;
use super::{Authority, Error};
use crate::session::audit::{About, Entry, EntryId};

/// How many entries about one thing are read: a login has a handful, however often its callback is sent again.
const MOST: usize = 100;

impl Authority {
    /// The entries of a request, and of the login that it belongs to, the oldest first.
    ///
    /// # Errors
    /// When none are kept, nothing is known of this id, or the store can't say.
    pub async fn explain_login(&self, request_id: &str) -> Result<Vec<EntryView>, Error> {
        self.audit_settings()?;
        let mut entries = self.entries_about(About::Request(request_id)).await?;
        entries.retain(|(_, entry)| entry.request_id == request_id);
        if entries.is_empty() {
            return Err(Error::RequestUnknown);
        }
        let mut logins: Vec<_> = entries.iter().filter_map(|(_, entry)| entry.login).collect();
        logins.sort_unstable();
        logins.dedup();
        for login in logins {
            let others = self.entries_about(About::Login(login)).await?;
            entries.extend(others.into_iter().filter(|(_, entry)| entry.login == Some(login)));
        }
        entries.sort_by_key(|(id, _)| *id);
        entries.dedup_by_key(|(id, _)| *id);
        Ok(self.views(entries).await)
    }

    async fn entries_about(&self, about: About<'_>) -> Result<Vec<(EntryId, Entry)>, Error> {
        let settings = self.audit_settings()?;
        let ids = EntryId::at(self.ports.clock.now() - settings.keep_for)..EntryId::LAST;
        Ok(self.opened(self.entries(Some(about), ids, MOST).await?.entries))
    }
}
