//! Owns the settings of sessions: their times, cookies, rules and secrets. Does not know what a session is.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;
use crate::crypto::Secret;

/// Sessions: their times, cookies, rules and secrets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// A session ends this long after login, whatever happens; also the cookie's Max-Age.
    pub max_age: Period,
    /// A session that is not used for this long ends. Default: `max_age`.
    pub idle_timeout: Option<Period>,
    /// Use of a session is written down at most this often; the idle limit is accurate to it.
    pub touch_interval: Period,
    /// How long a login may take from its start to the provider's answer.
    pub auth_session_ttl_seconds: Period,
    /// How long a CSRF token is good for, in hours.
    pub csrf_token_max_age_hours: u32,
    /// The header in which a CSRF token comes back.
    pub csrf_header: String,
    /// How long the same callback, delivered again, gets the same answer.
    pub repeat_answer_for: Period,
    /// How long a session that is gone is remembered to have been ended, and why.
    pub remember_ended_for: Period,
    /// The most living sessions of one user: a bound against floods, not a policy. A login beyond it is refused.
    pub max_sessions_per_user: usize,
    /// The cookies.
    pub cookie: Cookie,
    /// What a changed client means.
    pub security: Security,
    /// Secret from which the keys of credentials, sealing and fingerprints are made; at least 32 characters. Also
    /// read from the variable `SESSION_SIGNING_SECRET`.
    pub signing_secret: Option<Secret>,
    /// File that holds the signing secret, in place of `signing_secret`.
    pub signing_secret_file: Option<PathBuf>,
    /// Earlier signing secrets whose sessions still live: after a change keep the old one here for `max_age`.
    pub former_signing_secrets: Vec<Secret>,
    /// Secret from which the keys of CSRF tokens are made; at least 32 characters, another than `signing_secret`.
    /// Also read from the variable `CSRF_SIGNING_SECRET`.
    pub csrf_signing_secret: Option<Secret>,
    /// File that holds the CSRF signing secret, in place of `csrf_signing_secret`.
    pub csrf_signing_secret_file: Option<PathBuf>,
    /// Earlier CSRF signing secrets whose tokens are still good.
    pub former_csrf_signing_secrets: Vec<Secret>,
}

/// The cookies.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cookie {
    /// Name of the session cookie; under https it is `__Host-` and this.
    pub name: String,
    /// Whole former names under which the session cookie is still read.
    pub former_names: Vec<String>,
    /// Name of the cookie that ties a login to its browser; under https it is `__Host-` and this.
    pub binding_name: String,
}

/// What a changed client (user agent, accept-language) means. Neither is looked at when fingerprinting is off; when
/// it is on but not strict, a change is only noted.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Compare the client of each request with the one that logged in.
    pub enable_client_fingerprinting: bool,
    /// Refuse requests of a client that differs.
    pub strict_fingerprinting: bool,
}

impl Sessions {
    /// The idle limit: `idle_timeout`, else `max_age`.
    #[must_use]
    pub fn idle(&self) -> Period {
        self.idle_timeout.unwrap_or(self.max_age)
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            max_age: Period::seconds(86_400),
            idle_timeout: None,
            touch_interval: Period::seconds(60),
            auth_session_ttl_seconds: Period::seconds(600),
            csrf_token_max_age_hours: 12,
            csrf_header: "X-CSRF-Token".into(),
            repeat_answer_for: Period::seconds(60),
            remember_ended_for: Period::seconds(600),
            max_sessions_per_user: 1000,
            cookie: Cookie::default(),
            security: Security::default(),
            signing_secret: None,
            signing_secret_file: None,
            former_signing_secrets: Vec::new(),
            csrf_signing_secret: None,
            csrf_signing_secret_file: None,
            former_csrf_signing_secrets: Vec::new(),
        }
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self { name: "session".into(), former_names: Vec::new(), binding_name: "login_binding".into() }
    }
}

impl Default for Security {
    fn default() -> Self {
        Self { enable_client_fingerprinting: true, strict_fingerprinting: true }
    }
}
