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
use gatelodge::session::audit::{Action, Entry, Outcome};

use crate::audit;
use crate::hostile::Hostile;
use crate::world::{Browser, Kept, World};

mod callback;
pub mod canary;
mod form_post;
mod good;
mod journey;
mod kill_step_up;

pub use journey::{parameter as journey_parameter, refused};

/// A login that does not begin, for this reason; INV holds.
pub async fn not_begun(hostile: &Hostile, failure: LoginFailure) {
    let mut journey = journey::Journey::to(hostile, Kept::Memory).await;
    match journey.begin().await {
        journey::Begun::Not(answer, found) => {
            assert_eq!(found, failure);
            journey.inv(&answer, failure).await;
        }
        journey::Begun::Back(query) => panic!("it began: {query:?}"),
    }
}

/// A whole login at a provider, in a world that knows it: the public id of the session that it makes.
pub async fn log_in_to(world: &World, hostile: &Hostile) -> String {
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let back = hostile.visit(&started.answer.location.unwrap()).unwrap();
    world.callback(&browser, back.query().unwrap()).await.result.unwrap().key.public()
}

/// What is written down of a login that does not begin.
pub async fn written_of_none_begun(hostile: &Hostile) -> Entry {
    let mut journey = journey::Journey::to(hostile, Kept::Memory).await;
    assert!(matches!(journey.begin().await, journey::Begun::Not(..)));
    audit::explained::of_world(&journey.world, Action::LoginBegun, Outcome::Failed).await.entry
}

/// A whole login at a provider: the session that it makes lives.
pub async fn log_in_at(hostile: &Hostile) {
    good::logged_in(hostile, Kept::Memory).await;
}
