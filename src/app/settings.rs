//! Owns how the configuration becomes what the use cases go by. Does not know where the configuration came from.

use std::time::Duration;

use super::parts;
use crate::authority::settings::{
    AttributeLimits, AuditSettings, CacheSettings, CallbackAnswer, Capacity, ClientAddresses, CookieSettings,
    CsrfSettings, Limits, LoginSettings, MintSettings, OnExceed, Rates, RouteSet, SessionLimit, Settings, SpaSettings,
    TokenSettings,
};
use crate::config::fault::{Fault, Faults};
use crate::config::load::{Loaded, Sources};
use crate::config::sessions::{self, Security};
use crate::config::{self, Config, app, well_known};
use crate::crypto::{Secret, SignatureAlgorithm};
use crate::session::client::TrustedProxies;
use crate::session::fingerprint::{FingerprintMode, FingerprintPolicy, NetworkPrefixes};
use crate::session::key::TenantNumber;
use crate::session::key_ring::{Ring, Span};
use crate::session::origin::Origin;
use crate::session::place::Places;
use crate::session::rate::{Allowance, Rate};
use crate::session::rotation::RotationPolicy;
use crate::session::time::{Lifetimes, Timestamp};
use crate::vault::Rings;

/// How long a callback may be at work, all of its calls to the provider included.
const LOGIN_LEASE: Duration = Duration::from_secs(30);
/// A refresh lease without renewal; the holder renews it while its call runs.
const REFRESH_LEASE: Duration = Duration::from_secs(10);
/// How long a caller waits for somebody else's refresh.
const REFRESH_WAIT: Duration = Duration::from_secs(10);

/// Reads, layers and checks a configuration, by the rules of every part that is built from it.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(sources: Sources) -> Result<Loaded, Faults> {
    Config::load(sources, parts::faults)
}

/// What the use cases go by.
///
/// # Errors
/// An origin that is none; [`load`] has refused it before.
pub fn settings(config: &Config) -> Result<Settings, Faults> {
    let mut faults = Vec::new();
    let mut origin = |path: String, text: &str| {
        let origin = Origin::new(text);
        if origin.is_none() {
            faults.push(Fault::of(path, "not an origin"));
        }
        origin
    };
    let own = origin("app.redirects.public_base_url".into(), &config.app.redirects.public_base_url);
    let allowed = config.app.cors.allowed_origins.iter().enumerate();
    let allowed: Vec<_> =
        allowed.filter_map(|(at, one)| origin(format!("app.cors.allowed_origins[{at}]"), &one.0)).collect();
    let Some(own) = own.filter(|_| faults.is_empty()) else { return Err(Faults(faults)) };

    let sessions = &config.app.sessions;
    let refresh = &config.oidc.refresh_tokens;
    Ok(Settings {
        tenant: TenantNumber(config.tenant.number),
        tenant_name: config.tenant.name.clone(),
        mount_prefix: config.edge.mount_prefix.clone(),
        route_sets: config.edge.routes.iter().map(|set| route_set(*set)).collect(),
        cookies: CookieSettings {
            session: sessions.cookie.name.clone(),
            former: sessions.cookie.former_names.clone(),
            binding: sessions.cookie.binding_name.clone(),
        },
        lifetimes: Lifetimes {
            idle: sessions.idle().get(),
            absolute: sessions.max_age.get(),
            touch_interval: sessions.touch_interval.get(),
        },
        remember_me: Some(&sessions.remember_me).filter(|remember| remember.enabled).map(|remember| Lifetimes {
            idle: remember.idle_timeout.get(),
            absolute: remember.max_age.get(),
            touch_interval: sessions.touch_interval.get(),
        }),
        rotation: RotationPolicy {
            after: Some(sessions.rotation.after.get()).filter(|after| !after.is_zero()),
            grace: sessions.rotation.grace.get(),
        },
        csrf: CsrfSettings {
            header: sessions.csrf_header.to_ascii_lowercase(),
            max_age: Duration::from_secs(u64::from(sessions.csrf_token_max_age_hours) * 3600),
            allowed_origins: allowed,
        },
        fingerprint: fingerprint(&sessions.security),
        trusted_proxies: TrustedProxies(config.app.trusted_proxies.clone()),
        places: places(own.clone(), &config.app.redirects),
        public_base_url: own,
        callback_answer: match config.app.redirects.callback_answer {
            app::CallbackAnswer::Redirect => CallbackAnswer::Redirect,
            app::CallbackAnswer::Json => CallbackAnswer::Json,
        },
        logins: LoginSettings {
            ttl: sessions.auth_session_ttl_seconds.get(),
            lease: LOGIN_LEASE,
            keep_answer_for: sessions.repeat_answer_for.get(),
        },
        tokens: TokenSettings {
            refresh: refresh.enabled && refresh.persist_in_session_store,
            margin: refresh.margin.get(),
            lease: REFRESH_LEASE,
            wait: REFRESH_WAIT,
            end_session_when_refused: refresh.end_session_when_refused,
        },
        cache: config.cache.enabled.then(|| CacheSettings {
            max_staleness: config.cache.max_staleness.get(),
            max_sessions: config.cache.max_sessions,
        }),
        mint: mint(config),
        spa: spa(config),
        sessions_per_user: sessions.max_sessions_per_user,
        session_limit: Some(&sessions.limit).filter(|limit| limit.max > 0).map(|limit| SessionLimit {
            most: limit.max,
            on_exceed: match limit.on_exceed {
                sessions::OnExceed::Refuse => OnExceed::Refuse,
                sessions::OnExceed::EndOldest => OnExceed::EndOldest,
                sessions::OnExceed::Ask => OnExceed::Ask,
            },
        }),
        attributes: AttributeLimits { bytes: sessions.attributes.max_bytes, count: sessions.attributes.max_count },
        place_header: Some(config.edge.place_header.to_ascii_lowercase()).filter(|header| !header.is_empty()),
        remember_ended_for: sessions.remember_ended_for.get(),
        limits: Limits::default(),
        rates: rates(&config.app.rates),
        keep_answers_for: Some(config.app.idempotency.keep_answers_for.get()).filter(|length| !length.is_zero()),
        audit: audit(&config.app.audit),
        capacity: Capacity {
            logins: Some(sessions.max_logins_under_way).filter(|most| *most > 0),
            sessions: Some(sessions.max_sessions_per_tenant).filter(|most| *most > 0),
        },
    })
}

