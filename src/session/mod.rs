//! WHAT A SESSION IS. Owns the values and the rules: credentials, records, times, CSRF, fingerprint, origin, places.
//! Pure: knows no clock, no store, no provider, no network and no wire format; time and chance are arguments.

pub mod admission;
pub mod audit;
mod audit_id;
mod audit_room;
mod audit_step;
pub mod binding;
pub mod caller;
pub mod claimed_jwt;
pub mod client;
pub mod cookie;
pub mod credential;
pub mod csrf;
pub mod device;
pub mod event;
pub mod fingerprint;
pub mod identity;
pub mod kept_call;
pub mod key;
pub mod key_ring;
pub mod login;
pub mod login_wish;
pub mod mark;
pub mod mint;
pub mod need;
pub mod origin;
pub mod parameters;
pub mod place;
pub mod rate;
pub mod record;
pub mod request;
pub mod rotation;
mod signed;
pub mod spent;
pub mod step_up;
pub mod time;
pub mod user;
