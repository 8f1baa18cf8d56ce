//! Owns a login in memory: its states, the moves between them, and its row in the file. Does not know waiting or locks.

use minicbor::{Decode, Encode};

use super::row::Row as _;
use crate::authority::ports::{Cause, LoginEnd, LoginTaken, OpenLogin};
use crate::session::key::SessionKey;
use crate::session::time::Timestamp;
use crate::store::record::NotARecord;

/// The version of a login's row: its first byte, before the CBOR.
const VERSION: u8 = 1;

/// A login under way, or how it ended.
#[derive(Clone)]
pub struct Login {
    pub binding: [u8; 16],
    pub started: Timestamp,
    /// When it is gone.
    pub expires: Timestamp,
    pub state: State,
    /// Whether an end is on its way to the disk. Kept in memory alone.
    pub ending: bool,
}

/// Where a login is.
#[derive(Clone)]
pub enum State {
    Open(Vec<u8>),
    Taken { until: Timestamp, session: Option<SessionKey>, given_up: bool },
    Waiting(Vec<u8>),
    Done(Vec<u8>),
    Failed(u8),
}

impl Login {
    pub fn new(login: OpenLogin, started: Timestamp, expires: Timestamp) -> Self {
        Self { binding: login.binding, started, expires, state: State::Open(login.sealed), ending: false }
    }

    /// Takes it, if it is open, or waiting where `waiting` says so. It stays for a second lease after the first, so that an interruption is seen.
    pub fn take(
        &mut self,
        waiting: bool,
        bindings: &[[u8; 16]],
        now: Timestamp,
        lease: std::time::Duration,
    ) -> LoginTaken {
        if !bindings.contains(&self.binding) {
            return LoginTaken::OtherBrowser;
        }
        match &mut self.state {
            State::Open(_) | State::Waiting(_) | State::Taken { .. } if self.ending => LoginTaken::Busy,
            State::Open(_) if waiting => LoginTaken::Missing,
            State::Waiting(sealed) if !waiting => LoginTaken::Waiting(sealed.clone()),
            State::Open(sealed) | State::Waiting(sealed) => {
                let sealed = std::mem::take(sealed);
                let (until, remaining) = (now + lease, self.expires.since(now));
                self.state = State::Taken { until, session: None, given_up: false };
                self.expires = self.expires.max(until + lease);
                LoginTaken::Taken { sealed, started: self.started, remaining }
            }
            State::Taken { until, .. } if now < *until => LoginTaken::Busy,
            State::Taken { session, given_up, .. } => {
                *given_up = true;
                LoginTaken::Interrupted(*session)
            }
            State::Done(answer) => LoginTaken::Done(answer.clone()),
            State::Failed(why) => LoginTaken::Failed(*why),
        }
    }

    /// Notes the holder's session; `false` when the lease has run out.
    pub fn note(&mut self, key: &SessionKey, now: Timestamp) -> bool {
        match &mut self.state {
            State::Taken { until, session, .. } if now < *until && !self.ending => {
                *session = Some(*key);
                true
            }
            _ => false,
        }
    }

    /// Whether it may end so: not twice, and not with a session that somebody else was told to end.
    pub fn may_end(&self, end: &LoginEnd) -> bool {
        let open = match self.state {
            State::Open(_) => true,
            State::Taken { given_up, .. } => !given_up || matches!(end, LoginEnd::Failed(_)),
            State::Waiting(_) | State::Done(_) | State::Failed(_) => false,
        };
        open && !self.ending
    }

    /// Whether somebody holds it, and until when at most.
    pub fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Taken { until, .. } if now < until => Some(until),
            _ => None,
        }
    }

    /// Whether it has not ended.
    pub const fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Done(_) | State::Failed(_))
    }

    /// Its row.
    pub fn write(&self) -> Vec<u8> {
        let (kind, until, session, given_up, bytes) = match &self.state {
            State::Open(sealed) => (0, Timestamp::default(), None, false, sealed.clone()),
            State::Taken { until, session, given_up } => (1, *until, *session, *given_up, Vec::new()),
            State::Done(answer) => (2, Timestamp::default(), None, false, answer.clone()),
            State::Failed(why) => (3, Timestamp::default(), None, false, vec![*why]),
            State::Waiting(sealed) => (4, Timestamp::default(), None, false, sealed.clone()),
        };
        let row = LoginRow {
            binding: self.binding,
            started: self.started.as_millis(),
            expires: self.expires.as_millis(),
            kind,
            until: until.as_millis(),
            session: session.map(|session| session.row()),
            given_up,
            bytes,
        };
        let mut written = vec![VERSION];
        written.extend(minicbor::to_vec(&row).unwrap_or_default());
        written
    }

    /// Reads a row.
    pub fn read(row: &[u8]) -> Result<Self, Cause> {
        let (version, cbor) = row.split_first().ok_or(NotARecord::Truncated(0))?;
        if *version != VERSION {
            return Err(NotARecord::Newer(*version).into());
        }
        let row: LoginRow = minicbor::decode(cbor)?;
        let session = row.session.map(|bytes| SessionKey::read_row(&bytes)).transpose()?;
        let until = Timestamp::from_millis(row.until);
        let state = match row.kind {
            0 => State::Open(row.bytes),
            1 => State::Taken { until, session, given_up: row.given_up },
            2 => State::Done(row.bytes),
            3 => State::Failed(*row.bytes.first().ok_or(NotARecord::Truncated(0))?),
            4 => State::Waiting(row.bytes),
            _ => return Err(NotARecord::Impossible("login state").into()),
        };
        let (started, expires) = (Timestamp::from_millis(row.started), Timestamp::from_millis(row.expires));
        Ok(Self { binding: row.binding, started, expires, state, ending: false })
    }
}

#[derive(Encode, Decode)]
struct LoginRow {
    #[cbor(n(0), with = "minicbor::bytes")]
    binding: [u8; 16],
    #[n(1)]
    started: u64,
    #[n(2)]
    expires: u64,
    #[n(3)]
    kind: u8,
    #[n(4)]
    until: u64,
    #[cbor(n(5), with = "minicbor::bytes")]
    session: Option<Vec<u8>>,
    #[n(6)]
    given_up: bool,
    #[cbor(n(7), with = "minicbor::bytes")]
    bytes: Vec<u8>,
}
