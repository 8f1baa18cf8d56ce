//! Owns a refresh whose process ends before any step of it, at a provider that takes a refresh token once: the session
//! lives on, whatever the provider says, also where a refusal ends one. Does not know which store keeps it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::refresh_tokens;
use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::refresh_tokens_response::Outcome;
use gatelodge_client::v1::validate_session_response::Outcome as Validated;
use tonic::{Code, Status};

use super::{Place, done, killed_before, say, world_at};
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by, cookies, validation};
use crate::world::faults::Fault;
use crate::world::log::told;
use crate::world::{Browser, World};

const COOKIE: &str = "__Host-session";
/// More than there are: the last ones are never reached.
const STEPS: usize = 13;
/// The one that comes after the last: others have to wait until the lease is over.
const RELEASE: &str = "release";

fn ending(settings: &mut Settings) {
    settings.tokens.end_session_when_refused = true;
    // What a killed process held is free within this time.
    settings.tokens.lease = Duration::from_secs(2);
}

/// The child: refreshes a session's tokens, as far as it gets, and says which refresh token it has sent.
async fn child(told: &str) {
    let (steps, place) = told.split_once(' ').unwrap();
    let (world, faults) = world_at(place, ending).await;
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await.result.unwrap();
    world.validate(browser.fetch("GET", "/")).await;
    // Use is written down with the next step that is acknowledged; a session that nobody had used ends with its login.
    world.log_in(&mut Browser::default(), "bob").await.result.unwrap();
    say("HAD", browser.cookie(COOKIE).unwrap());
    world.provider.rotates.store(true, Ordering::SeqCst);
    *world.provider.tells.lock().unwrap() = Some(|token| say("SENT", token));
    faults.set(match steps {
        RELEASE => Fault::EndsProcessBeforeRelease,
        steps => Fault::EndsProcessBefore(steps.parse().unwrap()),
    });
    let refreshed = world.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await.unwrap();
    assert!(matches!(refreshed, refresh_tokens::Outcome::Refreshed { .. }), "{refreshed:?}");
    say("REFRESHED", "");
    done().await;
}

async fn refresh(serving: &Serving, browser: &Browser) -> Result<Outcome, Status> {
    let question = v1::RefreshTokensRequest { cookies: cookies(browser), context: None, ..Default::default() };
    let answer = serving.sessions().await.refresh_tokens(by(Role::Edge, question)).await?;
    Ok(answer.into_inner().outcome.unwrap())
}

async fn lives(serving: &Serving, browser: &Browser) -> bool {
    let answer = serving.sessions().await.validate_session(by(Role::Edge, validation(browser))).await.unwrap();
    matches!(answer.into_inner().outcome, Some(Validated::Active(_)))
}

/// How far a killed refresh had got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// The token had not been sent.
    Nothing,
    /// It is spent, and what came for it is lost.
    Spent,
    /// What came for it is kept.
    Kept,
}

async fn killed(test: &str, place: Place, step: String) -> Reached {
    let said = killed_before(test, &place, &step).await;
    let (world, _) = world_at(&place.told(), ending).await;
    let spent: Vec<_> = said.all("SENT").map(str::to_owned).collect();
    assert!(spent.len() <= 1, "before step {step}: {spent:?}");
    world.provider.rotates.store(true, Ordering::SeqCst);
    world.provider.presented.lock().unwrap().extend(spent.clone());
    let cookie = said.get("HAD").expect("the child logged nobody in").to_owned();
    let mut browser = Browser { cookies: vec![(COOKIE.to_owned(), cookie)], ..Browser::default() };
    let serving = Serving::of(&world).await;

    let reached = match refresh(&serving, &browser).await {
        Ok(Outcome::Refreshed(_)) if spent.is_empty() => Reached::Nothing,
        Ok(Outcome::Refreshed(_)) => {
            assert_eq!(world.provider.presented.lock().unwrap()[1..], ["refresh-100"], "before step {step}");
            Reached::Kept
        }
        Ok(other) => panic!("before step {step}: {other:?}"),
        Err(refused) => {
            failed::<()>(Err(refused), Code::FailedPrecondition, "PROVIDER_REFUSED");
            failed(refresh(&serving, &browser).await, Code::FailedPrecondition, "PROVIDER_REFUSED");
            assert_eq!(spent.len(), 1, "before step {step}: nothing had been sent");
            Reached::Spent
        }
    };
    assert!(lives(&serving, &browser).await, "before step {step}: what a crash has spent ends no session");
    assert!(said.get("REFRESHED").is_none() || reached == Reached::Kept, "before step {step}: what was acknowledged");
    if step == RELEASE {
        assert_eq!((said.get("REFRESHED"), reached), (None, Reached::Kept), "it was killed with the lease in hand");
    }

    // And a refusal of what nobody had sent ends one all the same.
    world.log_in(&mut browser, "ada").await.result.unwrap();
    *world.provider.refusal.lock().unwrap() = Some(|| ProviderError::InvalidGrant("gone".into()));
    world.provider.presented.lock().unwrap().clear();
    assert!(matches!(refresh(&serving, &browser).await, Ok(Outcome::Inactive(_))), "before step {step}");
    assert!(!lives(&serving, &browser).await);
    reached
}

async fn at_any_step(test: &str, places: Vec<Place>) {
    let steps = (0..STEPS).map(|step| step.to_string()).chain([RELEASE.to_owned()]);
    let each = steps.zip(places).map(|(step, place)| killed(test, place, step));
    let mut reached = join_all(each).await;
    assert!(reached.is_sorted(), "{reached:?}");
    reached.dedup();
    assert_eq!(reached, [Reached::Nothing, Reached::Spent, Reached::Kept], "it was killed on each stretch of the way");
}

// security.md 81, 82, 117, 124.
#[tokio::test]
async fn a_refresh_that_is_cut_short_ends_no_session() {
    const NAME: &str = "kills::refresh::a_refresh_that_is_cut_short_ends_no_session";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, (0..=STEPS).map(|_| Place::file()).collect()).await,
    }
}

#[tokio::test]
async fn a_refresh_over_redis_that_is_cut_short_ends_no_session() {
    const NAME: &str = "kills::refresh::a_refresh_over_redis_that_is_cut_short_ends_no_session";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, join_all((0..=STEPS).map(|_| Place::redis())).await).await,
    }
}
