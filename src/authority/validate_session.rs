//! Owns the use case ValidateSession: who is behind a credential, and may this request go ahead?
//! Does not know how it was asked.

use super::admit::{Admission, Admitted, SessionView};
use super::answer::HttpAnswer;
use super::deliver::Delivery;
use super::deny::in_the_form;
use super::recall::Keeping;
use super::{Authority, Call, Error, Presented};
use crate::crypto::Secret;
use crate::session::admission::{Chosen, InactiveReason};
use crate::session::audit::Outcome as Audited;
use crate::session::csrf::{self, CsrfFault};
use crate::session::event::Position;
use crate::session::fingerprint::Comparison;
use crate::session::need::{Missing, Needs};
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of the caller's own; none excludes another")]
pub struct Question {
    /// What came.
    pub presented: Presented,
    /// What the request needs beyond a living session.
    pub requirements: Requirements,
    /// Whether the caller can deliver a Set-Cookie with this very answer.
    pub can_set_cookies: bool,
    /// Whether this counts as use of the session.
    pub touch: bool,
    /// Whether the answer is to carry a fresh CSRF token.
    pub issue_csrf_token: bool,
    /// Whether the route answers JSON, whatever the browser asked for.
    pub answer_json: bool,
    /// What the caller has heard of the event stream: the answer may not rest on what was read before.
    pub as_of: Option<Position>,
}

/// What a request needs beyond a living session.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// Whether a CSRF token is needed.
    pub csrf: CsrfRequirement,
    /// What is needed of who is logged in.
    pub needs: Needs,
}

/// Whether a request needs a CSRF token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsrfRequirement {
    /// By the method.
    #[default]
    ByMethod,
    /// Whatever the method.
    Required,
    /// Not, and neither is the origin judged.
    NotRequired,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The session lives and every requirement is met.
    Active(Box<Active>),
    /// There is no living session.
    Inactive(Inactive),
    /// The session lives, but this request may not go ahead.
    Denied(Box<Denied>),
}

/// A living session whose every requirement is met.
#[derive(Clone, Debug)]
pub struct Active {
    /// The session.
    pub session: SessionView,
    /// What was judged.
    pub judged: Judged,
    /// Set-Cookie values to deliver, at most one.
    pub set_cookies: Vec<String>,
    /// A fresh CSRF token, when one was asked for, and with the cookie of a successor.
    pub csrf_token: Option<Secret>,
    /// When the answer may change by time alone: the session ends if it is not used until then, or its credential is
    /// due to be replaced.
    pub check_again: Timestamp,
    /// How whoever asked may keep the answer; `None`: not at all.
    pub keeping: Option<Keeping>,
}

/// Everything that was judged, and found good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// A CSRF token was needed.
    pub csrf: bool,
    /// The origin was judged by a header that came.
    pub origin: bool,
    /// This was asked for of who is logged in. Written when the request may go ahead.
    pub needs: Needs,
    /// How the fingerprint compared.
    pub fingerprint: Option<Comparison>,
    /// The client's network was compared too.
    pub client_network: bool,
}

/// No living session.
#[derive(Clone, Debug)]
pub struct Inactive {
    /// Why.
    pub reason: InactiveReason,
    /// What to answer when the route needs a session; `None` without a context.
    pub answer: Option<HttpAnswer>,
}

/// A living session that this request may not use.
#[derive(Clone, Debug)]
pub struct Denied {
    /// What is missing.
    pub reason: DeniedReason,
    /// What to do about it, for people.
    pub remedy: String,
    /// For a remedy that is a login: the query to start it with.
    pub login_query: String,
    /// What to answer; `None` without a context.
    pub answer: Option<HttpAnswer>,
    /// The session.
    pub session: SessionView,
}

/// Why a living session may not be used for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeniedReason {
    /// Something is wrong with the CSRF token.
    Csrf(CsrfFault),
    /// The request comes from an origin that is not allowed.
    OriginRefused,
    /// Who is logged in, or how, is not what is needed.
    Missing(Missing),
}

/// What can be said of a question without waiting.
#[derive(Debug)]
pub enum AtOnce {
    /// The answer.
    Answered(Outcome),
    /// The store is needed.
    Open(Open),
}

/// A question that the store is needed for, as far as it is answered.
#[derive(Debug)]
pub struct Open {
    /// `None` where several sessions came, and the store has to say which of them lives.
    chosen: Option<Chosen>,
    /// The session, where it is known here and its use is to be written down, or a cookie may be due.
    known: Option<(Box<Admitted>, Judged)>,
}

impl Authority {
    /// Says who is behind a credential, and whether this request may go ahead.
    ///
    /// **Invariant:** a forged credential dies before any IO; at most one store read, and none for a session that is known
    /// here (where credentials of several sessions came, one for each); never a provider call.
    ///
    /// # Errors
    /// When the authority can't say. Never because of what is wrong with the session.
    pub async fn validate_session(&self, call: &Call, mut question: Question) -> Result<Outcome, Error> {
        match self.validate_at_once(call, &mut question)? {
            AtOnce::Answered(outcome) => Ok(outcome),
            AtOnce::Open(open) => self.validate_open(call, &mut question, open).await,
        }
    }

    /// As far as [`Authority::validate_session`] can say it without waiting: all of what is forged, and most of what is
    /// known here. What the question asked of who is logged in goes on with an answer that says it was judged.
    ///
    /// # Errors
    /// As [`Authority::validate_session`].
    pub fn validate_at_once(&self, call: &Call, question: &mut Question) -> Result<AtOnce, Error> {
        let answered = self.answer_at_once(call, question);
        self.show_at_once(&answered);
        answered
    }

