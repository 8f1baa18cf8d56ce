//! Owns the use case ListSessions: living sessions, a page at a time. Does not know how it was asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ports::WalkPosition;
use super::{Authority, Error, SessionView};
use crate::crypto::{KEY_ID_LEN, MAC_LEN};
use crate::session::key::{SessionKey, UserKey};
use crate::session::record::Record;
use crate::session::time::Liveness;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Only sessions of this user; empty for all.
    pub user_id: String,
    /// How many to list at most.
    pub page_size: usize,
    /// Where to go on; empty for the start.
    pub page_token: String,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its sessions.
    pub sessions: Vec<SessionView>,
    /// Where to go on; empty when there is no more.
    pub next_page_token: String,
}

impl Authority {
    /// Lists living sessions of one user or of all.
    ///
    /// # Errors
    /// When a field is not right, or the store can't say.
    pub async fn list_sessions(&self, question: Question) -> Result<Page, Error> {
        let from = self.read_page_token(&question)?;
        if question.user_id.is_empty() {
            let page = self.ports.sessions.walk(self.settings.tenant, from, question.page_size).await?;
            let next_page_token = page.next.map(|next| self.page_token(&next, &question.user_id)).unwrap_or_default();
            return Ok(Page { sessions: self.living(page.sessions), next_page_token });
        }
        let user = self.user_key(&question.user_id)?;
        let mut sessions = self.ports.sessions.sessions_of(&user).await?;
        sessions.sort_by_key(|(key, _)| key.id);
        let after = from.map(|position| position.0).unwrap_or_default();
        sessions.retain(|(key, _)| key.id.as_slice() > after.as_slice());
        let more = sessions.len() > question.page_size;
        sessions.truncate(question.page_size);
        let last = sessions.last().filter(|_| more).map(|(key, _)| WalkPosition(key.id.to_vec()));
        let next_page_token = last.map(|last| self.page_token(&last, &question.user_id)).unwrap_or_default();
        Ok(Page { sessions: self.living(sessions), next_page_token })
    }

    /// Those records that open and live. One that does not open hides none of the others: the log names it.
    fn living(&self, records: Vec<(SessionKey, Record)>) -> Vec<SessionView> {
        let open = |(key, record): (SessionKey, Record)| match self.open_living(key, &record) {
            Ok(view) => view,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(session = key.public(), error, "a session can't be listed");
                None
            }
        };
        records.into_iter().filter_map(open).collect()
    }

    /// A record as an admin sees it, if it lives by our own judgement too.
    pub(super) fn open_living(&self, key: SessionKey, record: &Record) -> Result<Option<SessionView>, Error> {
        let standing = self.vault.open_standing(&key, &record.header.marks, &record.body)?;
        let limits = self.settings.lifetimes_of(standing.remembered);
        let times = standing.times(&record.header, limits);
        let lives = matches!(times.judge(self.ports.clock.now(), limits), Liveness::Living { .. });
        Ok(lives.then(|| self.view(key, standing, times, record.header.generation)))
    }

    /// The user that a user id names. What stands behind its provider's name is known from the configuration alone: an
    /// index by name would cost every session, and a scan every caller.
    pub(super) fn user_key(&self, user_id: &str) -> Result<UserKey, Error> {
        let unknown = || Error::InvalidField {
            field: "user_id",
            expected: "\"<provider>_<sub>\" with a provider of the configuration. One that logs nobody in any more \
                       stays there with `enabled: false`; for the sessions of one that was taken out, name each \
                       session"
                .to_owned(),
        };
        let (name, local) = user_id.split_once('_').ok_or_else(unknown)?;
        let rule = self.ports.providers.issuer(name).ok_or_else(unknown)?;
        let (issuer, sub) = rule.identity_of(local).ok_or_else(unknown)?;
        Ok(UserKey::of(self.settings.tenant, &issuer, &sub))
    }

    /// A page token: the position, signed for this filter, so that nobody makes one up or carries one over.
    fn page_token(&self, position: &WalkPosition, filter: &str) -> String {
        let (key_id, mac) = self.vault.page.sign(&[&position.0, filter.as_bytes()]);
        URL_SAFE_NO_PAD.encode([&key_id[..], &mac, &position.0].concat())
    }

    fn read_page_token(&self, question: &Question) -> Result<Option<WalkPosition>, Error> {
        if question.page_token.is_empty() {
            return Ok(None);
        }
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(&question.page_token).ok()?;
            let (key_id, rest) = bytes.split_first_chunk::<KEY_ID_LEN>()?;
            let (mac, position) = rest.split_first_chunk::<MAC_LEN>()?;
            let own = self.vault.page.verify(key_id, &[position, question.user_id.as_bytes()], mac);
            own.then(|| WalkPosition(position.to_vec()))
        };
        read().map(Some).ok_or_else(|| Error::InvalidField {
            field: "page_token",
            expected: "the next_page_token of an answer with the same filter, or empty".to_owned(),
        })
    }
}
