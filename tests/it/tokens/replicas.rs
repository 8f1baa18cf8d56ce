//! Owns the tests of refreshing in several authorities over one Redis: one provider call for each expiry, whatever
//! becomes of leases and processes. Does not know what a single authority does.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::refresh_tokens::Outcome as Refreshed;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::{Error, get_access_token};
use gatelodge::crypto::Secret;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::OidcSettings;
use gatelodge::providers::registration::Registration;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;
use tonic::transport::Channel;

use super::{ending, fresh_prefix, invalid_grant, over, redis_store, refresh, until};
use crate::hostile::{Answer, Body, CLIENT_ID, CLIENT_SECRET, Endpoint, Hostile};
use crate::redis::Server;
use crate::rpc::serving::{Serving, by, cookies, validation};
use crate::world::faults::Fault;
use crate::world::kept::connected_at;
use crate::world::log::{again, told};
use crate::world::{Browser, FaultyStore, Listed, World, state_of};

/// So long that nobody loses it because the machine is busy.
const LEASE: Duration = Duration::from_secs(2);
/// The provider takes longer than a lease lasts that is not renewed.
const SLOW: Duration = Duration::from_secs(3);

fn short_leases(settings: &mut Settings) {
    settings.tokens.lease = LEASE;
    settings.tokens.wait = Duration::from_secs(5);
    settings.tokens.end_session_when_refused = false;
}

/// Two authorities that share store, provider and clock, each with a door, and a browser that is logged in.
struct Replicas {
    a: World,
    b: World,
    doors: [SessionServiceClient<Channel>; 2],
    _serving: [Serving; 2],
    browser: Browser,
    prefix: String,
    /// What each of them asks of the store.
    stores: [Arc<FaultyStore>; 2],
}

impl Replicas {
    async fn new() -> Self {
        Self::with(short_leases).await
    }

    async fn with(change: fn(&mut Settings)) -> Self {
        let (prefix, mut stores) = (fresh_prefix(), Vec::new());
        let (one, other) = (redis_store(&prefix).await, redis_store(&prefix).await);
        let a = World::built(&["idp"], change, |ports| {
            over(&one)(ports);
            stores.push(FaultyStore::before(ports));
            ports.entropy = Arc::new(SystemEntropy);
        });
        let b = World::built(&["idp"], change, |ports| {
            over(&other)(ports);
            stores.push(FaultyStore::before(ports));
            ports.entropy = Arc::new(SystemEntropy);
            ports.providers = Arc::new(Listed(vec![Arc::clone(&a.provider)]));
            (ports.clock, ports.wall) = (a.clock.clone(), a.clock.clone());
        });
        let mut browser = Browser::default();
        a.log_in(&mut browser, "ada").await;
        let serving = [Serving::of(&a).await, Serving::of(&b).await];
        let doors = [serving[0].sessions().await, serving[1].sessions().await];
        Self { a, b, doors, _serving: serving, browser, prefix, stores: stores.try_into().unwrap_or_else(|_| panic!()) }
    }

    fn refreshed(&self) -> usize {
        self.a.provider.refreshed.load(Ordering::SeqCst)
    }

    /// Takes the lease away under its holder, as a store does that could not be reached for its length.
    async fn lose_the_lease(&self) {
        let prefix = self.prefix.clone();
        let lose = move || {
            let keys = crate::store::bench::keys_of(Server::shared(), &prefix);
            let lease = keys.into_iter().find(|key| key.windows(2).any(|pair| pair == b"}l")).unwrap();
            redis::cmd("DEL").arg(lease).exec(&mut Server::shared().admin()).unwrap();
        };
        tokio::task::spawn_blocking(lose).await.unwrap();
    }
}

