//! Owns the one place where the parts meet. Does not decide anything that a part could decide.

pub mod settings;
