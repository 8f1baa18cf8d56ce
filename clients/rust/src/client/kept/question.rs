//! Owns which questions have an answer that may be kept, and what makes two of them the same. Does not know the answers.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use crate::v1;
use crate::v1::validate_session_response::Outcome;
use crate::verdict::Asked;

/// A question whose answer may be kept.
pub(in crate::client) struct Key {
    /// All that the answer depends on.
    pub(super) question: Bytes,
    /// The values of its cookies.
    pub(super) cookies: Vec<Bytes>,
}

/// How an answer may be kept.
pub(in crate::client) struct Keeping {
    pub(super) session_id: String,
    pub(super) position: Bytes,
    pub(super) keep_for: Duration,
}

impl Key {
    /// `None` for a question that has to be asked each time: its answer carries a token of its own, or it is about a
    /// request that changes something.
    pub(in crate::client) fn of(question: &v1::ValidateSessionRequest, asked: &Asked) -> Option<Self> {
        let upgrades = question.context.as_ref().is_some_and(|context| context.upgrade.is_some());
        if question.cookies.is_empty() || question.issue_csrf_token || asked.csrf || upgrades {
            return None;
        }
        let cookies = question.cookies.iter().map(|cookie| cookie.value.clone()).collect();
        // What is left of the context is what a client is known by; the rest says how to answer who has no session.
        let context = question.context.clone().map(|context| v1::RequestContext {
            method: Bytes::new(),
            target: Bytes::new(),
            accept: None,
            content_type: None,
            origin: None,
            sec_fetch_site: None,
            sec_fetch_mode: None,
            sec_fetch_dest: None,
            x_requested_with: None,
            csrf_token: None,
            ..context
        });
        let as_of_position = Bytes::new();
        let question = v1::ValidateSessionRequest { context, as_of_position, answer_json: false, ..question.clone() };
        Some(Self { question: question.encode_to_vec().into(), cookies })
    }
}

impl Keeping {
    /// How the authority lets this answer be kept: a yes alone, which carries nothing for one response.
    pub(in crate::client) fn of(answer: &v1::ValidateSessionResponse) -> Option<Self> {
        let Some(Outcome::Active(active)) = &answer.outcome else { return None };
        let bare = active.set_cookies.is_empty() && active.csrf_token.is_empty() && !active.event_position.is_empty();
        let keep_for = Duration::try_from(active.keep_for.filter(|_| bare)?).ok()?;
        let session_id = active.session.as_ref()?.session_id.clone();
        Some(Self { session_id, position: active.event_position.clone(), keep_for })
    }
}
