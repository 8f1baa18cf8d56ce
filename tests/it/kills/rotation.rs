//! Owns a rotation whose process ends before any step of it: the credential that the browser holds is good, its
//! successor is one, and the tokens open. Does not know which store keeps it.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::validate_session::{Active, Outcome, Question};
use gatelodge::authority::{Error, get_access_token};

use super::{Place, done, killed_before, say, world_at};
use crate::world::faults::Fault;
use crate::world::log::told;
use crate::world::{Browser, World};

const COOKIE: &str = "__Host-session";
const AFTER: Duration = Duration::from_hours(1);
/// More than there are: the last ones are never reached.
const STEPS: usize = 12;

fn rotating(settings: &mut Settings) {
    settings.rotation.after = Some(AFTER);
    settings.lifetimes.idle = Duration::from_hours(12);
    // What is refreshed beside an answer is another matter.
    settings.tokens.refresh = false;
}

async fn ask(world: &World, browser: &Browser) -> Result<Active, Error> {
    let presented = browser.fetch("GET", "/");
    let question = Question { presented, touch: true, can_set_cookies: true, ..Question::default() };
    match world.authority.validate_session(&World::call(), question).await? {
        Outcome::Active(active) => Ok(*active),
        other => panic!("{other:?}"),
    }
}

/// The child: rotates a session's credential and presents the successor, as far as it gets.
async fn child(told: &str) {
    let (steps, place) = told.split_once(' ').unwrap();
    let (world, faults) = world_at(place, rotating).await;
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await.result.unwrap();
    ask(&world, &browser).await.unwrap();
    // Use is written down with the next step that is acknowledged; a session that nobody had used ends with its login.
    world.log_in(&mut Browser::default(), "bob").await.result.unwrap();
    world.clock.advance(AFTER);
    say("HAD", browser.cookie(COOKIE).unwrap());
    faults.set(Fault::EndsProcessBefore(steps.parse().unwrap()));
    browser.keep(&ask(&world, &browser).await.unwrap().set_cookies);
    say("GIVEN", browser.cookie(COOKIE).unwrap());
    ask(&world, &browser).await.unwrap();
    say("PRESENTED", "");
    done().await;
}

fn holding(cookie: &str) -> Browser {
    Browser { cookies: vec![(COOKIE.to_owned(), cookie.to_owned())], ..Browser::default() }
}

async fn access(world: &World, browser: &Browser) -> String {
    let question = get_access_token::Question { presented: browser.fetch("GET", "/"), ..Default::default() };
    match world.authority.get_access_token(&World::call(), &question).await.unwrap() {
        get_access_token::Outcome::Token(token) => token.value.expose().to_owned(),
        get_access_token::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

/// Answers how far the child got: nowhere, to a successor, to its presentation.
async fn killed(test: &str, place: Place, step: usize) -> usize {
    let said = killed_before(test, &place, step).await;
    let (world, _) = world_at(&place.told(), |settings| {
        rotating(settings);
        settings.tokens.refresh = true;
    })
    .await;
    world.clock.advance(AFTER);
    let had = holding(said.get("HAD").expect("the child logged nobody in"));
    let mut next = had.clone();
    next.keep(&ask(&world, &had).await.unwrap().set_cookies);
    assert_ne!(next.cookie(COOKIE), had.cookie(COOKIE), "before step {step}: a successor");
    if let Some(given) = said.get("GIVEN") {
        assert_eq!(next.cookie(COOKIE).unwrap(), given, "before step {step}: the same one again");
    }
    let active = ask(&world, &next).await.unwrap();
    assert_eq!((active.session.generation, active.set_cookies.len()), (2, 0), "before step {step}");
    ask(&world, &had).await.unwrap();
    assert_eq!(access(&world, &next).await, "access-100", "before step {step}: its refresh token was there");
    assert_eq!(*world.provider.presented.lock().unwrap(), ["refresh-0"]);
    // What comes after its grace is theft, as ever.
    world.clock.advance(Duration::from_secs(31));
    let late = Question { presented: had.fetch("GET", "/"), ..Question::default() };
    let late = world.authority.validate_session(&World::call(), late).await.unwrap();
    assert!(matches!(late, Outcome::Inactive(_)), "before step {step}: {late:?}");
    usize::from(said.get("GIVEN").is_some()) + usize::from(said.get("PRESENTED").is_some())
}

async fn at_any_step(test: &str, places: Vec<Place>) {
    let each = places.into_iter().enumerate().map(|(step, place)| killed(test, place, step));
    let mut reached = join_all(each).await;
    assert!(reached.is_sorted() && reached.last() == Some(&2), "{reached:?}");
    reached.dedup();
    assert_eq!(reached, [0, 1, 2], "it was killed on each stretch of the way");
}

#[tokio::test]
async fn a_rotation_that_is_cut_short_loses_no_session() {
    const NAME: &str = "kills::rotation::a_rotation_that_is_cut_short_loses_no_session";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, (0..STEPS).map(|_| Place::file()).collect()).await,
    }
}

#[tokio::test]
async fn a_rotation_over_redis_that_is_cut_short_loses_no_session() {
    const NAME: &str = "kills::rotation::a_rotation_over_redis_that_is_cut_short_loses_no_session";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, join_all((0..STEPS).map(|_| Place::redis())).await).await,
    }
}
