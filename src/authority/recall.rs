//! Owns answering from the near cache: what may be recalled, what is kept, and for how long an answer may be kept by
//! those who asked. Does not know how sessions are judged.

use std::time::Duration;

use super::admit::{Admitted, Judgement};
use super::near::Reading;
use super::validate_session::{Judged, Question};
use super::{Authority, Error};
use crate::session::admission::Chosen;
use crate::session::event::Position;
use crate::session::key::SessionKey;
use crate::session::record::Record;
use crate::session::rotation::Standpoint;
use crate::session::time::Timestamp;

/// How whoever asked may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Up to where events were heard when the session was read: what an event says later is news to the answer.
    pub position: Position,
    /// How long it may be kept.
    pub keep_for: Duration,
}

impl Authority {
    /// To be noted before a session is read that may be kept.
    pub(super) fn begin_reading(&self) -> Reading {
        self.near.reading(self.ports.clock.running(), self.stream.position())
    }

    /// The session of a credential as it is known here, if this request may go ahead with it. A no is never given from
    /// memory: what is known may be older than the request.
    pub(super) fn recall(
        &self,
        chosen: &Chosen,
        question: &Question,
    ) -> Result<Option<(Box<Admitted>, Judged)>, Error> {
        let now = self.ports.clock.running();
        let Some(cache) = self.settings.cache.filter(|_| self.stream.is_trusted(now)) else { return Ok(None) };
        // What is known still holds as of all that was heard before it was looked at.
        let position = self.stream.position();
        if !self.stream.has_heard(question.as_of) {
            return Ok(None);
        }
        let known = self.near.known(&chosen.credential.key, now.saturating_sub(cache.max_staleness));
        let Some(known) = known else { return Ok(None) };
        if self.stream.kills(&known.record.header.marks) {
            return Ok(None);
        }
        let context = question.presented.context.as_deref();
        let Judgement::Living(mut admitted) = self.judge_opened(chosen, known.record, known.standing, context)? else {
            return Ok(None);
        };
        if !matches!(admitted.standpoint, Standpoint::Current | Standpoint::Awaiting | Standpoint::Predecessor) {
            return Ok(None);
        }
        admitted.reading = Some(known.reading.as_of(position));
        let judged = self.judge_request(&admitted, &question.requirements, context).ok();
        Ok(judged.map(|judged| (admitted, judged)))
    }

    /// The record of a session as it is known here, where nothing speaks against it.
    pub(super) fn known_record(&self, key: &SessionKey) -> Option<Record> {
        let now = self.ports.clock.running();
        let cache = self.settings.cache.filter(|_| self.stream.is_trusted(now))?;
        let known = self.near.known(key, now.saturating_sub(cache.max_staleness))?;
        (!self.stream.kills(&known.record.header.marks)).then_some(known.record)
    }

    /// Keeps a session that was read and found living.
    pub(super) fn remember(&self, admitted: &mut Admitted, reading: Reading) {
        if self.settings.cache.is_some() {
            self.near.keep(&admitted.credential.key, &admitted.record, &admitted.standing, reading);
            admitted.reading = Some(reading);
        }
    }

    /// How whoever asked may keep an answer about this session: as long as it rests on nothing too old, and time alone
    /// changes nothing about it. `None` while nothing would tell them that it has changed.
    pub(super) fn keeping(&self, admitted: &Admitted, judged: &Judged, check_again: Timestamp) -> Option<Keeping> {
        let (reading, cache) = (admitted.reading?, self.settings.cache?);
        let (running, now) = (self.ports.clock.running(), admitted.judged_at);
        if admitted.standpoint != Standpoint::Current || !self.stream.is_trusted(running) {
            return None;
        }
        let rest = cache.max_staleness.saturating_sub(running.saturating_sub(reading.at));
        let of_login = judged.needs.login.max_age.zip(admitted.standing.identity.auth_time);
        let by_login = of_login.map(|(age, authenticated)| (authenticated + age).since(now));
        let keep_for = rest.min(check_again.since(now)).min(by_login.unwrap_or(rest));
        let position = reading.position.filter(|_| !keep_for.is_zero())?;
        Some(Keeping { position, keep_for })
    }
}
