//! Owns the values that the use cases go by. Does not know where they come from: files and variables are `config`'s.

use std::time::Duration;

pub use super::audit_settings::{AuditSettings, ClientAddresses};
pub use super::rates::Rates;
use crate::crypto::SignatureAlgorithm;
use crate::session::client::TrustedProxies;
use crate::session::fingerprint::FingerprintPolicy;
use crate::session::key::TenantNumber;
use crate::session::login_wish::{LONGEST_VALUE, MOST_VALUES};
use crate::session::origin::Origin;
use crate::session::place::Places;
use crate::session::record::Standing;
use crate::session::rotation::RotationPolicy;
use crate::session::time::Lifetimes;

/// Everything the use cases go by, for one tenant.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tenant's number, under the MAC of every state and credential.
    pub tenant: TenantNumber,
    /// The tenant's name, as answers show it.
    pub tenant_name: String,
    /// Where browsers reach the edge. Its scheme alone decides `__Host-` and `Secure`.
    pub public_base_url: Origin,
    /// What the edges put before the paths of their route sets; empty or "/prefix".
    pub mount_prefix: String,
    /// The route sets that edges serve.
    pub route_sets: Vec<RouteSet>,
    /// The cookies.
    pub cookies: CookieSettings,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// How long "remember me" sessions live; `None` where there are none.
    pub remember_me: Option<Lifetimes>,
    /// When credentials are replaced.
    pub rotation: RotationPolicy,
    /// The rules for requests that change something.
    pub csrf: CsrfSettings,
    /// What a changed client means.
    pub fingerprint: FingerprintPolicy,
    /// Whose forwarded lines are believed.
    pub trusted_proxies: TrustedProxies,
    /// Where browsers may be sent.
    pub places: Places,
    /// How a completed login answers.
    pub callback_answer: CallbackAnswer,
    /// Logins and their answers.
    pub logins: LoginSettings,
    /// The provider's tokens.
    pub tokens: TokenSettings,
    /// How answers may be kept; `None`: not at all.
    pub cache: Option<CacheSettings>,
    /// Tokens of our own; `None` when none are minted.
    pub mint: Option<MintSettings>,
    /// Logins whose code a front end forwards; `None` while the route set `spa` is off. It needs `mint`.
    pub spa: Option<SpaSettings>,
    /// How many living sessions one user may have: a bound on every script, not a policy.
    pub sessions_per_user: usize,
    /// How many living sessions one user may have by the application's policy, and what becomes of a login beyond it.
    pub session_limit: Option<SessionLimit>,
    /// What applications may keep with a session.
    pub attributes: AttributeLimits,
    /// How long a session that is gone is remembered to have been ended.
    pub remember_ended_for: Duration,
    /// How much of what a browser sent is read.
    pub limits: Limits,
    /// How often what may be done.
    pub rates: Rates,
    /// What is kept of what happened, to be asked; `None`: nothing, the log alone has it.
    pub audit: Option<AuditSettings>,
    /// How much of what the tenant may have at once.
    pub capacity: Capacity,
    /// How long the answer to a call with an idempotency key is repeated; `None`: keys are not looked at.
    pub keep_answers_for: Option<Duration>,
    /// The header in which whatever stands before an edge says where the client is.
    pub place_header: Option<String>,
}

/// How much a tenant may have at once; as much as comes by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Logins under way.
    pub logins: Option<u32>,
    /// Living sessions of all its users.
    pub sessions: Option<u64>,
}

/// How many living sessions one user may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimit {
    /// So many.
    pub most: usize,
    /// What becomes of a login beyond it.
    pub on_exceed: OnExceed,
}

/// What becomes of a login of somebody who has as many sessions as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExceed {
    /// It fails.
    Refuse,
    /// The oldest sessions end.
    EndOldest,
    /// It waits for the user to choose which sessions end.
    Ask,
}

/// What applications may keep with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeLimits {
    /// Names and values together, in bytes.
    pub bytes: usize,
    /// How many values.
    pub count: usize,
}

/// A set of routes that an edge can serve; its paths are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteSet {
    /// Those under `/auth/web`, and `/auth/me`.
    Web,
    /// Those under `/v1`, for front ends of many tenants that collect their session.
    Api,
    /// `/login`, `/authorize` and `/me`, for front ends that forward the code and hold a token.
    Spa,
    /// The door for proxies, `/auth/verify`.
    Proxy,
}

