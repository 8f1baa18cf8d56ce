//! Owns a revocation whose process ends in the middle: no session is half dead, one that was reported dead stays so, and
//! asking again ends the rest and tells what nobody was told. Does not know which store keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use gatelodge::app::keeper::keeping;
use gatelodge::authority::ports::{EventLog as _, Heard};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::validate_session::{Outcome, Question};
use gatelodge::session::event::{Event, Position, What};
use gatelodge::session::key::{SessionKey, TenantNumber, UserKey};
use gatelodge::session::mark::MarkTarget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Place, Process, done, say, world_at};
use crate::world::faults::Fault;
use crate::world::log::told;
use crate::world::replicas::until;
use crate::world::{Browser, FaultyStore, ISSUER, World};

const COOKIE: &str = "__Host-session";
const USERS: [&str; 4] = ["ada", "ada", "bob", "cyd"];
/// More than there are: the last ones are never reached.
const STEPS: usize = 14;

fn target(name: &str, first: &str) -> Target {
    match name {
        "session" => Target::Session(first.to_owned()),
        "user" => Target::User("idp_ada".into()),
        "sid" => Target::ProviderSession("idp".into(), "s1".into()),
        "tenant" => Target::Tenant,
        other => panic!("{other}"),
    }
}

/// The child: logs some in, and ends some of their sessions, as far as it gets.
async fn child(told: &str) {
    let (steps, rest) = told.split_once(' ').unwrap();
    let (place, name) = rest.rsplit_once(' ').unwrap();
    let (world, faults) = world_at(place, |_| ()).await;
    *world.provider.sid.lock().unwrap() = Some("s1".into());
    let mut first = String::new();
    for user in USERS {
        let mut browser = Browser::default();
        let session = world.log_in(&mut browser, user).await.result.unwrap();
        say("HELD", &format!("{user} {}", browser.cookie(COOKIE).unwrap()));
        say("KEY", &session.key.public());
        if first.is_empty() {
            first = session.key.public();
        }
    }
    say("FIRST", &first);
    world.clock.advance(Duration::from_secs(1));
    if let Ok(steps) = steps.parse() {
        faults.set(Fault::EndsProcessBefore(steps));
    } else {
        // The parent says when.
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
    }
    world.authority.revoke_as_admin(&World::call(), &target(name, &first), "test").await.unwrap();
    done().await;
}

async fn lives(world: &World, browser: &Browser) -> bool {
    let question = Question { presented: browser.fetch("GET", "/"), ..Question::default() };
    match world.authority.validate_session(&World::call(), question).await.unwrap() {
        Outcome::Active(_) => true,
        Outcome::Inactive(_) => false,
        other @ Outcome::Denied(_) => panic!("{other:?}"),
    }
}

/// Which of these a fresh authority, which hears everything, finds living.
async fn living(world: &World, held: &[(String, Browser)]) -> Vec<bool> {
    let keeper = tokio::spawn(keeping(world.authority.clone()));
    until(|| world.authority.hears_everything()).await;
    let living = join_all(held.iter().map(|(_, browser)| lives(world, browser))).await;
    keeper.abort();
    living
}

fn held<'a>(said: impl Iterator<Item = &'a str>) -> Vec<(String, Browser)> {
    let browser =
        |cookie: &str| Browser { cookies: vec![(COOKIE.to_owned(), cookie.to_owned())], ..Browser::default() };
    said.map(|said| said.split_once(' ').unwrap()).map(|(user, cookie)| (user.to_owned(), browser(cookie))).collect()
}

/// A log that other processes hear too, from now on.
struct Listening {
    log: Arc<FaultyStore>,
    from: Position,
}

impl Listening {
    /// At a place that others share: a file is one process's own.
    async fn at(place: &Place) -> Option<Self> {
        let Place::Redis { .. } = place else { return None };
        let (_, log) = world_at(&place.told(), |_| ()).await;
        // Whoever has read nothing yet knows of no history.
        log.next(None, Duration::ZERO).await.unwrap();
        let from = log.announce(vec![Event { tenant: TenantNumber(1), what: What::KeysRotated }]).await.unwrap();
        Some(Self { log, from })
    }

