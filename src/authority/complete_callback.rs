//! Owns the use case CompleteCallback: redeem the code that a browser brought back, and make the session.
//! Does not know how it was asked.

use bytes::Bytes;

use super::answer::HttpAnswer;
use super::api_answer::restate;
pub use super::callback::Response;
pub(super) use super::callback::{Callback, Taken, Visit};
use super::choose_sessions::{Choice, Waiting};
use super::login_answer::{LoginFailure, Refusal};
use super::make_session::{Known, NewlyMade, Stop};
use super::ports::{LoginEnd, LoginTaken};
use super::rates::Limited;
use super::settings::LoginSet;
use super::trail::Trail;
use super::write_token::Minted;
use super::{Authority, Call, Error, Presented, SessionView};
use crate::session::audit::{Action, Outcome as Audited, Step, login_id, readable};
use crate::session::key::{LoginKey, SessionKey};
use crate::session::login::{HeldLogin, KeptAnswer, KeptFailure};
use crate::session::record::Ending;
use crate::session::request::RequestContext;

/// The question.
#[derive(Clone, Debug)]
pub struct Question {
    /// The route set whose callback route was asked.
    pub set: LoginSet,
    /// The provider, where the path names one; empty otherwise.
    pub provider: Bytes,
    /// What the browser brought from the provider.
    pub response: Response,
    /// What came.
    pub presented: Presented,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer the browser.
    pub answer: HttpAnswer,
    /// The session that was made, or why there is none.
    pub result: Result<Box<SessionView>, Unfinished>,
    /// Whether it was the user's first login.
    pub first_login: bool,
    /// The token that the answer gives out, where it gives one.
    pub token: Option<Minted>,
}

/// Why a login made no session.
#[derive(Clone, Debug)]
pub enum Unfinished {
    /// It failed.
    Failed(LoginFailure),
    /// It waits for its user to choose which sessions end.
    Waiting(Box<Waiting>),
}

impl Outcome {
    /// Why the login failed, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<LoginFailure> {
        match &self.result {
            Err(Unfinished::Failed(failure)) => Some(*failure),
            Ok(_) | Err(Unfinished::Waiting(_)) => None,
        }
    }
}

/// How often to look again at a login that somebody else is completing.
const ATTEMPTS: usize = 3;

