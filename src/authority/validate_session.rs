//! Owns the use case ValidateSession: who is behind a credential, and may this request go ahead?
//! Does not know how it was asked.

use std::time::Duration;

use super::admit::{Admission, Admitted, SessionView};
use super::answer::{HttpAnswer, Trouble};
use super::deliver::Delivery;
use super::recall::Keeping;
use super::{Authority, Call, Error, Presented};
use crate::crypto::Secret;
use crate::session::admission::InactiveReason;
use crate::session::csrf::{self, CsrfFault};
use crate::session::event::Position;
use crate::session::fingerprint::Comparison;
use crate::session::origin::{self, OriginJudgement};
use crate::session::request::RequestContext;
use crate::session::rotation;
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
    /// Scopes that must all have been granted.
    pub scopes: Vec<String>,
    /// How long ago the user may have authenticated at most.
    pub max_login_age: Option<Duration>,
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
    /// These scopes were asked for.
    pub scopes: Vec<String>,
    /// This age was asked for.
    pub max_login_age: Option<Duration>,
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
    /// These scopes were not granted.
    ScopeMissing(Vec<String>),
    /// The user authenticated too long ago.
    LoginTooOld,
}

impl Authority {
    /// Says who is behind a credential, and whether this request may go ahead.
    ///
    /// **Invariant:** a forged credential dies before any IO; at most one store read, and none for a session that is known
    /// here; never a provider call.
    ///
    /// # Errors
    /// When the authority can't say. Never because of what is wrong with the session.
    pub async fn validate_session(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        let context = question.presented.context.as_ref();
        if question.requirements.csrf == CsrfRequirement::Required && context.is_none() {
            return Err(Error::ContextRequired("csrf"));
        }
        let inactive = |reason| Ok(Outcome::Inactive(self.inactive(reason, context, question.answer_json, call)));
        let chosen = match self.choose(&question.presented) {
            Ok(chosen) => chosen,
            Err(reason) => return inactive(reason),
        };
        let (mut admitted, judged) = if let Some(known) = self.recall(&chosen, &question)? {
            known
        } else {
            let admitted = match self.admit_chosen(call, &chosen, context, question.as_of).await? {
                Admission::Living(admitted) => admitted,
                Admission::Inactive(reason) => return inactive(reason),
            };
            match self.judge_request(&admitted, &question.requirements, context) {
                Ok(judged) => (admitted, judged),
                Err(reason) => return Ok(Outcome::Denied(Box::new(self.denied(*admitted, reason, &question, call)))),
            }
        };
        if admitted.fingerprint.comparison == Comparison::Differed {
            tracing::warn!(
                session = admitted.credential.key.public(),
                request_id = call.request_id,
                "the client is another one than at login"
            );
        }
        if question.touch && !self.touch(&mut admitted).await {
            return inactive(InactiveReason::Revoked);
        }
        self.refresh_beside(&admitted);
        Ok(Outcome::Active(Box::new(self.active(*admitted, judged, &question).await)))
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
        Inactive { reason, answer: context.map(|context| refusal(json, context, sign_in)) }
    }

