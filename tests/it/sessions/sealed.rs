//! Shows that nothing that an application keeps with a session, nothing that is known of its user, and nothing that lets
//! anybody in stands in a store in clear: everything that the store holds is read as bytes. Does not know how it is sealed.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::Ports;
use gatelodge::authority::ports::{SessionStore, UserLookup, UserStore};
use gatelodge::authority::settings::{OnExceed, SessionLimit, Settings};
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::{SessionKey, TenantNumber, UserKey};
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;
use gatelodge_client::v1::token_service_client::TokenServiceClient;
use gatelodge_client::v1::update_attributes_response::Outcome;
use gatelodge_client::v1::validate_session_response::Outcome as Validated;
use tempfile::TempDir;

use super::door::COOKIE;
use crate::hostile::{Endpoint, Hostile};
use crate::logins::journey_parameter as parameter;
use crate::redis::Server;
use crate::rpc::once::is_repeated;
use crate::rpc::serving::{Serving, by, context, cookies, validation};
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

/// Everything that stands in Redis under this prefix.
async fn all_of_redis(prefix: String) -> Vec<u8> {
    let read = move || {
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
    };
    tokio::task::spawn_blocking(read).await.unwrap()
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
    assert_sealed(&all_of_redis(prefix).await, &there);
}

/// A world whose users have one session at a time, over a provider with real tokens; a second login waits for a choice.
fn lived_in(hostile: &Hostile, put: impl FnOnce(&mut Ports)) -> World {
    let change = |settings: &mut Settings| {
        settings.session_limit = Some(SessionLimit { most: 1, on_exceed: OnExceed::Ask });
        settings.rotation.after = Some(Duration::from_mins(1));
    };
    let providers = Arc::new(hostile.registry());
    World::built(&["unused"], change, |ports| {
        put(ports);
        (ports.providers, ports.entropy) = (providers, Arc::new(SystemEntropy));
    })
}

/// What of a credential must not stand in a store: its text, and any part of its bytes after those by which the store knows it.
fn parts(text: &str, known: usize) -> Vec<Vec<u8>> {
    let body = ["sess_", "bind_", "csrf_", "glk_"].iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text);
    let bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
    bytes[known..].windows(16).map(<[u8]>::to_vec).chain([text.as_bytes().to_vec()]).collect()
}

/// Begins a login: the browser, with what it is sent to the provider with.
async fn begin(serving: &Serving, held: &mut Vec<Vec<u8>>) -> (Browser, String) {
    let start = v1::StartLoginRequest { context: Some(context("GET", "/auth/web/login")), ..Default::default() };
    let answer = serving.logins().await.start_login(by(Role::Edge, start)).await.unwrap().into_inner().answer.unwrap();
    let mut browser = Browser::default();
    browser.keep(&answer.set_cookies);
    let query = answer.location.split_once('?').unwrap().1;
    held.extend(["state", "nonce"].iter().flat_map(|name| parts(&parameter(query, name).unwrap(), 0)));
    held.extend(browser.cookies.iter().flat_map(|(_, value)| parts(value, 0)));
    (browser, answer.location)
}

async fn complete(serving: &Serving, hostile: &Hostile, began: &mut (Browser, String)) -> Completed {
    let query = hostile.visit(&began.1).unwrap().query().unwrap().to_owned();
    let callback = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.into())),
        cookies: cookies(&began.0),
        context: Some(context("GET", "/auth/web/callback")),
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    let answer = serving.logins().await.complete_callback(by(Role::Edge, callback)).await.unwrap().into_inner();
    began.0.keep(&answer.answer.unwrap().set_cookies);
    answer.outcome.unwrap()
}

