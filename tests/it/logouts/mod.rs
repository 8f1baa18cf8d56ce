//! Owns the tests of logouts that a provider tells of: from server to server, and through the browser; asked over gRPC, on
//! every store, at our hostile provider. Does not know how a login goes.
//!
//! | file | what is shown |
//! |---|---|
//! | `told` | a provider that tells an authority of its logouts, and what has to hold after each that was refused |
//! | `tokens` | one named case for each thing that can be wrong with a logout token |
//! | `backchannel` | what a good one ends, and what it does not; repeats, trouble, logins under way |
//! | `once` | a token that comes twice at once, or late |
//! | `keys` | the provider's keys away, new, or asked for by junk |
//! | `retired` | disabled and renamed providers |
//! | `frontchannel` | the same through the browser |
//! | `log` | what is written down of a logout, and what whoever sends one learns |
//! | `failover` | an end that Redis has lost |

mod backchannel;
mod failover;
mod frontchannel;
mod keys;
mod log;
mod once;
mod retired;
mod tokens;
mod told;

use serde_json::Value;

use crate::hostile::Object;

/// Sets a claim.
fn set(name: &'static str, value: impl Into<Value>) -> impl Fn(&mut Object) + Send + Sync + 'static {
    let value = value.into();
    move |object| drop(object.insert(name.to_owned(), value.clone()))
}

/// Takes a claim away.
fn unset(name: &'static str) -> impl Fn(&mut Object) + Send + Sync + 'static {
    move |object| drop(object.remove(name))
}
