//! Gatelodge is a session authority: it logs people in through OpenID Connect and OAuth2 providers, keeps their sessions
//! and tokens on the server, and answers over gRPC: who is this, and may they?
//!
//! # The map, in reading order
//!
//! | room | what it is |
//! |---|---|
//! | [`session`] | what a session is: pure values and rules |
//! | [`authority`] | what the authority does: one file per use case, and the ports it needs |
//! | [`vault`] | how what is kept is sealed: formats and keys |
//! | [`rpc`] | how it is asked: gRPC |
//! | [`providers`] | how an identity provider is spoken to |
//! | [`store`] | how sessions are kept |
//! | [`config`] | settings: load, layer, check, explain |
//! | [`app`] | the one place where the parts meet |
//! | [`telemetry`] | what those who run it are told: the log, metrics, traces |
//! | [`cli`], [`dev`] | what a person types; the development provider and demo page |
//! | [`crypto`] | derive, authenticate, sign, seal, hash, compare, hide |
//!
//! # The arrows
//!
//! `crypto <- session <- vault <- authority <- { rpc, providers, store } <- app <- { cli, dev } <- main`.
//! `config` is read by `app`, `telemetry`, `cli` and `dev`. Adapters never name each other.

pub mod app;
pub mod authority;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod dev;
pub mod providers;
pub mod rpc;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod vault;
