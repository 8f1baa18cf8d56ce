//! Owns settings that fit most tests. Does not know any test.

use std::time::Duration;

use gatelodge::authority::settings::{
    AttributeLimits, CacheSettings, CallbackAnswer, Capacity, CookieSettings, CsrfSettings, Limits, LoginSettings,
    MintSettings, Rates, RouteSet, Settings, TokenSettings,
};
use gatelodge::crypto::SignatureAlgorithm;
use gatelodge::session::client::TrustedProxies;
use gatelodge::session::fingerprint::{FingerprintMode, FingerprintPolicy};
use gatelodge::session::key::TenantNumber;
use gatelodge::session::origin::Origin;
use gatelodge::session::place::Places;
use gatelodge::session::rotation::RotationPolicy;
use gatelodge::session::time::Lifetimes;

/// Settings of an application at <https://app.example.com>.
pub fn settings() -> Settings {
    let base = Origin::new("https://app.example.com").unwrap();
    Settings {
        tenant: TenantNumber(1),
        tenant_name: "default".into(),
        public_base_url: base.clone(),
        mount_prefix: String::new(),
        route_sets: vec![RouteSet::Web],
        cookies: CookieSettings {
            session: "session".into(),
            former: vec!["old_session".into()],
            binding: "login".into(),
        },
        lifetimes: Lifetimes {
            idle: Duration::from_hours(1),
            absolute: Duration::from_hours(8),
            touch_interval: Duration::from_mins(1),
        },
        remember_me: None,
        rotation: RotationPolicy { after: None, grace: Duration::from_secs(30) },
        csrf: CsrfSettings {
            header: "x-csrf-token".into(),
            max_age: Duration::from_hours(12),
            allowed_origins: vec![Origin::new("https://spa.example.com").unwrap()],
        },
        fingerprint: FingerprintPolicy { mode: FingerprintMode::Strict, network: None },
        trusted_proxies: TrustedProxies::default(),
        places: Places {
            own: base,
            allowed: vec!["https://spa.example.com/*".into()],
            with_user: vec!["https://spa.example.com/auth-callback".into()],
            after_login: "/home".into(),
            after_logout: "/bye".into(),
            on_error: None,
        },
        callback_answer: CallbackAnswer::Redirect,
        logins: LoginSettings {
            ttl: Duration::from_mins(10),
            lease: Duration::from_secs(30),
            keep_answer_for: Duration::from_mins(1),
        },
        tokens: TokenSettings {
            refresh: true,
            margin: Duration::from_secs(30),
            lease: Duration::from_secs(5),
            wait: Duration::from_secs(10),
            end_session_when_refused: false,
        },
        cache: Some(CacheSettings { max_staleness: Duration::from_secs(5), max_sessions: 1024 }),
        mint: Some(MintSettings {
            issuer: "https://app.example.com".into(),
            audiences: vec!["https://orders.example.com".into(), "https://billing.example.com".into()],
            lifetime: Duration::from_mins(5),
            max_lifetime: Duration::from_hours(1),
            algorithm: SignatureAlgorithm::Es256,
            rotate_after: Duration::from_hours(30 * 24),
        }),
        spa: None,
        sessions_per_user: 1000,
        session_limit: None,
        attributes: AttributeLimits { bytes: 4096, count: 32 },
        place_header: None,
        remember_ended_for: Duration::from_mins(10),
        limits: Limits::default(),
        rates: Rates::default(),
        capacity: Capacity::default(),
        audit: None,
        keep_answers_for: Some(Duration::from_mins(10)),
    }
}
