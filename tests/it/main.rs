//! Owns the one integration binary: each area of tests is a module, so that the library is linked once.
//! Does not know any test itself.

// `cfg(test)` is always on here. It tells clippy that what tests share may unwrap and index as tests do.
#[cfg(test)]
mod redis;
#[cfg(test)]
mod store;
