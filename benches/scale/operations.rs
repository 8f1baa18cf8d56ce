//! Owns the operations whose cost is measured, each as the authority does it. Does not know how often, or where.

use std::time::Duration;

use gatelodge::app::world::SystemClock;
use gatelodge::authority::ports::{Clock as _, Lookup, Touched};
use gatelodge::session::key::{SessionKey, TenantNumber, UserKey};
use gatelodge::session::record::Ending;
use tokio::time::Instant;

use crate::filled::{Filled, create};
use crate::{Result, session};

/// One operation of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A validation's read.
    Read,
    /// Writing down that a session was used.
    Touch,
    /// A user's sessions.
    SessionsOf,
    /// A page of a hundred of a tenant's sessions.
    Page,
    /// A login's session, made, and ended by a logout.
    LoginAndLogout,
}

pub const OPERATIONS: [Operation; 5] =
    [Operation::Read, Operation::Touch, Operation::SessionsOf, Operation::Page, Operation::LoginAndLogout];

const DAY: Duration = Duration::from_hours(24);
const PAGE: usize = 100;

impl Operation {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Touch => "touch",
            Self::SessionsOf => "sessions_of",
            Self::Page => "page_of_100",
            Self::LoginAndLogout => "login_and_logout",
        }
    }

    /// Does it once, to this session or beside it, and says how long it took.
    pub async fn once(self, filled: &Filled, (key, user): &(SessionKey, UserKey)) -> Result<Duration> {
        let store = filled.store.as_ref();
        let begin = Instant::now();
        let done = match self {
            Self::Read => matches!(store.read(key).await?, Lookup::Found(_)),
            Self::Touch => {
                let now = SystemClock.now();
                store.touch(key, now, now, DAY).await? == Touched::Yes
            }
            Self::SessionsOf => !store.sessions_of(user).await?.is_empty(),
            Self::Page => !store.walk(TenantNumber(1), None, PAGE).await?.sessions.is_empty(),
            Self::LoginAndLogout => {
                // Users beyond those there are, so that nobody's sessions grow in number.
                let [a, b, c, d] = session::random();
                let user = filled.sessions.len() + usize::from(a) + (usize::from(u16::from_be_bytes([b, c])) << 8);
                let (made, _) = create(store, &filled.vault, user + usize::from(d), None).await?;
                store.end(&made, Ending::Revoked, Duration::from_secs(1)).await?
            }
        };
        let took = begin.elapsed();
        if done { Ok(took) } else { Err(format!("{}: the session is not there", self.name()).into()) }
    }
}
