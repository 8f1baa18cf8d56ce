//! Owns which questions have an answer that may be kept, and what makes two of them the same. Does not know the answers.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use bytes::Bytes;

use crate::v1;
use crate::v1::validate_session_response::Outcome;
use crate::verdict::Asked;

/// A question whose answer may be kept.
#[derive(Clone, Copy)]
pub(in crate::client) struct Key<'a> {
    pub(super) question: &'a v1::ValidateSessionRequest,
}

/// How an answer may be kept.
pub(in crate::client) struct Keeping {
    pub(super) session_id: String,
    pub(super) position: Bytes,
    pub(super) keep_for: Duration,
}

impl<'a> Key<'a> {
    /// `None` for a question that has to be asked each time: its answer carries a token of its own, or it is about a
    /// request that changes something.
    pub(in crate::client) fn of(question: &'a v1::ValidateSessionRequest, asked: &Asked<'_>) -> Option<Self> {
        let upgrades = question.context.as_ref().is_some_and(|context| context.upgrade.is_some());
        let has_own_answer = question.cookies.is_empty() || question.issue_csrf_token || asked.csrf || upgrades;
        (!has_own_answer).then_some(Self { question })
    }

    /// Where its answer is looked for: by what is presented, whatever else the question says.
    pub(super) fn place(self, hashes: &RandomState) -> u64 {
        presented(self.question.cookies.iter().map(|cookie| &cookie.value), hashes)
    }

    /// Whether this is the same question as one that is kept.
    pub(super) fn is(self, kept: &v1::ValidateSessionRequest) -> bool {
        essence(self.question) == essence(kept)
    }

    /// What has to be kept of it.
    pub(super) fn to_be_kept(self) -> v1::ValidateSessionRequest {
        let context = self.question.context.clone().map(|context| v1::RequestContext {
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
        v1::ValidateSessionRequest { context, as_of_position: Bytes::new(), ..self.question.clone() }
    }
}

/// Where the answer about these cookies is looked for.
pub(super) fn presented<'a>(cookies: impl Iterator<Item = &'a Bytes>, hashes: &RandomState) -> u64 {
    let mut hash = hashes.build_hasher();
    for cookie in cookies {
        hash.write_usize(cookie.len());
        hash.write(cookie);
    }
    hash.finish()
}

/// All that an answer depends on. Every field is named here, so that a new one is thought of.
fn essence(question: &v1::ValidateSessionRequest) -> impl PartialEq {
    let v1::ValidateSessionRequest {
        cookies,
        context,
        requirements,
        can_set_cookies,
        touch,
        issue_csrf_token: _,
        answer_json: _,
        as_of_position: _,
    } = question;
    (cookies, context.as_ref().map(client), requirements, can_set_cookies, touch)
}

/// What a client and its place are known by; the rest says how to answer who has no session.
fn client(context: &v1::RequestContext) -> impl PartialEq {
    let v1::RequestContext {
        method: _,
        target: _,
        host,
        peer_address,
        x_forwarded_for,
        forwarded,
        user_agent,
        accept_language,
        accept: _,
        content_type: _,
        upgrade,
        origin: _,
        sec_fetch_site: _,
        sec_fetch_mode: _,
        sec_fetch_dest: _,
        x_requested_with: _,
        csrf_token: _,
        x_tenant_id,
        place,
    } = context;
    let way = (host, peer_address, x_forwarded_for, forwarded);
    (way, user_agent, accept_language, upgrade, x_tenant_id, place)
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
