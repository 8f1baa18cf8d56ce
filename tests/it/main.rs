//! Owns the one integration binary: each area of tests is a module, so that the library is linked once.
//! Does not know any test itself.

// `cfg(test)` is always on here. It tells clippy that what tests share may unwrap and index as tests do.
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod callers;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod config;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod logouts;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod rpc;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod store;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod use_cases;
#[cfg(test)]
mod world;
