//! Owns axum's way to the session of a request: [`Session`] as a handler's argument. Does not know how it was found.

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::nobody::Nobody;
use crate::answer::{Answer, Asker};
use crate::presented;
use crate::session::Session;

/// The answer to a request whose handler needs a session, or a token, that is not there.
#[derive(Debug)]
pub struct NoSession(Answer);

impl IntoResponse for NoSession {
    fn into_response(self) -> Response {
        self.0.map(Body::from)
    }
}

impl NoSession {
    fn behind(parts: &Parts) -> Self {
        if let Some(nobody) = Nobody::behind(&parts.extensions) {
            return Self(nobody.answer());
        }
        Self::unguarded(parts, "session", "SessionLayer")
    }

    /// A handler asks for what nothing on its route looks for.
    pub(super) fn unguarded(parts: &Parts, what: &str, layer: &str) -> Self {
        let asker = Asker::new(&parts.method, presented::request_id(&parts.headers));
        tracing::error!(path = parts.uri.path(), "a handler asks for the {what}, but no {layer} is on its route");
        let detail = format!("This route looks for no {what}.");
        Self(asker.error(StatusCode::INTERNAL_SERVER_ERROR, "NOT_CONFIGURED", &detail))
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
            None if Nobody::behind(&parts.extensions).is_some() => Ok(None),
            None => Err(NoSession::behind(parts)),
        }
    }
}
