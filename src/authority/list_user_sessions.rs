//! Owns the use case ListUserSessions: the sessions of the presented session's user. Does not know how it was asked.

use bytes::Bytes;
use serde_json::json;

use super::admit_to_use::Refusal;
use super::answer::HttpAnswer;
use super::choose_sessions::{newest_first, place};
use super::ports::WalkPosition;
use super::validate_session::{Denied, Inactive};
use super::{Authority, Call, Error, Presented, SessionView};
use crate::session::key::{SessionKey, UserKey};
use crate::session::parameters::Parameters;
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What came.
    pub presented: Presented,
    /// How many to list at most.
    pub page_size: usize,
    /// Where to go on; empty for the start.
    pub page_token: String,
    /// A browser's query, whose word on both counts; empty where none came.
    pub query: Bytes,
}

const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Living sessions of the user.
    Listed {
        /// Those of this page, the newest first.
        sessions: Vec<SessionView>,
        /// The presented one.
        current: SessionKey,
        /// Where to go on; empty when there is no more.
        next_page_token: String,
        /// What to answer a browser; `None` without a context.
        answer: Option<HttpAnswer>,
    },
    /// There is no living session.
    Inactive(Inactive),
    /// The session lives, but this request may not go ahead.
    Denied(Box<Denied>),
    /// The browser's query can't be read.
    Malformed(HttpAnswer),
}

impl Authority {
    /// Lists the living sessions of whoever presents one of them.
    ///
    /// # Errors
    /// When a field is not right, or the store can't say.
    pub async fn list_user_sessions(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let admitted = match self.admit_to_use(call, &question.presented).await? {
            Ok(admitted) => admitted,
            Err(Refusal::Inactive(inactive)) => return Ok(Outcome::Inactive(inactive)),
            Err(Refusal::Denied(denied)) => return Ok(Outcome::Denied(denied)),
        };
        let user = self.user_of(&admitted.standing.identity);
        let filter = ["own", &admitted.standing.identity.user_id];
        let page = self.read_page(question, &filter);
        let (page_size, from) = match page {
            Err(error @ Error::InvalidField { .. }) if !question.query.is_empty() => {
                return Ok(Outcome::Malformed(HttpAnswer::malformed(error.to_string(), &call.request_id)));
            }
            page => page?,
        };
        let mut sessions = self.living(self.ports.sessions.sessions_of(&user).await?);
        newest_first(&mut sessions);
        if let Some(last) = from.map(|position| read_place(&position)) {
            sessions.retain(|session| last.is_some_and(|last| place(session) < last));
        }
        let more = sessions.len() > page_size;
        sessions.truncate(page_size);
        let last = sessions.last().filter(|_| more).map(|last| write_place(place(last)));
        let next_page_token = last.map(|last| self.page_token(&last, &filter)).unwrap_or_default();
        let current = admitted.credential.key;
        let answer = question.presented.context.as_deref().map(|_| {
            let told: Vec<_> = sessions.iter().map(|session| session.told(Some(session.key == current))).collect();
            HttpAnswer::json(200, &json!({ "sessions": told, "next_page_token": next_page_token }))
        });
        Ok(Outcome::Listed { sessions, current, next_page_token, answer })
    }

    fn read_page(&self, question: &Question, filter: &[&str]) -> Result<(usize, Option<WalkPosition>), Error> {
        if question.query.is_empty() {
            return Ok((question.page_size, self.read_page_token(&question.page_token, filter)?));
        }
        let invalid = |expected: String| Error::InvalidField { field: "query", expected };
        let query = Parameters::form(&question.query, self.settings.limits.query_bytes);
        let query = query.map_err(|cause| invalid(cause.to_string()))?;
        let page_size = match query.get("page_size").unwrap_or_default() {
            "" => USUAL_PAGE,
            asked => match asked.parse() {
                Ok(size @ 1..=LARGEST_PAGE) => size,
                _ => return Err(invalid(format!("the parameter page_size is a number from 1 to {LARGEST_PAGE}"))),
            },
        };
        Ok((page_size, self.read_page_token(query.get("page_token").unwrap_or_default(), filter)?))
    }

    /// The user that an identity is.
    pub(super) fn user_of(&self, identity: &crate::session::identity::Identity) -> UserKey {
        UserKey::of(self.settings.tenant, &identity.issuer, &identity.sub)
    }
}

fn write_place((created, id): (Timestamp, [u8; 16])) -> WalkPosition {
    WalkPosition([created.as_millis().to_be_bytes().as_slice(), &id].concat())
}

fn read_place(WalkPosition(bytes): &WalkPosition) -> Option<(Timestamp, [u8; 16])> {
    let (created, id) = bytes.split_first_chunk::<8>()?;
    Some((Timestamp::from_millis(u64::from_be_bytes(*created)), id.try_into().ok()?))
}
