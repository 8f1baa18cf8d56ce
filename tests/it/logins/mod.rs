//! Owns whole logins: the authority over each store, with the real OpenID Connect adapter, against our hostile provider.
//! Does not know gRPC or how a check is made.
//!
//! | file | what is shown |
//! |---|---|
//! | `journey` | a browser's way through a login, and INV: what has to hold after each that was rejected |
//! | `form_post` | an answer that the browser posts (security.md 21), and what Apple says with it |
//! | `callback` | what comes back with the browser (security.md 13 to 18) |
//! | `good` | login, refresh, logout |
//! | `canary` | no secret reaches the log |
//! | `kill_step_up` | the process ends in the middle of a step-up |
//!
//! The cases of `providers` run through here too, each as a whole login.

use gatelodge::authority::login_answer::LoginFailure;

mod callback;
pub mod canary;
mod form_post;
mod good;
mod journey;
mod kill_step_up;

pub use journey::{parameter as journey_parameter, refused};

/// A login that does not begin, for this reason; INV holds.
pub async fn not_begun(hostile: &crate::hostile::Hostile, failure: LoginFailure) {
    let mut journey = journey::Journey::to(hostile, crate::world::Kept::Memory).await;
    match journey.begin().await {
        journey::Begun::Not(answer, found) => {
            assert_eq!(found, failure);
            journey.inv(&answer, failure).await;
        }
        journey::Begun::Back(query) => panic!("it began: {query:?}"),
    }
}

/// A whole login at a provider: the session that it makes lives.
pub async fn log_in_at(hostile: &crate::hostile::Hostile) {
    good::logged_in(hostile, crate::world::Kept::Memory).await;
}
