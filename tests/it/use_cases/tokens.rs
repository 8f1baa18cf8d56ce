//! Owns the tests of refreshing and handing out tokens. Does not know a provider's protocol.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::{Error, get_access_token, refresh_tokens};

use crate::world::{Browser, World};

async fn logged_in() -> (Arc<World>, Browser) {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    (Arc::new(world), browser)
}

async fn access(world: &World, browser: &Browser, minimum: Option<Duration>) -> Result<String, Error> {
    let asked = get_access_token::Question { presented: browser.fetch("GET", "/"), minimum, ..Default::default() };
    match world.authority.get_access_token(&World::call(), &asked).await? {
        get_access_token::Outcome::Token(token) => Ok(token.value.expose().to_owned()),
        get_access_token::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

#[tokio::test]
async fn a_living_access_token_is_handed_out_as_it_is() {
    let (world, browser) = logged_in().await;
    assert_eq!(access(&world, &browser, None).await.unwrap(), "access-0");
    assert_eq!(access(&world, &browser, Some(Duration::from_secs(299))).await.unwrap(), "access-0");
    assert_eq!(world.provider.refreshed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn one_that_lives_too_short_is_refreshed_first() {
    let (world, browser) = logged_in().await;
    world.clock.advance(Duration::from_secs(280));
    assert_eq!(access(&world, &browser, None).await.unwrap(), "access-100");
    let all = gatelodge::authority::list_sessions::Question { page_size: 9, ..Default::default() };
    let end = world.authority.list_sessions(&all).await.unwrap().sessions[0].standing.access_token_end.unwrap();
    assert_eq!(end.as_secs(), 1_800_000_000 + 280 + 300);
    let too_long = access(&world, &browser, Some(Duration::from_secs(301))).await;
    assert!(matches!(too_long, Err(Error::AccessTokenExpired)));
}

// security.md 82: trouble at the provider is an error, and nobody's session ends.
#[tokio::test]
async fn a_provider_that_is_away_is_an_error_and_the_session_stays() {
    let (world, browser) = logged_in().await;
    *world.provider.refusal.lock().unwrap() = Some(|| ProviderError::Unavailable("away".into()));
    world.clock.advance(Duration::from_secs(280));
    assert_eq!(access(&world, &browser, None).await.unwrap(), "access-0", "what still lives is good");
    world.clock.advance(Duration::from_secs(30));
    assert!(matches!(access(&world, &browser, None).await, Err(Error::ProviderUnavailable(_))));
    *world.provider.refusal.lock().unwrap() = Some(|| ProviderError::InvalidGrant("spent".into()));
    assert!(matches!(access(&world, &browser, None).await, Err(Error::ProviderRefused(_))));
    *world.provider.refusal.lock().unwrap() = None;
    let asked = world.provider.refreshed.load(Ordering::SeqCst);
    assert!(matches!(access(&world, &browser, None).await, Err(Error::ProviderRefused(_))), "that was its last word");
    assert_eq!(world.provider.refreshed.load(Ordering::SeqCst), asked);
}

// security.md 79: 200 refreshes at once are one call to the provider, and all get its result.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_refreshes_at_once_are_one_provider_call() {
    let (world, browser) = logged_in().await;
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(100));
    world.clock.advance(Duration::from_secs(310));
    let racing = (0..200).map(|_| {
        let (world, browser) = (world.clone(), browser.clone());
        tokio::spawn(async move { access(&world, &browser, None).await.unwrap() })
    });
    let all: std::collections::HashSet<_> =
        futures::future::join_all(racing).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((all.len(), world.provider.refreshed.load(Ordering::SeqCst)), (1, 1));
}

// security.md 85: a refresh that races a logout never brings the session back; its token is revoked at the provider.
#[tokio::test]
async fn a_refresh_that_comes_too_late_is_revoked_at_the_provider() {
    let (world, browser) = logged_in().await;
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(100));
    let refreshing = {
        let (world, browser) = (world.clone(), browser.clone());
        tokio::spawn(async move { world.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await })
    };
    while world.provider.refreshed.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.revoke(&browser).await, 1);
    let outcome = refreshing.await.unwrap().unwrap();
    assert!(matches!(outcome, refresh_tokens::Outcome::Inactive(_)));
    tokio::task::yield_now().await;
    assert!(world.provider.revoked.lock().unwrap().contains(&"refresh-100".to_owned()));
}

#[tokio::test]
async fn asking_for_a_token_counts_as_use_of_the_session() {
    let (world, browser) = logged_in().await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(9));
        access(&world, &browser, None).await.unwrap();
    }
}
