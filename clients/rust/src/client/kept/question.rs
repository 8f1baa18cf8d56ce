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
