//! HOW A PROVIDER IS SPOKEN TO. Owns OpenID Connect towards providers, and the one outbound HTTP client.
//! Knows the port it fills; does not know a store, a transport or a session.
//!
//! | file | what it is |
//! |---|---|
//! | [`http`] | the one way out: bounded in time, size and redirects, guarded against server-side request forgery |
//! | [`json`] | reading what a stranger wrote: no doubled keys, no deep nesting |
//! | [`fault`] | what can go wrong in an exchange, and what it says about the provider |
//! | `kept` | a fetched document, kept fresh beside the calls |
//! | [`oidc`] | the protocol; the only place that knows the crate `openidconnect` |
//! | [`registry`] | the configured providers, in order |

pub mod fault;
pub mod http;
pub mod json;
mod kept;
pub mod oidc;
pub mod registry;

pub use registry::Registry;