fn audit(audit: &config::audit::Audit) -> Option<AuditSettings> {
    (!audit.keep_for.is_zero()).then(|| AuditSettings {
        keep_for: audit.keep_for.get(),
        most_an_hour: audit.most_an_hour,
        client_addresses: match audit.client_addresses {
            config::audit::ClientAddresses::Whole => ClientAddresses::Whole,
            config::audit::ClientAddresses::Network => ClientAddresses::Network,
            config::audit::ClientAddresses::None => ClientAddresses::None,
        },
        tokens: audit.tokens,
        rotations: audit.rotations,
        refreshes: audit.refreshes,
    })
}

fn rates(rates: &config::rates::Rates) -> Rates {
    let rate = |rate: &config::rates::Rate| {
        let allowance = |most| (most > 0).then(|| Allowance { most, within: rate.within.get() });
        Rate { client: allowance(rate.per_client), tenant: allowance(rate.per_tenant) }
    };
    Rates {
        logins: rate(&rates.logins),
        callbacks: rate(&rates.callbacks),
        bad_credentials: rate(&rates.bad_credentials),
    }
}

fn mint(config: &Config) -> Option<MintSettings> {
    let mint = &config.tokens.mint;
    mint.enabled.then(|| MintSettings {
        issuer: mint.issuer.clone().unwrap_or_else(|| config.app.redirects.public_base_url.clone()),
        audiences: mint.audiences.clone(),
        lifetime: mint.lifetime.get(),
        max_lifetime: mint.max_lifetime.get(),
        algorithm: match mint.algorithm {
            config::tokens::Algorithm::ES256 => SignatureAlgorithm::Es256,
            config::tokens::Algorithm::EdDSA => SignatureAlgorithm::EdDsa,
        },
        rotate_after: mint.rotate_after.get(),
    })
}

