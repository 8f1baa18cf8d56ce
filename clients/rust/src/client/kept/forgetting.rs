//! Owns what was forgotten, as numbers in places that many share: a place never forgets, and who shares it is asked about once
//! more. Does not know what is kept.

use std::collections::HashMap;

use bytes::Bytes;

/// How many numbers remember what was forgotten, of sessions and of cookies.
const PLACES: u64 = 4096;

/// What was forgotten.
#[derive(Default)]
pub(super) struct Forgetting {
    /// Rises with everything that is forgotten.
    pub(super) number: u64,
    all: Forgotten,
    sessions: HashMap<u64, Forgotten>,
    cookies: HashMap<u64, Forgotten>,
}

/// When something was forgotten last: what was asked before, or rests on less, is worth nothing.
#[derive(Clone, Default)]
pub(super) struct Forgotten {
    pub(super) number: u64,
    pub(super) position: Bytes,
}

impl Forgetting {
    /// Everything is forgotten, at this position.
    pub(super) fn everything(&mut self, position: &Bytes) {
        self.number += 1;
        self.all.forget(self.number, position);
    }

    /// As [`Self::everything`], where positions may begin anew.
    pub(super) fn anew(&mut self, position: Bytes) {
        let number = self.number + 1;
        *self = Self { number, all: Forgotten { number, position }, ..Self::default() };
    }

    /// A session is forgotten.
    pub(super) fn session(&mut self, session: u64, position: &Bytes) {
        self.number += 1;
        self.sessions.entry(session % PLACES).or_default().forget(self.number, position);
    }

    /// What answers to these cookies is forgotten.
    pub(super) fn cookies(&mut self, cookies: impl Iterator<Item = u64>) {
        self.number += 1;
        for cookie in cookies {
            self.cookies.entry(cookie % PLACES).or_default().forget(self.number, &Bytes::new());
        }
    }

    /// What was forgotten last of what concerns an answer.
    pub(super) fn last(&self, session: u64, cookies: &[u64]) -> Forgotten {
        let cookies = cookies.iter().filter_map(|cookie| self.cookies.get(&(cookie % PLACES)));
        let of = cookies.chain(self.sessions.get(&(session % PLACES)));
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
