//! Owns the settings of the application in front: its sessions, addresses and proxies. Does not know the application.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::period::Period;
use super::rates::Rates;
use super::sessions::Sessions;
use super::tokens::Mint;

/// The application whose users log in.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct App {
    /// Sessions: their times, cookies, rules and secrets.
    pub sessions: Sessions,
    /// How often clients may do what anybody can.
    pub rates: Rates,
    /// Calls that name themselves, so that a repeat is known.
    pub idempotency: Idempotency,
    /// What is written down of what happened, to be asked for a while.
    pub audit: Audit,
    /// Where browsers reach the edge, and where they may be sent.
    pub redirects: Redirects,
    /// Front ends that forward the code of a login, and hold a token.
    pub spa: Spa,
    /// Front ends on other origins.
    pub cors: Cors,
    /// Networks of proxies whose X-Forwarded-For and Forwarded lines are believed, and that may ask `/auth/verify`. None:
    /// the edge's peer is the client.
    #[schemars(with = "Vec<Network>")]
    pub trusted_proxies: Vec<IpNet>,
}

/// Calls that name themselves, so that a repeat is known.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Idempotency {
    /// How long a call with the same `idempotency_key` and the same request gets the same answer. 0: keys are not looked at.
    pub keep_answers_for: Period,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self { keep_answers_for: Period::seconds(600) }
    }
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

/// Front ends that forward the code of a login, and hold a token: where `edge.routes` has `spa`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spa {
    /// The provider of a login that names none. Default: the only one that there is.
    pub provider: Option<String>,
    /// The front end's own page to which a provider sends the browser, a path or an address; `{provider}` stands for the
    /// provider's name. It is registered at the provider.
    pub page: String,
    /// Whom its tokens are for, one of `tokens.mint.audiences`. Default: the first of them.
    pub audience: Option<String>,
    /// How long a token lives, and so its session.
    pub token_lifetime: Period,
}

impl Spa {
    /// The page, as an address.
    #[must_use]
    pub fn page_at(&self, public_base_url: &str) -> String {
        if self.page.starts_with('/') { format!("{public_base_url}{}", self.page) } else { self.page.clone() }
    }

    /// Whom its tokens are for, if anybody.
    #[must_use]
    pub fn audience_of<'a>(&'a self, mint: &'a Mint) -> Option<&'a String> {
        self.audience.as_ref().or(mint.audiences.first())
    }
}

impl Default for Spa {
    fn default() -> Self {
        Self { provider: None, page: "/auth/{provider}".into(), audience: None, token_lifetime: Period::seconds(3600) }
    }
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