impl Authority {
    /// Completes a login. The code is sent once; of any number of the same callback one works, the others get its
    /// answer. Runs to its end once it has the login: the caller must not drop it (security.md 128 means other work).
    ///
    /// # Errors
    /// When the store can't say, or too many came. A failed login is an answer.
    pub async fn complete_callback(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        self.check_set(question.set)?;
        let context = question.presented.context.as_deref().cloned().unwrap_or_default();
        let trail = self.trail(Action::LoginCompleted, call, &context);
        let mut outcome = match self.come_back(call, &question, &context, &trail).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.audit_error(&trail, &error);
                return Err(error);
            }
        };
        self.audit_trail(&trail, |entry| match &outcome.result {
            Ok(view) => {
                entry.session = Some(view.key);
                entry.user = Some(self.user_of(&view.standing.identity));
                entry.provider.clone_from(&view.standing.identity.provider);
            }
            Err(Unfinished::Waiting(_)) => entry.outcome = Audited::Waiting,
            Err(Unfinished::Failed(failure)) => {
                (entry.outcome, entry.reason) = (Audited::Failed, failure.reason().to_owned());
            }
        });
        if outcome.answer.status == 302 && !context.is_safe() {
            outcome.answer.status = 303;
        }
        if let (LoginSet::Api, Some(failure)) = (question.set, outcome.failure()) {
            restate(&mut outcome.answer, failure);
        }
        Ok(outcome)
    }

    async fn come_back(
        &self,
        call: &Call,
        question: &Question,
        context: &RequestContext,
        trail: &Trail,
    ) -> Result<Outcome, Error> {
        trail.begin(Step::Callback);
        match self.read_callback(question, context) {
            Ok(callback) => {
                trail.note(|entry| entry.login = Some(login_id(&callback.key)));
                trail.begin(Step::Limits);
                self.within_rate(Limited::Callbacks, context, call).await?;
                let visit = Visit { callback: &callback, presented: &question.presented, context, call, trail };
                let mut outcome = self.complete(&visit).await?;
                if question.set == LoginSet::Api {
                    callback.bring_on(&mut outcome.answer);
                }
                Ok(outcome)
            }
            Err(refusal) => {
                self.show_login(None, Some(refusal.failure));
                trail.note(|entry| entry.detail = readable(&refusal.trouble.detail));
                if refusal.failure == LoginFailure::StateInvalid {
                    self.note_forgery(Some(context), call)?;
                }
                Ok(self.failure(refusal, None, context, call))
            }
        }
    }

    async fn complete(&self, visit: &Visit<'_>) -> Result<Outcome, Error> {
        let Visit { callback, context, call, trail, .. } = *visit;
        trail.begin(Step::LoginFound);
        let hashes: Vec<_> = callback
            .bindings
            .iter()
            .flat_map(|binding| self.vault.binding_hash.tags(&[binding.secret().expose()]).collect::<Vec<_>>())
            .collect();
        let until = self.ports.clock.now() + call.patience;
        for _ in 0..ATTEMPTS {
            let lease = self.settings.logins.lease;
            let taken = if callback.is_first() {
                self.ports.logins.take(&callback.key, &hashes, lease).await?
            } else {
                self.ports.logins.resume(&callback.key, &hashes, lease).await?
            };
            let failure = match (taken, &callback.choice) {
                (LoginTaken::Taken { sealed, started, remaining }, None) => {
                    let login = self.vault.open_login(&callback.key, &sealed)?;
                    return self.complete_taken(visit, &Taken { login, started, remaining }).await;
                }
                (LoginTaken::Taken { sealed, started, remaining }, Some(choice)) => {
                    let HeldLogin { login, standing, tokens } = self.open_held(visit, &sealed)?;
                    let taken = Taken { login, started, remaining };
                    return self.conclude(visit, &taken, Known { standing, tokens }, Some(choice)).await;
                }
                (LoginTaken::Waiting(sealed), _) => return self.ask_again(visit, &sealed).await,
                (LoginTaken::Done(kept), _) => {
                    trail.note(|entry| entry.outcome = Audited::Repeated);
                    return self.repeat(callback, &kept, context, call).await;
                }
                (LoginTaken::Busy, _) => {
                    // Whoever completes it runs to the end; nobody waits for that longer than their own caller does.
                    let at_most = self.settings.logins.lease.min(until.since(self.ports.clock.now()));
                    if at_most.is_zero() {
                        break;
                    }
                    self.ports.logins.wait(&callback.key, at_most).await?;
                    continue;
                }
                (LoginTaken::Interrupted(noted), _) => self.clean_up(&callback.key, noted).await?,
                (LoginTaken::Failed(number), _) => LoginFailure::from_number(number),
                (LoginTaken::OtherBrowser, _) => LoginFailure::OtherBrowser,
                (LoginTaken::Missing, _) => LoginFailure::Expired,
            };
            self.show_login(None, Some(failure));
            return Ok(self.failure(failure, None, context, call));
        }
        self.show_login(None, Some(LoginFailure::Interrupted));
        Ok(self.failure(LoginFailure::Interrupted, None, context, call))
    }

    async fn complete_taken(&self, visit: &Visit<'_>, taken: &Taken) -> Result<Outcome, Error> {
        visit.trail.note(|entry| {
            entry.provider.clone_from(&taken.login.provider);
            if taken.login.step_up.is_some() {
                entry.action = Action::SteppedUp;
            }
        });
        if !visit.callback.is_of(&taken.login) {
            // A code of one provider, which somebody had the browser bring to another's address (RFC 9700, 4.4).
            return self.give_up(visit, taken, LoginFailure::StateInvalid).await;
        }
        match self.redeem(visit, &taken.login).await {
            Ok(grant) => {
                let known = self.known(grant, visit.callback.set, &taken.login, visit.context);
                self.conclude(visit, taken, known, None).await
            }
            Err(failure) => self.give_up(visit, taken, failure).await,
        }
    }

    /// Makes the session of a login whose user is known, or steps one up.
    async fn conclude(
        &self,
        visit: &Visit<'_>,
        taken: &Taken,
        known: Known,
        choice: Option<&Choice>,
    ) -> Result<Outcome, Error> {
        visit.trail.note(|entry| entry.user = Some(self.user_of(&known.standing.identity)));
        visit.trail.begin(Step::Session);
        let made = match choice {
            Some(Choice::Cancel) => Err(Stop::Failed(LoginFailure::Cancelled)),
            choice => match self.step_up(visit, taken, &known).await {
                Ok(None) => {
                    visit.trail.note(|entry| entry.action = Action::LoginCompleted);
                    self.make_session(visit.callback, taken, &known, choice, visit.presented).await
                }
                Ok(Some(stepped_up)) => {
                    visit.trail.note(|entry| entry.action = Action::SteppedUp);
                    Ok(stepped_up)
                }
                Err(stop) => Err(stop),
            },
        };
        match made {
            Ok(NewlyMade { cookie, view, first_login }) => {
                tracing::info!(
                    provider = view.standing.identity.provider,
                    session = view.key.public(),
                    tenant = self.settings.tenant_name,
                    caller = visit.call.caller(),
                    request_id = visit.call.request_id,
                    "a login is complete"
                );
                self.show_login(Some(&taken.login.provider), None);
                let return_to = taken.login.return_to.as_deref();
                self.completed(visit.callback, cookie, view, return_to, first_login).await
            }
            // Of the set `api` nobody is there to be asked.
            Err(Stop::Failed(LoginFailure::TooManySessions)) if self.asks() && visit.callback.set != LoginSet::Api => {
                self.hold(visit, taken, known).await
            }
            Err(stop) => {
                self.discard(&taken.login, &known.standing.identity, &known.tokens);
                match stop {
                    Stop::Trouble(error) => Err(error),
                    Stop::TooLate(failure) => {
                        self.show_login(Some(&taken.login.provider), Some(failure));
                        Ok(self.failure(failure, taken.login.return_to.as_deref(), visit.context, visit.call))
                    }
                    Stop::Failed(failure) => self.give_up(visit, taken, failure).await,
                }
            }
        }
    }

    /// Answers a login that made a session with what its front end is to hold: a cookie, or a token.
    pub(super) async fn completed(
        &self,
        callback: &Callback,
        cookie: String,
        view: SessionView,
        return_to: Option<&str>,
        first_login: bool,
    ) -> Result<Outcome, Error> {
        let (answer, token) = match callback.set {
            LoginSet::Web => (self.completed_login(cookie, &view, return_to), None),
            LoginSet::Api if callback.collects.is_some() => (self.collected(cookie, &view), None),
            LoginSet::Api => (self.to_collect(return_to), None),
            LoginSet::Spa => self.authorized(&view).await.map(|(answer, minted)| (answer, Some(minted)))?,
        };
        Ok(Outcome { answer, result: Ok(view.into()), first_login, token })
    }

    /// Ends a login without a session.
    async fn give_up(&self, visit: &Visit<'_>, taken: &Taken, failure: LoginFailure) -> Result<Outcome, Error> {
        let Visit { callback, context, call, .. } = *visit;
        let return_to = &taken.login.return_to;
        let kept =
            KeptFailure { reason: failure as u8, return_to: return_to.clone(), request_id: call.request_id.clone() };
        if self.keep_answer(callback, taken, &KeptAnswer::Failure(kept)).await? {
            self.show_login(Some(&taken.login.provider), Some(failure));
            return Ok(self.failure(failure, return_to.as_deref(), context, call));
        }
        // Somebody was told that this login was interrupted: then everybody is.
        self.show_login(Some(&taken.login.provider), Some(LoginFailure::Interrupted));
        Ok(self.failure(LoginFailure::Interrupted, None, context, call))
    }

    /// Ends what an interrupted login may have made: nobody holds its credential.
    async fn clean_up(&self, key: &LoginKey, noted: Option<SessionKey>) -> Result<LoginFailure, Error> {
        if let Some(session) = noted {
            self.end_session(&session, Ending::Interrupted).await?;
        }
        let end = LoginEnd::Failed(LoginFailure::Interrupted as u8);
        self.ports.logins.finish(key, end, self.settings.logins.keep_answer_for).await?;
        Ok(LoginFailure::Interrupted)
    }

    pub(super) fn failure(
        &self,
        refusal: impl Into<Refusal>,
        return_to: Option<&str>,
        context: &RequestContext,
        call: &Call,
    ) -> Outcome {
        let Refusal { failure, trouble } = refusal.into();
        let (reason, detail) = (trouble.reason, &trouble.detail);
        tracing::info!(
            reason,
            detail,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a login failed"
        );
        let answer = self.failed_login(&trouble, return_to, context, call);
        Outcome { answer, result: Err(Unfinished::Failed(failure)), first_login: false, token: None }
    }
}
