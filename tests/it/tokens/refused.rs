//! Owns the tests of a refresh token that the provider has refused for good: it is sent no more, or its session ends, also
//! through trouble in the store. Does not know what is no refusal.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::Error;
use gatelodge::authority::refresh_tokens::Outcome;

use super::replicas::access;
use super::{ending, invalid_grant, lives, refresh, refusing, until};
use crate::world::faults::Fault;
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, World};

fn refreshed(world: &World) -> usize {
    world.provider.refreshed.load(Ordering::SeqCst)
}

// Many providers take each time for theft (Auth0, Okta, Cognito).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_refused_is_never_sent_again_by_any_replica() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let (one, two) = (&replicas.one, &replicas.two);
        let mut browser = Browser::default();
        one.log_in(&mut browser, "ada").await;
        refusing(one, Some(invalid_grant));
        one.clock.advance(Duration::from_secs(275));
        for round in 0..10 {
            for world in [one, two] {
                assert!(lives(world, &browser).await);
            }
            until(|| refreshed(one) >= 1).await;
            if round == 0 {
                assert_eq!(access(two, &browser).await.unwrap(), "access-0", "it lives a while yet");
            }
            one.clock.advance(Duration::from_secs(31));
        }
        // Whoever asks for new tokens waits for what was begun.
        for world in [one, two] {
            assert!(matches!(refresh(world, &browser).await, Err(Error::ProviderRefused(_))));
            assert!(matches!(access(world, &browser).await, Err(Error::ProviderRefused(_))));
        }
        assert_eq!(refreshed(one), 1);
        refusing(one, None);
        one.log_in(&mut browser, "ada").await;
        assert!(matches!(refresh(two, &browser).await, Ok(Outcome::Refreshed { .. })), "a login brings others");
    }
}

// What the store can't say for a moment changes nothing of what the provider has said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_trouble_leaves_a_refusal_what_it_is() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::with(kept, ending).await;
        let (world, store) = (&replicas.two, &replicas.store);
        let mut browser = Browser::default();
        world.log_in(&mut browser, "ada").await;
        // The note that the token is about to be sent is written, and nobody learns of it.
        store.set(Fault::LosesAnswerOf("rewrite"));
        assert!(matches!(refresh(world, &browser).await, Err(Error::StoreUnavailable(_))));
        store.set(None);
        assert!(world.provider.presented.lock().unwrap().is_empty());
        refusing(world, Some(invalid_grant));
        assert!(matches!(refresh(world, &browser).await, Ok(Outcome::Inactive(_))));

        refusing(world, None);
        world.log_in(&mut browser, "ada").await;
        refusing(world, Some(invalid_grant));
        // The store is away when the session is to end.
        *world.provider.slow.lock().unwrap() = Some(Duration::from_secs(2));
        let (authority, asked, before) = (world.authority.clone(), browser.fetch("GET", "/"), refreshed(world));
        let refreshing = tokio::spawn(async move { authority.refresh_tokens(&World::call(), &asked).await });
        until(|| refreshed(world) > before).await;
        let reads = store.count("tokens");
        store.set(Fault::Away);
        until(|| store.count("tokens") > reads).await;
        store.set(None);
        assert!(matches!(refreshing.await.unwrap(), Err(Error::StoreUnavailable(_))));
        *world.provider.slow.lock().unwrap() = None;
        assert!(lives(world, &browser).await);
        assert!(matches!(refresh(world, &browser).await, Ok(Outcome::Inactive(_))), "the next refusal ends it");
    }
}
