//! Owns the settings of the edge inside the authority. Does not know HTTP.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The HTTP edge: the one inside this process, and what every edge is told.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
    /// Run an edge inside this process, for small deployments.
    pub enabled: bool,
    /// Address and port on which the edge inside this process listens.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
    /// What every edge puts before its paths: empty, or `/prefix`.
    pub mount_prefix: String,
    /// Route sets that are on.
    pub routes: Vec<RouteSet>,
    /// The header in which whatever stands before the edges says where the client is; empty: none. It has to set or
    /// remove it in every request.
    pub place_header: String,
}

/// A set of routes that an edge can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteSet {
    /// `/auth/web/...` and `/auth/me`.
    Web,
    /// `/v1/auth/oidc/...` and `/v1/refresh`, for front ends of many tenants that collect their session.
    Api,
    /// `/login`, `/authorize` and `/me`, for front ends that forward the code and hold a token (`app.spa`).
    Spa,
    /// `/auth/verify`, for proxies that ask before they let a request through.
    Proxy,
}

impl RouteSet {
    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Api => "api",
            Self::Spa => "spa",
            Self::Proxy => "proxy",
        }
    }
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            mount_prefix: String::new(),
            routes: vec![RouteSet::Web],
            place_header: String::new(),
        }
    }
}
