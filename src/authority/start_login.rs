//! Owns the use case StartLogin: send a browser to an identity provider, bound to that browser.
//! Does not know how it was asked.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;

use super::answer::HttpAnswer;
use super::login_answer::LoginFailure;
use super::ports::OpenLogin;
use super::provider::{AuthorizationRequest, IdentityProvider};
use super::{Authority, Call, Error, Presented};
use crate::crypto::{Secret, sha256};
use crate::session::binding::Binding;
use crate::session::cookie;
use crate::session::key::SessionKey;
use crate::session::login::{LoginState, PendingLogin};
use crate::session::parameters::{Malformed, Parameters};
use crate::session::request::RequestContext;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
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

/// What a login request asks for, read and allowed.
struct Wish {
    provider: Arc<dyn IdentityProvider>,
    return_to: Option<String>,
    max_age: Option<Duration>,
}

impl Authority {
    /// Begins a login: one store write, and none before the provider's address is at hand.
    ///
    /// # Errors
    /// When the store can't keep the login. What the browser caused is an answer.
    pub async fn start_login(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        let context = question.presented.context.clone().unwrap_or_default();
        let wish = match self.read_wish(&question) {
            Ok(wish) => wish,
            Err(failure) => return Ok(self.refused_start(failure, &context, call)),
        };
        let state = LoginState::new(self.settings.tenant, self.random());
        let code_verifier = Secret::new(URL_SAFE_NO_PAD.encode(self.random::<32>()));
        let binding =
            self.bindings(&question.presented).into_iter().next().unwrap_or_else(|| Binding::new(self.random()));
        let binding_hash = self.vault.binding_hash.sign(&[binding.secret().expose()]).1;
        let login = PendingLogin {
            binding_hash,
            provider: wish.provider.info().name.clone(),
            redirect_uri: self.settings.callback_address(),
            nonce: URL_SAFE_NO_PAD.encode(self.random::<24>()),
            return_to: wish.return_to,
            max_age: wish.max_age,
            prior: self.prior_session(&question.presented),
            code_verifier,
        };
        let request = AuthorizationRequest {
            state: state.text(&self.vault.state),
            nonce: login.nonce.clone(),
            code_challenge: code_challenge(&login.code_verifier),
            redirect_uri: login.redirect_uri.clone(),
            max_age: login.max_age,
        };
        let address = match wish.provider.authorization_url(&request).await {
            Ok(address) => address,
            Err(error) => {
                let name = &login.provider;
                tracing::warn!(
                    provider = name,
                    request_id = call.request_id,
                    error = &error as &dyn std::error::Error,
                    "no login began"
                );
                let answer =
                    self.failed_login(LoginFailure::ProviderUnavailable, login.return_to.as_deref(), &context, call);
                return Ok(Outcome { answer, failure: Some(LoginFailure::ProviderUnavailable) });
            }
        };
        let key = state.key();
        let sealed = self.vault.seal_login(self.nonce(), &key, &login);
        let open = OpenLogin { sealed, binding: binding_hash };
        self.ports.logins.open(&key, open, self.settings.logins.ttl).await?;
        tracing::info!(provider = login.provider, request_id = call.request_id, "a login began");
        Ok(Outcome { answer: self.on_the_way(&address, &binding, &context), failure: None })
    }

    fn read_wish(&self, question: &Question) -> Result<Wish, LoginFailure> {
        let query =
            Parameters::form(&question.query, self.settings.limits.query_bytes).map_err(|cause| malformed(&cause))?;
        let in_path = std::str::from_utf8(&question.provider).map_err(|_| LoginFailure::ProviderUnknown)?;
        let provider = match (in_path, query.get("provider").unwrap_or_default()) {
            ("", "") => match self.ports.providers.all().as_slice() {
                [only] => Arc::clone(only),
                _ => return Err(LoginFailure::ProviderUnknown),
            },
            (name, "") | ("", name) => self.ports.providers.get(name).ok_or(LoginFailure::ProviderUnknown)?,
            _ => return Err(LoginFailure::ProviderUnknown),
        };
        let return_to = match query.get("redirect_uri").filter(|asked| !asked.is_empty()) {
            Some(asked) => Some(self.settings.places.allow(asked.as_bytes()).ok_or(LoginFailure::RedirectNotAllowed)?),
            None => None,
        };
        let max_age = match query.get("max_age").filter(|asked| !asked.is_empty()) {
            Some(asked) => {
                Some(Duration::from_secs(asked.parse::<u32>().map_err(|_| LoginFailure::RequestMalformed)?.into()))
            }
            None => None,
        };
        Ok(Wish { provider, return_to, max_age })
    }

    /// A login that did not begin, with what would have been allowed.
    fn refused_start(&self, failure: LoginFailure, context: &RequestContext, call: &Call) -> Outcome {
        let mut trouble = failure.trouble();
        tracing::info!(reason = trouble.reason, request_id = call.request_id, "no login began");
        match failure {
            LoginFailure::ProviderUnknown => {
                let names: Vec<_> = self.ports.providers.all().iter().map(|p| p.info().name.clone()).collect();
                trouble.remedy = format!("{} Known providers: {}.", trouble.remedy, names.join(", "));
            }
            LoginFailure::RedirectNotAllowed => {
                trouble.remedy = format!("{} Allowed: {}.", trouble.remedy, self.settings.places.allowed_list());
            }
            _ => (),
        }
        Outcome { answer: self.login_trouble(&trouble, context, call), failure: Some(failure) }
    }

    /// The session that the browser has, as its cookie says it: no read is needed, since ending one that is gone
    /// does no harm.
    pub(super) fn prior_session(&self, presented: &Presented) -> Option<SessionKey> {
        self.choose(presented).ok().map(|chosen| chosen.credential.key)
    }

    /// Every valid binding among the cookies.
    pub(super) fn bindings(&self, presented: &Presented) -> Vec<Binding> {
        let name = self.settings.cookie_name(&self.settings.cookies.binding);
        let cookies = presented.cookies.iter().filter(|cookie| cookie.name == name).take(self.settings.limits.cookies);
        cookies.filter_map(|cookie| Binding::read(&cookie.value, &self.vault.binding)).collect()
    }

    fn on_the_way(&self, address: &str, binding: &Binding, context: &RequestContext) -> HttpAnswer {
        let mut answer = if context.wants_json() {
            HttpAnswer::json(200, &json!({"url": address}))
        } else {
            HttpAnswer::redirect(302, address)
        };
        let name = self.settings.cookie_name(&self.settings.cookies.binding);
        let value = binding.text(&self.vault.binding);
        answer.set_cookies.push(cookie::set(&name, &value, self.settings.logins.ttl, self.settings.is_secure()));
        answer
    }
}

/// What can't be read is told to the log; a browser learns that it can't.
pub(super) fn malformed(cause: &Malformed) -> LoginFailure {
    tracing::info!(%cause, "what a browser sent can't be read");
    LoginFailure::RequestMalformed
}

/// The S256 code challenge of a verifier (RFC 7636, 4.2).
fn code_challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()))
}
