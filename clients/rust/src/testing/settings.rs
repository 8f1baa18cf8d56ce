//! Owns the settings that the fake has until a test changes them. Does not know who asks.

use crate::v1;

/// Where the edge is, for a browser.
pub(super) const BASE_URL: &str = "http://localhost:8000";

/// What `clients/scenarios.schema.json` says that every fake has.
pub(super) fn usual() -> v1::EdgeSettings {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    v1::EdgeSettings {
        version: "1".into(),
        ask_again_after: seconds(300),
        session_cookie_names: texts(&["session"]),
        binding_cookie_names: texts(&["login"]),
        csrf_header: "x-csrf-token".into(),
        public_base_url: BASE_URL.into(),
        callback_addresses: vec![
            callback(v1::RouteSet::Web, "/auth/web/callback"),
            callback(v1::RouteSet::Api, "/v1/auth/oidc/fake/callback"),
        ],
        cors: Some(v1::CorsSettings {
            allowed_origins: texts(&["http://localhost:5173"]),
            allowed_methods: texts(&["GET", "POST"]),
            allowed_headers: texts(&[
                "content-type",
                "x-csrf-token",
                "authorization",
                "idempotency-key",
                "x-api-key",
                "x-tenant-id",
            ]),
            exposed_headers: texts(&["x-csrf-token"]),
            max_age: seconds(600),
        }),
        landing_places: Some(v1::LandingPlaces {
            after_login: "/".into(),
            after_logout: "/".into(),
            ..Default::default()
        }),
        limits: Some(v1::Limits {
            max_cookie_bytes: 4096,
            max_cookies: 8,
            max_header_bytes: 4096,
            max_query_bytes: 8192,
            max_body_bytes: 65536,
        }),
        route_sets: [v1::RouteSet::Web, v1::RouteSet::Api, v1::RouteSet::Spa].map(Into::into).into(),
        ..Default::default()
    }
}

fn callback(route_set: v1::RouteSet, path: &str) -> v1::CallbackAddress {
    v1::CallbackAddress { route_set: route_set.into(), provider: "fake".into(), url: format!("{BASE_URL}{path}") }
}
