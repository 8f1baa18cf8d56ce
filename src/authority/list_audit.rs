//! Owns the use case ListAudit: what was written down, the newest first, a page at a time. Does not know how it was asked.

use std::collections::HashMap;
use std::ops::Range;

use futures::future::{join_all, try_join_all};

use super::audit_store::EntryPage;
use super::ports::{StoreResult, UserLookup, WalkPosition};
use super::settings::AuditSettings;
use super::{Authority, Error};
use crate::session::audit::{About, Action, Entry, EntryId, Outcome};
use crate::session::key::{SessionKey, UserKey};
use crate::session::time::Timestamp;

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// About this user; empty for all.
    pub user_id: String,
    /// About the session of this public id.
    pub session_id: String,
    /// Of the call of this request id.
    pub request_id: String,
    /// Of this caller.
    pub caller: String,
    /// Of these actions; none for all.
    pub actions: Vec<Action>,
    /// Only what did not come to a good end, or not surely.
    pub only_failures: bool,
    /// Made then or later.
    pub after: Option<Timestamp>,
    /// Made before.
    pub before: Option<Timestamp>,
}

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Which entries.
    pub filter: Filter,
    /// How many to list at most.
    pub page_size: usize,
    /// Where to go on; empty for the newest.
    pub page_token: String,
}

/// An entry, as an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// Its id.
    pub id: EntryId,
    /// What it says.
    pub entry: Entry,
    /// The user's id, while there is a record of them.
    pub user_id: Option<String>,
}

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its entries, the newest first.
    pub entries: Vec<EntryView>,
    /// Where to go on; empty when there is no more.
    pub next_page_token: String,
}

/// A filter that is understood.
#[derive(Clone, Debug)]
pub(super) struct Understood {
    user: Option<UserKey>,
    session: Option<SessionKey>,
    filter: Filter,
}

/// How many entries are looked at for one page, whatever the filter lets through.
const LOOKED_AT: usize = 1000;
/// How many are read at once.
const AT_ONCE: usize = 200;

impl Authority {
    /// Lists entries. One that does not open hides none of the others: the log names it.
    ///
    /// # Errors
    /// When none are kept, a field is not right, or the store can't say.
    pub async fn list_audit(&self, question: &Question) -> Result<Page, Error> {
        let settings = self.audit_settings()?;
        let wanted = self.understand(&question.filter)?;
        let words = question.filter.words();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let from = self.read_page_token(&question.page_token, &words)?;
        let from = from.and_then(|position| position.0.try_into().ok()).map(EntryId);
        let end = from.or(question.filter.before.map(EntryId::at)).unwrap_or(EntryId::LAST);
        let (found, next) = self.entries_before(&wanted, settings, end, question.page_size).await?;
        let next_page_token =
            next.map(|next| self.page_token(&WalkPosition(next.0.to_vec()), &words)).unwrap_or_default();
        Ok(Page { entries: self.views(found).await, next_page_token })
    }

    /// How entries are kept.
    pub(super) fn audit_settings(&self) -> Result<AuditSettings, Error> {
        self.settings.audit.ok_or(Error::AuditOff)
    }

    pub(super) fn understand(&self, filter: &Filter) -> Result<Understood, Error> {
        let user = Some(filter.user_id.as_str()).filter(|id| !id.is_empty()).map(|id| self.user_key(id));
        let session = Some(filter.session_id.as_str()).filter(|id| !id.is_empty()).map(|id| self.session_key(id));
        Ok(Understood { user: user.transpose()?, session: session.transpose()?, filter: filter.clone() })
    }

    /// The newest entries before `end`, at most `limit`, and where to go on.
    async fn entries_before(
        &self,
        wanted: &Understood,
        settings: AuditSettings,
        mut end: EntryId,
        limit: usize,
    ) -> Result<(Vec<(EntryId, Entry)>, Option<EntryId>), Error> {
        // Where the time was shortened, what is older is there a while longer, and nobody's to see.
        let oldest = self.ports.clock.now() - settings.keep_for;
        let start = EntryId::at(wanted.filter.after.map_or(oldest, |after| after.max(oldest)));
        let (mut found, mut looked_at) = (Vec::new(), 0);
        while looked_at < LOOKED_AT {
            let page = self.entries(wanted.about(), start..end, AT_ONCE).await?;
            looked_at += page.entries.len().max(1);
            for (id, entry) in self.opened(page.entries) {
                if wanted.lets(&id, &entry) {
                    found.push((id, entry));
                    if found.len() >= limit {
                        return Ok((found, Some(id)));
                    }
                }
            }
            match page.next {
                Some(next) => end = next,
                None => return Ok((found, None)),
            }
        }
        Ok((found, Some(end)))
    }

