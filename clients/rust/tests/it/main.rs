//! Owns the journeys of the Rust client and edge against an authority whose every answer is scripted. Does not know the
//! real one.

#![cfg(test)]

mod authority;
mod browser;
mod calls;
mod cors;
mod kept;
mod layer;
mod routes;
mod serve;
mod settings;
mod tls;
mod tokens;
mod trouble;
