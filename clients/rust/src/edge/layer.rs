//! Owns the edge's routes as a tower layer before an application. Does not know what the routes answer.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, Service};

use super::route::{PROVIDER, Route};
use super::routes;
use crate::gate::Gate;
use crate::presented;

/// Answers the edge's routes, and leaves all other paths to the application behind it: see [`super::Edge::layer`].
///
/// The request's bodies are any of bytes, and the response's any that can be made of bytes (axum's, `Full<Bytes>`).
#[derive(Clone, Debug)]
pub struct EdgeLayer(Arc<Mounted>);

#[derive(Debug)]
struct Mounted {
    gate: Gate,
    routes: HashMap<String, Route>,
}

impl EdgeLayer {
    pub(super) fn new(gate: Gate, routes: HashMap<String, Route>) -> Self {
        Self(Arc::new(Mounted { gate, routes }))
    }
}

impl Mounted {
    /// The route whose paths name a provider where this one has a segment.
    fn of_provider(&self, path: &str) -> Option<Route> {
        let (start, last) = path.rsplit_once('/')?;
        let (start, provider) = start.rsplit_once('/')?;
        let pattern = || format!("{start}/{PROVIDER}/{last}");
        (!provider.is_empty()).then(pattern).and_then(|pattern| self.routes.get(&pattern).copied())
    }

    /// The route that a request asks for, but one of a set that is off where it came to.
    fn route<Q>(&self, request: &Request<Q>) -> Option<Route> {
        let path = request.uri().path();
        let route = self.routes.get(path).copied().or_else(|| self.of_provider(path))?;
        let host = presented::host_of(request.uri(), request.headers(), request.extensions());
        let is_off = self.gate.settings(host.as_deref()).is_some_and(|settings| !settings.is_on(route.set()));
        (!is_off || route.is_for_proxies()).then_some(route)
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = WithEdge<S>;

    fn layer(&self, inner: S) -> WithEdge<S> {
        WithEdge { mounted: Arc::clone(&self.0), inner }
    }
}

/// The service of an [`EdgeLayer`].
#[derive(Clone, Debug)]
pub struct WithEdge<S> {
    mounted: Arc<Mounted>,
    inner: S,
}

impl<S, Q, A> Service<Request<Q>> for WithEdge<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
    S::Future: Send + 'static,
    Q: HttpBody<Data = Bytes> + Send + 'static,
    Q::Error: Into<BoxError>,
    A: From<Bytes>,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        match self.mounted.route(&request) {
            Some(route) => {
                let mounted = Arc::clone(&self.mounted);
                let answer =
                    async move { routes::answer(&mounted.gate, route, request.map(Body::new)).await.map(A::from) };
                Box::pin(async move { Ok(answer.await) })
            }
            None => Box::pin(self.inner.call(request)),
        }
    }
}
