//! Owns a login whose process ends in the middle of CompleteCallback. Does not know which store keeps it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::complete_callback::Unfinished;
use gatelodge::authority::list_sessions;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::validate_session::Outcome;

use super::{Place, Process, Said, done, killed_before, say, world_at};
use crate::world::faults::Fault;
use crate::world::log::told;
use crate::world::{Browser, FaultyStore, World, state_of};

const CODE: &str = "code-0";

/// Redis goes by its own clock: there a login's times are ones that a test can wait for.
const LEASE: Duration = Duration::from_secs(2);
const TTL: Duration = Duration::from_secs(12);

fn quick(settings: &mut Settings) {
    settings.logins.lease = LEASE;
    (settings.logins.ttl, settings.logins.keep_answer_for) = (TTL, TTL);
}

/// A world with a provider that takes its time.
async fn over(told: &str) -> (World, std::sync::Arc<FaultyStore>) {
    let (world, faults) = world_at(told, quick).await;
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(10));
    (world, faults)
}

/// The child: begins a login, says how it can be finished, and finishes it, as far as it gets.
async fn child(told: &str) {
    let (steps, place) = told.split_once(' ').unwrap();
    let (world, faults) = over(place).await;
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    assert_eq!(world.provider.code_for("ada"), CODE);
    say("BEGUN", &format!("{} {}", state_of(&started.answer), browser.cookie("__Host-login").unwrap()));
    if let Ok(steps) = steps.parse() {
        faults.set(Fault::EndsProcessBefore(steps));
    }
    let answered = world.callback(&browser, &format!("code={CODE}&state={}", state_of(&started.answer))).await;
    say("ANSWERED", &answered.answer.set_cookies[0]);
    done().await;
}

/// What a killed process has left: the browser that began a login, and the cookie if it got as far as answering.
struct Left {
    place: Place,
    browser: Browser,
    query: String,
    answered: Option<String>,
}

fn left(place: Place, said: &Said) -> Left {
    let (state, binding) = said.get("BEGUN").expect("the child began no login").split_once(' ').unwrap();
    let cookies = vec![("__Host-login".to_owned(), binding.to_owned())];
    let browser = Browser { cookies, ..Browser::default() };
    let answered = said.get("ANSWERED").map(str::to_owned);
    Left { place, browser, query: format!("code={CODE}&state={state}"), answered }
}

async fn sessions(world: &World) -> Vec<String> {
    let question = list_sessions::Question { page_size: 100, ..Default::default() };
    let page = world.authority.list_sessions(&question).await.unwrap();
    page.sessions.into_iter().map(|session| session.key.public()).collect()
}

/// How a killed login can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The code had not been sent: it is finished now.
    Finished,
    /// It was complete: the answer is repeated.
    Repeated,
    /// It was at work: it can be begun again.
    BegunAgain,
}

/// The browser comes back once the lease is over; what it gets, and what is left, has to fit.
async fn comes_back(left: Left) -> End {
    let (world, _) = over(&left.place.told()).await;
    world.provider.codes.lock().unwrap().insert(CODE.into(), "ada".into());
    left.place.pass(&world, LEASE + Duration::from_millis(100)).await;
    let mut browser = left.browser;
    let outcome = world.callback(&browser, &left.query).await;
    let sent_now = world.provider.redeemed.load(Ordering::SeqCst);
    let held = match &outcome.result {
        Ok(session) => vec![session.key.public()],
        Err(Unfinished::Failed(LoginFailure::Interrupted)) => Vec::new(),
        Err(failure) => panic!("{failure:?}"),
    };
    if let Some(cookie) = &left.answered {
        let value = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
        let again: Vec<_> = outcome.answer.set_cookies.iter().map(|cookie| value(cookie)).collect();
        assert_eq!(again, [value(cookie)], "what was acknowledged is repeated");
    }
    assert_eq!(sessions(&world).await, held, "a session that nobody holds");
    browser.keep(&outcome.answer.set_cookies);
    if outcome.result.is_ok() {
        assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
    }
    left.place.pass(&world, TTL).await;
    assert_eq!(sessions(&world).await, held, "what is held stays, and nothing else came");
    assert!(world.log_in(&mut browser, "ada").await.result.is_ok(), "a login can be begun again");
    match (held.is_empty(), sent_now) {
        (true, 0) => End::BegunAgain,
        (false, 0) => End::Repeated,
        (false, 1) => End::Finished,
        other => panic!("{other:?}"),
    }
}

/// Nobody comes back: nothing outlives the login's end.
async fn nobody_comes_back(left: Left) {
    let (world, _) = over(&left.place.told()).await;
    left.place.pass(&world, TTL).await;
    assert_eq!(sessions(&world).await, [""; 0], "a session that nobody holds outlives its login");
    assert!(world.log_in(&mut Browser::default(), "ada").await.result.is_ok());
}

/// The store is asked four times: take the login, note the session's place, make it, keep the answer. The code is sent
/// between the first and the second.
async fn between_any_two_steps(test: &str, places: Vec<Place>) {
    let expected = [End::Finished, End::BegunAgain, End::BegunAgain, End::BegunAgain, End::Repeated];
    let mut places = places.into_iter();
    let each = expected.into_iter().enumerate().map(|(step, expected)| {
        let (first, second) = (places.next().unwrap(), places.next().unwrap());
        async move {
            let said = killed_before(test, &first, step).await;
            assert_eq!(said.is_done(), step == 4, "before step {step}");
            assert_eq!(comes_back(left(first, &said)).await, expected, "before step {step}");
            let said = killed_before(test, &second, step).await;
            nobody_comes_back(left(second, &said)).await;
        }
    });
    join_all(each.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_process_that_ends_between_any_two_steps_leaves_a_login_that_can_go_on() {
    const NAME: &str = "kills::login::a_process_that_ends_between_any_two_steps_leaves_a_login_that_can_go_on";
    match told() {
        Some(told) => child(&told).await,
        None => between_any_two_steps(NAME, (0..10).map(|_| Place::file()).collect()).await,
    }
}

#[tokio::test]
async fn a_process_that_ends_between_any_two_steps_over_redis_leaves_a_login_that_can_go_on() {
    const NAME: &str =
        "kills::login::a_process_that_ends_between_any_two_steps_over_redis_leaves_a_login_that_can_go_on";
    match told() {
        Some(told) => child(&told).await,
        None => between_any_two_steps(NAME, join_all((0..10).map(|_| Place::redis())).await).await,
    }
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_leaves_a_login_that_can_go_on() {
    const NAME: &str = "kills::login::a_process_that_is_killed_at_any_moment_leaves_a_login_that_can_go_on";
    if let Some(told) = told() {
        return child(&told).await;
    }
    for round in 0..24_u64 {
        let place = Place::file();
        let mut process = Process::start(NAME, &format!("- {}", place.told()));
        assert!(process.until("BEGUN").await);
        // Spread over the time that a completion takes here, and in another order than time's.
        tokio::time::sleep(Duration::from_micros(round * 7919 % 40_000)).await;
        process.child.start_kill().unwrap();
        let left = left(place, &process.end().await);
        if round % 4 == 3 {
            nobody_comes_back(left).await;
        } else {
            comes_back(left).await;
        }
    }
}
