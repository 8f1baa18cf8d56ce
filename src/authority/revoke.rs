//! Owns the use case SessionService.Revoke: end the presented session, or others of its user. Does not know how it was
//! asked.

use bytes::Bytes;
use serde_json::json;

use super::admit::Admitted;
use super::admit_to_use::Refusal;
use super::answer::HttpAnswer;
use super::end::Reach;
use super::stream::EndedSessions;
use super::validate_session::{Denied, Inactive, Question, Requirements};
use super::{Authority, Call, Error, Presented};
use crate::session::admission::InactiveReason;
use crate::session::audit::{Action, Entry};
use crate::session::cookie;
use crate::session::key::SessionKey;
use crate::session::parameters::Parameters;
use crate::session::record::Ending;

/// What to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The session that is presented; of a browser that presents several, all.
    Presented,
    /// One session of the same user, by its public id.
    Session(String),
    /// All sessions of the same user but the presented one.
    AllOthers,
    /// What a browser's form says.
    Form(Bytes),
    /// What a browser's JSON says.
    Json(Bytes),
}

/// A target that is understood.
enum Aim {
    One(SessionKey),
    AllOthers,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// What was asked for is dead.
    Ended {
        /// How many living sessions this call ended.
        count: u64,
        /// What to answer a browser; `None` without a context.
        answer: Option<HttpAnswer>,
    },
    /// There is no living session that could end others.
    Inactive(Inactive),
    /// The session lives, but this request may not end any.
    Denied(Box<Denied>),
}

impl Authority {
    /// Ends what `target` names. A request that came with a context is judged as by ValidateSession, and ends nothing when
    /// it fails.
    ///
    /// # Errors
    /// When the target is not one, or the store can't say; then it may or may not have ended, and asking again is safe.
    pub async fn revoke(&self, call: &Call, presented: &Presented, target: &Target) -> Result<Outcome, Error> {
        if *target == Target::Presented {
            return self.revoke_presented(call, presented).await;
        }
        let admitted = match self.admit_to_use(call, presented).await {
            // A call that failed may have ended something, and whoever asked would forget all that it knows: so one with a
            // forged credential gets its answer, however often it came.
            Err(Error::RateLimited { .. }) => {
                let inactive = self.inactive(InactiveReason::Forged, presented.context.as_deref(), true, call);
                return Ok(Outcome::Inactive(inactive));
            }
            admitted => admitted?,
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(Refusal::Inactive(inactive)) => return Ok(Outcome::Inactive(inactive)),
            Err(Refusal::Denied(denied)) => return Ok(Outcome::Denied(denied)),
        };
        let own = admitted.credential.key;
        let aim = match self.read_target(target) {
            Ok(aim) => aim,
            Err(error @ Error::InvalidField { .. }) if matches!(target, Target::Form(_) | Target::Json(_)) => {
                let answer =
                    presented.context.as_deref().map(|_| HttpAnswer::malformed(error.to_string(), &call.request_id));
                return if answer.is_some() { Ok(Outcome::Ended { count: 0, answer }) } else { Err(error) };
            }
            Err(error) => return Err(error),
        };
        let user = self.user_of(&admitted.standing.identity);
        let living = self.ports.sessions.sessions_of(&user).await?;
        let is_meant = |key: &SessionKey| match aim {
            Aim::One(named) => *key == named,
            Aim::AllOthers => *key != own,
        };
        let meant: Vec<_> = living.into_iter().map(|(key, _)| key).filter(is_meant).collect();
        let logged_out = meant.contains(&own);
        let note = |count: u64, outcome| {
            let session = own.public();
            tracing::info!(
                session,
                count,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "sessions were ended by their user"
            );
            let entry = self.entry(Action::RevokedByUser, call, presented.context.as_deref());
            self.audit(Entry { outcome, session: Some(own), user: Some(user), ..entry }.ending(count, &meant));
        };
        let count = if logged_out {
            let note = |_: &Admitted, ended: &EndedSessions, outcome| note(ended.count, outcome);
            self.end_presented(&[*admitted], Reach::Session, note).await?.iter().map(|one| one.ended.count).sum()
        } else {
            let done = self.end_sessions(&meant, Ending::Revoked).await;
            if let Some((ended, outcome)) = EndedSessions::of(&done) {
                note(ended.count, outcome);
            }
            done?.count
        };
        Ok(Outcome::Ended { count, answer: self.ended_answer(presented, count, logged_out) })
    }

    fn read_target(&self, target: &Target) -> Result<Aim, Error> {
        let limit = self.settings.limits.body_bytes;
        let (field, parameters) = match target {
            Target::Session(id) => return Ok(Aim::One(self.session_key(id)?)),
            Target::Presented | Target::AllOthers => return Ok(Aim::AllOthers),
            Target::Form(form) => ("form", Parameters::form(form, limit)),
            Target::Json(json) => ("json", Parameters::json(json, limit)),
        };
        let invalid = |expected: String| Error::InvalidField { field, expected };
        match parameters.map_err(|cause| invalid(cause.to_string()))?.get("end") {
            Some("others") => Ok(Aim::AllOthers),
            id => {
                let key = id.and_then(|id| SessionKey::from_public(self.settings.tenant, id));
                let expected = "the parameter end is a session's public id, or \"others\"";
                Ok(Aim::One(key.ok_or_else(|| invalid(expected.to_owned()))?))
            }
        }
    }

    async fn revoke_presented(&self, call: &Call, presented: &Presented) -> Result<Outcome, Error> {
        let mut living = self.admit_to_end(call, presented).await?;
        let judge = |admitted: &Admitted| {
            self.judge_request(admitted, &Requirements::default(), presented.context.as_deref()).err()
        };
        // Of several, one whose token came is enough, as for a logout.
        let refused: Vec<_> = living.iter().map(judge).collect();
        if !refused.iter().any(Option::is_none)
            && let (Some(admitted), Some(Some(reason))) = (living.pop(), refused.into_iter().next_back())
        {
            let question = Question { presented: presented.clone(), answer_json: true, ..Question::default() };
            return Ok(Outcome::Denied(Box::new(self.denied(admitted, reason, &question, call))));
        }
        let note = |admitted: &Admitted, ended: &EndedSessions, outcome| {
            let entry = self.entry(Action::RevokedByUser, call, presented.context.as_deref());
            let entry = Entry { outcome, session: Some(admitted.credential.key), user: ended.user, ..entry };
            self.audit(entry.ending(ended.count, &ended.sessions));
        };
        let all = self.end_presented(&living, Reach::Session, note).await?;
        let count = all.iter().map(|one| one.ended.count).sum();
        Ok(Outcome::Ended { count, answer: self.ended_answer(presented, count, true) })
    }

    fn ended_answer(&self, presented: &Presented, count: u64, logged_out: bool) -> Option<HttpAnswer> {
        presented.context.as_deref()?;
        let message = match count {
            1 => "1 session was ended".to_owned(),
            count => format!("{count} sessions were ended"),
        };
        let mut answer = HttpAnswer::json(200, &json!({ "message": message, "revoked_count": count }));
        if logged_out {
            let came = |name: &&String| presented.cookies.iter().any(|cookie| cookie.name == **name);
            let names = self.session_cookie_names.iter().filter(came);
            answer.set_cookies = names.map(|name| cookie::clear(name, self.settings.is_secure())).collect();
        }
        Some(answer)
    }
}
