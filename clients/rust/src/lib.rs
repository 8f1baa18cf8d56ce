//! Owns the way from a Rust program to the authority: client, edge, sessions. Does not know how anything is decided.
//!
#![doc = include_str!("../README.md")]
//!
//! # The map, in reading order
//!
//! | module | what it is |
//! |---|---|
//! | [`client`] | the typed client: one lazy connection, every call of the contract |
//! | [`requirements`] | what a route may ask of a session |
//! | [`verdict`], [`session`], [`token`] | what an answer means, and who is behind it |
//! | [`gate`], [`layer`] | the client with settings kept fresh; sessions and bearer tokens for an application's own routes |
//! | [`edge`] | the routes that log people in and out |
//! | `testing` | an authority in memory for users' own tests (the feature `testing`) |
//! | [`v1`] | the generated messages and stubs |
//!
//! **Invariant:** nothing here decides. What becomes HTTP comes finished from the authority, and whatever is not a
//! definite answer is 503, with the browser's cookies left alone.

mod answer;
mod chance;
pub mod client;
mod cors;
pub mod edge;
#[expect(clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason, reason = "generated code")]
#[cfg_attr(feature = "testing", expect(clippy::allow_attributes, reason = "generated server stubs"))]
mod envoy;
pub mod gate;
pub mod layer;
mod presented;
pub mod requirements;
pub mod session;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
#[expect(clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason, reason = "generated code")]
#[cfg_attr(feature = "testing", expect(clippy::allow_attributes, reason = "generated server stubs"))]
pub mod v1;
pub mod verdict;

pub use client::error::{Error, Reason};
pub use client::options::{ClientOptions, OptionsError};
pub use client::{Client, TokenVerdict};
pub use edge::{Edge, EdgeLayer, EdgeOptions, ROUTE_SETS, ServeLimits};
pub use gate::Gate;
pub use layer::SessionLayer;
pub use layer::grpc::{Caller, GrpcLayer};
pub use layer::token::TokenLayer;
/// A moment, as the contract carries it.
pub use prost_types::Timestamp;
pub use requirements::Requirements;
pub use session::Session;
pub use token::Token;
pub use verdict::Verdict;
