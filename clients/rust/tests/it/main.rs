//! Owns the journeys of the Rust client and edge against an authority whose every answer is scripted. Does not know the
//! real one.

#![cfg(test)]

mod authority;
mod away;
mod browser;
mod calls;
mod checks;
mod cors;
mod fake;
mod front_ends;
mod grpc;
mod kept;
mod layer;
mod routes;
mod scenarios;
mod serve;
mod settings;
mod stream;
mod tls;
mod tokens;
mod trouble;
