//! Owns the use case GetEdgeSettings: all that an edge has to know. Does not know how it was asked.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Authority;
use super::ports::Providers;
use super::settings::{Limits, RouteSet, Settings};
use crate::crypto::digest;

/// All that an edge has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSettings {
    /// Names these settings.
    pub version: String,
    /// When to ask again.
    pub ask_again_after: Duration,
    /// Names of session cookies, the present one first.
    pub session_cookie_names: Vec<String>,
    /// Names of the binding cookie.
    pub binding_cookie_names: Vec<String>,
    /// The header that carries the CSRF token.
    pub csrf_header: String,
    /// Where browsers reach the edge.
    pub public_base_url: String,
    /// Route sets and provider names, each with the address it sends browsers back to.
    pub callback_addresses: Vec<(RouteSet, String, String)>,
    /// How to answer cross-origin requests.
    pub cors: CorsSettings,
    /// After a login.
    pub after_login: String,
    /// After a logout.
    pub after_logout: String,
    /// After a failed login; `None` for the authority's own page.
    pub on_error: Option<String>,
    /// How much of what a browser sent to pass on.
    pub limits: Limits,
    /// The route sets that are on.
    pub route_sets: Vec<RouteSet>,
    /// The header that says where the client is.
    pub place_header: Option<String>,
    /// The tenant's name.
    pub tenant: String,
    /// The hosts of requests that these settings are for; none: for those that no others are for.
    pub hosts: Vec<String>,
}

/// How to answer cross-origin requests (Fetch, "CORS protocol").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsSettings {
    /// Origins that may call with credentials.
    pub allowed_origins: Vec<String>,
    /// Methods that they may use.
    pub allowed_methods: Vec<String>,
    /// Headers that they may send.
    pub allowed_headers: Vec<String>,
    /// Headers that they may read.
    pub exposed_headers: Vec<String>,
    /// How long a browser may remember these.
    pub max_age: Duration,
}

const ASK_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// An origin that is taken off the list is still asked for by its pages for so long, and then refused by the origin rule.
const CORS_MAX_AGE: Duration = Duration::from_mins(10);

impl Authority {
    /// The settings in force.
    #[must_use]
    pub fn get_edge_settings(&self) -> EdgeSettings {
        edge_settings(&self.settings, self.ports.providers.as_ref(), self.settings_version.to_string())
    }
}

/// The version that these settings have: a hash of all that an edge is told.
pub(super) fn version(settings: &Settings, providers: &dyn Providers) -> String {
    let told = edge_settings(settings, providers, String::new());
    let hash = digest("gatelodge edge settings", &[format!("{told:?}").as_bytes()]);
    URL_SAFE_NO_PAD.encode(&hash[..9])
}

fn edge_settings(settings: &Settings, providers: &dyn Providers, version: String) -> EdgeSettings {
    let of_logins = settings.route_sets.iter().filter_map(|set| Some((*set, set.logins()?)));
    let callbacks = of_logins.flat_map(|(set, logins)| {
        let providers = providers.all().into_iter().map(|provider| provider.info().name.clone());
        providers.map(move |name| (set, name.clone(), settings.callback_address_of(logins, &name)))
    });
    EdgeSettings {
        version,
        ask_again_after: ASK_AGAIN_AFTER,
        session_cookie_names: settings.session_cookie_names(),
        binding_cookie_names: binding_cookie_names(settings, providers),
        csrf_header: settings.csrf.header.clone(),
        public_base_url: settings.public_base_url.to_string(),
        callback_addresses: callbacks.collect(),
        cors: cors(settings),
        after_login: settings.places.after_login.clone(),
        after_logout: settings.places.after_logout.clone(),
        on_error: settings.places.on_error.clone(),
        limits: settings.limits,
        route_sets: settings.route_sets.clone(),
        place_header: settings.place_header.clone(),
        tenant: settings.tenant_name.clone(),
        hosts: Vec::new(),
    }
}

/// One, and a second where a provider has the browser post its answer.
fn binding_cookie_names(settings: &Settings, providers: &dyn Providers) -> Vec<String> {
    let posts = providers.all().iter().any(|provider| provider.info().form_post);
    let second = posts.then(|| settings.binding_cookie_name(true));
    [settings.binding_cookie_name(false)].into_iter().chain(second).collect()
}

fn cors(settings: &Settings) -> CorsSettings {
    let csrf_header = &settings.csrf.header;
    let of = |set, headers: &'static [&'static str]| if settings.route_sets.contains(&set) { headers } else { &[] };
    let bearer = of(RouteSet::Spa, &["authorization"]);
    let own = of(RouteSet::Api, &["idempotency-key", "x-api-key", "x-tenant-id"]);
    CorsSettings {
        allowed_origins: settings.csrf.allowed_origins.iter().map(ToString::to_string).collect(),
        allowed_methods: ["GET", "HEAD", "POST", "OPTIONS"].map(str::to_owned).into(),
        allowed_headers: ["content-type", csrf_header, "x-requested-with"]
            .into_iter()
            .chain(bearer.iter().chain(own).copied())
            .map(str::to_owned)
            .collect(),
        exposed_headers: vec![csrf_header.clone()],
        max_age: CORS_MAX_AGE,
    }
}
