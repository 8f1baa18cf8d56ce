//! Owns who is signed in at the fake. Does not know how it is asked.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::channels::ISSUER;
use super::{World, unguessable};
use crate::v1::{self, InactiveReason};

/// Whether a session lives, or why it is dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It lives.
    #[default]
    Active,
    /// Its user logged out.
    Ended,
    /// It passed its absolute limit.
    Expired,
    /// It passed its idle limit.
    Idle,
    /// Somebody ended it.
    Revoked,
    /// It was presented by another client.
    Fingerprint,
}

/// Who is signed in, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The default is `fake_1`.
    pub user_id: String,
    /// Empty for none.
    pub email: String,
    /// Whether the provider has verified the email address, if there is one. The default is that it has.
    pub email_verified: bool,
    /// Empty for none.
    pub name: String,
    /// The default is `fake`.
    pub provider: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// What the user may do.
    pub permissions: Vec<String>,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The authentication context class of the login. Empty for none.
    pub acr: String,
    /// The authentication methods of the login.
    pub amr: Vec<String>,
    /// Further claims, such as GitHub's `login`.
    pub claims: BTreeMap<String, String>,
    /// How long ago the user authenticated.
    pub login_age: Duration,
    /// The provider's own session (`sid`) that it began with. The default is one that nobody can guess.
    pub provider_session: Option<String>,
    /// Whether the session lives.
    pub state: State,
    /// The session cookie's value. The default is one that nobody can guess.
    pub cookie: Option<String>,
    /// The one CSRF token that is issued and accepted. The default is `csrf_` and the cookie.
    pub csrf_token: Option<String>,
    /// A second credential of the session, which a check of the first delivers, as after a rotation.
    pub renewed_cookie: Option<String>,
}

impl Default for Who {
    fn default() -> Self {
        Self {
            user_id: "fake_1".into(),
            email: String::new(),
            email_verified: true,
            name: String::new(),
            provider: "fake".into(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            roles: Vec::new(),
            acr: String::new(),
            amr: Vec::new(),
            claims: BTreeMap::new(),
            login_age: Duration::ZERO,
            provider_session: None,
            state: State::Active,
            cookie: None,
            csrf_token: None,
            renewed_cookie: None,
        }
    }
}

/// A session as the fake keeps it.
pub(super) struct Kept {
    pub(super) cookie: String,
    pub(super) csrf_token: String,
    pub(super) renewed_cookie: Option<String>,
    pub(super) state: State,
    pub(super) identity: v1::Identity,
    pub(super) info: v1::SessionInfo,
    pub(super) attributes: HashMap<String, Bytes>,
    pub(super) attributes_version: u64,
    pub(super) provider_session: String,
    pub(super) login: Login,
}

/// When a user authenticated.
pub(super) struct Login {
    since: Instant,
    before: Duration,
}

impl Login {
    /// So long ago.
    pub(super) fn ago(before: Duration) -> Self {
        Self { since: Instant::now(), before }
    }

