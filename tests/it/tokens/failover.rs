//! Owns the tests of a refusal after the store has lost a refresh, as a replica does that is promoted too early: it says
//! nothing of the user, whose session lives. Does not know how a store fails over.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use gatelodge::authority::Error;
use gatelodge::authority::ports::{LeaseAttempt, Lookup, SessionStore, Written};
use gatelodge::authority::refresh_tokens::Outcome;
use gatelodge::authority::stream::News;
use gatelodge::authority::validate_session::Outcome as Validated;
use gatelodge::session::event::What;
use gatelodge::session::key::SessionKey;
use gatelodge::session::record::Record;
use tokio::time::timeout;

use super::{ending, invalid_grant, lives, refresh, refusing};
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, World};

/// What a store has of a session.
struct Stored {
    key: SessionKey,
    record: Record,
    tokens: Vec<u8>,
}

impl Stored {
    async fn of(world: &World, browser: &Browser, store: &dyn SessionStore) -> Self {
        let Validated::Active(active) = world.validate(browser.fetch("GET", "/")).await else { panic!("not active") };
        let key = active.session.key;
        let Lookup::Found(record) = store.read(&key).await.unwrap() else { panic!("gone") };
        Self { key, record, tokens: store.tokens(&key).await.unwrap().unwrap() }
    }

    /// The store forgets what was written since.
    async fn come_back(mut self, store: &dyn SessionStore) {
        let LeaseAttempt::Taken(lease) = store.lease(&self.key, Duration::from_secs(30)).await.unwrap() else {
            panic!("somebody is at it")
        };
        let Lookup::Found(now) = store.read(&self.key).await.unwrap() else { panic!("gone") };
        (self.record.header.revision, self.record.header.fence) = (now.header.revision + 1, lease.fence());
        let written = store.write_tokens(&self.key, lease.fence(), self.record, self.tokens).await.unwrap();
        assert_eq!(written, Written::Yes);
        lease.release().await;
    }
}

/// Waits for news of this kind.
async fn hear(news: &mut futures::channel::mpsc::Receiver<News>, is_it: fn(&News) -> bool) {
    let heard = async { while !is_it(&news.next().await.unwrap()) {} };
    timeout(Duration::from_secs(30), heard).await.expect("it was never told");
}

fn is_refreshed(news: &News) -> bool {
    matches!(news, News::Event(_, event) if matches!(event.what, What::Refreshed { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_a_token_that_a_failover_has_brought_back_ends_no_session_at_any_replica() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::with(kept, ending).await;
        let (one, two, store) = (&replicas.one, &replicas.two, &*replicas.store);
        one.provider.rotates.store(true, Ordering::SeqCst);
        for asking in [one, two] {
            let (mut browser, mut news) = (Browser::default(), two.authority.subscribe());
            one.log_in(&mut browser, "ada").await;
            let before = Stored::of(one, &browser, store).await;
            assert!(matches!(refresh(one, &browser).await, Ok(Outcome::Refreshed { .. })));
            hear(&mut news, is_refreshed).await;
            before.come_back(store).await;
            for _ in 0..2 {
                assert!(matches!(refresh(asking, &browser).await, Err(Error::ProviderRefused(_))));
                assert!(lives(one, &browser).await && lives(two, &browser).await);
            }
            let sent = one.provider.presented.lock().unwrap().clone();
            assert_eq!(sent.iter().filter(|token| **token == sent[sent.len() - 1]).count(), 2, "{sent:?}");
        }
        // Without it the same refusal ends one, however often its tokens were refreshed.
        for asking in [one, two] {
            let (mut browser, mut news) = (Browser::default(), two.authority.subscribe());
            one.log_in(&mut browser, "ada").await;
            for _ in 0..2 {
                assert!(matches!(refresh(one, &browser).await, Ok(Outcome::Refreshed { .. })));
                hear(&mut news, is_refreshed).await;
            }
            refusing(one, Some(invalid_grant));
            assert!(matches!(refresh(asking, &browser).await, Ok(Outcome::Inactive(_))));
            refusing(one, None);
        }
    }
}

// A provider that gives the same refresh token again has spent none.
#[tokio::test]
async fn a_token_that_comes_back_from_the_provider_is_not_spent() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::with(kept, ending).await;
        let mut browser = Browser::default();
        replicas.one.log_in(&mut browser, "ada").await;
        replicas.one.provider.repeats.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            assert!(matches!(refresh(&replicas.one, &browser).await, Ok(Outcome::Refreshed { .. })));
        }
        assert_eq!(*replicas.one.provider.presented.lock().unwrap(), ["refresh-0"; 2]);
        refusing(&replicas.one, Some(invalid_grant));
        assert!(matches!(refresh(&replicas.one, &browser).await, Ok(Outcome::Inactive(_))));
    }
}

// Nobody can tell what was lost that nobody had heard of: for ten minutes no refusal ends a session there.
#[tokio::test]
async fn a_refusal_soon_after_the_store_has_begun_another_history_ends_no_session() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::with(kept, ending).await;
        let (one, two) = (&replicas.one, &replicas.two);
        let mut news = two.authority.subscribe();
        replicas.cut.forgets.store(true, Ordering::SeqCst);
        hear(&mut news, |news| matches!(news, News::Reset(_))).await;
        let ends = async |world: &World| {
            let mut browser = Browser::default();
            world.log_in(&mut browser, "ada").await;
            refusing(world, Some(invalid_grant));
            let outcome = refresh(world, &browser).await;
            refusing(world, None);
            match outcome {
                Ok(Outcome::Inactive(_)) => true,
                Err(Error::ProviderRefused(_)) => !lives(world, &browser).await,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((ends(one).await, ends(two).await), (true, false), "the second alone has heard of it");
        one.clock.advance(Duration::from_secs(595));
        assert!(!ends(two).await);
        one.clock.advance(Duration::from_secs(6));
        assert!(ends(two).await);
    }
}
