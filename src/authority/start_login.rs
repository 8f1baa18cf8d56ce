//! Owns the use case StartLogin: send a browser to an identity provider, bound to that browser.
//! Does not know how it was asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;

use super::answer::HttpAnswer;
use super::api_answer::{api_is_off, restate};
use super::login_answer::{LoginFailure, Refusal};
use super::ports::OpenLogin;
use super::provider::{AuthorizationRequest, Offer, ProviderError};
use super::rates::Limited;
use super::room::LoginRoom;
use super::settings::{LoginSet, RouteSet};
use super::spa_answer::spa_is_off;
use super::trail::Trail;
use super::{Authority, Call, Error, Presented};
use crate::crypto::{MacRing, Secret, sha256};
use crate::session::audit::{Action, Outcome as Audited, Step, login_id, readable};
use crate::session::binding::Binding;
use crate::session::key::SessionKey;
use crate::session::login::PendingLogin;
use crate::session::mark::ProviderTag;
use crate::session::request::RequestContext;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The route set whose login route was asked.
    pub set: LoginSet,
    /// The provider, where the path names one; empty when the query does.
    pub provider: Bytes,
    /// The login request's query, as it came.
    pub query: Bytes,
    /// What came.
    pub presented: Presented,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer the browser.
    pub answer: HttpAnswer,
    /// Why no login began; `None` when one did.
    pub failure: Option<LoginFailure>,
}

impl Authority {
    /// Begins a login: one store write, and none before the provider's address is at hand; before it one for each limit of
    /// rates.
    ///
    /// # Errors
    /// When the store can't keep the login, or too many were begun. What the browser caused is an answer.
    pub async fn start_login(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        let set = question.set;
        let mut outcome = self.start(call, question).await?;
        if let (LoginSet::Api, Some(failure)) = (set, outcome.failure) {
            restate(&mut outcome.answer, failure);
        }
        Ok(outcome)
    }

    async fn start(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        self.check_set(question.set)?;
        let context = question.presented.context.as_deref().cloned().unwrap_or_default();
        let trail = self.trail(Action::LoginBegun, call, &context);
        let begun = self.begin_login(call, question, &context, &trail).await;
        match &begun {
            Err(error) => self.audit_error(&trail, error),
            Ok(Outcome { failure, .. }) => self.audit_trail(&trail, |entry| {
                if let Some(failure) = failure {
                    (entry.outcome, entry.reason) = (Audited::Failed, failure.reason().to_owned());
                }
            }),
        }
        begun
    }

    async fn begin_login(
        &self,
        call: &Call,
        question: Question,
        context: &RequestContext,
        trail: &Trail,
    ) -> Result<Outcome, Error> {
        trail.begin(Step::Request);
        let wish = match self.read_wish(&question) {
            Ok(wish) => wish,
            Err(refusal) => return Ok(self.refused_start(refusal, context, call, trail)),
        };
        trail.note(|entry| entry.provider.clone_from(&wish.provider.info().name));
        trail.begin(Step::Limits);
        self.within_rate(Limited::Logins, context, call).await?;
        // A token is no cookie's successor: what the browser holds beside it goes on.
        let prior = match question.set {
            LoginSet::Web | LoginSet::Api => self.prior_session(&question.presented),
            LoginSet::Spa => None,
        };
        if wish.step_up.is_none() && self.place_for_session(prior.as_slice()).await?.is_none() {
            return Ok(self.refused_start(LoginFailure::TenantFull.into(), context, call, trail));
        }
        trail.begin(Step::ProviderAddress);
        let code_verifier = Secret::new(URL_SAFE_NO_PAD.encode(self.random::<32>()));
        let form_post = wish.provider.info().form_post;
        let kept = self.bindings_of(&question.presented, form_post).into_iter().next();
        let binding = kept.unwrap_or_else(|| Binding::new(self.random()));
        let binding_hash = self.vault.binding_hash.sign(&[binding.secret().expose()]).1;
        let login = PendingLogin {
            binding_hash,
            born: self.marks_for_login().await?.at_birth(ProviderTag::of(&wish.provider.info().name)),
            provider: wish.provider.info().name.clone(),
            redirect_uri: self.settings.callback_address_of(question.set, &wish.provider.info().name),
            form_post,
            nonce: URL_SAFE_NO_PAD.encode(self.random::<24>()),
            return_to: wish.return_to,
            began: self.ports.clock.now(),
            needs: wish.needs,
            step_up: wish.step_up,
            remember: wish.remember,
            prior,
            code_verifier,
        };
        let room = self.settings.capacity.logins.map(LoginRoom::new);
        for _ in 0..room.map_or(1, LoginRoom::tries) {
            let state = self.new_state(room);
            let request = AuthorizationRequest {
                state: state.text(self.state_ring(question.set)),
                nonce: login.nonce.clone(),
                code_challenge: code_challenge(&login.code_verifier),
                redirect_uri: login.redirect_uri.clone(),
                max_age: login.needs.max_age,
                hints: wish.hints.clone(),
                now: self.ports.wall.now(),
            };
            let address = match wish.provider.authorization_url(&request).await {
                Ok(address) => address,
                Err(error) => {
                    trail.note_cause(&error);
                    return Ok(self.no_address(&error, &login, context, call));
                }
            };
            let key = state.key();
            trail.begin(Step::LoginKept);
            let sealed = self.vault.seal_login(self.nonce(), &key, &login);
            let open = OpenLogin { sealed, binding: binding_hash, most: room.map(|room| room.share) };
            if self.ports.logins.open(&key, open, self.settings.logins.ttl).await? {
                tracing::info!(
                    provider = login.provider,
                    tenant = self.settings.tenant_name,
                    caller = call.caller(),
                    request_id = call.request_id,
                    "a login began"
                );
                self.show_login_began(&login.provider);
                trail.note(|entry| entry.login = Some(login_id(&key)));
                return Ok(Outcome { answer: self.on_the_way(&address, &binding, &login, context), failure: None });
            }
        }
        Ok(self.refused_start(LoginFailure::TooManyLogins.into(), context, call, trail))
    }