fn spa(config: &Config) -> Option<SpaSettings> {
    let (spa, mint) = (&config.app.spa, &config.tokens.mint);
    let is_on = config.edge.routes.contains(&config::edge::RouteSet::Spa) && mint.enabled;
    let audience = spa.audience_of(mint).filter(|_| is_on)?;
    let (life, touch_interval) = (spa.token_lifetime.get(), config.app.sessions.touch_interval.get());
    Some(SpaSettings {
        provider: spa.provider.clone(),
        page: spa.page_at(&config.app.redirects.public_base_url),
        audience: audience.clone(),
        // Its use is not written down, so it has no idle limit of its own.
        lifetimes: Lifetimes { idle: life, absolute: life, touch_interval },
    })
}

const fn route_set(set: config::edge::RouteSet) -> RouteSet {
    match set {
        config::edge::RouteSet::Web => RouteSet::Web,
        config::edge::RouteSet::Api => RouteSet::Api,
        config::edge::RouteSet::Spa => RouteSet::Spa,
        config::edge::RouteSet::Proxy => RouteSet::Proxy,
    }
}

/// The key rings of a tenant, with their dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRings {
    /// The ring of credentials, and of all that has none of its own.
    pub session: Ring,
    /// The ring of CSRF tokens.
    pub csrf: Ring,
    /// The keys that others have of their own.
    own: [(&'static str, Ring); 4],
}

impl KeyRings {
    /// The rings as they are at this time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Rings {
        let [sealing, fingerprint, answers, minting] =
            self.own.each_ref().map(|(_, own)| self.session.with_own(own).at(now));
        Rings { session: self.session.at(now), csrf: self.csrf.at(now), sealing, fingerprint, answers, minting }
    }

    /// The keys of each ring, by its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Ring)> {
        [("session", &self.session), ("csrf", &self.csrf)]
            .into_iter()
            .chain(self.own.iter().map(|(name, ring)| (*name, ring)))
    }

    /// How long before and after this time all keys do what they do at it.
    #[must_use]
    pub fn span(&self, now: Timestamp) -> Span {
        self.named().map(|(_, ring)| ring.span(now)).fold(Span::default(), Span::and)
    }

    /// Whether there is more than one key that may have sealed something.
    #[must_use]
    pub fn has_several(&self) -> bool {
        self.named().filter(|(name, _)| *name != "csrf").map(|(_, ring)| ring.keys().len()).sum::<usize>() > 1
    }
}

/// The key rings. Where development has no secret, one that everybody knows takes its place; `None` when there is none
/// outside development, which [`load`] has refused before.
#[must_use]
pub fn key_rings(config: &Config) -> Option<KeyRings> {
    let sessions = &config.app.sessions;
    let known = || config.development.then(|| Secret::new(well_known::DEVELOPMENT_SECRET));
    let (session, csrf) = (sessions.session_ring(known()), sessions.csrf_ring(known()));
    let has_secret = |ring: &Ring| ring.keys().iter().any(|key| key.secret.is_some());
    let rings = &sessions.rings;
    let own = [
        ("sealing", &rings.sealing),
        ("fingerprint", &rings.fingerprint),
        ("answers", &rings.answers),
        ("minting", &rings.minting),
    ];
    let own = own.map(|(name, keys)| (name, config::rings::ring(keys)));
    (has_secret(&session) && has_secret(&csrf)).then_some(KeyRings { session, csrf, own })
}

fn places(own: Origin, redirects: &app::Redirects) -> Places {
    Places {
        own,
        allowed: redirects.allowed.clone(),
        with_user: redirects.with_user_parameters.clone(),
        after_login: redirects.after_login.clone(),
        after_logout: redirects.after_logout.clone(),
        on_error: redirects.on_error.clone(),
    }
}

fn fingerprint(security: &Security) -> FingerprintPolicy {
    let prefixes = NetworkPrefixes { ipv4: security.ipv4_prefix, ipv6: security.ipv6_prefix };
    FingerprintPolicy {
        mode: match security.mode() {
            sessions::Fingerprint::Off => FingerprintMode::Off,
            sessions::Fingerprint::Warn => FingerprintMode::Warn,
            sessions::Fingerprint::Strict => FingerprintMode::Strict,
        },
        network: security.fingerprint_ip_address.then_some(prefixes),
    }
}