/// Everything there is: a login that is open and one that waits, a session whose tokens were renewed and whose successor is
/// issued, a minted token, an API key. The session, and what browsers, callers and the provider hold of it.
async fn everything(world: &World, hostile: &Hostile) -> (SessionKey, Vec<Vec<u8>>) {
    let (serving, mut held) = (Serving::of(world).await, vec![b"CANARY".to_vec(), b"eyJhbGciOi".to_vec(), KEY.into()]);
    let mut sessions = serving.sessions().await;
    let mut began = begin(&serving, &mut held).await;
    let Completed::Completed(login) = complete(&serving, hostile, &mut began).await else { panic!("no session") };
    let (mut browser, _) = began;
    held.extend(parts(browser.cookie(COOKIE).unwrap(), 0));
    let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
    sessions.refresh_tokens(by(Role::Backend, refresh)).await.unwrap();
    let mint = v1::MintTokenRequest {
        cookies: cookies(&browser),
        audience: "https://orders.example.com".into(),
        ..Default::default()
    };
    let mut tokens = TokenServiceClient::new(serving.channel().await);
    tokens.mint_token(by(Role::Backend, mint)).await.unwrap();
    for _ in 0..2 {
        let question =
            v1::ValidateSessionRequest { can_set_cookies: true, issue_csrf_token: true, ..validation(&browser) };
        let answer = sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
        let Some(Validated::Active(active)) = answer.outcome else { panic!("{answer:?}") };
        // Version, time, tenant, partition and id of the session come first.
        held.extend(parts(&active.csrf_token, 1 + 8 + 4 + 2 + 16));
        browser.keep(&active.set_cookies);
        world.clock.advance(Duration::from_mins(1));
    }
    held.extend(parts(browser.cookie(COOKIE).unwrap(), 0));
    let waits = complete(&serving, hostile, &mut begin(&serving, &mut held).await).await;
    assert!(matches!(waits, Completed::Waiting(_)), "{waits:?}");
    begin(&serving, &mut held).await;
    let wanted =
        v1::CreateCallerKeyRequest { name: "ci".into(), role: v1::CallerRole::Backend.into(), ..Default::default() };
    let made = serving.admin().await.create_caller_key(by(Role::Admin, wanted)).await.unwrap().into_inner();
    // Version, tenant and id come first.
    held.extend(parts(&made.api_key, 1 + 4 + 12));
    let verifiers =
        hostile.received(Endpoint::Token).into_iter().filter_map(|one| parameter(&one.form, "code_verifier"));
    held.extend(verifiers.map(String::into_bytes));
    let session = SessionKey::from_public(TenantNumber(1), &login.session.unwrap().session_id).unwrap();
    (session, held)
}

fn assert_useless(whole: &[u8], tokens: &[u8], held: &[Vec<u8>]) {
    assert!(holds(whole, tokens), "else this search shows nothing");
    for secret in held {
        assert!(!holds(whole, secret), "{} stands in the store", String::from_utf8_lossy(secret));
    }
}

// store.md 3, security.md 75 and 109: whoever takes the store has no credential, no token, and nothing that makes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_lets_anybody_in_stands_in_a_file() {
    let (hostile, folder) = (Hostile::start().await, TempDir::new().unwrap());
    let (file, mut store) = (folder.path().join("sessions.redb"), None);
    let world = lived_in(&hostile, |ports| {
        put_all(ports, store.insert(EmbeddedStore::open(Some(&file), Arc::clone(&ports.clock)).unwrap()));
    });
    let (session, held) = everything(&world, &hostile).await;
    let tokens = store.unwrap().tokens(&session).await.unwrap().unwrap();
    assert_useless(&std::fs::read(&file).unwrap(), &tokens, &held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_lets_anybody_in_stands_in_redis() {
    let (hostile, prefix) = (Hostile::start().await, fresh_prefix());
    let port = tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap();
    let redis = connected_at(port, &prefix).await;
    let world = lived_in(&hostile, |ports| put_all(ports, &redis));
    let (session, held) = everything(&world, &hostile).await;
    let tokens = redis.tokens(&session).await.unwrap().unwrap();
    assert_useless(&all_of_redis(prefix).await, &tokens, &held);
}
