//! Owns whole logins: the authority over each store, with the real OpenID Connect adapter, against our hostile provider.
//! Does not know gRPC or how a check is made.
//!
//! | file | what is shown |
//! |---|---|
//! | `journey` | a browser's way through a login, and INV: what has to hold after each that was rejected |
//! | `callback` | what comes back with the browser (security.md 13 to 18) |
//! | `good` | login, refresh, logout |
//! | `canary` | no secret reaches the log |
//! | `kill_step_up` | the process ends in the middle of a step-up |
//!
//! The cases of `providers` run through here too, each as a whole login.

/// Makes a test of every journey named, on every store there is.
macro_rules! on_every_store {
    ($($name:ident)*) => {
        on_every_store!(@on memory Memory: $($name)*);
        on_every_store!(@on redis Redis: $($name)*);
    };
    (@on $module:ident $kept:ident: $($name:ident)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(crate::world::Kept::$kept).await;
                }
            )*
        }
    };
}

mod callback;
pub mod canary;
mod good;
mod journey;
mod kill_step_up;

pub use journey::refused;

/// A whole login at a provider: the session that it makes lives.
pub async fn log_in_at(hostile: &crate::hostile::Hostile) {
    good::logged_in(hostile, crate::world::Kept::Memory).await;
}
