//! Owns the answers that this process keeps, for as long as a watched stream vouches for them. Does not know the network.
//!
//! **Invariants:** nothing is answered from memory while the stream is broken; nothing lives longer than its answer
//! allowed; and what was asked before something was forgotten is never kept, nor is what another authority answered that
//! had heard less. What was forgotten is remembered as numbers in places that many share: a place never forgets, and who
//! shares it is asked about once more. What was known once counts for as long as anybody may rest on less, whatever an
//! authority that lags behind says.

mod essence;
mod forgetting;
pub(super) mod question;
mod room;
#[cfg(test)]
mod tests;
pub(super) mod watch;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch as flight;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::Code;

use super::error::Error;
use super::sessions::Checked;
use crate::v1;
use essence::Essence;
use forgetting::Forgetting;
use question::{Keeping, Key, presented};
use room::{Answer, Room};

/// The stream is broken when no message has come for so long.
const SILENCE: Duration = Duration::from_secs(2);
/// By then no authority answers from what it knew before: `max_staleness` is at most five seconds.
const STALENESS: Duration = Duration::from_secs(6);
/// How often what has ended by itself is swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// So many different questions about the same cookies are shared at the same time; of more, each is asked alone.
const FLIGHTS: usize = 16;

/// What one question brings to those who ask it at the same time; `None` while it is under way.
pub(super) type Shared = Option<Brought>;

/// What a question has brought.
#[derive(Clone)]
pub(super) enum Brought {
    /// This, for all of them. Boxed: most of the time there is none.
    Same(Box<Result<Checked, Error>>),
    /// An answer to one request alone: where it sends a browser that has no session, or cookies. Each asks for itself.
    Own,
}

/// The answers that are kept.
pub(super) struct Kept {
    hashes: RandomState,
    state: Mutex<State>,
    pub(super) watching: Mutex<Option<AbortHandle>>,
}

struct State {
    forgetting: Forgetting,
    room: Room,
    asking: HashMap<u64, Vec<Flight>>,
    swept: Option<Instant>,
    heard: Bytes,
    /// What no answer may rest on less than, and until when that matters.
    least: Option<(Bytes, Instant)>,
    whole_until: Option<Instant>,
}

/// A question that is being asked.
struct Flight {
    essence: Essence,
    number: u64,
    answer: flight::Receiver<Shared>,
}

/// What to do about a question.
pub(super) enum Look<'a> {
    /// This is known.
    Known(Checked),
    /// Somebody is asking: wait for the answer.
    Asked(flight::Receiver<Shared>),
    /// Ask, and share the answer.
    Ask(Asking<'a>),
    /// The stream is broken, or too much is under way: ask for yourself.
    Alone,
}

/// A question that is being asked. When it is dropped unanswered, one of those who wait asks instead.
pub(super) struct Asking<'a> {
    kept: &'a Kept,
    key: Key<'a>,
    place: u64,
    number: u64,
    at: Instant,
    sender: flight::Sender<Shared>,
}

impl Kept {
    /// With room for this many answers.
    pub(super) fn new(most: usize) -> Self {
        let state = State {
            forgetting: Forgetting::default(),
            room: Room::new(most),
            asking: HashMap::new(),
            swept: None,
            heard: Bytes::new(),
            least: None,
            whole_until: None,
        };
        Self { hashes: RandomState::new(), state: Mutex::new(state), watching: Mutex::default() }
    }

    /// What is known of the stream, to be shown to an authority that may have heard less.
    pub(super) fn known_up_to(&self) -> Bytes {
        let state = self.state();
        let heard = if state.is_whole(Instant::now()) { state.heard.clone() } else { Bytes::new() };
        heard.max(state.least())
    }

    /// What to do about a question.
    pub(super) fn look<'a>(&'a self, key: Key<'a>, now: Instant) -> Look<'a> {
        let place = key.place(&self.hashes);
        let mut state = self.state();
        if !state.is_whole(now) {
            return Look::Alone;
        }
        let State { forgetting, room, asking, .. } = &mut *state;
        let number = forgetting.number;
        if let Some(answer) = room.find(place, key.question)
            && answer.until > now
            && (answer.number == number || answer.number >= forgetting.last(answer.session, &answer.cookies).number)
        {
            answer.number = number;
            return Look::Known(answer.checked.clone());
        }
        let flights = asking.entry(place).or_default();
        // Whoever asks after something was forgotten does not wait for what was asked before.
        let mut same = flights.iter().filter(|flight| flight.number == number && flight.essence.is_of(key.question));
        if let Some(flight) = same.next() {
            return Look::Asked(flight.answer.clone());
        }
        if flights.len() >= FLIGHTS {
            return Look::Alone;
        }
        let (sender, answer) = flight::channel(None);
        flights.push(Flight { essence: Essence::of(key.question), number, answer });
        Look::Ask(Asking { kept: self, key, place, number, at: now, sender })
    }

    /// This client has changed or ended something, and the stream tells so up to this position: whoever is asked from now
    /// on has to know as much.
    pub(super) fn has_told(&self, position: &Bytes) {
        self.state().raise(position);
    }

    /// This client may have ended this session.
    pub(super) fn forget_named(&self, session_id: &str) {
        self.forget_session(&mut self.state(), session_id, &Bytes::new());
    }