    /// At most `limit` of these entries: all, or those about one thing; there may be as many for each key that has made its name.
    pub(super) async fn entries(
        &self,
        about: Option<About<'_>>,
        ids: Range<EntryId>,
        limit: usize,
    ) -> StoreResult<EntryPage> {
        let page = |name| self.ports.audit.entries(self.settings.tenant, name, ids.clone(), limit);
        match about {
            None => page(None).await,
            Some(about) => {
                let pages = self.vault.entry_names(&about).into_iter().map(|name| page(Some(name)));
                Ok(EntryPage::merged(try_join_all(pages).await?))
            }
        }
    }

    /// Those entries that open.
    pub(super) fn opened(&self, sealed: Vec<(EntryId, Vec<u8>)>) -> Vec<(EntryId, Entry)> {
        let open = |(id, sealed): (EntryId, Vec<u8>)| match self.vault.open_entry(self.settings.tenant, &id, &sealed) {
            Ok(entry) => Some((id, entry)),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(made = id.time().as_millis(), error, "an audit entry can't be listed");
                None
            }
        };
        sealed.into_iter().filter_map(open).collect()
    }

    /// Entries with the ids of their users. Who it is stands in the user's record alone: of one who was deleted, or whose
    /// record does not open, nobody reads it here.
    pub(super) async fn views(&self, entries: Vec<(EntryId, Entry)>) -> Vec<EntryView> {
        let mut users: Vec<_> = entries.iter().filter_map(|(_, entry)| entry.user).collect();
        users.sort_by_key(|user| (user.partition, user.hash));
        users.dedup();
        let known = join_all(users.into_iter().map(|user| async move {
            let Ok(UserLookup::Found(kept)) = self.ports.users.user(&user).await else { return None };
            Some((user, self.vault.open_profile(&user, &kept.profile).ok()?.user_id))
        }));
        let known: HashMap<_, _> = known.await.into_iter().flatten().collect();
        let view = |(id, entry): (EntryId, Entry)| {
            let user_id = entry.user.and_then(|user| known.get(&user).cloned());
            EntryView { id, entry, user_id }
        };
        entries.into_iter().map(view).collect()
    }
}

impl Understood {
    /// What the store finds few by.
    fn about(&self) -> Option<About<'_>> {
        let request = Some(self.filter.request_id.as_str()).filter(|id| !id.is_empty()).map(About::Request);
        request.or(self.session.map(About::Session)).or(self.user.map(About::User))
    }

    /// Whether it is wanted. One that had to wait counts by when it was written: else it would lie on neither side of a moment.
    pub(super) fn lets(&self, id: &EntryId, entry: &Entry) -> bool {
        let Filter { request_id, caller, actions, only_failures, after, before, .. } = &self.filter;
        let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        is(request_id, &entry.request_id)
            && is(caller, &entry.caller)
            && self.session.is_none_or(|session| entry.is_about(&session))
            && self.user.is_none_or(|user| entry.user == Some(user))
            && (actions.is_empty() || actions.contains(&entry.action))
            && (!only_failures || matches!(entry.outcome, Outcome::Failed | Outcome::Trouble | Outcome::Unreplicated))
            && after.is_none_or(|after| id.time() >= after)
            && before.is_none_or(|before| id.time() < before)
    }
}

impl Filter {
    fn words(&self) -> [String; 9] {
        let moment = |moment: Option<Timestamp>| moment.map(|m| m.as_millis().to_string()).unwrap_or_default();
        let actions: Vec<_> = self.actions.iter().map(|action| (*action as u8).to_string()).collect();
        [
            "audit".to_owned(),
            self.user_id.clone(),
            self.session_id.clone(),
            self.request_id.clone(),
            self.caller.clone(),
            actions.join(","),
            self.only_failures.to_string(),
            moment(self.after),
            moment(self.before),
        ]
    }
}