    async fn all(self) -> Vec<What> {
        let (mut all, mut at, began) = (Vec::new(), self.from, Instant::now());
        loop {
            let events = match self.log.next(Some(at), Duration::from_millis(50)).await {
                Ok(Heard::Events(events)) => events,
                Ok(Heard::Reset(_)) => panic!("the log was lost"),
                // Many processes ask the one server.
                Err(error) => {
                    assert!(began.elapsed() < Duration::from_secs(30), "{error:?}");
                    continue;
                }
            };
            let Some((last, _)) = events.last() else { return all };
            at = *last;
            all.extend(events.into_iter().map(|(_, event)| event.what));
        }
    }
}

/// Whether it is told that all that was meant has ended, for whoever holds something open for it.
fn is_told(told: &[What], name: &str, meant: &[SessionKey]) -> bool {
    let user = UserKey::of(TenantNumber(1), ISSUER, "ada");
    match name {
        "user" => told.contains(&What::UserRevoked(user)),
        "tenant" => told.iter().any(|what| matches!(what, What::Marked { target: MarkTarget::Tenant(_), .. })),
        _ => meant.iter().all(|key| told.contains(&What::Revoked(*key))),
    }
}

/// Answers whether the child came to its end.
async fn killed(test: &str, place: Place, name: &str, step: usize) -> bool {
    let listening = Listening::at(&place).await;
    let said = Process::start(test, &format!("{step} {} {name}", place.told())).end().await;
    let held = held(said.all("HELD"));
    assert_eq!(held.len(), USERS.len(), "the child logged nobody in");
    let (world, _) = world_at(&place.told(), |_| ()).await;
    world.clock.advance(Duration::from_secs(2));
    let meant: Vec<bool> = match name {
        "session" => (0..USERS.len()).map(|at| at == 0).collect(),
        "user" => USERS.iter().map(|user| *user == "ada").collect(),
        _ => vec![true; USERS.len()],
    };
    let living_now = living(&world, &held).await;
    for (at, meant) in meant.iter().enumerate() {
        assert!(*meant || living_now[at], "{name}, before step {step}: nobody else's ends");
        assert!(!(said.is_done() && *meant && living_now[at]), "{name}: what was reported dead is dead");
    }
    if name != "sid" {
        let mut left: Vec<_> = (0..USERS.len()).filter(|at| meant[*at]).map(|at| living_now[at]).collect();
        left.dedup();
        assert_eq!(left.len(), 1, "{name}, before step {step}: wholly before or wholly after: {living_now:?}");
    }
    // And asking again is all it takes.
    let first = said.get("FIRST").unwrap();
    world.authority.revoke_as_admin(&World::call(), &target(name, first), "again").await.unwrap();
    let after = join_all(held.iter().map(|(_, browser)| lives(&world, browser))).await;
    assert_eq!(after, meant.iter().map(|meant| !meant).collect::<Vec<_>>(), "{name}, before step {step}");
    if let Some(listening) = listening {
        let keys = said.all("KEY").map(|id| SessionKey::from_public(TenantNumber(1), id).unwrap());
        let meant: Vec<_> = keys.zip(&meant).filter(|(_, meant)| **meant).map(|(key, _)| key).collect();
        let told = listening.all().await;
        assert!(is_told(&told, name, &meant), "{name}, before step {step}: by the one or by the other: {told:?}");
    }
    world.clock.advance(Duration::from_secs(1));
    world.log_in(&mut Browser::default(), "ada").await.result.unwrap();
    said.is_done()
}

async fn at_any_step(test: &str, place: impl AsyncFn() -> Place) {
    for name in ["session", "user", "sid", "tenant"] {
        let mut places = Vec::new();
        for _ in 0..STEPS {
            places.push(place().await);
        }
        let each = places.into_iter().enumerate().map(|(step, place)| killed(test, place, name, step));
        let done = join_all(each).await;
        assert!(!done[0] && done[STEPS - 1], "{name}: {done:?}");
    }
}

#[tokio::test]
async fn a_revocation_that_is_cut_short_leaves_nothing_half_dead() {
    const NAME: &str = "kills::revocation::a_revocation_that_is_cut_short_leaves_nothing_half_dead";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, async || Place::file()).await,
    }
}

