//! Owns the tests of a refusal after trouble, at a provider by HTTP: one that may have spent the token says nothing of the
//! user, and one that has not is believed. Does not know what the provider's adapter calls them.

use gatelodge::authority::refresh_tokens::Outcome;
use gatelodge::authority::{Error, Ports};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

use super::{ending, lives, refresh};
use crate::hostile::{Answer, Body, Endpoint, Hostile, Way};
use crate::world::{Browser, Kept, World};

/// Authorities, one after another, over one store.
struct Place {
    hostile: Hostile,
    way: Way,
    ports: Ports,
}

impl Place {
    async fn over(kept: Kept) -> Self {
        let (hostile, way) = Hostile::start_behind_a_way().await;
        let (put, mut ports) = (kept.ready().await, None);
        World::built(
            &["unused"],
            |_| (),
            |own| {
                put(own);
                ports = Some(own.clone());
            },
        );
        Self { hostile, way, ports: ports.unwrap() }
    }

    /// One that has asked the provider for nothing yet.
    fn authority(&self) -> World {
        let providers = Arc::new(self.hostile.registry());
        World::built(&["unused"], ending, |own| *own = Ports { providers, ..self.ports.clone() })
    }

    /// One where somebody has logged in.
    async fn logged_in(&self) -> (World, Browser) {
        let (world, mut browser) = (self.authority(), Browser::default());
        let started = world.start(&browser, "").await;
        browser.keep(&started.answer.set_cookies);
        let back = self.hostile.visit(&started.answer.location.unwrap()).unwrap();
        browser.keep(&world.callback(&browser, back.query().unwrap()).await.answer.set_cookies);
        assert!(lives(&world, &browser).await);
        (world, browser)
    }

    /// The provider is well again, and refuses. Whether that ends the session.
    async fn refusal_ends(&self, world: &World, browser: &Browser) -> bool {
        self.hostile.behave();
        self.hostile.answers(Endpoint::Token, Answer::json(400, json!({ "error": "invalid_grant" })));
        let outcome = refresh(world, browser).await;
        self.hostile.behave();
        match outcome {
            Ok(Outcome::Inactive(_)) => true,
            Err(Error::ProviderRefused(_)) => !lives(world, browser).await,
            other => panic!("{other:?}"),
        }
    }
}

async fn is_unavailable(world: &World, browser: &Browser) -> bool {
    let outcome = refresh(world, browser).await;
    matches!(outcome, Err(Error::ProviderUnavailable(_))) && lives(world, browser).await
}

// security.md 82: a definite refusal is one after an outage, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_that_has_spent_no_token_leaves_a_refusal_what_it_is() {
    for kept in [Kept::Memory, Kept::Redis] {
        let place = Place::over(kept).await;
        for (status, error) in [(503, ""), (429, ""), (500, "server_error"), (401, "invalid_client")] {
            let (world, browser) = place.logged_in().await;
            place.hostile.answers(Endpoint::Token, Answer::json(status, json!({ "error": error })));
            for _ in 0..2 {
                assert!(is_unavailable(&world, &browser).await, "{status}");
            }
            assert!(place.refusal_ends(&world, &browser).await, "{status}");
        }
        // Nobody listens.
        let (world, browser) = place.logged_in().await;
        place.way.close().await;
        assert!(is_unavailable(&world, &browser).await);
        place.way.open().await;
        assert!(place.refusal_ends(&world, &browser).await);
        // Nobody says where to.
        let (_, browser) = place.logged_in().await;
        place.hostile.answers(Endpoint::Metadata, Answer::json(503, "{}"));
        assert!(is_unavailable(&place.authority(), &browser).await);
        assert!(place.refusal_ends(&place.authority(), &browser).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_that_may_have_spent_the_token_leaves_its_refusal_in_doubt() {
    for kept in [Kept::Memory, Kept::Redis] {
        let place = Place::over(kept).await;
        let troubles = [
            Answer::json(502, "{}"),
            Answer::text(200, "text/html", "<p>"),
            Answer::body(Body::Broken),
            Answer::body(Body::After(Duration::from_mins(1))),
        ];
        for (number, trouble) in troubles.into_iter().enumerate() {
            let (world, browser) = place.logged_in().await;
            place.hostile.answers(Endpoint::Token, trouble);
            assert!(is_unavailable(&world, &browser).await, "{number}");
            // What is said in between changes nothing of that.
            place.hostile.answers(Endpoint::Token, Answer::json(503, "{}"));
            assert!(is_unavailable(&world, &browser).await, "{number}");
            assert!(!place.refusal_ends(&world, &browser).await, "{number}");
        }
    }
}
