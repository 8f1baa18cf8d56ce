//! Owns the answers that this process keeps, for as long as a watched stream vouches for them. Does not know the network.
//!
//! **Invariants:** nothing is answered from memory while the stream is broken; nothing lives longer than its answer
//! allowed; and what was asked before something was forgotten is never kept, nor is what another authority answered that
//! had heard less. What was forgotten is remembered as numbers in places that many share: a place never forgets, and who
//! shares it is asked about once more. What was known once counts for as long as anybody may rest on less, whatever an
//! authority that lags behind says.

pub(super) mod question;
#[cfg(test)]
mod tests;
pub(super) mod watch;

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch as flight;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::Code;

use super::error::Error;
use super::sessions::Checked;
use crate::v1;
use question::{Keeping, Key};

/// The stream is broken when no message has come for so long.
const SILENCE: Duration = Duration::from_secs(2);
/// By then no authority answers from what it knew before: `max_staleness` is at most five seconds.
const STALENESS: Duration = Duration::from_secs(6);
/// How many numbers remember what was forgotten, of sessions and of cookies.
const PLACES: usize = 4096;
/// How often what has ended is swept out of a full room.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

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
    most: usize,
    places: std::hash::RandomState,
    state: Mutex<State>,
    pub(super) watching: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct State {
    /// Rises with everything that is forgotten.
    number: u64,
    all: Forgotten,
    sessions: HashMap<usize, Forgotten>,
    cookies: HashMap<usize, Forgotten>,
    answers: HashMap<Bytes, Answer>,
    asking: HashMap<Bytes, (u64, flight::Receiver<Shared>)>,
    swept: Option<Instant>,
    heard: Bytes,
    /// What no answer may rest on less than, and until when that matters.
    least: Option<(Bytes, Instant)>,
    whole_until: Option<Instant>,
}

/// When something was forgotten last: what was asked before, or rests on less, is worth nothing.
#[derive(Clone, Default)]
struct Forgotten {
    number: u64,
    position: Bytes,
}

struct Answer {
    checked: Checked,
    number: u64,
    session: usize,
    cookies: Vec<usize>,
    until: Instant,
}

/// What to do about a question.
pub(super) enum Look<'a> {
    /// This is known.
    Known(Box<Checked>),
    /// Somebody is asking: wait for the answer.
    Asked(flight::Receiver<Shared>),
    /// Ask, and share the answer.
    Ask(Asking<'a>),
    /// The stream is broken: ask for yourself.
    Broken,
}

/// A question that is being asked. When it is dropped unanswered, one of those who wait asks instead.
pub(super) struct Asking<'a> {
    kept: &'a Kept,
    key: Key,
    number: u64,
    at: Instant,
    sender: flight::Sender<Shared>,
}

impl Kept {
    /// With room for this many answers.
    pub(super) fn new(most: usize) -> Self {
        Self { most, places: std::hash::RandomState::new(), state: Mutex::default(), watching: Mutex::default() }
    }

    /// What is known of the stream, to be shown to an authority that may have heard less.
    pub(super) fn known_up_to(&self) -> Bytes {
        let state = self.state();
        let heard = if state.is_whole() { state.heard.clone() } else { Bytes::new() };
        heard.max(state.least())
    }