    /// How long ago.
    pub(super) fn age(&self) -> Duration {
        self.before + self.since.elapsed()
    }
}

/// What is told of a new session.
pub(super) struct Made {
    pub(super) cookie: String,
    pub(super) identity: v1::Identity,
    pub(super) info: v1::SessionInfo,
}

impl Kept {
    fn begin(who: Who) -> Self {
        let cookie = who.cookie.unwrap_or_else(|| format!("sess_{}", unguessable()));
        let now = now();
        let at = |offset: i64| Some(prost_types::Timestamp { seconds: now + offset, nanos: 0 });
        let age = i64::try_from(who.login_age.as_secs()).unwrap_or(now);
        Self {
            csrf_token: who.csrf_token.unwrap_or_else(|| format!("csrf_{cookie}")),
            cookie,
            renewed_cookie: who.renewed_cookie,
            state: who.state,
            identity: v1::Identity {
                tenant: "default".into(),
                issuer: ISSUER.into(),
                sub: who.user_id.split_once('_').map_or(who.user_id.as_str(), |(_, sub)| sub).to_owned(),
                provider: who.provider,
                user_id: who.user_id,
                email_verified: who.email_verified && !who.email.is_empty(),
                email: who.email,
                name: who.name,
                scopes: who.scopes,
                permissions: who.permissions,
                roles: who.roles,
                acr: who.acr,
                amr: who.amr,
                claims: Some(claims(who.claims)),
                auth_time: at(-age),
                ..Default::default()
            },
            info: v1::SessionInfo {
                session_id: format!("sid_{}", unguessable()),
                create_time: at(0),
                last_active_time: at(0),
                idle_expire_time: at(3600),
                absolute_expire_time: at(86_400),
                generation: 1,
                ..Default::default()
            },
            attributes: HashMap::new(),
            attributes_version: 0,
            provider_session: who.provider_session.unwrap_or_else(unguessable),
            login: Login::ago(who.login_age),
        }
    }

    pub(super) fn is_newest(&self, cookies: &[v1::Cookie]) -> bool {
        let newest = self.renewed_cookie.as_deref();
        cookies.iter().any(|cookie| newest.is_some_and(|newest| newest.as_bytes() == cookie.value))
    }
}

fn claims(claims: BTreeMap<String, String>) -> prost_types::Struct {
    let text = |text| prost_types::Value { kind: Some(prost_types::value::Kind::StringValue(text)) };
    prost_types::Struct { fields: claims.into_iter().map(|(name, value)| (name, text(value))).collect() }
}

#[expect(clippy::disallowed_methods, reason = "a fake lives in the machine's time")]
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

impl World {
    /// Makes a session and keeps it.
    pub(super) fn remember(&mut self, who: Who) -> Made {
        let kept = Kept::begin(who);
        let made = Made { cookie: kept.cookie.clone(), identity: kept.identity.clone(), info: kept.info.clone() };
        self.sessions.push(kept);
        made
    }

    pub(super) fn by_id(&self, session_id: &str) -> Option<&Kept> {
        self.sessions.iter().find(|kept| kept.info.session_id == session_id)
    }

    pub(super) fn living(&self) -> impl Iterator<Item = &Kept> {
        self.sessions.iter().filter(|kept| kept.state == State::Active)
    }

    /// Ends what lives of these, and says how many.
    pub(super) fn end(&mut self, is_meant: impl Fn(&Kept) -> bool) -> usize {
        let meant = self.sessions.iter_mut().filter(|kept| kept.state == State::Active && is_meant(kept));
        let ended = meant.map(|kept| {
            kept.state = State::Revoked;
            self.events.tell(&kept.info.session_id);
        });
        ended.count()
    }

    /// The living session behind cookies, or why there is none.
    pub(super) fn presented(&self, cookies: &[v1::Cookie]) -> Result<&Kept, InactiveReason> {
        let is_presented = |value: &str| cookies.iter().any(|cookie| cookie.value == value.as_bytes());
        let is_meant =
            |kept: &&Kept| is_presented(&kept.cookie) || kept.renewed_cookie.as_deref().is_some_and(is_presented);
        let mut found = self.sessions.iter().filter(is_meant);
        let none = if cookies.is_empty() { InactiveReason::None } else { InactiveReason::Forged };
        let one = found.next().ok_or(none)?;
        if found.next().is_some() {
            return Err(InactiveReason::Ambiguous);
        }
        match one.state {
            State::Active => Ok(one),
            State::Ended => Err(InactiveReason::Ended),
            State::Expired => Err(InactiveReason::Expired),
            State::Idle => Err(InactiveReason::Idle),
            State::Revoked => Err(InactiveReason::Revoked),
            State::Fingerprint => Err(InactiveReason::Fingerprint),
        }
    }
}
