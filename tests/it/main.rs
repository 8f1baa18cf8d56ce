//! Owns the one integration test binary. Does not know any test: each area has its own file or folder.

mod dev;