impl RouteSet {
    /// The logins at its routes, if it has any.
    #[must_use]
    pub const fn logins(self) -> Option<LoginSet> {
        match self {
            Self::Web => Some(LoginSet::Web),
            Self::Api => Some(LoginSet::Api),
            Self::Spa => Some(LoginSet::Spa),
            Self::Proxy => None,
        }
    }
}

/// The sets at whose routes people log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginSet {
    /// As [`RouteSet::Web`].
    #[default]
    Web,
    /// As [`RouteSet::Api`].
    Api,
    /// As [`RouteSet::Spa`].
    Spa,
}

/// The names of the cookies. The present one first, then former ones that are still read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSettings {
    /// The session cookie, without prefix: `__Host-` is put before it under https.
    pub session: String,
    /// Whole former names.
    pub former: Vec<String>,
    /// The binding cookie, without prefix.
    pub binding: String,
}

/// The rules for requests that change something.
#[derive(Clone, Debug)]
pub struct CsrfSettings {
    /// The header that carries the token, in lower case.
    pub header: String,
    /// How long a token is good for.
    pub max_age: Duration,
    /// Origins other than the edge's own whose requests are let through, and answered with CORS headers.
    pub allowed_origins: Vec<Origin>,
}

/// How a completed login answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackAnswer {
    /// A redirect to the return place; with `user` and `csrf_token` in its query only where the place says so.
    Redirect,
    /// JSON with user and CSRF token.
    Json,
}

/// Logins and their answers.
#[derive(Clone, Copy, Debug)]
pub struct LoginSettings {
    /// How long a login may take from start to callback; also the binding cookie's life.
    pub ttl: Duration,
    /// How long a callback may be at work before its login counts as interrupted. Half of it is the provider's, so
    /// that the other half is left to make the session: no login is still at work when its lease ends.
    pub lease: Duration,
    /// How long a callback that is delivered again gets the same answer.
    pub keep_answer_for: Duration,
}

impl LoginSettings {
    /// How long a login takes at most: its callback comes late, waits for a choice, and that comes late too.
    #[must_use]
    pub fn longest(&self) -> Duration {
        2 * (self.ttl + self.lease)
    }
}

/// The provider's tokens.
#[derive(Clone, Copy, Debug)]
pub struct TokenSettings {
    /// Whether refresh tokens are kept and used.
    pub refresh: bool,
    /// An access token that lives shorter than this counts as lapsed, where the caller does not say.
    pub margin: Duration,
    /// How long a lease on a session's tokens lasts without renewal.
    pub lease: Duration,
    /// How long a caller waits for somebody else's refresh.
    pub wait: Duration,
    /// Whether a session ends when the provider definitely refuses its refresh token.
    pub end_session_when_refused: bool,
}

/// How answers may be kept, here and by those who ask.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// No answer rests on anything older than this; at most [`super::stream::MAX_STALENESS`].
    pub max_staleness: Duration,
    /// About how many sessions are kept here.
    pub max_sessions: usize,
}

/// Tokens of our own.
#[derive(Clone, Debug)]
pub struct MintSettings {
    /// Who they say has issued them (`iss`).
    pub issuer: String,
    /// Whom they may be for (`aud`).
    pub audiences: Vec<String>,
    /// How long one lives, where the caller does not say.
    pub lifetime: Duration,
    /// How long one may live at most.
    pub max_lifetime: Duration,
    /// What they are signed with.
    pub algorithm: SignatureAlgorithm,
    /// How long a key signs before the next one does.
    pub rotate_after: Duration,
}

/// Logins whose code a front end forwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaSettings {
    /// The provider of a login that names none; `None`: the only one there is.
    pub provider: Option<String>,
    /// The front end's page that providers send browsers to; `{provider}` stands for the provider's name.
    pub page: String,
    /// Whom the tokens are for.
    pub audience: String,
    /// How long a token lives, and so its session.
    pub lifetimes: Lifetimes,
}

impl SpaSettings {
    /// The page to which this provider sends browsers.
    #[must_use]
    pub fn page_of(&self, provider: &str) -> String {
        self.page.replace("{provider}", provider)
    }
}