    /// A session has ended or changed.
    fn forget_session(&self, state: &mut State, session_id: &str, position: &Bytes) {
        let session = self.hashes.hash_one(session_id.as_bytes());
        state.forgetting.session(session, position);
        state.room.forget(session);
    }

    /// Whoever presents one of these cookies is asked about anew.
    pub(super) fn forget_cookies(&self, cookies: &[Bytes]) {
        if cookies.is_empty() {
            return;
        }
        let mut state = self.state();
        let places = cookies.iter().map(|cookie| presented(std::iter::once(cookie), &self.hashes));
        state.forgetting.cookies(places.clone());
        for cookie in places {
            for session in state.room.sessions(cookie) {
                state.room.forget(session);
            }
        }
    }

    /// Everything is asked about anew.
    pub(super) fn forget_all(&self) {
        self.state().forget_all(&Bytes::new());
    }

    /// Takes in what the stream told.
    pub(super) fn hear(&self, message: &v1::WatchSessionsResponse) {
        use v1::SessionEventKind::{Changed, Refreshed, Revoked, Rotated};
        let mut state = self.state();
        if message.reset {
            // Positions may begin anew, or the authority lags behind: nobody can tell which before what was known counts no more.
            let known = state.heard.clone();
            state.raise(&known);
            state.forgetting.anew(message.position.clone());
            state.room.clear();
        }
        for event in &message.events {
            match event.kind() {
                Revoked | Rotated | Refreshed | Changed if !event.session_id.is_empty() => {
                    self.forget_session(&mut state, &event.session_id, &message.position);
                }
                _ => state.forget_all(&message.position),
            }
        }
        state.heard = message.position.clone();
        let now = Instant::now();
        state.whole_until = message.max_staleness.map(|_| now + SILENCE);
        state.sweep(now);
    }

    /// The stream is broken. What is kept may be good again when it goes on where it was.
    pub(super) fn broken(&self) {
        let mut state = self.state();
        state.whole_until = None;
        state.sweep(Instant::now());
    }

    /// Where the stream goes on.
    pub(super) fn position(&self) -> Bytes {
        self.state().heard.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let watching = self.watching.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(watching) = watching.take() {
            watching.abort();
        }
    }
}

impl State {
    fn is_whole(&self, now: Instant) -> bool {
        self.whole_until.is_some_and(|until| now < until)
    }

    /// Drops what has ended by itself, which nobody may ask about again.
    fn sweep(&mut self, now: Instant) {
        if !self.room.is_empty() && self.swept.is_none_or(|swept| now - swept >= SWEEP_EVERY) {
            self.room.sweep(now);
            self.swept = Some(now);
        }
    }

    /// What no answer may rest on less than.
    fn least(&self) -> Bytes {
        let least = self.least.as_ref().filter(|(_, until)| Instant::now() < *until);
        least.map_or_else(Bytes::new, |(position, _)| position.clone())
    }

    fn raise(&mut self, position: &Bytes) {
        if !position.is_empty() {
            self.least = Some((self.least().max(position.clone()), Instant::now() + STALENESS));
        }
    }

    fn forget_all(&mut self, position: &Bytes) {
        self.forgetting.everything(position);
        self.room.clear();
    }
}

impl Asking<'_> {
    /// Keeps the answer as long as it allows. It is shared with those who wait when it may be kept at all: any other
    /// speaks of the one request that it answers. What went wrong is shared, but for a time that was up: others have
    /// other deadlines.
    pub(super) fn answer(self, outcome: &Result<Checked, Error>, keeping: Option<Keeping>) {
        let is_own = match outcome {
            Ok(_) => keeping.is_none(),
            Err(error) => matches!(error.code(), Code::DeadlineExceeded | Code::Cancelled),
        };
        if let (Ok(checked), Some(keeping)) = (outcome, keeping) {
            self.keep(checked, &keeping);
        }
        let brought = if is_own { Brought::Own } else { Brought::Same(outcome.clone().into()) };
        self.sender.send_replace(Some(brought));
    }

    fn keep(&self, checked: &Checked, keeping: &Keeping) {
        let hashes = &self.kept.hashes;
        let session = hashes.hash_one(keeping.session_id.as_bytes());
        let cookies = self.key.question.cookies.iter();
        let cookies: Vec<_> = cookies.map(|cookie| presented(std::iter::once(&cookie.value), hashes)).collect();
        let (mut state, now) = (self.kept.state(), Instant::now());
        let forgotten = state.forgetting.last(session, &cookies);
        let least = forgotten.position.max(state.least());
        if self.number < forgotten.number || keeping.position < least || !state.is_whole(now) {
            return;
        }
        state.sweep(now);
        let essence = Essence::of(self.key.question);
        let checked = Checked { verdict: checked.verdict.clone(), settings_version: Arc::default() };
        let (number, until) = (state.forgetting.number, self.at + keeping.keep_for);
        state.room.put(self.place, Answer { essence, checked, number, session, cookies, until });
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut state = self.kept.state();
        let Some(flights) = state.asking.get_mut(&self.place) else { return };
        flights.retain(|flight| flight.number != self.number || !flight.essence.is_of(self.key.question));
        if flights.is_empty() {
            state.asking.remove(&self.place);
        }
    }
}
