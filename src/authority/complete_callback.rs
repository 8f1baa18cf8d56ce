//! Owns the use case CompleteCallback: redeem the code that a browser brought back, and make the session.
//! Does not know how it was asked.

use std::time::Duration;

use bytes::Bytes;

use super::answer::HttpAnswer;
use super::login_answer::LoginFailure;
use super::make_session::Stop;
use super::ports::{LoginEnd, LoginTaken, Lookup};
use super::provider::{Grant, ProviderError, Redemption};
use super::start_login::malformed;
use super::{Authority, Call, Error, Presented, SessionView};
use crate::crypto::{Secret, digest, equal};
use crate::session::binding::Binding;
use crate::session::key::{LoginKey, SessionKey};
use crate::session::login::{KeptLogin, LoginState, PendingLogin};
use crate::session::parameters::Parameters;
use crate::session::record::Ending;
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the browser brought from the provider.
    pub response: Response,
    /// What came.
    pub presented: Presented,
}

/// What the browser brought from the provider, as it came.
#[derive(Clone, Debug)]
pub enum Response {
    /// The callback's query.
    Query(Bytes),
    /// The callback's form body.
    Form(Bytes),
    /// The callback's JSON body.
    Json(Bytes),
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer the browser.
    pub answer: HttpAnswer,
    /// The session that was made, or why there is none.
    pub result: Result<Box<SessionView>, LoginFailure>,
}

/// A callback whose state and binding are ours.
pub(super) struct Callback {
    pub(super) key: LoginKey,
    pub(super) state: LoginState,
    pub(super) bindings: Vec<Binding>,
    pub(super) parameters: Parameters,
}

/// A taken login.
pub(super) struct Taken {
    pub(super) login: PendingLogin,
    pub(super) started: Timestamp,
    pub(super) remaining: Duration,
}

/// How often to look again at a login that somebody else is completing.
const ATTEMPTS: usize = 3;

impl Authority {
    /// Completes a login. The code is sent once; of any number of the same callback one works, the others get its
    /// answer. Runs to its end once it has the login: the caller must not drop it (security.md 128 means other work).
    ///
    /// # Errors
    /// When the store can't say. A failed login is an answer.
    pub async fn complete_callback(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        let context = question.presented.context.clone().unwrap_or_default();
        let callback = match self.read_callback(&question) {
            Ok(callback) => callback,
            Err(failure) => return Ok(self.failure(failure, None, &context, call)),
        };
        let hashes: Vec<_> = callback
            .bindings
            .iter()
            .flat_map(|binding| self.vault.binding_hash.tags(&[binding.secret().expose()]).collect::<Vec<_>>())
            .collect();
        for _ in 0..ATTEMPTS {
            let failure = match self.ports.logins.take(&callback.key, &hashes, self.settings.logins.lease).await? {
                LoginTaken::Taken { sealed, started, remaining } => {
                    let login = self.vault.open_login(&callback.key, &sealed)?;
                    let taken = Taken { login, started, remaining };
                    return self.complete_taken(&callback, &taken, &question.presented, &context, call).await;
                }
                LoginTaken::Done(kept) => return self.repeat(&callback, &kept, &context, call).await,
                LoginTaken::Busy => {
                    self.ports.logins.wait(&callback.key, self.settings.logins.lease).await?;
                    continue;
                }
                LoginTaken::Interrupted(noted) => self.clean_up(&callback.key, noted).await?,
                LoginTaken::Failed(number) => LoginFailure::from_number(number),
                LoginTaken::OtherBrowser => LoginFailure::OtherBrowser,
                LoginTaken::Missing => LoginFailure::Expired,
            };
            return Ok(self.failure(failure, None, &context, call));
        }
        Ok(self.failure(LoginFailure::Interrupted, None, &context, call))
    }

    /// Reads what came, without IO: what is not ours goes no further.
    fn read_callback(&self, question: &Question) -> Result<Callback, LoginFailure> {
        let limits = &self.settings.limits;
        let parameters = match &question.response {
            Response::Query(bytes) => Parameters::form(bytes, limits.query_bytes),
            Response::Form(bytes) => Parameters::form(bytes, limits.body_bytes),
            Response::Json(bytes) => Parameters::json(bytes, limits.body_bytes),
        };
        let parameters = parameters.map_err(|cause| malformed(&cause))?;
        let state = parameters.get("state").and_then(|text| LoginState::read(text, &self.vault.state));
        let state = state.filter(|state| state.tenant == self.settings.tenant).ok_or(LoginFailure::StateInvalid)?;
        if parameters.get("code").is_some() == parameters.get("error").is_some() {
            return Err(LoginFailure::RequestMalformed);
        }
        let bindings = self.bindings(&question.presented);
        if bindings.is_empty() {
            return Err(LoginFailure::OtherBrowser);
        }
        Ok(Callback { key: state.key(), state, bindings, parameters })
    }

