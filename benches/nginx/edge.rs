//! Owns the HTTP server that nginx asks: a Rust edge with an empty answer beside its routes. Does not
//! know who asks.

use axum::Router;
use axum::routing::get;
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, ROUTE_SETS};
use http::StatusCode;

use crate::Result;
use crate::server_process::listen;

/// Is that server until its standard input ends.
pub async fn serve() -> Result<()> {
    let edge = Edge::new(
        Client::connect(&ClientOptions::from_env()?)?,
        EdgeOptions { route_sets: ROUTE_SETS.into(), ..EdgeOptions::default() },
    )?;
    edge.gate().ready().await;
    let (listener, stop) = listen().await?;
    let empty = Router::new().route("/empty", get(|| async { StatusCode::NO_CONTENT }));
    edge.serve(empty, listener, stop).await;
    Ok(())
}
