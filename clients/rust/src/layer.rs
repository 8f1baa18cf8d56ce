//! Owns sessions for an application's own routes: a tower layer and axum extractors. Does not know logins.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use tower::{Layer, Service};

use crate::answer::{Asker, Delivery};
use crate::gate::Gate;
use crate::presented;
use crate::session::Session;
use crate::v1;
use crate::verdict::Verdict;

/// Validates the session of every request before the application sees it.
///
/// - A living session is in the request's extensions as [`Session`]. Its cookies go out with the response, and so does its
///   new CSRF token where the credential was rotated.
/// - A request that the session may not make (CSRF, origin, a requirement) gets the authority's answer; the
///   application never sees it.
/// - Without a session the application goes ahead, unless the layer comes from [`Gate::require`]: then the browser gets
///   the authority's answer, 401 JSON or a redirect to the login. An extractor [`Session`] does the same.
/// - When the authority can't say, the browser gets 503 and keeps its cookies.
///
/// One layer per route is enough and costs one call; of two, the inner asks again with its own requirements.
/// Preflights pass through unasked: no cookies come with them, and CORS on these routes is the application's.
#[derive(Clone, Debug)]
pub struct SessionLayer {
    gate: Gate,
    is_required: bool,
    requirements: v1::Requirements,
}

impl SessionLayer {
    pub(crate) fn new(gate: Gate, is_required: bool) -> Self {
        Self { gate, is_required, requirements: v1::Requirements::default() }
    }

    /// Lets only sessions through that were granted all of these scopes.
    #[must_use]
    pub fn scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.requirements.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Lets only sessions through whose user authenticated at most this long ago, in whole seconds; others are sent to log in again.
    #[must_use]
    pub fn max_login_age(mut self, age: Duration) -> Self {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.requirements.max_login_age = Some(prost_types::Duration { seconds, nanos: 0 });
        self
    }

    /// Asks for a CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE.
    #[must_use]
    pub fn csrf_required(mut self) -> Self {
        self.requirements.set_csrf(v1::CsrfRequirement::Required);
        self
    }

    /// Asks for no CSRF token and judges no origin, for routes that are guarded in another way.
    #[must_use]
    pub fn csrf_not_required(mut self) -> Self {
        self.requirements.set_csrf(v1::CsrfRequirement::NotRequired);
        self
    }

    /// What is left to do about a request: serve it (with this on the response), or answer for it.
    async fn admit(&self, parts: &mut Parts) -> Result<Delivery, Response> {
        let asker = Asker::new(&parts.method, presented::request_id(&parts.headers));
        let Some(settings) = self.gate.settings(presented::host(parts).as_deref()) else {
            return Err(asker.unavailable(None));
        };
        let question = v1::ValidateSessionRequest {
            cookies: presented::session_cookies(parts, &settings),
            context: Some(presented::context(parts, &settings)),
            requirements: Some(self.requirements.clone()),
            can_set_cookies: true,
            ..v1::ValidateSessionRequest::default()
        };
        let client = self.gate.client().for_request(&asker.request_id);
        let checked = client.sessions().check(question).await.map_err(|error| asker.failed(&error))?;
        self.gate.saw_version(&checked.settings_version);
        parts.extensions.remove::<Session>();
        match checked.verdict {
            Verdict::Active(session) => {
                let delivery = Delivery::of(&session, &settings).map_err(|error| asker.failed(&error))?;
                parts.extensions.insert(session);
                Ok(delivery)
            }
            Verdict::Inactive(inactive) => {
                let nobody = Nobody { asker, answer: inactive.answer };
                if self.is_required {
                    return Err(nobody.response());
                }
                parts.extensions.insert(Arc::new(nobody));
                Ok(Delivery::default())
            }
            Verdict::Denied(v1::DeniedSession { answer: Some(answer), .. }) => Err(asker.copy(Some(answer))),
            Verdict::Denied(_) => {
                Err(asker.error(StatusCode::FORBIDDEN, "FORBIDDEN", "This session may not make this request."))
            }
        }
    }
}

/// Why there is no session behind a request: what to answer when its route needs one.
struct Nobody {
    asker: Asker,
    answer: Option<v1::HttpAnswer>,
}

impl Nobody {
    fn response(&self) -> Response {
        match &self.answer {
            Some(answer) => self.asker.copy(Some(answer.clone())),
            None => self.asker.error(StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN", "You are not signed in."),
        }
    }
}

/// Marks a response on which an inner layer has delivered what it had, so that an outer one adds no older ones.
#[derive(Clone)]
struct Delivered;

impl<S> Layer<S> for SessionLayer {
    type Service = WithSession<S>;

    fn layer(&self, inner: S) -> WithSession<S> {
        WithSession { layer: Arc::new(self.clone()), inner }
    }
}

/// The service of a [`SessionLayer`].
#[derive(Clone, Debug)]
pub struct WithSession<S> {
    layer: Arc<SessionLayer>,
    inner: S,
}

impl<S> Service<Request> for WithSession<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let spare = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(serve(Arc::clone(&self.layer), inner, request))
    }
}

async fn serve<S>(layer: Arc<SessionLayer>, mut inner: S, request: Request<Body>) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    if is_preflight(&request) {
        return inner.call(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let delivery = match layer.admit(&mut parts).await {
        Ok(delivery) => delivery,
        Err(answer) => return Ok(answer),
    };
    let mut response = inner.call(Request::from_parts(parts, body)).await?;
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Cookie"));
    if !delivery.is_empty() && response.extensions_mut().insert(Delivered).is_none() {
        delivery.add_to(response.headers_mut());
    }
    Ok(response)
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a request whose handler needs a session that is not there.
#[derive(Debug)]
pub struct NoSession(Response);

impl IntoResponse for NoSession {
    fn into_response(self) -> Response {
        self.0
    }
}

impl NoSession {
    fn behind(parts: &Parts) -> Self {
        if let Some(nobody) = parts.extensions.get::<Arc<Nobody>>() {
            return Self(nobody.response());
        }
        let asker = Asker::new(&parts.method, presented::request_id(&parts.headers));
        tracing::error!(path = parts.uri.path(), "a handler asks for the session, but no SessionLayer is on its route");
        Self(asker.error(StatusCode::INTERNAL_SERVER_ERROR, "NOT_CONFIGURED", "This route does not look for sessions."))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = NoSession;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoSession> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| NoSession::behind(parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = NoSession;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, NoSession> {
        match parts.extensions.get::<Self>() {
            Some(session) => Ok(Some(session.clone())),
            None if parts.extensions.get::<Arc<Nobody>>().is_some() => Ok(None),
            None => Err(NoSession::behind(parts)),
        }
    }
}
