//! Owns what callers see of a failover while they go on asking: no, to nobody whose session Redis has kept, trouble for a few
//! seconds, and then all is as before. Does not know how the servers choose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge::authority::settings::LoginSet;
use gatelodge::authority::{complete_callback, start_login};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::Code;

use super::servers::{LOG, Servers};
use super::{PATIENCE, Pair};
use crate::redis::{Cluster, Watched};
use crate::rpc::serving::{by, validation};
use crate::world::{Browser, World, state_of};

const SESSIONS: usize = 24;

/// How long nobody may be without an answer: the servers take a few seconds on a quiet machine to choose, and this one has
/// other things to do.
const AT_MOST: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_by_sentinel_under_load_is_trouble_for_seconds_and_no_logout() {
    under_load(Pair::<Watched>::start().await, "sentinel").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_a_cluster_under_load_is_trouble_for_seconds_and_no_logout() {
    under_load(Pair::<Cluster>::start().await, "cluster").await;
}

async fn under_load<S: Servers>(mut pair: Pair<S>, name: &str) {
    let mut browsers = Vec::new();
    for number in 0..SESSIONS {
        let mut browser = Browser::default();
        pair.one.world.log_in(&mut browser, &format!("user{number}")).await.result.unwrap();
        browsers.push(browser);
    }
    let log = pair
        .servers(|servers| {
            servers.wait_until_replicated();
            servers.holder(LOG)
        })
        .await;
    let (over, mut asking) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for (number, browser) in browsers.iter().cloned().enumerate() {
        let channel = if number % 2 == 0 { &pair.one } else { &pair.two }.serving.sessions().await;
        let over = Arc::clone(&over);
        asking.spawn(async move {
            let (mut channel, mut last_answer, mut longest) = (channel, Instant::now(), Duration::ZERO);
            while !over.load(Ordering::SeqCst) {
                match channel.validate_session(by(Role::Edge, validation(&browser))).await {
                    Ok(answer) => {
                        let outcome = answer.into_inner().outcome;
                        assert!(matches!(outcome, Some(Outcome::Active(_))), "a logout: {outcome:?}");
                        longest = longest.max(last_answer.elapsed());
                        last_answer = Instant::now();
                    }
                    Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
                }
                sleep(Duration::from_millis(5)).await;
            }
            longest
        });
    }
    pair.servers(move |servers| servers.all()[log].stop()).await;
    // Logins meanwhile: each is made or fails, and is what the store says of it.
    let mut late = Vec::new();
    let end = Instant::now() + PATIENCE;
    while late.len() < 3 {
        if let Some(browser) = try_to_log_in(&pair.one.world, &format!("late{}", late.len())).await {
            late.push(browser);
        }
        assert!(Instant::now() < end, "nobody can log in any more");
        sleep(Duration::from_millis(50)).await;
    }
    for browser in browsers.iter().chain(&late) {
        assert!(pair.one.says(browser).await && pair.two.says(browser).await, "what Redis has kept is there");
    }
    over.store(true, Ordering::SeqCst);
    let mut longest = Duration::ZERO;
    while let Some(without) = asking.join_next().await {
        longest = longest.max(without.unwrap());
    }
    println!("{name}: {:.1} s without an answer", longest.as_secs_f64());
    assert!(longest < AT_MOST, "{longest:?}");
    pair.one.hears().await;
    pair.two.hears().await;
}

/// A login, if it comes to its end.
async fn try_to_log_in(world: &World, sub: &str) -> Option<Browser> {
    let mut browser = Browser::default();
    let question = start_login::Question { presented: browser.get("/auth/web/login"), ..Default::default() };
    let started = world.authority.start_login(&World::call(), question).await.ok()?;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for(sub), state_of(&started.answer));
    let question = complete_callback::Question {
        set: LoginSet::Web,
        provider: bytes::Bytes::new(),
        response: complete_callback::Response::Query(query.into()),
        presented: browser.get("/auth/web/callback"),
    };
    let outcome = world.authority.complete_callback(&World::call(), question).await.ok()?;
    browser.keep(&outcome.answer.set_cookies);
    outcome.result.ok().map(|_| browser)
}
