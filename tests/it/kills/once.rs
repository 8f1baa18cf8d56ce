//! Owns a call with an idempotency key whose process ends before any step of it: whoever repeats it gets an answer, and what
//! it does is done once. Does not know which store keeps it.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::get_attributes_response::Outcome as Got;
use tonic::Code;

use super::{Place, done, killed_before, say, world_at};
use crate::rpc::failed;
use crate::rpc::once::{is_repeated, update};
use crate::rpc::serving::{Serving, by, cookies, within};
use crate::world::Browser;
use crate::world::faults::Fault;
use crate::world::log::told;

const COOKIE: &str = "__Host-session";
/// More than there are: the last ones are never reached.
const STEPS: usize = 12;

/// The child: changes what is kept with a session, as far as it gets.
async fn child(told: &str) {
    let (steps, place) = told.split_once(' ').unwrap();
    let (world, faults) = world_at(place, |_| ()).await;
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await.result.unwrap();
    world.validate(browser.fetch("GET", "/")).await;
    // Use is written down with the next step that is acknowledged; a session that nobody had used ends with its login.
    world.log_in(&mut Browser::default(), "bob").await.result.unwrap();
    say("HAD", browser.cookie(COOKIE).unwrap());
    let serving = Serving::of(&world).await;
    faults.set(Fault::EndsProcessBefore(steps.parse().unwrap()));
    serving.sessions().await.update_attributes(by(Role::Backend, update(&browser, b"17"))).await.unwrap();
    say("UPDATED", "");
    done().await;
}

/// How far a killed call had got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// Nothing was done: it is carried out now.
    Nothing,
    /// It was done, and nobody knows who did it: to be read again.
    Done,
    /// It was done, and its answer kept.
    Kept,
}

async fn killed(test: &str, place: Place, step: usize) -> Reached {
    let said = killed_before(test, &place, step).await;
    let (world, _) = world_at(&place.told(), |_| ()).await;
    let cookie = said.get("HAD").expect("the child logged nobody in").to_owned();
    let browser = Browser { cookies: vec![(COOKIE.to_owned(), cookie)], ..Browser::default() };
    let serving = Serving::of(&world).await;
    let again = async || {
        let request = within(Duration::from_secs(20), Role::Backend, update(&browser, b"17"));
        serving.sessions().await.update_attributes(request).await
    };
    let reached = match again().await {
        Ok(answer) if is_repeated(&answer) => Reached::Kept,
        Ok(_) => Reached::Nothing,
        Err(late) => {
            failed::<()>(Err(late), Code::Aborted, "VERSION_CONFLICT");
            Reached::Done
        }
    };
    match again().await {
        Ok(answer) => assert!(is_repeated(&answer) && reached != Reached::Done, "before step {step}"),
        Err(late) => {
            failed::<()>(Err(late), Code::Aborted, "VERSION_CONFLICT");
            assert_eq!(reached, Reached::Done, "before step {step}");
        }
    }
    assert!(said.get("UPDATED").is_none() || reached == Reached::Kept, "before step {step}: what was acknowledged");
    let question = v1::GetAttributesRequest { cookies: cookies(&browser), context: None };
    let read = serving.sessions().await.get_attributes(by(Role::Backend, question)).await.unwrap().into_inner();
    let Some(Got::Attributes(kept)) = read.outcome else { panic!("before step {step}: {read:?}") };
    assert_eq!(kept.version, 1, "before step {step}: it was done once");
    reached
}

async fn at_any_step(test: &str, places: Vec<Place>) {
    let mut reached = join_all((0..STEPS).zip(places).map(|(step, place)| killed(test, place, step))).await;
    assert!(reached.is_sorted(), "{reached:?}");
    reached.dedup();
    assert_eq!(reached, [Reached::Nothing, Reached::Done, Reached::Kept], "it was killed on each stretch of the way");
}

// security.md 117, 124.
#[tokio::test]
async fn a_call_that_is_cut_short_is_repeated_and_done_once() {
    const NAME: &str = "kills::once::a_call_that_is_cut_short_is_repeated_and_done_once";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, (0..STEPS).map(|_| Place::file()).collect()).await,
    }
}

#[tokio::test]
async fn a_call_over_redis_that_is_cut_short_is_repeated_and_done_once() {
    const NAME: &str = "kills::once::a_call_over_redis_that_is_cut_short_is_repeated_and_done_once";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, join_all((0..STEPS).map(|_| Place::redis())).await).await,
    }
}
