//! Owns the room for answers: where one is found, how many there are and how large they may be. Does not know when one is
//! good.
//!
//! What somebody signed in can vary at will (headers, cookies beside their own) makes no answer slower to find and takes
//! no room from others: a session has a few answers, each of a bounded size, and the hash is one that nobody can guess.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use prost::Message as _;
use tokio::time::Instant;

use super::essence::Essence;
use crate::client::sessions::Checked;
use crate::v1;
use crate::verdict::Verdict;

/// So many answers of one session: it has few clients, and an application few requirements.
const OF_A_SESSION: usize = 16;
/// An answer takes so much in the middle, with what it is found by.
const MIDDLE: usize = 2048;
/// One that takes more than this is not kept.
const LARGEST: usize = 8 * MIDDLE;
/// What an answer takes beside its contents.
const FRAME: usize = 512;

/// Answers by where they are looked for.
pub(super) struct Room {
    most: usize,
    bytes: usize,
    number: usize,
    answers: HashMap<u64, Vec<Answer>, BuildHasherDefault<Hashed>>,
    /// Where the answers of a session are.
    sessions: Places,
    /// Where the answers are that a cookie led to together with others.
    together: Places,
}

type Places = HashMap<u64, Vec<u64>, BuildHasherDefault<Hashed>>;

/// An answer that is kept.
pub(super) struct Answer {
    pub(super) essence: Essence,
    pub(super) checked: Checked,
    /// What had been forgotten when it was good last.
    pub(super) number: u64,
    pub(super) session: u64,
    pub(super) cookies: Vec<u64>,
    pub(super) until: Instant,
}

impl Answer {
    fn bytes(&self) -> usize {
        let session = match &self.checked.verdict {
            Verdict::Active(session) => session.identity().encoded_len() + session.info().encoded_len(),
            Verdict::Inactive(_) | Verdict::Denied(_) => 0,
        };
        FRAME + self.essence.bytes() + session
    }

    /// Its cookies, where there are several: it is found by all of them together, and by none alone.
    fn beside_others(&self) -> &[u64] {
        if self.cookies.len() > 1 { &self.cookies } else { &[] }
    }
}

impl Room {
    pub(super) fn new(most: usize) -> Self {
        let (sessions, together) = (HashMap::default(), HashMap::default());
        Self { most, bytes: 0, number: 0, answers: HashMap::default(), sessions, together }
    }

    pub(super) fn find(&mut self, place: u64, question: &v1::ValidateSessionRequest) -> Option<&mut Answer> {
        self.answers.get_mut(&place)?.iter_mut().find(|answer| answer.essence.is_of(question))
    }

    /// Keeps an answer in place of an older one to the same question, if there is room.
    pub(super) fn put(&mut self, place: u64, answer: Answer) {
        let bytes = answer.bytes();
        let mut there = self.answers.get_mut(&place).into_iter().flatten();
        if let Some(older) = there.find(|older| older.essence == answer.essence) {
            let before = older.bytes();
            let session = answer.session;
            let is_another = std::mem::replace(older, answer).session != session;
            self.bytes = self.bytes - before + bytes;
            if is_another {
                self.sessions.entry(session).or_default().push(place);
            }
            return;
        }
        let is_full = self.number >= self.most || self.bytes + bytes > self.most.saturating_mul(MIDDLE);
        let of_session = self.sessions.get(&answer.session).map_or(0, Vec::len);
        if is_full || bytes > LARGEST || of_session >= OF_A_SESSION {
            return;
        }
        self.number += 1;
        self.bytes += bytes;
        self.sessions.entry(answer.session).or_default().push(place);
        for cookie in answer.beside_others() {
            self.together.entry(*cookie).or_default().push(place);
        }
        self.answers.entry(place).or_default().push(answer);
    }

    /// The sessions that answer to a cookie, alone or beside others.
    pub(super) fn sessions(&self, cookie: u64) -> Vec<u64> {
        let places = self.together.get(&cookie).into_iter().flatten().chain(std::iter::once(&cookie));
        places.filter_map(|place| self.answers.get(place)).flatten().map(|answer| answer.session).collect()
    }

    /// Drops what is kept of a session.
    pub(super) fn forget(&mut self, session: u64) {
        for place in self.sessions.remove(&session).unwrap_or_default() {
            let Some(answers) = self.answers.get_mut(&place) else { continue };
            for gone in answers.extract_if(.., |answer| answer.session == session) {
                self.number -= 1;
                self.bytes -= gone.bytes();
                for cookie in gone.beside_others() {
                    leave(&mut self.together, *cookie, place);
                }
            }
            if answers.is_empty() {
                self.answers.remove(&place);
            }
        }
    }

    /// Drops what has ended by itself.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.sessions.clear();
        self.together.clear();
        (self.number, self.bytes) = (0, 0);
        self.answers.retain(|place, answers| {
            answers.retain(|answer| answer.until > now);
            for answer in &*answers {
                self.number += 1;
                self.bytes += answer.bytes();
                self.sessions.entry(answer.session).or_default().push(*place);
                for cookie in answer.beside_others() {
                    self.together.entry(*cookie).or_default().push(*place);
                }
            }
            !answers.is_empty()
        });
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.number == 0
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.number
    }
}

/// Takes a place from those of a cookie.
fn leave(together: &mut Places, cookie: u64, place: u64) {
    let Some(places) = together.get_mut(&cookie) else { return };
    if let Some(at) = places.iter().position(|one| *one == place) {
        places.swap_remove(at);
    }
    if places.is_empty() {
        together.remove(&cookie);
    }
}

/// For numbers that are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