    /// What to do about a question.
    pub(super) fn look(&self, key: Key) -> Look<'_> {
        let mut state = self.state();
        if !state.is_whole() {
            return Look::Broken;
        }
        if let Some(answer) = state.answers.get(&key.question) {
            if answer.until > Instant::now() && answer.number >= state.forgotten(answer.session, &answer.cookies).number
            {
                return Look::Known(Box::new(answer.checked.clone()));
            }
            state.answers.remove(&key.question);
        }
        let number = state.number;
        // Whoever asks after something was forgotten does not wait for what was asked before.
        if let Some((asked, answer)) = state.asking.get(&key.question)
            && *asked == number
        {
            return Look::Asked(answer.clone());
        }
        let (sender, receiver) = flight::channel(None);
        state.asking.insert(key.question.clone(), (number, receiver));
        Look::Ask(Asking { kept: self, key, number, at: Instant::now(), sender })
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
        let number = state.rise();
        let place = self.place(session_id.as_bytes());
        state.sessions.entry(place).or_default().forget(number, position);
    }

    /// Whoever presents one of these cookies is asked about anew.
    pub(super) fn forget_cookies(&self, cookies: &[Bytes]) {
        if cookies.is_empty() {
            return;
        }
        let mut state = self.state();
        let number = state.rise();
        for cookie in cookies {
            state.cookies.entry(self.place(cookie)).or_default().forget(number, &Bytes::new());
        }
    }

    /// Everything is asked about anew.
    pub(super) fn forget_all(&self) {
        self.state().forget_all(&Bytes::new());
    }

    /// Takes in what the stream told.
    pub(super) fn hear(&self, message: &v1::WatchSessionsResponse) {
        use v1::SessionEventKind::{Changed, KeysRotated, Refreshed, Revoked, Rotated};
        let mut state = self.state();
        if message.reset {
            // Positions may begin anew, or the authority lags behind: nobody can tell which before what was known counts no more.
            let known = state.heard.clone();
            state.raise(&known);
            let number = state.rise();
            state.all = Forgotten { number, position: message.position.clone() };
            state.sessions.clear();
            state.cookies.clear();
            state.answers.clear();
        }
        for event in &message.events {
            match event.kind() {
                Revoked | Rotated | Refreshed | Changed => {
                    self.forget_session(&mut state, &event.session_id, &message.position);
                }
                KeysRotated => (),
                _ => state.forget_all(&message.position),
            }
        }
        state.heard = message.position.clone();
        state.whole_until = message.max_staleness.map(|_| Instant::now() + SILENCE);
    }

    /// The stream is broken. What is kept may be good again when it goes on where it was.
    pub(super) fn broken(&self) {
        self.state().whole_until = None;
    }

    /// Where the stream goes on.
    pub(super) fn position(&self) -> Bytes {
        self.state().heard.clone()
    }

    fn place(&self, bytes: &[u8]) -> usize {
        let hash = self.places.hash_one(bytes);
        usize::try_from(hash % PLACES as u64).unwrap_or_default()
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
    fn is_whole(&self) -> bool {
        self.whole_until.is_some_and(|until| Instant::now() < until)
    }

    fn rise(&mut self) -> u64 {
        self.number += 1;
        self.number
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
        let number = self.rise();
        self.all.forget(number, position);
        self.answers.clear();
    }

    /// What was forgotten last of what concerns an answer.
    fn forgotten(&self, session: usize, cookies: &[usize]) -> Forgotten {
        let of = cookies.iter().filter_map(|place| self.cookies.get(place)).chain(self.sessions.get(&session));
        of.fold(self.all.clone(), |last, next| Forgotten {
            number: last.number.max(next.number),
            position: last.position.max(next.position.clone()),
        })
    }
}

impl Forgotten {
    fn forget(&mut self, number: u64, position: &Bytes) {
        self.number = number;
        self.position = std::mem::take(&mut self.position).max(position.clone());
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
        let session = self.kept.place(keeping.session_id.as_bytes());
        let cookies: Vec<_> = self.key.cookies.iter().map(|cookie| self.kept.place(cookie)).collect();
        let mut state = self.kept.state();
        let forgotten = state.forgotten(session, &cookies);
        let least = forgotten.position.max(state.least());
        if self.number < forgotten.number || keeping.position < least || !state.is_whole() {
            return;
        }
        let now = Instant::now();
        if state.answers.len() >= self.kept.most && state.swept.is_none_or(|swept| now - swept >= SWEEP_EVERY) {
            state.answers.retain(|_, answer| answer.until > now);
            state.swept = Some(now);
        }
        if state.answers.len() < self.kept.most {
            let until = self.at + keeping.keep_for;
            let answer = Answer { checked: checked.clone(), number: self.number, session, cookies, until };
            state.answers.insert(self.key.question.clone(), answer);
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut state = self.kept.state();
        if state.asking.get(&self.key.question).is_some_and(|(number, _)| *number == self.number) {
            state.asking.remove(&self.key.question);
        }
    }
}