    fn answer_at_once(&self, call: &Call, question: &mut Question) -> Result<AtOnce, Error> {
        let context = question.presented.context.as_deref();
        if question.requirements.csrf == CsrfRequirement::Required && context.is_none() {
            return Err(Error::ContextRequired("csrf"));
        }
        let chosen = match self.choose(&question.presented) {
            Ok(chosen) => chosen,
            Err(InactiveReason::Ambiguous) => return Ok(AtOnce::Open(Open { chosen: None, known: None })),
            Err(reason) => {
                if reason == InactiveReason::Forged {
                    self.note_unsigned(&question.presented, call)?;
                }
                let inactive = self.inactive(reason, context, question.answer_json, call);
                return Ok(AtOnce::Answered(Outcome::Inactive(inactive)));
            }
        };
        Ok(match self.recall(&chosen, question)? {
            Some((admitted, judged)) if !self.may_change(&admitted, question) => {
                AtOnce::Answered(self.go_ahead(*admitted, judged, Delivery::default(), question, call))
            }
            known => AtOnce::Open(Open { chosen: Some(chosen), known }),
        })
    }

    /// Goes on where [`Authority::validate_at_once`] had to stop, with the same question.
    ///
    /// # Errors
    /// As [`Authority::validate_session`].
    pub async fn validate_open(&self, call: &Call, question: &mut Question, open: Open) -> Result<Outcome, Error> {
        let was_known = open.known.is_some();
        let answered = self.answer_open(call, question, open).await;
        self.show_check(&answered, was_known);
        answered
    }

    async fn answer_open(&self, call: &Call, question: &mut Question, open: Open) -> Result<Outcome, Error> {
        let context = question.presented.context.as_deref();
        let inactive = |reason| Ok(Outcome::Inactive(self.inactive(reason, context, question.answer_json, call)));
        let (mut admitted, judged) = if let Some(known) = open.known {
            known
        } else {
            let admission = match &open.chosen {
                Some(chosen) => self.admit_chosen(call, chosen, context, question.as_of).await?,
                None => Box::pin(self.admit_only_living(call, &question.presented, question.as_of)).await?,
            };
            let admitted = match admission {
                Admission::Living(admitted) => admitted,
                Admission::Inactive(reason) => return inactive(reason),
            };
            match self.judge_request(&admitted, &question.requirements, context) {
                Ok(judged) => (admitted, judged),
                Err(reason) => return Ok(Outcome::Denied(Box::new(self.denied(*admitted, reason, question, call)))),
            }
        };
        // Boxed, like all that is seldom: so every check needs less room.
        if question.touch && admitted.touch_due && !Box::pin(self.touch(&mut admitted)).await {
            return inactive(InactiveReason::Revoked);
        }
        let may_deliver = question.can_set_cookies && self.may_deliver(&admitted);
        let delivery = if may_deliver { Box::pin(self.deliver(&mut admitted)).await } else { Delivery::default() };
        Ok(self.go_ahead(*admitted, judged, delivery, question, call))
    }

    /// Whether an answer about this session may change what the store keeps, or the browser's cookie.
    fn may_change(&self, admitted: &Admitted, question: &Question) -> bool {
        (question.touch && admitted.touch_due) || (question.can_set_cookies && self.may_deliver(admitted))
    }

    fn go_ahead(
        &self,
        admitted: Admitted,
        mut judged: Judged,
        delivery: Delivery,
        question: &mut Question,
        call: &Call,
    ) -> Outcome {
        judged.needs = std::mem::take(&mut question.requirements.needs);
        if admitted.fingerprint.comparison == Comparison::Differed {
            tracing::warn!(
                session = admitted.credential.key.public(),
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "the client is another one than at login"
            );
            let user = self.user_of(&admitted.standing.identity);
            let (key, context) = (&admitted.credential.key, question.presented.context.as_deref());
            self.audit_other_client(key, user, call, context, Audited::Done);
        }
        self.refresh_beside(&admitted, call, question.presented.context.as_deref());
        Outcome::Active(Box::new(self.active(admitted, judged, delivery, question)))
    }

    /// No living session, and what to answer when the route needs one.
    pub(super) fn inactive(
        &self,
        reason: InactiveReason,
        context: Option<&RequestContext>,
        json: bool,
        call: &Call,
    ) -> Inactive {
        let sign_in = |context: &RequestContext| self.sign_in_answer(reason, context, call);
        Inactive { reason, answer: context.map(|context| in_the_form(json, context, sign_in)) }
    }

    fn active(&self, admitted: Admitted, judged: Judged, delivery: Delivery, question: &Question) -> Active {
        let now = admitted.judged_at;
        let due = self.rotation_due(&admitted).filter(|due| *due > now);
        let idle_end = admitted.times.idle_end(self.settings.lifetimes_of(&admitted.standing));
        let check_again = due.map_or(idle_end, |due| due.min(idle_end));
        let bare = delivery.cookie.is_none() && !question.issue_csrf_token;
        let keeping = if bare { self.keeping(&admitted, &judged, check_again) } else { None };
        let Admitted { credential, record, standing, times, .. } = admitted;
        let generation = record.header.generation;
        let tokens_generation = delivery.successor.unwrap_or(generation);
        let issue = || csrf::issue(&credential.key, tokens_generation, now, &self.vault.csrf);
        let csrf_token = (question.issue_csrf_token || delivery.successor.is_some()).then(issue);
        let session = self.view(credential.key, standing, times, generation);
        Active { session, judged, set_cookies: delivery.cookie.into_iter().collect(), csrf_token, check_again, keeping }
    }
}
