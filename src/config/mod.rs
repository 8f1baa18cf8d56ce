//! Owns the configuration: loading, layering, checking, explaining. Does not know who uses the values.
//!
//! # From text to values
//!
//! | file | step |
//! |---|---|
//! | `text` | files to text |
//! | [`variables`] | the environment as a value, and `.env` |
//! | [`yaml`] | YAML to a [`tree`] of texts, with lines and columns |
//! | [`interpolate`] | `${VAR}` in those texts |
//! | [`overrides`] | `GATELODGE__...` to a tree of its own |
//! | [`shape`] | both trees against the [`schema`]: unknown keys, types, formats |
//! | [`secret_files`], `ring_files` | `*_file` |
//! | [`tenants`] | what each tenant inherits from the top level |
//! | [`layers`] | defaults, file, environment: one [`Config`] |
//! | [`rules`] | what the values mean together |
//! | [`explain`] | where each value came from |
//!
//! Each step adds what it finds to one list, so that a user sees every [`fault`] at once.

pub mod app;
pub mod audit;
pub mod cache;
pub mod callers;
pub mod edge;
pub mod explain;
pub mod fault;
pub mod interpolate;
pub mod layers;
pub mod load;
pub mod log;
pub mod moment;
pub mod oidc;
pub mod overrides;
pub mod period;
pub mod rates;
mod ring_files;
pub mod ring_text;
pub mod rings;
pub mod rules;
pub mod schema;
mod secret;
pub mod secret_files;
pub mod server;
pub mod sessions;
pub mod shape;
pub mod share;
pub mod store;
pub mod telemetry;
pub mod template;
pub mod tenants;
mod text;
pub mod tokens;
pub mod tree;
pub mod variables;
pub mod well_known;
pub mod yaml;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that can be configured. Every key has a default.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "gatelodge.yaml")]
pub struct Config {
    /// For a developer's own machine: lets weak or missing secrets and plain http providers pass. Never in production.
    pub development: bool,
    /// The default tenant: what stands outside of `tenants` is its own.
    pub tenant: tenants::Tenant,
    /// Further tenants, by name. What one does not say of `oidc`, `app` and `tokens` is as at the top level.
    pub tenants: BTreeMap<String, tenants::OtherTenant>,
    /// Who logs people in.
    pub oidc: oidc::Oidc,
    /// The application whose users log in.
    pub app: app::App,
    /// Tokens that the authority itself gives out.
    pub tokens: tokens::Tokens,
    /// What is kept in memory.
    pub cache: cache::Cache,
    /// Where sessions are kept.
    pub store: store::Store,
    /// The gRPC server that edges, backends and admins call.
    pub server: server::Server,
    /// The HTTP edge: the one inside this process, and what every edge is told.
    pub edge: edge::Edge,
    /// Who may call.
    pub callers: Vec<callers::Caller>,
    /// The log, on standard error.
    pub log: log::Log,
    /// Metrics and traces (OpenTelemetry). No user, session or secret is in any of it.
    pub telemetry: telemetry::Telemetry,
}