pub async fn access(world: &World, browser: &Browser) -> Result<String, Error> {
    let question = get_access_token::Question { presented: browser.fetch("GET", "/"), ..Default::default() };
    match world.authority.get_access_token(&World::call(), &question).await? {
        get_access_token::Outcome::Token(token) => Ok(token.value.expose().to_owned()),
        get_access_token::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

/// The access token, by a call through a door.
async fn asked_for(door: &SessionServiceClient<Channel>, browser: &Browser) -> String {
    let question = v1::GetAccessTokenRequest { cookies: cookies(browser), ..Default::default() };
    let answer = door.clone().get_access_token(by(Role::Backend, question)).await.unwrap().into_inner();
    match answer.outcome {
        Some(v1::get_access_token_response::Outcome::AccessToken(token)) => token.value,
        other => panic!("{other:?}"),
    }
}

// security.md 79, and figure 4: exactly one call, also with a provider slower than the lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_at_two_replicas_are_one_provider_call_however_slow() {
    let replicas = Replicas::new().await;
    for round in 1..=2 {
        *replicas.a.provider.slow.lock().unwrap() = Some(SLOW);
        replicas.a.clock.advance(Duration::from_secs(290));
        let racing = (0..100).map(|number| asked_for(&replicas.doors[number % 2], &replicas.browser));
        let all: HashSet<_> = futures::future::join_all(racing).await.into_iter().collect();
        assert_eq!((all.len(), replicas.refreshed()), (1, round), "{all:?}");
    }
}

// What is refreshed beside an answer is refreshed once too: each replica begins, and one of them asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_validations_at_two_replicas_are_one_provider_call_beside_them() {
    let replicas = Replicas::new().await;
    for round in 1..=2 {
        *replicas.a.provider.slow.lock().unwrap() = Some(SLOW);
        replicas.a.clock.advance(Duration::from_secs(290));
        let asked_before = replicas.stores.each_ref().map(|store| store.count("lease"));
        let racing = (0..100).map(async |number| {
            let (mut door, question) = (replicas.doors[number % 2].clone(), validation(&replicas.browser));
            let answer = door.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
            assert!(matches!(answer.outcome, Some(Outcome::Active(_))), "{answer:?}");
        });
        futures::future::join_all(racing).await;
        // Before anybody asks for the token, both have begun, and one of them has asked.
        let have_begun =
            || replicas.stores.iter().zip(asked_before).all(|(store, before)| store.count("lease") > before);
        until(|| replicas.refreshed() == round && have_begun()).await;
        // Whoever asks for it waits for what was begun.
        let kept =
            futures::future::join_all(replicas.doors.iter().map(|door| asked_for(door, &replicas.browser))).await;
        assert_eq!((kept[0] == kept[1], replicas.refreshed()), (true, round), "{kept:?}");
        assert_eq!(kept[0], format!("access-{}", 99 + round));
    }
}

// A failure is given to all who waited for it in a process, and does not make each of them ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_at_a_provider_in_trouble_ask_it_no_more_than_once_each_replica() {
    let replicas = Replicas::new().await;
    *replicas.a.provider.slow.lock().unwrap() = Some(LEASE);
    let away: fn() -> _ = || gatelodge::authority::provider::ProviderError::Unavailable("away".into());
    *replicas.a.provider.refusal.lock().unwrap() = Some(away);
    replicas.a.clock.advance(Duration::from_secs(310));
    let racing = (0..100).map(|number| {
        let world = if number % 2 == 0 { &replicas.a } else { &replicas.b };
        access(world, &replicas.browser)
    });
    for outcome in futures::future::join_all(racing).await {
        assert!(matches!(outcome, Err(Error::ProviderUnavailable(_))), "{outcome:?}");
    }
    assert_eq!(replicas.refreshed(), 2);
}

// What was never sent is as it was, and its refusal is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_lost_before_the_token_is_sent_leaves_it_as_it_was() {
    let replicas = Replicas::with(|settings| {
        short_leases(settings);
        ending(settings);
    })
    .await;
    let (authority, asked, store) =
        (replicas.a.authority.clone(), replicas.browser.fetch("GET", "/"), &replicas.stores[0]);
    store.set(Fault::HoldsAnswersOf(&["rewrite"]));
    let refreshing = tokio::spawn(async move { authority.refresh_tokens(&World::call(), &asked).await });
    until(|| store.count("rewrite") == 1 && store.waiting() == 1).await;
    replicas.lose_the_lease().await;
    // It is held no longer than it was last made sure of.
    tokio::time::sleep(LEASE).await;
    store.set(None);
    let outcome = refreshing.await.unwrap();
    assert!(matches!(outcome, Err(Error::RefreshInProgress)), "{outcome:?}");
    assert_eq!(replicas.refreshed(), 0);
    *replicas.a.provider.refusal.lock().unwrap() = Some(invalid_grant);
    assert!(matches!(refresh(&replicas.b, &replicas.browser).await, Ok(Refreshed::Inactive(_))));
}

