//! Owns the integration tests: one binary, one module for each area. Does not know the inside of any of them.

mod redis;
mod store;
