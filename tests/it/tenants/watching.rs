//! Owns what watchers are told: of their own tenants alone, at positions that tell nothing of others'. Does not know what
//! they do with it.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::{Client, ClientOptions, Verdict};
use tokio::time::timeout;
use tonic::{Request, Streaming};

use super::admin::one;
use super::town::{NAMES, Town, by, key, naming};
use crate::rpc::serving::{context, validation};
use crate::world::{Browser, Kept, World};

type Watch = Streaming<v1::WatchSessionsResponse>;

async fn watch(town: &Town, question: Request<v1::WatchSessionsRequest>) -> Watch {
    let mut watch = town.serving.sessions().await.watch_sessions(question).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    watch
}

/// The next session that a watcher is told of.
async fn next(watch: &mut Watch) -> String {
    loop {
        let message = timeout(Duration::from_secs(5), watch.message()).await.expect("a message").unwrap().unwrap();
        assert!(!message.reset, "{message:?}");
        if let Some(event) = message.events.first() {
            return event.session_id.clone();
        }
    }
}

async fn end(town: &Town, at: usize, id: &str) {
    town.worlds[at].authority.revoke_as_admin(&World::call(), &one(id.to_owned()), "").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_of_all_is_told_of_all_and_one_of_some_of_those() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::over(kept).await;
        let question = v1::WatchSessionsRequest::default;
        let mut all = watch(&town, by(Role::Edge, None, question())).await;
        let mut named = watch(&town, naming(Role::Edge, None, "globex", question())).await;
        let mut bound = watch(&town, by(Role::Edge, 2, question())).await;
        let mut ended = Vec::new();
        for (at, name) in NAMES.iter().enumerate() {
            let (_, id) = town.log_in(at, "ada").await;
            end(&town, at, &id).await;
            assert_eq!(next(&mut all).await, id, "{kept:?} {name}");
            ended.push(id);
        }
        assert_eq!((next(&mut named).await, next(&mut bound).await), (ended[2].clone(), ended[2].clone()));
    }
}

// store.md 6: positions that moved with every event would let a tenant count another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_position_moves_with_what_happens_to_another_tenant() {
    let town = Town::over(Kept::Memory).await;
    let (own, _) = town.log_in(1, "ada").await;
    let position = || town.worlds[1].authority.heard_up_to();
    let everybodys = || town.worlds[0].authority.heard_up_to();
    // Heartbeats move everybody's: between two of them nothing of another's does.
    let mut seen = 0;
    while seen < 3 {
        let (before, theirs) = (position(), everybodys());
        let (_, id) = town.log_in(0, "bob").await;
        end(&town, 0, &id).await;
        let moved = timeout(Duration::from_secs(5), async {
            while everybodys() == theirs {
                tokio::task::yield_now().await;
            }
        });
        moved.await.expect("the default tenant hears of its own");
        if everybodys() != position() {
            assert_eq!(position(), before);
            seen += 1;
        }
    }
    let living = town.worlds[1].validate(own.get("/")).await;
    assert!(matches!(living, gatelodge::authority::validate_session::Outcome::Active(_)), "{living:?}");
}

// An edge of several hosts keeps answers of all of them, and forgets those of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_keeps_answers_of_several_tenants_forgets_what_ends_at_any() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::over(kept).await;
        let address = format!("http://{}", town.serving.address);
        let client = Client::connect(&ClientOptions::new(address, key(Role::Edge, None))).unwrap();
        let is_active = async |client: &Client, browser: &Browser, host: &'static str| {
            let context = Some(v1::RequestContext { host: Some(host.into()), ..context("GET", "/") });
            let question = v1::ValidateSessionRequest { context, ..validation(browser) };
            matches!(client.sessions().check(question).await.unwrap().verdict, Verdict::Active(_))
        };
        let hosts = ["app.example.com", "acme.example.com", "globex.example.com"];
        let mut people = Vec::new();
        for (at, host) in hosts.into_iter().enumerate() {
            let (browser, id) = town.log_in(at, "ada").await;
            for _ in 0..20 {
                assert!(is_active(&client, &browser, host).await, "{kept:?} {host}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            people.push((browser, id, host));
        }
        for (at, (browser, id, host)) in people.iter().enumerate() {
            end(&town, at, id).await;
            let gone = timeout(Duration::from_secs(4), async { while is_active(&client, browser, host).await {} });
            gone.await.unwrap_or_else(|_| panic!("{kept:?} {host}: still believed"));
        }
        // A client of one tenant: the same connection, other answers.
        let (acme, _) = town.log_in(1, "bob").await;
        assert!(is_active(&client.for_tenant("acme"), &acme, "elsewhere.example").await);
        assert!(!is_active(&client.for_tenant("globex"), &acme, "elsewhere.example").await);
        assert!(!is_active(&client, &acme, "elsewhere.example").await);
    }
}