    async fn active(&self, mut admitted: Admitted, judged: Judged, question: &Question) -> Active {
        let delivery = if question.can_set_cookies { self.deliver(&mut admitted).await } else { Delivery::default() };
        let now = self.ports.clock.now();
        let due = self.rotation_due(&admitted).filter(|due| *due > now);
        let idle_end = admitted.times.idle_end(self.settings.lifetimes_of(admitted.standing.remembered));
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

    /// Judges what a request needs, in the order in which a person would mend it.
    pub(super) fn judge_request(
        &self,
        admitted: &Admitted,
        requirements: &Requirements,
        context: Option<&RequestContext>,
    ) -> Result<Judged, DeniedReason> {
        let mut judged = Judged::default();
        if admitted.fingerprint.comparison != Comparison::None {
            judged.fingerprint = Some(admitted.fingerprint.comparison);
            judged.client_network = admitted.fingerprint.network;
        }
        if let Some(context) = context {
            self.judge_source(admitted, requirements.csrf, context, &mut judged)?;
        }
        let granted = &admitted.standing.identity.scopes;
        let missing: Vec<_> = requirements.scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect();
        if !missing.is_empty() {
            return Err(DeniedReason::ScopeMissing(missing));
        }
        judged.scopes.clone_from(&requirements.scopes);
        if let Some(age) = requirements.max_login_age {
            if self.ports.clock.now() > admitted.standing.identity.auth_time + age {
                return Err(DeniedReason::LoginTooOld);
            }
            judged.max_login_age = Some(age);
        }
        Ok(judged)
    }

    /// CSRF and origin (contract.md, 6): unsafe methods need both; an upgrade is judged by its origin alone.
    fn judge_source(
        &self,
        admitted: &Admitted,
        requirement: CsrfRequirement,
        context: &RequestContext,
        judged: &mut Judged,
    ) -> Result<(), DeniedReason> {
        let upgrade = context.is_upgrade();
        let needed = match requirement {
            CsrfRequirement::ByMethod => !context.is_safe() || upgrade,
            CsrfRequirement::Required => true,
            CsrfRequirement::NotRequired => false,
        };
        if !needed {
            return Ok(());
        }
        match origin::judge(context, &self.settings.public_base_url, &self.settings.csrf.allowed_origins) {
            OriginJudgement::Refused => return Err(DeniedReason::OriginRefused),
            OriginJudgement::Passed => judged.origin = true,
            OriginJudgement::Silent => (),
        }
        if upgrade && requirement == CsrfRequirement::ByMethod {
            return Ok(());
        }
        let (key, header, since) =
            (&admitted.credential.key, &admitted.record.header, admitted.standing.generation_since);
        let (now, max_age) = (self.ports.clock.now(), self.settings.csrf.max_age);
        let generations = rotation::generations(header, since, now, &self.settings.rotation);
        csrf::judge(context.csrf_token.as_deref(), key, &generations, now, max_age, &self.vault.csrf)
            .map_err(DeniedReason::Csrf)?;
        judged.csrf = true;
        Ok(())
    }

    pub(super) fn denied(&self, admitted: Admitted, reason: DeniedReason, question: &Question, call: &Call) -> Denied {
        let provider = &admitted.standing.identity.provider;
        let mut login_query = String::new();
        if reason == DeniedReason::LoginTooOld {
            let age = question.requirements.max_login_age.unwrap_or_default().as_secs();
            login_query = format!("provider={provider}&max_age={age}");
        }
        let trouble = self.denial(&reason);
        let answer = question.presented.context.as_ref().map(|context| {
            refusal(question.answer_json, context, |context| {
                let a_login_helps = !login_query.is_empty() && context.is_navigation() && context.is_safe();
                if a_login_helps {
                    return HttpAnswer::redirect(302, self.login_address(context, &login_query));
                }
                HttpAnswer::error(&trouble, &call.request_id)
            })
        });
        let generation = admitted.record.header.generation;
        let session = self.view(admitted.credential.key, admitted.standing, admitted.times, generation);
        Denied { reason, remedy: trouble.remedy, login_query, answer, session }
    }

    /// The words for a denial. Which fault the CSRF token has is for callers; a browser learns the remedy.
    pub(super) fn denial(&self, reason: &DeniedReason) -> Trouble {
        let header = &self.settings.csrf.header;
        let fresh = format!(
            "Fetch a fresh token from {}/auth/me and send it in the {header} header.",
            self.settings.mount_prefix
        );
        let (reason, detail, remedy) = match reason {
            DeniedReason::Csrf(_) => ("csrf_mismatch", "CSRF token mismatch".to_owned(), fresh),
            DeniedReason::OriginRefused => (
                "origin_refused",
                "Requests from this origin are not allowed".to_owned(),
                "Send the request from the site itself, or add the origin to app.cors.allowed_origins.".to_owned(),
            ),
            DeniedReason::ScopeMissing(missing) => {
                let detail = format!("Missing scope: {}", missing.join(" "));
                ("scope_missing", detail, "Log in with an account or application that is granted the scope.".to_owned())
            }
            DeniedReason::LoginTooOld => (
                "login_too_old",
                "A fresh login is needed".to_owned(),
                "Log in again, then repeat the request.".to_owned(),
            ),
        };
        Trouble { status: 403, reason, detail, remedy }
    }
}

/// An answer as if the request were a fetch, where the route says that it answers JSON.
fn refusal(json: bool, context: &RequestContext, make: impl Fn(&RequestContext) -> HttpAnswer) -> HttpAnswer {
    if !json {
        return make(context);
    }
    let fetch = RequestContext { method: context.method.clone(), ..RequestContext::default() };
    make(&fetch)
}