/// Replica A asks the provider, loses its lease meanwhile, and replica B asks too. What both get, and what is kept.
async fn lease_lost(rotating: bool) -> (Replicas, Result<Refreshed, Error>, Result<Refreshed, Error>) {
    let replicas = Replicas::new().await;
    replicas.a.provider.rotates.store(rotating, Ordering::SeqCst);
    *replicas.a.provider.slow.lock().unwrap() = Some(Duration::from_secs(1));
    let (asked, call) = (replicas.browser.fetch("GET", "/"), World::call());
    let (a, b) = tokio::join!(replicas.a.authority.refresh_tokens(&call, &asked), async {
        until(|| replicas.refreshed() == 1).await;
        replicas.lose_the_lease().await;
        replicas.b.authority.refresh_tokens(&call, &asked).await
    });
    assert_eq!(replicas.refreshed(), 2);
    (replicas, a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_lease_with_a_provider_that_rotates_loses_no_token() {
    let (replicas, a, b) = lease_lost(true).await;
    assert!(matches!(a, Ok(Refreshed::Refreshed { .. })), "{a:?}");
    // The first call had spent the token; the second is told so, or gets the first one's result.
    assert!(matches!(b, Err(Error::ProviderRefused(_)) | Ok(Refreshed::Refreshed { .. })), "{b:?}");
    for world in [&replicas.a, &replicas.b] {
        assert_eq!(access(world, &replicas.browser).await.unwrap(), "access-100");
    }
    assert!(replicas.a.provider.revoked.lock().unwrap().is_empty());
    // And the refresh token that is kept is the one that is good.
    replicas.a.clock.advance(Duration::from_secs(290));
    assert_eq!(access(&replicas.b, &replicas.browser).await.unwrap(), "access-102");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_lease_with_a_provider_that_does_not_rotate_gives_both_the_same_tokens() {
    let (replicas, a, b) = lease_lost(false).await;
    assert!(matches!((&a, &b), (Ok(Refreshed::Refreshed { .. }), Ok(Refreshed::Refreshed { .. }))), "{a:?} {b:?}");
    let kept = access(&replicas.a, &replicas.browser).await.unwrap();
    assert_eq!(access(&replicas.b, &replicas.browser).await.unwrap(), kept);
    assert!(replicas.a.provider.revoked.lock().unwrap().is_empty(), "what lives on must not be revoked with it");
}

/// A world over a Redis and a provider by HTTP, as two processes have it.
async fn shared_world(port: u16, prefix: &str, issuer: &str) -> World {
    let store = connected_at(port, prefix).await;
    let provider = OidcSettings::new(Registration {
        development: true,
        keep_refresh_token: true,
        ..Registration::new("hostile", issuer, CLIENT_ID, Secret::new(CLIENT_SECRET))
    });
    let registry = Registry::new(vec![provider.into()], HttpSettings::default()).unwrap();
    World::built(&["unused"], short_leases, |ports| {
        over(&store)(ports);
        (ports.entropy, ports.providers) = (Arc::new(SystemEntropy), Arc::new(registry));
    })
}

/// The process that is killed while it asks the provider.
async fn child(told: &str) {
    let [port, prefix, issuer, cookie] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    let world = shared_world(port.parse().unwrap(), prefix, issuer).await;
    let cookies = vec![("__Host-session".to_owned(), cookie.to_owned())];
    let browser = Browser { cookies, ..Browser::default() };
    let outcome = world.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await;
    panic!("it was to be killed before: {outcome:?}");
}

// security.md 81, 124: others proceed within the lease, and no session needs a new login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_is_killed_while_it_asks_leaves_a_session_that_others_refresh() {
    const NAME: &str =
        "tokens::replicas::an_authority_that_is_killed_while_it_asks_leaves_a_session_that_others_refresh";
    if let Some(told) = told() {
        return child(&told).await;
    }
    let port = tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap();
    let (hostile, prefix) = (Hostile::start().await, fresh_prefix());
    let world = shared_world(port, &prefix, &hostile.issuer()).await;
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let back = hostile.visit(&started.answer.location.clone().unwrap()).unwrap();
    assert!(back.query().unwrap().contains(&state_of(&started.answer)));
    browser.keep(&world.callback(&browser, back.query().unwrap()).await.answer.set_cookies);
    let cookie = browser.cookie("__Host-session").unwrap();

    for round in 0..3 {
        let calls = hostile.calls(Endpoint::Token);
        hostile.answers(Endpoint::Token, Answer::body(Body::After(Duration::from_secs(20))));
        let mut process = again(NAME, &format!("{port} {prefix} {} {cookie}", hostile.issuer())).spawn().unwrap();
        until(|| hostile.calls(Endpoint::Token) == calls + 1).await;
        process.start_kill().unwrap();
        process.wait().await.unwrap();
        hostile.behave();
        let begun = tokio::time::Instant::now();
        let outcome = world.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await;
        assert!(matches!(outcome, Ok(Refreshed::Refreshed { .. })), "round {round}: {outcome:?}");
        assert!(begun.elapsed() < LEASE + Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(hostile.calls(Endpoint::Token), calls + 2);
    }
}

// security.md 84: no session ever gets another one's token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_refreshed_at_once_never_share_a_token() {
    let replicas = Replicas::new().await;
    let mut browsers = Vec::new();
    for number in 0..40 {
        let mut browser = Browser::default();
        replicas.a.log_in(&mut browser, &format!("user-{number}")).await;
        browsers.push(browser);
    }
    *replicas.a.provider.slow.lock().unwrap() = Some(Duration::from_millis(30));
    replicas.a.clock.advance(Duration::from_secs(290));
    let racing = browsers.iter().flat_map(|browser| [access(&replicas.a, browser), access(&replicas.b, browser)]);
    let tokens: Vec<_> = futures::future::join_all(racing).await.into_iter().map(Result::unwrap).collect();
    assert!(tokens.chunks(2).all(|pair| pair[0] == pair[1]), "both replicas hand out the same");
    assert_eq!((tokens.iter().collect::<HashSet<_>>().len(), replicas.refreshed()), (40, 40));
}