/// A position that only the default tenant's events have reached.
async fn anothers(town: &Town) -> gatelodge::session::event::Position {
    let heard = |at: usize| town.worlds[at].authority.heard_up_to();
    loop {
        let (_, id) = town.log_in(0, "bob").await;
        let before = heard(0);
        end(town, 0, &id).await;
        let moved = timeout(Duration::from_secs(5), async {
            while heard(0) == before {
                tokio::task::yield_now().await
            }
        });
        moved.await.expect("the default tenant hears of its own");
        // Else a heartbeat came in between, which is everybody's.
        if let Some(position) = heard(0).filter(|position| Some(*position) > heard(1)) {
            return position;
        }
    }
}

// store.md 6: whoever may try positions finds out by the answers where the log stands, and so how much happens to others,
// unless every position beyond one's own is answered alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_position_that_a_caller_makes_up_tells_of_anothers_events() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::over(kept).await;
        let (browser, _) = town.log_in(1, "ada").await;
        let keep_for = async |whose: Option<usize>, as_of: Vec<u8>| {
            let context = Some(v1::RequestContext { host: Some("acme.example.com".into()), ..context("GET", "/") });
            let question = v1::ValidateSessionRequest { as_of_position: as_of.into(), context, ..validation(&browser) };
            let answer = town.serving.sessions().await.validate_session(by(Role::Edge, whose, question)).await.unwrap();
            match answer.into_inner().outcome.unwrap() {
                v1::validate_session_response::Outcome::Active(active) => active.keep_for.map(|length| length.nanos),
                other => panic!("{other:?}"),
            }
        };
        let is_reset = async |whose: Option<usize>, after: Vec<u8>| {
            let question = v1::WatchSessionsRequest { after_position: after.into(), ..Default::default() };
            let watch = town.serving.sessions().await.watch_sessions(by(Role::Edge, whose, question)).await;
            watch.unwrap().into_inner().message().await.unwrap().unwrap().reset
        };
        let (mut asked, mut watched, far) = (0, 0, vec![0xff; 16]);
        // What a heartbeat moved meanwhile proves nothing.
        while asked < 2 || watched < 2 {
            assert!(keep_for(Some(1), Vec::new()).await.is_some());
            let theirs = anothers(&town).await;
            let beyond = |town: &Town| town.worlds[1].authority.heard_up_to() < Some(theirs);
            let told = keep_for(Some(1), theirs.0.to_vec()).await;
            if beyond(&town) {
                assert_eq!(told, Some(0), "{kept:?}: from the store, as beyond all that was heard");
                asked += 1;
            }
            let reset = is_reset(Some(1), theirs.0.to_vec()).await;
            if beyond(&town) {
                assert!(reset && is_reset(Some(1), far.clone()).await, "{kept:?}");
                watched += 1;
            }
            assert!(!is_reset(None, theirs.0.to_vec()).await, "{kept:?}: whoever is for all may know");
        }
        // Who is for all asks one tenant as of what happened to another, and is answered from memory.
        assert!(keep_for(None, Vec::new()).await.is_some());
        let theirs = anothers(&town).await;
        assert_ne!(keep_for(None, theirs.0.to_vec()).await, Some(0), "{kept:?}");
        assert_eq!(keep_for(None, far).await, Some(0));
    }
}
