//! Owns who calls a gRPC server: the session or the bearer token in a call's metadata. Does not know browsers.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::Layer;

use super::asking::asking;
use super::guarded::{Guard, Guarded};
use crate::client::error::Error;
use crate::client::tokens::TokenVerdict;
use crate::gate::Gate;
use crate::presented;
use crate::requirements::Requirements;
use crate::session::Session;
use crate::token::Token;
use crate::v1;
use crate::verdict::Verdict;

/// Finds who is behind every call of a gRPC server, and puts a [`Caller`] into the request's extensions:
/// `Server::builder().layer(gate.require_grpc())`.
///
/// - `authorization: Bearer TOKEN` is an access token, which `ValidateToken` judges. Without one, the session cookie in
///   the metadata `cookie`, as a gateway passes it on, is what `ValidateSession` judges.
/// - Where edge settings of several tenants are known, the call's `:authority` says whose session cookies are read.
/// - No request context is sent, since the peer is no browser: scopes and the age of the login are judged, and CSRF,
///   origin and fingerprint are not. Let browsers call through an edge.
/// - Who may not call ends with `PERMISSION_DENIED`. Without a caller the handler goes ahead, unless the layer comes from
///   [`Gate::require_grpc`]: then the call ends with `UNAUTHENTICATED`.
/// - When the authority can't say, the call ends with `UNAVAILABLE`, whatever the authority's own status was.
/// - The caller of a stream is looked for when it begins. `grpc.health.v1` passes unasked.
#[derive(Clone, Debug)]
pub struct GrpcLayer {
    gate: Gate,
    is_required: bool,
    requirements: Requirements,
    audience: String,
}

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Somebody by a session.
    Session(Session),
    /// Somebody, or a program, by a bearer token.
    Token(Token),
}

impl Caller {
    /// The user's stable id. `None` for a token that speaks for no user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Session(session) => Some(session.user_id()),
            Self::Token(token) => token.user_id(),
        }
    }
}

asking!(GrpcLayer, "callers");

impl GrpcLayer {
    pub(crate) fn new(gate: Gate, is_required: bool) -> Self {
        Self { gate, is_required, requirements: Requirements::new(), audience: String::new() }
    }

    /// Lets only tokens through that are for this audience. Sessions have none.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    async fn find(&self, parts: &mut Parts) -> Result<(), Status> {
        if parts.uri.path().starts_with("/grpc.health.v1.Health/") {
            return Ok(());
        }
        parts.extensions.remove::<Caller>();
        let request_id = presented::request_id(&parts.headers);
        let caller = match presented::bearer(&parts.headers) {
            Some(token) => self.by_token(token, &request_id).await?,
            None => self.by_session(parts, &request_id).await?,
        };
        match caller {
            Some(caller) => _ = parts.extensions.insert(caller),
            None if self.is_required => return Err(Status::unauthenticated("You are not signed in.")),
            None => (),
        }
        Ok(())
    }

    async fn by_token(&self, token: Bytes, request_id: &str) -> Result<Option<Caller>, Status> {
        let client = self.gate.client().for_request(request_id);
        let requirements =
            v1::TokenRequirements { audience: self.audience.clone(), ..self.requirements.clone().into() };
        let question = v1::ValidateTokenRequest { token, requirements: Some(requirements), ..Default::default() };
        match client.tokens().check(question).await.map_err(|error| unavailable(request_id, &error))? {
            TokenVerdict::Active(token) => Ok(Some(Caller::Token(Token::new(*token)))),
            TokenVerdict::Inactive(_) => Ok(None),
            TokenVerdict::Denied(_) => Err(Status::permission_denied("This token may not make this call.")),
        }
    }

    async fn by_session(&self, parts: &Parts, request_id: &str) -> Result<Option<Caller>, Status> {
        let none = || unavailable(request_id, &Error::could_not_say("there are no settings yet"));
        let settings = self.gate.settings(presented::host(parts).as_deref()).ok_or_else(none)?;
        let question = v1::ValidateSessionRequest {
            cookies: presented::session_cookies(parts, &settings),
            requirements: Some(self.requirements.clone().into()),
            ..Default::default()
        };
        let client = self.gate.client().for_request(request_id);
        let checked = client.sessions().check(question).await.map_err(|error| unavailable(request_id, &error))?;
        self.gate.saw_version(&checked.settings_version);
        match checked.verdict {
            Verdict::Active(session) => Ok(Some(Caller::Session(session))),
            Verdict::Inactive(_) => Ok(None),
            Verdict::Denied(denied) => {
                let remedy = denied.remedy;
                Err(Status::permission_denied(format!("This session may not make this call. {remedy}").trim_end()))
            }
        }
    }
}

/// "Could not say". It is never the authority's own status: that one speaks of this server's key.
fn unavailable(request_id: &str, cause: &Error) -> Status {
    tracing::warn!(error = %cause, request_id, "the authority could not say who calls");
    let mut details = ErrorDetails::new();
    details.set_retry_info(cause.retry_after());
    let detail = "The service can't check who you are right now. Try again in a moment.";
    Status::with_error_details(Code::Unavailable, detail, details)
}

impl<A: Default> Guard<A> for GrpcLayer {
    async fn admit(&self, parts: &mut Parts) -> Result<(), Response<A>> {
        self.find(parts).await.map_err(Status::into_http)
    }
}

impl<S> Layer<S> for GrpcLayer {
    type Service = Guarded<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded::new(self.clone(), inner)
    }
}
