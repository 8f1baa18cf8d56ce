//! WHAT THE AUTHORITY DOES. Owns the use cases, one file each, and the ports they need of the world.
//! Knows no transport, no store, no provider protocol; every use case can be run in a test with no network.

pub mod error;
pub mod ports;
pub mod provider;
pub mod settings;
