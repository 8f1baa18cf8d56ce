//! Owns the routes of the application that an edge is tried out in. Does not know who serves it.

use std::time::Duration;

use axum::response::IntoResponse;
use axum::routing::{any, get};
use axum::{Extension, Router};
use gatelodge_client::{Edge, Requirements, Session, Token, TokenLayer};
use http::header::CONTENT_TYPE;
use serde_json::json;

/// The application, with the edge's routes.
pub fn application(edge: &Edge) -> Router {
    let gate = edge.gate();
    Router::new()
        .route("/open", get(|| async { "open" }))
        .route("/optional", get(perhaps).layer(gate.layer()))
        .route("/private", get(who).post(who).layer(gate.require()))
        .route("/any", any(whoever).layer(gate.require()))
        .route("/scoped", get(who).layer(gate.require().scopes(["admin"])))
        .route("/fresh", get(who).layer(gate.require().max_login_age(Duration::from_secs(1))))
        .route("/role", get(who).layer(gate.require().roles(["clerk"])))
        .route("/permitted", get(who).layer(gate.require().permissions(["orders.pay"])))
        .route("/verified", get(who).layer(gate.require().requirements(Requirements::new().email_verified())))
        .route("/strong", get(who).layer(gate.require().acr_values(["2"])))
        .route("/two-factor", get(who).layer(gate.require().requirements(Requirements::new().amr_values(["otp"]))))
        .route("/api", any(whose).layer(TokenLayer::new(gate.client().clone())))
        .route("/api/scoped", get(whose).layer(TokenLayer::new(gate.client().clone()).scopes(["admin"])))
        .route("/api/orders", get(whose).layer(TokenLayer::new(gate.client().clone()).audience("orders")))
        .route("/api/strong", get(whose).layer(TokenLayer::new(gate.client().clone()).acr_values(["2"])))
        .route("/both", get(who).layer((gate.require(), TokenLayer::new(gate.client().clone()))))
        .route("/twice", get(who).layer((gate.require(), gate.require().scopes(["admin"]))))
        .layer(edge.layer())
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

async fn whose(token: Token) -> impl IntoResponse {
    user(token.user_id())
}

fn user(user_id: Option<&str>) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "application/json")], json!({"user_id": user_id}).to_string())
}
