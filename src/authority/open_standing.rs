//! Owns a standing that is open, with what was made of it once and holds as long as it does. Does not know how it is
//! opened, or in which form it is shown.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use bytes::Bytes;

use crate::crypto::MacRing;
use crate::session::client::TrustedProxies;
use crate::session::fingerprint::{self, Comparison, FingerprintPolicy, Likeness};
use crate::session::record::Standing;
use crate::session::request::RequestContext;
use crate::session::time::{Times, Timestamp};

/// The most of a client's headers that is remembered.
const LONGEST_CLIENT: usize = 512;

/// A standing that is open.
#[derive(Debug)]
pub struct OpenStanding {
    standing: Standing,
    /// What whoever shows the standing made of it for its answers.
    pub shown: Shown,
    matched: OnceLock<Client>,
}

/// What was made of a standing for its answers. The authority does not look at it.
#[derive(Debug, Default)]
pub struct Shown {
    /// Whose the session is.
    pub identity: OnceLock<Bytes>,
    /// The session's facts, and those that change with its use: last made of these.
    pub session: ArcSwapOption<(Facts, Bytes)>,
    /// Whose it is, for what stands behind a proxy: as headers, and for the proxy's own filters.
    pub passed_on: OnceLock<(Bytes, Bytes)>,
}

/// What may change about a session while its standing stays: its times, when it ends if it is not used, the generation of
/// its credential.
pub type Facts = (Times, Timestamp, u32);

/// The headers that a fingerprint is taken from.
#[derive(Debug, PartialEq, Eq)]
struct Client {
    user_agent: Option<Box<[u8]>>,
    accept_language: Option<Box<[u8]>>,
}

impl OpenStanding {
    /// As [`fingerprint::compare`]; a client that stays the same is hashed once.
    pub(super) fn compare(
        &self,
        context: Option<&RequestContext>,
        policy: FingerprintPolicy,
        proxies: &TrustedProxies,
        ring: &MacRing,
    ) -> Likeness {
        fingerprint::compare(context, &self.standing, policy, proxies, |context, at_login| {
            if self.matched.get().is_some_and(|client| client.is_of(context)) {
                return Comparison::Matched;
            }
            let compared = fingerprint::compare_headers(context, at_login, ring);
            if compared == Comparison::Matched
                && let Some(client) = Client::of(context)
            {
                self.matched.get_or_init(|| client);
            }
            compared
        })
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
        Self::new(OpenStanding { standing, shown: Shown::default(), matched: OnceLock::new() })
    }
}
