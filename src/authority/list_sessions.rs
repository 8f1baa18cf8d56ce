//! Owns the use case ListSessions: living sessions, a page at a time. Does not know how it was asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ports::WalkPosition;
use super::unreadable::Unreadable;
use super::{Authority, Error, SessionView};
use crate::crypto::{KEY_ID_LEN, MAC_LEN};
use crate::session::key::{ProviderSessionKey, SessionKey, UserKey};
use crate::session::record::Record;
use crate::session::time::{Liveness, Timestamp};

/// Which sessions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only sessions of this user; empty for all.
    pub user_id: String,
    /// Only those that this provider's logins have made; empty for all.
    pub provider: String,
    /// Only those that belong to this one of the provider's own; empty for all.
    pub provider_session: String,
    /// Only those that began at this moment or later.
    pub created_after: Option<Timestamp>,
    /// Only those that began before this moment.
    pub created_before: Option<Timestamp>,
}

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Which sessions to list.
    pub filter: Filter,
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
    /// What of the page does not open, whether or not the filter would let it through.
    pub unreadable: Unreadable,
}

impl Authority {
    /// Lists the living sessions that a filter lets through. A user and one of a provider's own sessions have few; of all
    /// others a page's worth is looked at.
    ///
    /// # Errors
    /// When a field is not right, or the store can't say.
    pub async fn list_sessions(&self, question: &Question) -> Result<Page, Error> {
        let Question { filter, page_size, page_token } = question;
        let words = filter.words();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let from = self.read_page_token(page_token, &words)?;
        let (records, next) = if let Some(few) = self.few(filter).await? {
            page_of(few, from, *page_size)
        } else {
            let page = self.ports.sessions.walk(self.settings.tenant, from, *page_size).await?;
            (page.sessions, page.next)
        };
        let (mut sessions, unreadable) = self.opened_living(records);
        sessions.retain(|session| filter.lets(session));
        let next_page_token = next.map(|next| self.page_token(&next, &words)).unwrap_or_default();
        Ok(Page { sessions, next_page_token, unreadable })
    }

    /// The sessions among which those are that a filter lets through, where there are few.
    async fn few(&self, filter: &Filter) -> Result<Option<Vec<(SessionKey, Record)>>, Error> {
        let few = if !filter.provider_session.is_empty() {
            self.living_of(&self.provider_session_key(&filter.provider, &filter.provider_session)?).await?
        } else if filter.user_id.is_empty() {
            return Ok(None);
        } else {
            self.ports.sessions.sessions_of(&self.user_key(&filter.user_id)?).await?
        };
        Ok(Some(few))
    }

    /// The provider's own session that its name and id there name.
    pub(super) fn provider_session_key(&self, provider: &str, sid: &str) -> Result<ProviderSessionKey, Error> {
        if self.ports.providers.issuer(provider).is_none() {
            let expected = "a provider of the configuration, enabled or not, whose session `provider_session_id` names";
            return Err(Error::InvalidField { field: "provider", expected: expected.to_owned() });
        }
        Ok(ProviderSessionKey::of(self.settings.tenant, provider, sid))
    }

    /// Those records that open and live. One that does not open hides none of the others: the log names it.
    pub(super) fn living(&self, records: Vec<(SessionKey, Record)>) -> Vec<SessionView> {
        self.opened_living(records).0
    }

    fn opened_living(&self, records: Vec<(SessionKey, Record)>) -> (Vec<SessionView>, Unreadable) {
        let mut unreadable = Unreadable::default();
        let open = |(key, record): (SessionKey, Record)| match self.open_living(key, &record) {
            Ok(view) => view,
            Err(error) => {
                unreadable.note(&error);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(session = key.public(), error, "a session can't be listed");
                None
            }
        };
        (records.into_iter().filter_map(open).collect(), unreadable)
    }

    /// A record as an admin sees it, if it lives by our own judgement too.
    pub(super) fn open_living(&self, key: SessionKey, record: &Record) -> Result<Option<SessionView>, Error> {
        let standing = self.vault.open_standing(&key, &record.header.marks, &record.body)?;
        let limits = self.settings.lifetimes_of(&standing);
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

    /// A page token: the position, signed for what is listed, so that nobody makes one up or carries one over.
    pub(super) fn page_token(&self, position: &WalkPosition, of: &[&str]) -> String {
        let (key_id, mac) = self.vault.page.sign(&signed(position, of));
        URL_SAFE_NO_PAD.encode([&key_id[..], &mac, &position.0].concat())
    }

    /// The position in a page token; `None` for the start.
    pub(super) fn read_page_token(&self, token: &str, of: &[&str]) -> Result<Option<WalkPosition>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (key_id, rest) = bytes.split_first_chunk::<KEY_ID_LEN>()?;
            let (mac, position) = rest.split_first_chunk::<MAC_LEN>()?;
            let position = WalkPosition(position.to_vec());
            self.vault.page.verify(key_id, &signed(&position, of), mac).then_some(position)
        };
        read().map(Some).ok_or_else(|| Error::InvalidField {
            field: "page_token",
            expected: "the next_page_token of an answer with the same filter, or empty".to_owned(),
        })
    }
}

fn signed<'a>(position: &'a WalkPosition, of: &[&'a str]) -> Vec<&'a [u8]> {
    std::iter::once(position.0.as_slice()).chain(of.iter().map(|word| word.as_bytes())).collect()
}

impl Filter {
    fn lets(&self, session: &SessionView) -> bool {
        let identity = &session.standing.identity;
        let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        let created = session.times.created;
        is(&self.user_id, &identity.user_id)
            && is(&self.provider, &identity.provider)
            && is(&self.provider_session, session.standing.provider_session.as_deref().unwrap_or_default())
            && self.created_after.is_none_or(|after| created >= after)
            && self.created_before.is_none_or(|before| created < before)
    }

    fn words(&self) -> [String; 5] {
        let moment = |moment: Option<Timestamp>| moment.map(|m| m.as_millis().to_string()).unwrap_or_default();
        let (after, before) = (moment(self.created_after), moment(self.created_before));
        [self.user_id.clone(), self.provider.clone(), self.provider_session.clone(), after, before]
    }
}

/// A page of few sessions, by their ids, and where the next begins.
fn page_of(
    mut few: Vec<(SessionKey, Record)>,
    from: Option<WalkPosition>,
    size: usize,
) -> (Vec<(SessionKey, Record)>, Option<WalkPosition>) {
    few.sort_by_key(|(key, _)| key.id);
    let after = from.map(|position| position.0).unwrap_or_default();
    few.retain(|(key, _)| key.id.as_slice() > after.as_slice());
    let more = few.len() > size;
    few.truncate(size);
    let next = few.last().filter(|_| more).map(|(key, _)| WalkPosition(key.id.to_vec()));
    (few, next)
}
