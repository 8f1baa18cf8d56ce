//! Owns what is left when the authority's process ends in the middle of CompleteCallback, without any goodbye
//! (security.md 124; store.md, 8). Does not know how the store writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::complete_callback::Unfinished;
use gatelodge::authority::list_sessions;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::ports::Entropy;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::store::embedded::EmbeddedStore;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::world::faults::{Fault, FaultyStore};
use crate::world::log::{again, told};
use crate::world::{Browser, World, state_of};

const CODE: &str = "code-0";

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A world over a file, with a provider that takes its time.
fn over(file: &Path) -> (World, Arc<FaultyStore>) {
    let mut faults = None;
    let world = World::built(
        &["idp"],
        |_| (),
        |ports| {
            let store = EmbeddedStore::open(Some(file), Arc::clone(&ports.clock)).unwrap();
            (ports.sessions, ports.logins) = (store.clone(), store);
            ports.entropy = Arc::new(SystemEntropy);
            faults = Some(FaultyStore::before(ports));
        },
    );
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(10));
    (world, faults.unwrap())
}

/// The child: begins a login, says how it can be finished, and finishes it, as far as it gets.
async fn child(told: &str) {
    let (steps, file) = told.split_once(' ').unwrap();
    let (world, faults) = over(Path::new(file));
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    assert_eq!(world.provider.code_for("ada"), CODE);
    let (state, binding) = (state_of(&started.answer), browser.cookie("__Host-login").unwrap());
    println!("\nBEGUN {state} {binding}");
    if let Ok(steps) = steps.parse() {
        faults.set(Fault::EndsProcessBefore(steps));
    }
    let done = world.callback(&browser, &format!("code={CODE}&state={state}")).await;
    println!("\nDONE {}", done.answer.set_cookies[0]);
    std::future::pending::<()>().await;
}

/// What a killed process has left: its file, and the browser that began a login.
struct Left {
    folder: TempDir,
    browser: Browser,
    query: String,
    /// The cookie, if the process got as far as answering.
    answered: Option<String>,
}

/// Lets a process complete a login, and ends it before the step of that number, or after that time.
async fn killed(test: &str, before_step: Option<usize>, after: Option<Duration>) -> Left {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sessions.redb");
    let steps = before_step.map_or("-".to_owned(), |steps| steps.to_string());
    let mut command = again(test, &format!("{steps} {}", file.display()));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let begun = loop {
        let line = lines.next_line().await.unwrap().expect("the child began no login");
        if let Some(begun) = line.strip_prefix("BEGUN ") {
            break begun.to_owned();
        }
    };
    if let Some(after) = after {
        tokio::time::sleep(after).await;
        process.start_kill().unwrap();
    }
    let mut answered = None;
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(cookie) = line.strip_prefix("DONE ") {
            answered = Some(cookie.to_owned());
            process.start_kill().unwrap();
        }
    }
    process.wait().await.unwrap();
    let (state, binding) = begun.split_once(' ').unwrap();
    let cookies = vec![("__Host-login".to_owned(), binding.to_owned())];
    let browser = Browser { cookies, ..Browser::default() };
    Left { folder, browser, query: format!("code={CODE}&state={state}"), answered }
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
    let (world, _) = over(&left.folder.path().join("sessions.redb"));
    world.provider.codes.lock().unwrap().insert(CODE.into(), "ada".into());
    world.clock.advance(Duration::from_secs(31));
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
    world.clock.advance(Duration::from_mins(11));
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
    let (world, _) = over(&left.folder.path().join("sessions.redb"));
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(sessions(&world).await, [""; 0], "a session that nobody holds outlives its login");
    assert!(world.log_in(&mut Browser::default(), "ada").await.result.is_ok());
}

// The store is asked four times: take the login, note the session's place, make it, keep the answer. The code is sent
// between the first and the second.
#[tokio::test]
async fn a_process_that_ends_between_any_two_steps_leaves_a_login_that_can_go_on() {
    const NAME: &str = "logins::kill::a_process_that_ends_between_any_two_steps_leaves_a_login_that_can_go_on";
    if let Some(told) = told() {
        return child(&told).await;
    }
    let expected = [End::Finished, End::BegunAgain, End::BegunAgain, End::BegunAgain, End::Repeated];
    for (step, expected) in expected.into_iter().enumerate() {
        let left = killed(NAME, Some(step), None).await;
        assert_eq!(left.answered.is_some(), step == 4, "before step {step}");
        assert_eq!(comes_back(left).await, expected, "before step {step}");
        nobody_comes_back(killed(NAME, Some(step), None).await).await;
    }
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_leaves_a_login_that_can_go_on() {
    const NAME: &str = "logins::kill::a_process_that_is_killed_at_any_moment_leaves_a_login_that_can_go_on";
    if let Some(told) = told() {
        return child(&told).await;
    }
    let mut ends = Vec::new();
    for round in 0..24_u64 {
        // Spread over the time that a completion takes here, and in another order than time's.
        let left = killed(NAME, None, Some(Duration::from_micros(round * 7919 % 40_000))).await;
        if round % 4 == 3 {
            nobody_comes_back(left).await;
        } else {
            ends.push(comes_back(left).await);
        }
    }
    println!("{ends:?}");
}
