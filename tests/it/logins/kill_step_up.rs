//! Owns what is left when the authority's process ends while it steps a session up, without any goodbye: the session is
//! wholly as before or wholly as after, and somebody can go on with it. Does not know how the store writes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatelodge::authority::complete_callback::Unfinished;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::ports::Entropy;
use gatelodge::authority::settings::LoginSet;
use gatelodge::authority::validate_session::{Active, Outcome, Question, Requirements};
use gatelodge::session::need::{LoginNeeds, Needs};
use gatelodge::store::embedded::EmbeddedStore;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::world::faults::{Fault, FaultyStore};
use crate::world::log::{again, told};
use crate::world::{Browser, Says, World, state_of};

const CODE: &str = "code-1";
const COOKIE: &str = "__Host-session";

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

fn over(file: &Path) -> (World, Arc<FaultyStore>) {
    let mut faults = None;
    let world = World::built(
        &["idp"],
        |settings| settings.tokens.refresh = false,
        |ports| {
            let store = EmbeddedStore::open(Some(file), Arc::clone(&ports.clock)).unwrap();
            (ports.sessions, ports.logins) = (store.clone(), store);
            ports.entropy = Arc::new(SystemEntropy);
            faults = Some(FaultyStore::before(ports));
        },
    );
    (world, faults.unwrap())
}

fn says(world: &World, acr: &str) {
    *world.provider.says.lock().unwrap() = Says { acr: Some(acr.into()), ..Says::default() };
}

async fn ask(world: &World, browser: &Browser, acr: &[&str]) -> Outcome {
    let acr_values = acr.iter().map(|value| (*value).to_owned()).collect();
    let needs = Needs { login: LoginNeeds { acr_values, ..LoginNeeds::default() }, ..Needs::default() };
    let requirements = Requirements { needs, ..Requirements::default() };
    let presented = browser.fetch("GET", "/");
    let question = Question { presented, requirements, touch: true, ..Question::default() };
    world.authority.validate_session(&World::call(), question).await.unwrap()
}

/// The child: steps a session up, as far as it gets, and says beforehand how it can be finished.
async fn child(told: &str) {
    let (steps, file) = told.split_once(' ').unwrap();
    let (world, faults) = over(Path::new(file));
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let Outcome::Denied(denied) = ask(&world, &browser, &["2"]).await else { panic!("not denied") };
    assert!(matches!(ask(&world, &browser, &[]).await, Outcome::Active(_)));
    let started = world.start(&browser, &denied.login_query).await;
    browser.keep(&started.answer.set_cookies);
    says(&world, "2");
    assert_eq!(world.provider.code_for("ada"), CODE);
    let state = state_of(&started.answer);
    let cookie = |name| browser.cookie(name).unwrap();
    println!("\nBEGUN {state} {} {}", cookie("__Host-login"), cookie(COOKIE));
    faults.set(Fault::EndsProcessBefore(steps.parse().unwrap()));
    let done = world.callback(&browser, &format!("code={CODE}&state={state}")).await;
    println!("\nDONE {}", done.answer.set_cookies[0]);
    std::future::pending::<()>().await;
}

struct Left {
    folder: TempDir,
    browser: Browser,
    query: String,
    answered: bool,
}

async fn killed(test: &str, before_step: usize) -> Left {
    let folder = TempDir::new().unwrap();
    let mut command = again(test, &format!("{before_step} {}", folder.path().join("sessions.redb").display()));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let (mut begun, mut answered) = (None, false);
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(told) = line.strip_prefix("BEGUN ") {
            begun = Some(told.to_owned());
        }
        if line.starts_with("DONE ") {
            answered = true;
            process.start_kill().unwrap();
        }
    }
    process.wait().await.unwrap();
    let begun = begun.expect("the child began no login");
    let [state, binding, session] = begun.split(' ').collect::<Vec<_>>()[..] else { panic!("{begun}") };
    let cookies = vec![("__Host-login".to_owned(), binding.to_owned()), (COOKIE.to_owned(), session.to_owned())];
    let browser = Browser { cookies, ..Browser::default() };
    Left { folder, browser, query: format!("code={CODE}&state={state}"), answered }
}

#[track_caller]
fn active(outcome: Outcome) -> Box<Active> {
    match outcome {
        Outcome::Active(active) => active,
        other => panic!("not active: {other:?}"),
    }
}

// Take the login, read the session, keep the answer, write the session.
#[tokio::test]
async fn a_process_that_ends_between_any_two_steps_leaves_a_session_that_somebody_can_go_on_with() {
    const NAME: &str =
        "logins::kill_step_up::a_process_that_ends_between_any_two_steps_leaves_a_session_that_somebody_can_go_on_with";
    if let Some(told) = told() {
        return child(&told).await;
    }
    let (mut answered, mut finished, mut before) = (false, 0, 0);
    for step in 0..12 {
        let left = killed(NAME, step).await;
        answered = left.answered;
        let (world, _) = over(&left.folder.path().join("sessions.redb"));
        world.provider.codes.lock().unwrap().insert(CODE.into(), "ada".into());
        says(&world, "2");
        world.clock.advance(Duration::from_secs(31));
        let mut browser = left.browser;
        // The browser sends its callback again.
        let response = gatelodge::authority::complete_callback::Response::Query(Bytes::from(left.query));
        let question = gatelodge::authority::complete_callback::Question {
            set: LoginSet::Web,
            provider: Bytes::new(),
            response,
            presented: browser.get("/auth/web/callback"),
        };
        let outcome = world.authority.complete_callback(&World::call(), question).await.unwrap();
        browser.keep(&outcome.answer.set_cookies);
        let session = active(ask(&world, &browser, &[]).await).session;
        match outcome.result {
            Ok(view) => {
                finished += 1;
                assert_eq!((session.generation, view.key), (2, session.key), "before step {step}");
                active(ask(&world, &browser, &["2"]).await);
            }
            Err(Unfinished::Failed(LoginFailure::Interrupted | LoginFailure::AlreadyComplete)) => {
                before += 1;
                assert_eq!(session.generation, 1, "before step {step}");
                let Outcome::Denied(denied) = ask(&world, &browser, &["2"]).await else { panic!("half written") };
                // And it can be begun again.
                let started = world.start(&browser, &denied.login_query).await;
                browser.keep(&started.answer.set_cookies);
                let code = world.provider.code_for("ada");
                let done = world.callback(&browser, &format!("code={code}&state={}", state_of(&started.answer))).await;
                assert!(done.result.is_ok(), "before step {step}: {:?}", done.result);
            }
            Err(other) => panic!("before step {step}: {other:?}"),
        }
        if answered {
            break;
        }
    }
    assert!(answered && finished >= 2 && before >= 2, "{answered} {finished} {before}");
}
