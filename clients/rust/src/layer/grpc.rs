//! Owns who calls a gRPC server: the session or the bearer token in a call's metadata. Does not know browsers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Request, Response};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::{Layer, Service};

use crate::client::error::Error;
use crate::client::tokens::TokenVerdict;
use crate::gate::Gate;
use crate::presented;
use crate::session::Session;
use crate::v1;
use crate::verdict::Verdict;

/// Finds who is behind every call of a gRPC server, and puts a [`Caller`] into the request's extensions:
/// `Server::builder().layer(gate.require_grpc())`.
///
/// - `authorization: Bearer TOKEN` is an access token, which `ValidateToken` judges. Without one, the session cookie in
///   the metadata `cookie`, as a gateway passes it on, is what `ValidateSession` judges.
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
    requirements: v1::TokenRequirements,
}

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Somebody by a session.
    Session(Session),
    /// Somebody, or a program, by a bearer token.
    Token(Arc<v1::ActiveToken>),
}

impl Caller {
    /// The user's stable id. `None` for a token that speaks for no user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        let user_id = match self {
            Self::Session(session) => session.user_id(),
            Self::Token(token) => token.identity.as_ref().map_or("", |identity| &identity.user_id),
        };
        (!user_id.is_empty()).then_some(user_id)
    }
}

impl GrpcLayer {
    pub(crate) fn new(gate: Gate, is_required: bool) -> Self {
        Self { gate, is_required, requirements: v1::TokenRequirements::default() }
    }

    /// Lets only callers through that were granted all of these scopes.
    #[must_use]
    pub fn scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.requirements.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Lets only callers through whose user authenticated at most this long ago, in whole seconds.
    #[must_use]
    pub fn max_login_age(mut self, age: Duration) -> Self {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.requirements.max_login_age = Some(prost_types::Duration { seconds, nanos: 0 });
        self
    }

    /// Lets only tokens through that are for this audience. Sessions have none.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.requirements.audience = audience.into();
        self
    }

    async fn admit(&self, parts: &mut Parts) -> Result<(), Status> {
        if parts.uri.path().starts_with("/grpc.health.v1.Health/") {
            return Ok(());
        }
        parts.extensions.remove::<Caller>();
        let request_id = presented::request_id(&parts.headers);
        let caller = match bearer(parts) {
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
        let requirements = Some(self.requirements.clone());
        let question = v1::ValidateTokenRequest { token, requirements, ..Default::default() };
        match client.tokens().check(question).await.map_err(|error| unavailable(request_id, &error))? {
            TokenVerdict::Active(token) => Ok(Some(Caller::Token(token.into()))),
            TokenVerdict::Inactive(_) => Ok(None),
            TokenVerdict::Denied(_) => Err(Status::permission_denied("This token may not make this call.")),
        }
    }

    async fn by_session(&self, parts: &Parts, request_id: &str) -> Result<Option<Caller>, Status> {
        let none = || unavailable(request_id, &Error::could_not_say("there are no settings yet"));
        let settings = self.gate.settings(None).ok_or_else(none)?;
        let v1::TokenRequirements { scopes, max_login_age, .. } = self.requirements.clone();
        let question = v1::ValidateSessionRequest {
            cookies: presented::session_cookies(parts, &settings),
            requirements: Some(v1::Requirements { scopes, max_login_age, ..Default::default() }),
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

/// What came after `Bearer`, the scheme without case.
fn bearer(parts: &Parts) -> Option<Bytes> {
    let value = parts.headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(value.iter().position(|byte| *byte == b' ')?)?;
    scheme.eq_ignore_ascii_case(b"bearer").then(|| Bytes::copy_from_slice(token.trim_ascii()))
}

/// "Could not say". It is never the authority's own status: that one speaks of this server's key.
fn unavailable(request_id: &str, cause: &Error) -> Status {
    tracing::warn!(error = %cause, request_id, "the authority could not say who calls");
    let mut details = ErrorDetails::new();
    details.set_retry_info(cause.retry_after());
    let detail = "The service can't check who you are right now. Try again in a moment.";
    Status::with_error_details(Code::Unavailable, detail, details)
}

impl<S> Layer<S> for GrpcLayer {
    type Service = WithCaller<S>;

    fn layer(&self, inner: S) -> WithCaller<S> {
        WithCaller { layer: Arc::new(self.clone()), inner }
    }
}

/// The service of a [`GrpcLayer`].
#[derive(Clone, Debug)]
pub struct WithCaller<S> {
    layer: Arc<GrpcLayer>,
    inner: S,
}

impl<S, Q, A> Service<Request<Q>> for WithCaller<S>
where
    S: Service<Request<Q>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    Q: Send + 'static,
    A: Default + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        let layer = Arc::clone(&self.layer);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match layer.admit(&mut parts).await {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}
