//! Owns how a guard stands before an application: what it does not admit gets its answer. Does not know by what it judges.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use tower::Service;

/// Judges requests, and answers in place of an application whose bodies are `A` where one may not go ahead.
pub trait Guard<A>: Send + Sync + 'static {
    /// Puts what it has found into the request's extensions.
    ///
    /// # Errors
    /// The answer to who may not go ahead.
    fn admit(&self, parts: &mut Parts) -> impl Future<Output = Result<(), Response<A>>> + Send;
}

/// An application behind a guard.
#[derive(Debug)]
pub struct Guarded<G, S> {
    guard: Arc<G>,
    inner: S,
}

impl<G, S> Guarded<G, S> {
    pub(super) fn new(guard: G, inner: S) -> Self {
        Self { guard: Arc::new(guard), inner }
    }
}

impl<G, S: Clone> Clone for Guarded<G, S> {
    fn clone(&self) -> Self {
        Self { guard: Arc::clone(&self.guard), inner: self.inner.clone() }
    }
}

impl<G, S, Q, A> Service<Request<Q>> for Guarded<G, S>
where
    G: Guard<A>,
    S: Service<Request<Q>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    Q: Send + 'static,
    A: 'static,
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
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if let Err(answer) = guard.admit(&mut parts).await {
                return Ok(answer);
            }
            inner.call(Request::from_parts(parts, body)).await
        })
    }
}