#[tokio::test]
async fn a_revocation_over_redis_that_is_cut_short_leaves_nothing_half_dead() {
    const NAME: &str = "kills::revocation::a_revocation_over_redis_that_is_cut_short_leaves_nothing_half_dead";
    match told() {
        Some(told) => child(&told).await,
        None => at_any_step(NAME, Place::redis).await,
    }
}

/// The way to Redis of a process that is killed as soon as so many more marks have been on their way to it.
struct Deadly {
    port: u16,
    left: Arc<AtomicUsize>,
    over: Arc<Notify>,
}

/// What the keys of marks have in their names, and nothing else that is sent meanwhile.
const MARK: &[u8] = b"}m";

impl Deadly {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (left, over) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(Notify::new()));
        let (marks, end) = (Arc::clone(&left), Arc::clone(&over));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&marks), Arc::clone(&end)));
            }
        });
        Self { port, left, over }
    }
}

async fn pass(client: TcpStream, server: TcpStream, left: Arc<AtomicUsize>, over: Arc<Notify>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let questions = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = from_client.read(&mut buffer).await?;
            let marks = buffer[..length].windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK);
            let places: Vec<_> = marks.map(|(at, _)| at).collect();
            let had = left.load(Ordering::SeqCst);
            // The last one is cut before it is whole.
            let last = had.checked_sub(1).and_then(|last| places.get(last));
            to_server.write_all(&buffer[..last.copied().unwrap_or(length)]).await?;
            if length == 0 {
                return Ok(());
            } else if last.is_some() {
                over.notify_one();
                // Until it is dead it is told nothing more.
                std::future::pending::<()>().await;
            }
            left.store(if had == usize::MAX { had } else { had - places.len() }, Ordering::SeqCst);
        }
    };
    let answers = async { tokio::io::copy(&mut from_server, &mut to_client).await };
    let _: std::io::Result<((), u64)> = tokio::try_join!(questions, answers);
}

// store.md, 5: a mark is chosen once, and then written 1,024 times; the writes that were sent may be any of them.
#[tokio::test]
async fn a_mark_that_is_written_in_part_kills_all_or_none() {
    const NAME: &str = "kills::revocation::a_mark_that_is_written_in_part_kills_all_or_none";
    if let Some(told) = told() {
        return child(&told).await;
    }
    let mut dead = Vec::new();
    for marks in [1, 3, 50, 500, 900] {
        let Place::Redis { port, prefix } = Place::redis().await else { unreachable!() };
        let way = Deadly::before(port).await;
        let mut process = Process::start(NAME, &format!("- redis {} {prefix} tenant", way.port));
        assert!(process.until("FIRST").await, "the child logged nobody in");
        way.left.store(marks, Ordering::SeqCst);
        process.go_on().await;
        way.over.notified().await;
        process.child.start_kill().unwrap();
        let said = process.end().await;
        assert!(!said.is_done(), "{marks}: it was killed before its end");
        let held = held(said.all("HELD"));
        let place = format!("redis {port} {prefix}");
        let (one, _) = world_at(&place, |_| ()).await;
        one.clock.advance(Duration::from_secs(2));
        let mut living_now = living(&one, &held).await;
        living_now.dedup();
        assert_eq!(living_now.len(), 1, "{marks}: wholly before or wholly after");
        dead.push(!living_now[0]);
        // Another fresh authority says the same, and repeating it ends whatever is left.
        let (two, _) = world_at(&place, |_| ()).await;
        two.clock.advance(Duration::from_secs(2));
        assert_eq!(living(&two, &held).await, [living_now[0]; USERS.len()], "{marks}");
        two.authority.revoke_as_admin(&World::call(), &Target::Tenant, "again").await.unwrap();
        assert_eq!(join_all(held.iter().map(|(_, browser)| lives(&two, browser))).await, [false; USERS.len()]);
        two.clock.advance(Duration::from_secs(1));
        let mut browser = Browser::default();
        two.log_in(&mut browser, "ada").await.result.unwrap();
        assert!(lives(&two, &browser).await, "{marks}: and a login that begins afterwards lives");
    }
    assert_eq!(dead, [false, true, true, true, true], "the first of them is where it was chosen");
}
