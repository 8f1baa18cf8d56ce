//! Owns what a callback brings and belongs to: its strict reading, without IO, and what is known of its login.
//! Does not know how a login is completed.

use std::time::Duration;

use bytes::Bytes;

use super::api_answer::{check_collection, read_key, unreadable_collection};
use super::choose_sessions::Choice;
use super::complete_callback::Question;
use super::login_answer::{LoginFailure, Refusal};
use super::settings::{Limits, LoginSet};
use super::trail::Trail;
use super::{Authority, Call, Presented};
use crate::crypto::{Secret, digest};
use crate::session::binding::Binding;
use crate::session::key::LoginKey;
use crate::session::login::{LoginState, PendingLogin};
use crate::session::parameters::{Malformed, Parameters};
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// What the browser brought from the provider, as it came.
#[derive(Clone, Debug)]
pub enum Response {
    /// The callback's query.
    Query(Bytes),
    /// The callback's form body.
    Form(Bytes),
    /// The callback's JSON body.
    Json(Bytes),
    /// A front end collects what a callback of the set `api` has made.
    Collection {
        /// The body, JSON.
        body: Bytes,
        /// The Idempotency-Key header; empty for none.
        key: Bytes,
    },
}

/// A callback whose state and binding are ours.
pub(super) struct Callback {
    pub(super) set: LoginSet,
    pub(super) key: LoginKey,
    pub(super) state: LoginState,
    pub(super) bindings: Vec<Binding>,
    pub(super) parameters: Parameters,
    pub(super) choice: Option<Choice>,
    /// The key under which it collects a session that was made before; `None` for one that makes it.
    pub(super) collects: Option<Secret>,
    /// The provider that its path names; empty where it names none.
    pub(super) provider: Bytes,
    /// Whether a form brought it.
    pub(super) by_form: bool,
}

/// A callback, and what belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) callback: &'a Callback,
    pub(super) presented: &'a Presented,
    pub(super) context: &'a RequestContext,
    pub(super) call: &'a Call,
    /// The steps that it takes.
    pub(super) trail: &'a Trail,
}

/// A taken login.
pub(super) struct Taken {
    pub(super) login: PendingLogin,
    pub(super) started: Timestamp,
    pub(super) remaining: Duration,
}

impl Response {
    /// Its parameters, read strictly.
    pub(super) fn parameters(&self, limits: &Limits) -> Result<Parameters, Malformed> {
        match self {
            Self::Query(bytes) => Parameters::form(bytes, limits.query_bytes),
            Self::Form(bytes) => Parameters::form(bytes, limits.body_bytes),
            Self::Json(bytes) | Self::Collection { body: bytes, .. } => Parameters::json(bytes, limits.body_bytes),
        }
    }
}

impl Authority {
    /// Reads what came, without IO: what is not ours goes no further.
    pub(super) fn read_callback(&self, question: &Question, context: &RequestContext) -> Result<Callback, Refusal> {
        let collects = match &question.response {
            Response::Collection { key, .. } => Some(read_key(key)?),
            Response::Query(_) | Response::Form(_) | Response::Json(_) => None,
        };
        let parameters = question.response.parameters(&self.settings.limits);
        let parameters = parameters.map_err(|cause| match &collects {
            Some(_) => unreadable_collection(&cause),
            None => Refusal::malformed(cause.to_string()),
        })?;
        match question.set {
            LoginSet::Spa => self.check_forwarding(&question.response, context)?,
            LoginSet::Api if collects.is_some() => check_collection(&parameters)?,
            LoginSet::Api => self.known_provider(&question.provider).map(drop)?,
            LoginSet::Web => (),
        }
        if collects.is_some() {
            self.check_origin(context)?;
        }
        let ring = self.state_ring(question.set);
        let state = parameters.get("state").and_then(|text| LoginState::read(text, ring));
        let state = state.filter(|state| state.tenant == self.settings.tenant).ok_or(LoginFailure::StateInvalid)?;
        // A link can't choose.
        let choice = match &question.response {
            Response::Query(_) | Response::Collection { .. } => None,
            Response::Form(_) | Response::Json(_) => self.read_choice(&parameters, context)?,
        };
        match (parameters.get("code"), parameters.get("error"), &choice) {
            (Some(_), Some(_), _) => return Err(Refusal::malformed("The parameters code and error came both")),
            (None, None, None) => return Err(Refusal::malformed("Neither of the parameters code and error came")),
            (None, None, Some(_)) | (_, _, None) => (),
            _ => return Err(Refusal::malformed("The parameter end came with a code or an error")),
        }
        let bindings = self.bindings(&question.presented);
        if bindings.is_empty() {
            return Err(LoginFailure::OtherBrowser.into());
        }
        let by_form = matches!(question.response, Response::Form(_));
        let (set, provider) = (question.set, question.provider.clone());
        Ok(Callback { set, key: state.key(), state, bindings, parameters, choice, collects, provider, by_form })
    }

    /// What a front end forwards comes as JSON, which no form of another site can send, and from a page that may send it.
    fn check_forwarding(&self, response: &Response, context: &RequestContext) -> Result<(), Refusal> {
        if !matches!(response, Response::Json(_)) {
            return Err(Refusal::malformed("The body is not JSON: send it with Content-Type: application/json"));
        }
        self.check_origin(context)
    }
}

impl Callback {
    /// What the kept answer knows the code, or the choice, by.
    pub(super) fn code_hash(&self) -> [u8; 32] {
        let brought = self.parameters.get("code").or_else(|| self.parameters.get("end"));
        digest("gatelodge code", &[brought.unwrap_or_default().as_bytes()])
    }
}