    /// Whether a route set is on, as far as a caller has to ask.
    pub(super) fn check_set(&self, set: LoginSet) -> Result<(), Error> {
        match set {
            LoginSet::Web => Ok(()),
            LoginSet::Api if self.settings.route_sets.contains(&RouteSet::Api) => Ok(()),
            LoginSet::Api => Err(api_is_off()),
            LoginSet::Spa => self.spa().map(drop).ok_or_else(spa_is_off),
        }
    }

    /// What signs the states of a set: a login is completed where it was begun.
    pub(super) fn state_ring(&self, set: LoginSet) -> &MacRing {
        match set {
            LoginSet::Web => &self.vault.state,
            LoginSet::Api => &self.vault.collected_state,
            LoginSet::Spa => &self.vault.forwarded_state,
        }
    }

    /// A login for which the provider has no address.
    fn no_address(
        &self,
        error: &ProviderError,
        login: &PendingLogin,
        context: &RequestContext,
        call: &Call,
    ) -> Outcome {
        let (name, request_id) = (&login.provider, &call.request_id);
        tracing::warn!(provider = name, request_id, error = error as &dyn std::error::Error, "no login began");
        let failure = match error {
            // It can't but show something: the same as one that does not want to.
            ProviderError::Unsupported(Offer::SilentLogin) => LoginFailure::InteractionRequired,
            ProviderError::Unsupported(_) | ProviderError::RequestRefused(_) | ProviderError::Rejected(_) => {
                LoginFailure::ProviderError
            }
            // Metadata that can't be used may be mended by the time of the next try.
            _ => LoginFailure::ProviderUnavailable,
        };
        self.show_login(Some(&login.provider), Some(failure));
        let answer = self.failed_login(&failure.trouble(), login.return_to.as_deref(), context, call);
        Outcome { answer, failure: Some(failure) }
    }

    /// A login that did not begin.
    fn refused_start(&self, refusal: Refusal, context: &RequestContext, call: &Call, trail: &Trail) -> Outcome {
        let Refusal { failure, trouble } = refusal;
        trail.note(|entry| entry.detail = readable(&trouble.detail));
        let (reason, detail) = (trouble.reason, &trouble.detail);
        tracing::info!(
            reason,
            detail,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "no login began"
        );
        self.show_login(None, Some(failure));
        Outcome { answer: self.login_trouble(&trouble, context, call), failure: Some(failure) }
    }

    /// The session that the browser has, as its cookie says it: no read is needed, since ending one that is gone
    /// does no harm.
    pub(super) fn prior_session(&self, presented: &Presented) -> Option<SessionKey> {
        self.choose(presented).ok().map(|chosen| chosen.credential.key)
    }

    fn on_the_way(
        &self,
        address: &str,
        binding: &Binding,
        login: &PendingLogin,
        context: &RequestContext,
    ) -> HttpAnswer {
        let mut answer = if context.wants_json() {
            HttpAnswer::json(200, &json!({"url": address}))
        } else {
            HttpAnswer::redirect(302, address)
        };
        answer.set_cookies.push(self.binding_cookie(binding, login.form_post, self.settings.logins.ttl));
        answer
    }
}

/// The S256 code challenge of a verifier (RFC 7636, 4.2).
fn code_challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()))
}
