//! Owns the settings of the application in front: its sessions, addresses and proxies. Does not know the application.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rates::Rates;
use super::sessions::Sessions;

/// The application whose users log in.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct App {
    /// Sessions: their times, cookies, rules and secrets.
    pub sessions: Sessions,
    /// How often clients may do what anybody can.
    pub rates: Rates,
    /// Where browsers reach the edge, and where they may be sent.
    pub redirects: Redirects,
    /// Front ends on other origins.
    pub cors: Cors,
    /// Networks of proxies whose X-Forwarded-For and Forwarded lines are believed, and that may ask `/auth/verify`. None:
    /// the edge's peer is the client.
    #[schemars(with = "Vec<Network>")]
    pub trusted_proxies: Vec<IpNet>,
}

/// Where browsers reach the edge, and where they may be sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redirects {
    /// Origin at which browsers reach the edge. Its scheme alone decides whether cookies are for https only.
    #[schemars(extend("format" = "origin"))]
    pub public_base_url: String,
    /// Where to go after a login that names no place: a path, or an allowed address.
    pub after_login: String,
    /// Where to go after a logout: a path, or an allowed address.
    pub after_logout: String,
    /// Where to go after a failed login that names no place. Default: a page of our own.
    pub on_error: Option<String>,
    /// Addresses besides the edge's own that browsers may be sent to: exact, or every path below one (`/*`).
    pub allowed: Vec<String>,
    /// Exact addresses at which `user` and `csrf_token` are put into the query after a login.
    pub with_user_parameters: Vec<String>,
    /// How a completed login answers.
    pub callback_answer: CallbackAnswer,
}

/// How a completed login answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallbackAnswer {
    /// A redirect to the front end.
    #[default]
    Redirect,
    /// JSON with user and CSRF token.
    Json,
}

/// Front ends on other origins.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins besides the edge's own whose requests are let through, and answered with CORS headers.
    pub allowed_origins: Vec<WebOrigin>,
}

/// An origin: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "origin"))]
pub struct WebOrigin(pub String);

/// A network in CIDR form; the shape of [`IpNet`] for the schema.
#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "network"))]
struct Network(#[expect(dead_code, reason = "read by the schema alone")] String);

impl Default for Redirects {
    fn default() -> Self {
        Self {
            public_base_url: "http://localhost:8000".into(),
            after_login: "/".into(),
            after_logout: "/".into(),
            on_error: None,
            allowed: Vec::new(),
            with_user_parameters: Vec::new(),
            callback_answer: CallbackAnswer::default(),
        }
    }
}
