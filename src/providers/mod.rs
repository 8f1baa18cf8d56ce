//! HOW A PROVIDER IS SPOKEN TO. Owns OpenID Connect and OAuth2 towards providers, and the one outbound HTTP client.
//! Knows the port it fills; does not know a store, a transport or a session.
//!
//! | file | what it is |
//! |---|---|
//! | [`http`] | the one way out: bounded in time, size and redirects, guarded against server-side request forgery |
//! | [`json`] | reading what a stranger wrote: no doubled keys, no deep nesting |
//! | [`fault`] | what can go wrong in an exchange, and what it says about the provider |
//! | `kept` | a fetched document, kept fresh beside the calls |
//! | [`registration`] | what an operator says about us at a provider, whatever it speaks |
//! | [`credential`] | how we show who we are: a secret, a signed assertion, a certificate |
//! | `dpop`, `jws` | proofs of the key that access tokens are bound to; what our own keys sign |
//! | [`token_endpoint`] | how tokens are asked for |
//! | `claims` | what a claim has to look like to be kept |
//! | [`rights`] | which claims say what a user may do |
//! | [`oidc`] | OpenID Connect; the only place that knows the crate `openidconnect` |
//! | [`oauth2`] | providers without OpenID Connect: GitHub, Discord, and whatever is described by configuration |
//! | [`registry`] | the configured providers, in order |

mod claims;
pub mod credential;
mod dpop;
pub mod fault;
pub mod http;
pub mod json;
mod jws;
mod kept;
pub mod oauth2;
pub mod oidc;
pub mod registration;
pub mod registry;
pub mod rights;
pub mod token_endpoint;

pub use registry::Registry;