    async fn complete_taken(
        &self,
        callback: &Callback,
        taken: &Taken,
        presented: &Presented,
        context: &RequestContext,
        call: &Call,
    ) -> Result<Outcome, Error> {
        let made = match self.redeem(callback, &taken.login, call).await {
            Ok(grant) => {
                let tokens = grant.tokens.clone();
                let made = self.make_session(callback, taken, grant, presented).await;
                if made.is_err() {
                    self.revoke_at_provider(&taken.login.provider, &tokens);
                }
                made
            }
            Err(failure) => Err(Stop::Failed(failure)),
        };
        let return_to = taken.login.return_to.as_deref();
        match made {
            Ok((cookie, view)) => {
                let identity = &view.standing.identity;
                tracing::info!(
                    provider = identity.provider,
                    session = view.key.public(),
                    request_id = call.request_id,
                    "a login is complete"
                );
                Ok(Outcome { answer: self.completed_login(cookie, &view, return_to), result: Ok(view.into()) })
            }
            Err(Stop::Trouble(error)) => Err(error),
            Err(Stop::Failed(failure)) => {
                let end = LoginEnd::Failed(failure as u8);
                let keep_for = taken.remaining.max(self.settings.logins.keep_answer_for);
                self.ports.logins.finish(&callback.key, end, keep_for).await?;
                Ok(self.failure(failure, return_to, context, call))
            }
        }
    }

    /// Sends the code to the provider and gets a verified identity back.
    async fn redeem(&self, callback: &Callback, login: &PendingLogin, call: &Call) -> Result<Grant, LoginFailure> {
        let provider = self.ports.providers.get(&login.provider).ok_or(LoginFailure::ProviderUnknown)?;
        let failed = |error: ProviderError| failure_at_provider(&error, &login.provider, call);
        if let Some(error) = callback.parameters.get("error") {
            // RFC 9207, 2.4: an error counts only when it is the provider's own.
            provider.check_issuer(callback.parameters.get("iss")).await.map_err(failed)?;
            // Mapped to a fixed word, and nothing of it is shown (security.md 17).
            tracing::info!(provider = login.provider, request_id = call.request_id, "the provider refused the login");
            let refused = matches!(
                error,
                "access_denied"
                    | "login_required"
                    | "consent_required"
                    | "interaction_required"
                    | "account_selection_required"
            );
            return Err(if refused { LoginFailure::AccessDenied } else { LoginFailure::ProviderError });
        }
        let redemption = Redemption {
            code: Secret::new(callback.parameters.get("code").unwrap_or_default()),
            code_verifier: login.code_verifier.clone(),
            nonce: login.nonce.clone(),
            redirect_uri: login.redirect_uri.clone(),
            response_issuer: callback.parameters.get("iss").map(str::to_owned),
            max_age: login.max_age,
            now: self.ports.clock.now(),
        };
        provider.redeem(&redemption).await.map_err(failed)
    }

    /// Answers a callback that was delivered again: the same, but only to the same code, state and binding, and only
    /// while the session it made lives unrotated.
    async fn repeat(
        &self,
        callback: &Callback,
        sealed: &[u8],
        context: &RequestContext,
        call: &Call,
    ) -> Result<Outcome, Error> {
        let complete = || self.failure(LoginFailure::AlreadyComplete, None, context, call);
        let opened =
            callback.bindings.iter().find_map(|binding| self.vault.open_kept(&callback.state, binding, sealed).ok());
        let now = self.ports.clock.now();
        let same = |kept: &KeptLogin| now < kept.repeat_until && equal(&kept.code_hash, &callback.code_hash());
        let Some(kept) = opened.filter(same) else {
            return Ok(complete());
        };
        let Lookup::Found(record) = self.ports.sessions.read(&kept.session).await? else { return Ok(complete()) };
        if record.header.generation != kept.generation {
            return Ok(complete());
        }
        let standing = self.vault.open_standing(&kept.session, &record.header.marks, &record.body)?;
        let times = standing.times(&record.header);
        let view = self.view(kept.session, standing, times, kept.generation);
        let cookie = self.session_cookie(&kept.credential, &times);
        Ok(Outcome { answer: self.completed_login(cookie, &view, kept.return_to.as_deref()), result: Ok(view.into()) })
    }

    /// Ends what an interrupted login may have made: nobody holds its credential.
    async fn clean_up(&self, key: &LoginKey, noted: Option<SessionKey>) -> Result<LoginFailure, Error> {
        if let Some(session) = noted {
            self.ports.sessions.end(&session, Ending::Interrupted, self.settings.remember_ended_for).await?;
        }
        let end = LoginEnd::Failed(LoginFailure::Interrupted as u8);
        self.ports.logins.finish(key, end, self.settings.logins.keep_answer_for).await?;
        Ok(LoginFailure::Interrupted)
    }

    fn failure(
        &self,
        failure: LoginFailure,
        return_to: Option<&str>,
        context: &RequestContext,
        call: &Call,
    ) -> Outcome {
        tracing::info!(reason = failure.trouble().reason, request_id = call.request_id, "a login failed");
        Outcome { answer: self.failed_login(failure, return_to, context, call), result: Err(failure) }
    }
}

/// What the browser is told of a provider's trouble; the cause is for the log.
fn failure_at_provider(error: &ProviderError, provider: &str, call: &Call) -> LoginFailure {
    let request_id = &call.request_id;
    let cause = error as &dyn std::error::Error;
    tracing::warn!(provider, request_id, error = cause, "the login failed at the provider");
    match error {
        ProviderError::Unavailable(_) | ProviderError::Lost(_) => LoginFailure::ProviderUnavailable,
        ProviderError::InvalidGrant(_)
        | ProviderError::Failed(_)
        | ProviderError::Unsupported(_)
        | ProviderError::AudienceRefused(_) => LoginFailure::ProviderError,
        ProviderError::Rejected(_) => LoginFailure::IdentityRejected,
    }
}

impl Callback {
    /// What the kept answer knows the code by.
    pub(super) fn code_hash(&self) -> [u8; 32] {
        digest("gatelodge code", &[self.parameters.get("code").unwrap_or_default().as_bytes()])
    }
}
