//! Owns the page that Prometheus reads metrics from, on a listener of its own. Does not know what they say.

use std::future::Future;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder as _, Registry, TextEncoder};
use tokio::net::TcpListener;

/// Serves `/metrics`, and nothing else, for as long as the future is not dropped.
pub(super) fn serving(registry: Registry, listener: TcpListener) -> impl Future<Output = ()> + Send {
    let pages = Router::new().route("/metrics", get(page)).with_state(registry);
    async move {
        // It ends only when it is dropped.
        let _ = axum::serve(listener, pages).await;
    }
}

async fn page(State(registry): State<Registry>) -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the metrics can't be written down");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