/// How much of what a browser sent is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest cookie value.
    pub cookie_bytes: usize,
    /// The most cookies of one kind.
    pub cookies: usize,
    /// The longest header value.
    pub header_bytes: usize,
    /// The longest query.
    pub query_bytes: usize,
    /// The longest body of a callback.
    pub body_bytes: usize,
}

impl Limits {
    /// How many lines of a header that proxies append to are read: the last ones.
    pub const FORWARDED_LINES: usize = 64;
    /// How many scopes a caller may ask for, and how long each may be.
    pub const SCOPES: usize = 64;
    /// The longest scope, id or token of a caller's own.
    pub const NAME_BYTES: usize = 2048;
    /// The longest role, permission or alternative scope that a caller may ask for.
    pub const RIGHT_BYTES: usize = 255;
    /// How long all of them may be together.
    pub const RIGHTS_BYTES: usize = 16_000;

    /// The largest message of a caller who keeps these limits, in bytes: a server that took less would refuse a call for
    /// what a browser sent. The next power of two leaves room for what names and frames the values.
    #[must_use]
    pub const fn message_bytes(&self) -> usize {
        const CONTEXT_VALUES: usize = 19;
        // Whatever is too long is passed with one byte more than is read.
        let cookies = self.cookies * (self.cookie_bytes + 1);
        let context = CONTEXT_VALUES * (self.header_bytes + 1);
        let of_a_login = 2 * cookies + context + self.query_bytes + self.body_bytes + 2;
        let rights = Self::RIGHTS_BYTES + 2 * MOST_VALUES * LONGEST_VALUE;
        let of_a_check = cookies + context + Self::SCOPES * Self::NAME_BYTES + rights;
        let largest = if of_a_login > of_a_check { of_a_login } else { of_a_check };
        largest.next_power_of_two()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { cookie_bytes: 4096, cookies: 8, header_bytes: 4096, query_bytes: 8192, body_bytes: 65_536 }
    }
}

impl Settings {
    /// The limits of a session of this kind. Where its kind was switched off since, the ordinary ones hold.
    #[must_use]
    pub fn lifetimes_of(&self, standing: &Standing) -> &Lifetimes {
        let of_kind = if standing.by_token {
            self.spa.as_ref().map(|spa| &spa.lifetimes)
        } else {
            self.remember_me.as_ref().filter(|_| standing.remembered)
        };
        of_kind.unwrap_or(&self.lifetimes)
    }

    /// How long any session lives at most.
    #[must_use]
    pub fn longest_life(&self) -> Duration {
        self.lifetimes.absolute.max(self.remember_me.map_or(Duration::ZERO, |limits| limits.absolute))
    }

    /// Whether cookies are for https alone.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_base_url.is_https()
    }

    /// The whole name of a cookie: with `__Host-` under https (security.md 61).
    #[must_use]
    pub fn cookie_name(&self, name: &str) -> String {
        if self.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// The whole name of the cookie that binds logins to a browser: of those that come back by a link, or of those that come
    /// back by a form that the browser posts.
    #[must_use]
    pub fn binding_cookie_name(&self, form_post: bool) -> String {
        let name = self.cookie_name(&self.cookies.binding);
        if form_post { format!("{name}_form") } else { name }
    }

    /// Every name under which a session credential is read, the present one first.
    #[must_use]
    pub fn session_cookie_names(&self) -> Vec<String> {
        std::iter::once(self.cookie_name(&self.cookies.session)).chain(self.cookies.former.iter().cloned()).collect()
    }

    /// Where a provider sends browsers back to, for the route set `web`.
    #[must_use]
    pub fn callback_address(&self) -> String {
        format!("{}{}/auth/web/callback", self.public_base_url, self.mount_prefix)
    }

    /// Where this provider sends browsers back to, for any such route set.
    #[must_use]
    pub fn callback_address_of(&self, set: LoginSet, provider: &str) -> String {
        match (set, &self.spa) {
            (LoginSet::Spa, Some(spa)) => spa.page_of(provider),
            (LoginSet::Api, _) => {
                format!("{}{}/v1/auth/oidc/{provider}/callback", self.public_base_url, self.mount_prefix)
            }
            _ => self.callback_address(),
        }
    }

    /// Where a provider sends browsers back to after its own logout.
    #[must_use]
    pub fn logged_out_address(&self) -> String {
        format!("{}{}/auth/web/logged-out", self.public_base_url, self.mount_prefix)
    }
}
