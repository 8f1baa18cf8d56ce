//! Owns how the provider says no: to a browser with a page, to a client with JSON (RFC 6749, 5.2).
//! Does not know why.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::pages;
use super::parameters::Unreadable;

/// A refusal that a person reads: nothing is redirected.
#[derive(Debug)]
pub(super) struct PageRefusal(pub &'static str);

impl IntoResponse for PageRefusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, pages::refused(self.0)).into_response()
    }
}

/// A refusal that a client reads.
#[derive(Debug)]
pub(super) struct ClientRefusal {
    /// The error code of RFC 6749, 5.2.
    pub error: &'static str,
    /// A sentence for developers.
    pub description: &'static str,
}

impl ClientRefusal {
    /// With the code `invalid_request`.
    pub const fn invalid_request(description: &'static str) -> Self {
        Self { error: "invalid_request", description }
    }

    /// With the code `invalid_grant`.
    pub const fn invalid_grant(description: &'static str) -> Self {
        Self { error: "invalid_grant", description }
    }

    /// With the code `invalid_client`.
    pub const fn invalid_client(description: &'static str) -> Self {
        Self { error: "invalid_client", description }
    }

    /// With the code `server_error`.
    pub const fn server_error() -> Self {
        Self { error: "server_error", description: "the token could not be signed" }
    }
}

impl From<Unreadable> for ClientRefusal {
    fn from(unreadable: Unreadable) -> Self {
        Self::invalid_request(match unreadable {
            Unreadable::Doubled => "a parameter was given more than once",
            Unreadable::NotAForm => "the body must be application/x-www-form-urlencoded",
        })
    }
}

impl IntoResponse for ClientRefusal {
    fn into_response(self) -> Response {
        let status = match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = json_answer(status, &body);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"gatelodge development provider\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// JSON, as every endpoint for clients answers.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
