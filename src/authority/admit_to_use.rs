//! Owns the way to a living session that a browser's request may use beyond being asked about: admitted, the request
//! judged, its use written down. Does not know what it is used for.

use super::admit::{Admission, Admitted};
use super::validate_session::{Denied, Inactive, Question, Requirements};
use super::{Authority, Call, Error, Presented};
use crate::session::admission::InactiveReason;

/// Why a request may not use a session.
pub(super) enum Refusal {
    /// There is no living session.
    Inactive(Inactive),
    /// The session lives, but this request may not use it.
    Denied(Box<Denied>),
}

impl Authority {
    /// The session that a request may use. One that came with a context is judged as by ValidateSession, CSRF token and
    /// origin by its method, and what is answered is JSON.
    pub(super) async fn admit_to_use(
        &self,
        call: &Call,
        presented: &Presented,
    ) -> Result<Result<Box<Admitted>, Refusal>, Error> {
        self.admit_with(call, presented, &Requirements::default()).await
    }

    /// The same, where something else than its method says what the request needs.
    pub(super) async fn admit_with(
        &self,
        call: &Call,
        presented: &Presented,
        requirements: &Requirements,
    ) -> Result<Result<Box<Admitted>, Refusal>, Error> {
        let context = presented.context.as_deref();
        let inactive = |reason| Ok(Err(Refusal::Inactive(self.inactive(reason, context, true, call))));
        let mut admitted = match self.admit(call, presented).await? {
            Admission::Living(admitted) => admitted,
            Admission::Inactive(reason) => return inactive(reason),
        };
        if let Err(reason) = self.judge_request(&admitted, requirements, context) {
            let question = Question { presented: presented.clone(), answer_json: true, ..Question::default() };
            return Ok(Err(Refusal::Denied(Box::new(self.denied(*admitted, reason, &question, call)))));
        }
        if !self.touch(&mut admitted).await {
            return inactive(InactiveReason::Revoked);
        }
        Ok(Ok(admitted))
    }
}
