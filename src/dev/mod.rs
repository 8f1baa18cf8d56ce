//! Owns the development provider, the demo page and the text that `gatelodge dev` prints. Never runs outside it.
//! Does not know the command line, nor how the parts of the authority are joined: `app` does that.

pub mod banner;
pub mod demo;
mod icon;
mod keys;
pub mod provider;
pub mod run;

/// Says that this process is `gatelodge dev`. What must never run in production asks for one.
///
/// A test reads the sources and keeps [`DevelopmentOnly::in_gatelodge_dev`] to the command `dev`.
#[derive(Debug)]
pub struct DevelopmentOnly(());

impl DevelopmentOnly {
    /// For the command `gatelodge dev`, and for tests.
    #[must_use]
    pub const fn in_gatelodge_dev() -> Self {
        Self(())
    }
}
