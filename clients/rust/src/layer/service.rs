//! Owns how a layer of sessions stands before an application, whatever its framework. Does not know how it judges.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, Service};

use super::SessionLayer;
use crate::answer::{CouldNotSay, vary_by};
use crate::cors;

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

impl<S, Q, A> Service<Request<Q>> for WithSession<S>
where
    S: Service<Request<Q>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    Q: Send + 'static,
    A: From<Bytes> + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let spare = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(serve(Arc::clone(&self.layer), inner, request))
    }
}

async fn serve<S, Q, A>(layer: Arc<SessionLayer>, mut inner: S, request: Request<Q>) -> Result<Response<A>, S::Error>
where
    S: Service<Request<Q>, Response = Response<A>>,
    A: From<Bytes>,
{
    let (mut parts, body) = request.into_parts();
    if cors::is_preflight(&parts) {
        return match layer.preflight(&mut parts) {
            Some(answer) => Ok(answer.map(A::from)),
            None => inner.call(Request::from_parts(parts, body)).await,
        };
    }
    let delivery = match layer.admit(&mut parts).await {
        Ok(delivery) => delivery,
        Err(answer) => return Ok(answer.map(A::from)),
    };
    let mut response = inner.call(Request::from_parts(parts, body)).await?;
    vary_by(response.headers_mut(), "Cookie");
    let says_nothing = response.extensions().get::<CouldNotSay>().is_some();
    if !delivery.is_empty() && !says_nothing && response.extensions_mut().insert(Delivered).is_none() {
        delivery.add_to(response.headers_mut());
    }
    Ok(response)
}
