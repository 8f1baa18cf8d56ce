//! Owns a standing that is open, with what was made of it once and holds as long as it does. Does not know how it is
//! opened, or in which form it is shown.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::crypto::MacRing;
use crate::session::fingerprint::{self, Comparison};
use crate::session::record::Standing;
use crate::session::request::RequestContext;

/// The most of a client's headers that is remembered.
const LONGEST_CLIENT: usize = 512;

/// A standing that is open.
#[derive(Debug)]
pub struct OpenStanding {
    standing: Standing,
    /// What whoever shows the standing made of it for its answers. The authority does not look at it.
    pub shown: OnceLock<Bytes>,
    matched: OnceLock<Client>,
}

/// The headers that a fingerprint is taken from.
#[derive(Debug, PartialEq, Eq)]
struct Client {
    user_agent: Option<Box<[u8]>>,
    accept_language: Option<Box<[u8]>>,
}

impl OpenStanding {
    /// As [`fingerprint::compare`], which is asked once for a client that stays the same.
    pub(super) fn compare(&self, context: Option<&RequestContext>, ring: &MacRing) -> Comparison {
        let Some(context) = context else { return Comparison::None };
        if self.matched.get().is_some_and(|client| client.is_of(context)) {
            return Comparison::Matched;
        }
        let comparison = fingerprint::compare(Some(context), self.standing.fingerprint.as_ref(), ring);
        if comparison == Comparison::Matched
            && let Some(client) = Client::of(context)
        {
            self.matched.get_or_init(|| client);
        }
        comparison
    }
}

impl Client {
    /// The client, if it is short enough to be remembered.
    fn of(context: &RequestContext) -> Option<Self> {
        let (agent, language) = (context.user_agent.as_deref(), context.accept_language.as_deref());
        let length = agent.map_or(0, <[u8]>::len) + language.map_or(0, <[u8]>::len);
        (length <= LONGEST_CLIENT)
            .then(|| Self { user_agent: agent.map(Box::from), accept_language: language.map(Box::from) })
    }

    fn is_of(&self, context: &RequestContext) -> bool {
        self.user_agent.as_deref() == context.user_agent.as_deref()
            && self.accept_language.as_deref() == context.accept_language.as_deref()
    }
}

impl Deref for OpenStanding {
    type Target = Standing;

    fn deref(&self) -> &Standing {
        &self.standing
    }
}

impl From<Standing> for Arc<OpenStanding> {
    fn from(standing: Standing) -> Self {
        Self::new(OpenStanding { standing, shown: OnceLock::new(), matched: OnceLock::new() })
    }
}
