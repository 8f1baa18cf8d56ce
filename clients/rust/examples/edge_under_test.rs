//! Owns the small application that `tests/edges` runs the Rust edge in. Does not know the cases.
//!
//! Reads `GATELODGE_ADDRESS`, `GATELODGE_API_KEY`, `LISTEN` and, if set, `MOUNT_PREFIX`; prints "ready" once it listens.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::{Extension, Router};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, Session};
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the edge can't run");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mount_prefix = std::env::var("MOUNT_PREFIX").unwrap_or_default();
    let client = Client::connect(&ClientOptions::from_env()?)?;
    let edge = Edge::new(client, EdgeOptions { mount_prefix, ..EdgeOptions::default() })?;
    let gate = edge.gate();
    let application = Router::new()
        .route("/open", get(|| async { "open" }))
        .route("/optional", get(perhaps).layer(gate.layer()))
        .route("/private", get(who).post(who).layer(gate.require()))
        .route("/any", any(whoever).layer(gate.require()))
        .route("/scoped", get(who).layer(gate.require().scopes(["admin"])))
        .route("/fresh", get(who).layer(gate.require().max_login_age(Duration::from_secs(1))))
        .merge(edge.router());
    let listener = TcpListener::bind(std::env::var("LISTEN")?).await?;
    #[expect(clippy::print_stdout, reason = "the suite waits for this line")]
    {
        println!("ready");
    }
    Ok(axum::serve(listener, application.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

async fn who(session: Session) -> impl IntoResponse {
    user(Some(session.user_id()))
}

async fn perhaps(session: Option<Session>) -> impl IntoResponse {
    user(session.as_ref().map(Session::user_id))
}

/// Runs for every method, whether there is a session or not: so the suite can tell that it never runs without one.
async fn whoever(session: Option<Extension<Session>>) -> impl IntoResponse {
    user(session.as_ref().map(|Extension(session)| session.user_id()))
}

fn user(user_id: Option<&str>) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "application/json")], json!({"user_id": user_id}).to_string())
}
