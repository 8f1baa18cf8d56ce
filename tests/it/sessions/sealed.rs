//! Shows that nothing that an application keeps with a session, and nothing that is known of its user, stands in a store in
//! clear: everything that the store holds is read as bytes. Does not know how it is sealed.

use std::sync::Arc;

use gatelodge::authority::ports::{SessionStore, UserLookup, UserStore};
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::UserKey;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge_client::v1;
use gatelodge_client::v1::update_attributes_response::Outcome;
use tempfile::TempDir;

use crate::redis::Server;
use crate::rpc::once::is_repeated;
use crate::rpc::serving::{Serving, by, cookies};
use crate::store::bench::keys_of;
use crate::world::kept::{connected_at, fresh_prefix, put_all};
use crate::world::{Browser, ISSUER, World};

/// Short, and so strange that nothing compresses it away or holds it by chance.
const VALUE: &[u8] = b"V4lue-q7Zk";
const NAME: &str = "n4me-x9Wp";
const SUB: &str = "s0b-j6Tr";
const KEY: &str = "k3y-v8Tn";

/// A user logs in and an application keeps something: what a search of the whole store has to find of it.
async fn kept(world: &World, store: &(impl SessionStore + UserStore)) -> [Vec<u8>; 3] {
    let (serving, mut browser) = (Serving::of(world).await, Browser::default());
    let session = world.log_in(&mut browser, SUB).await.result.unwrap().key;
    let question = v1::UpdateAttributesRequest {
        cookies: cookies(&browser),
        set: [(NAME.to_owned(), VALUE.to_vec().into())].into(),
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    for is_kept in [false, true] {
        let answer = serving.sessions().await.update_attributes(by(Role::Backend, question.clone())).await.unwrap();
        assert_eq!(is_repeated(&answer), is_kept);
        assert!(matches!(answer.into_inner().outcome, Some(Outcome::Attributes(_))));
    }
    let question = v1::GetUserRequest { user_id: format!("idp_{SUB}") };
    let user = serving.admin().await.get_user(by(Role::Admin, question)).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.email, format!("{SUB}@example.com"));
    let UserLookup::Found(user) = store.user(&UserKey::of(session.tenant, ISSUER, SUB)).await.unwrap() else {
        panic!("nobody is kept")
    };
    let attributes = store.attributes(&session).await.unwrap().unwrap();
    [session.id.to_vec(), attributes.sealed, user.profile]
}

fn holds(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

fn assert_sealed(whole: &[u8], there: &[Vec<u8>]) {
    assert!(there.iter().all(|part| holds(whole, part)), "else this search shows nothing");
    for secret in [VALUE, NAME.as_bytes(), SUB.as_bytes(), KEY.as_bytes()] {
        assert!(!holds(whole, secret), "{} stands in the store", String::from_utf8_lossy(secret));
    }
}

// security.md 75.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_with_a_session_or_known_of_a_user_stands_in_no_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sessions.redb");
    let mut store = None;
    let world = World::built(
        &["idp"],
        |_| (),
        |ports| put_all(ports, store.insert(EmbeddedStore::open(Some(&file), Arc::clone(&ports.clock)).unwrap())),
    );
    let there = kept(&world, &**store.as_ref().unwrap()).await;
    assert_sealed(&std::fs::read(&file).unwrap(), &there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_with_a_session_or_known_of_a_user_stands_in_no_redis() {
    let prefix = fresh_prefix();
    let port = tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap();
    let redis = connected_at(port, &prefix).await;
    let world = World::built(&["idp"], |_| (), |ports| put_all(ports, &redis));
    let there = kept(&world, &*redis).await;
    let whole = tokio::task::spawn_blocking(move || {
        let (mut admin, mut whole) = (Server::shared().admin(), Vec::new());
        // What is dumped is else compressed, and a name in it is cut.
        let plain = redis::cmd("CONFIG").arg("SET").arg("rdbcompression").arg("no").query::<String>(&mut admin);
        assert_eq!(plain.unwrap(), "OK");
        for key in keys_of(Server::shared(), &prefix) {
            let kind: String = redis::cmd("TYPE").arg(&key).query(&mut admin).unwrap();
            let read = if kind == "string" { "GET" } else { "DUMP" };
            let value: Option<Vec<u8>> = redis::cmd(read).arg(&key).query(&mut admin).unwrap();
            whole.extend(key);
            whole.extend(value.unwrap_or_default());
        }
        whole
    });
    assert_sealed(&whole.await.unwrap(), &there);
}
