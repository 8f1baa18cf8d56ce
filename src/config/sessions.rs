//! Owns the settings of sessions: their times, cookies, rules and secrets. Does not know what a session is.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;
use super::rings::Rings;
use crate::crypto::Secret;

/// Sessions: their times, cookies, rules and secrets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// A session ends this long after login, whatever happens; also the cookie's Max-Age.
    pub max_age: Period,
    /// A session that is not used for this long ends. Default: `max_age`.
    pub idle_timeout: Option<Period>,
    /// Sessions of people who asked to be remembered, with limits of their own.
    pub remember_me: RememberMe,
    /// How the credential of a living session is replaced.
    pub rotation: Rotation,
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
    /// The most living sessions of all users of the tenant together. A login beyond it is refused. 0: no limit.
    pub max_sessions_per_tenant: u64,
    /// The most logins of the tenant that are under way at once. One beyond it does not begin. 0: no limit.
    pub max_logins_under_way: u32,
    /// How many living sessions one user may have at once, as a policy.
    pub limit: Limit,
    /// What applications may keep with a session (`UpdateAttributes`).
    pub attributes: Attributes,
    /// The cookies.
    pub cookie: Cookie,
    /// What a changed client means.
    pub security: Security,
    /// Secret from which the keys of credentials, sealing and fingerprints are made; at least 32 characters. Also
    /// read from the variable `SESSION_SIGNING_SECRET`.
    pub signing_secret: Option<Secret>,
    /// File that holds the signing secret, in place of `signing_secret`.
    pub signing_secret_file: Option<PathBuf>,
    /// Earlier signing secrets whose sessions still live: after a change keep the old one here for `max_age`
    /// (of `remember_me`, where enabled).
    pub former_signing_secrets: Vec<Secret>,
    /// Secret from which the keys of CSRF tokens are made; at least 32 characters, another than `signing_secret`.
    /// Also read from the variable `CSRF_SIGNING_SECRET`.
    pub csrf_signing_secret: Option<Secret>,
    /// File that holds the CSRF signing secret, in place of `csrf_signing_secret`.
    pub csrf_signing_secret_file: Option<PathBuf>,
    /// Earlier CSRF signing secrets whose tokens are still good.
    pub former_csrf_signing_secrets: Vec<Secret>,
    /// Keys with dates, so that one takes the place of another without a restart, at the same time on every replica.
    pub rings: Rings,
    /// File that holds `rings`, and can be replaced by itself; `gatelodge rings rotate` writes it.
    pub rings_file: Option<PathBuf>,
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

/// How many living sessions one user may have at once, and what becomes of a login beyond it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// So many. 0: as many as `max_sessions_per_user`.
    pub max: usize,
    /// What becomes of a login beyond it.
    pub on_exceed: OnExceed,
}

/// What becomes of a login of somebody who has as many sessions as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnExceed {
    /// It fails, and says so.
    Refuse,
    /// The oldest sessions end, as many as it takes.
    EndOldest,
    /// The person is asked which sessions end, and the login waits for it.
    Ask,
}

/// What applications may keep with a session.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    /// Names and values together, in bytes.
    pub max_bytes: usize,
    /// How many values.
    pub max_count: usize,
}

/// Sessions of people who asked to be remembered: a login that was started with `remember_me=true`. Where they are off
/// such a login makes an ordinary session.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RememberMe {
    /// Whether there are such sessions.
    pub enabled: bool,
    /// One ends this long after login, whatever happens; also its cookie's Max-Age.
    pub max_age: Period,
    /// One that is not used for this long ends.
    pub idle_timeout: Period,
}

/// How the credential of a living session is replaced, in answers that can set a cookie.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// A credential is replaced this long after it was first used. 0: never.
    pub after: Period,
    /// The one before stays good this long once its successor came back. After it, its use ends the session as stolen.
    pub grace: Period,
}

/// What a changed client means: its user agent without versions, the first language it accepts, and, where switched on,
/// its network. None is looked at when fingerprinting is off; when it is on but not strict, a change is only noted.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Compare the client of each request with the one that logged in.
    pub enable_client_fingerprinting: bool,
    /// Refuse requests of a client that differs.
    pub strict_fingerprinting: bool,
    /// The two above in one word, and before them where it is given.
    pub fingerprint: Option<Fingerprint>,
    /// Compare the client's network too. People who change networks (phones, laptops) then differ.
    pub fingerprint_ip_address: bool,
    /// How many leading bits of an IPv4 address name its network.
    pub ipv4_prefix: u8,
    /// How many leading bits of an IPv6 address name its network.
    pub ipv6_prefix: u8,
}

/// What a changed client means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fingerprint {
    /// Nothing.
    Off,
    /// It is noted in the answer and in the log.
    Warn,
    /// The request is refused.
    Strict,
}

impl Security {
    /// The mode: the word, else what the two booleans say.
    #[must_use]
    pub const fn mode(&self) -> Fingerprint {
        match (self.fingerprint, self.enable_client_fingerprinting, self.strict_fingerprinting) {
            (Some(mode), ..) => mode,
            (None, false, _) => Fingerprint::Off,
            (None, true, false) => Fingerprint::Warn,
            (None, true, true) => Fingerprint::Strict,
        }
    }
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
            remember_me: RememberMe::default(),
            rotation: Rotation::default(),
            touch_interval: Period::seconds(60),
            auth_session_ttl_seconds: Period::seconds(600),
            csrf_token_max_age_hours: 12,
            csrf_header: "X-CSRF-Token".into(),
            repeat_answer_for: Period::seconds(60),
            remember_ended_for: Period::seconds(600),
            max_sessions_per_user: 1000,
            max_sessions_per_tenant: 0,
            max_logins_under_way: 100_000,
            limit: Limit::default(),
            attributes: Attributes::default(),
            cookie: Cookie::default(),
            security: Security::default(),
            signing_secret: None,
            signing_secret_file: None,
            former_signing_secrets: Vec::new(),
            csrf_signing_secret: None,
            csrf_signing_secret_file: None,
            former_csrf_signing_secrets: Vec::new(),
            rings: Rings::default(),
            rings_file: None,
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
        Self {
            enable_client_fingerprinting: true,
            strict_fingerprinting: true,
            fingerprint: None,
            fingerprint_ip_address: false,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
        }
    }
}

impl Default for RememberMe {
    fn default() -> Self {
        Self { enabled: false, max_age: Period::seconds(30 * 86_400), idle_timeout: Period::seconds(7 * 86_400) }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self { max: 0, on_exceed: OnExceed::Refuse }
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self { max_bytes: 4096, max_count: 32 }
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Self { after: Period::seconds(0), grace: Period::seconds(30) }
    }
}
