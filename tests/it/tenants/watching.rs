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
