//! Owns the tests of the use cases: whole logins, validations, refreshes and logouts with no network.
//! Does not know gRPC or a real provider.

mod admin;
mod login;
mod logout;
mod near;
mod near_changes;
mod refused;
mod revocation;
mod tokens;
mod validation;
