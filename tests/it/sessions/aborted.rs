//! Shows what becomes of a rotation whose caller goes away while the store is at work: before the store has done it, and
//! after. Nobody is logged out, no successor is lost, and who watches is told. Does not know how a rotation is made.

use std::time::Duration;

use gatelodge::authority::ports::{Lookup, SessionStore as _};
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::SessionKey;
use gatelodge::session::record::Header;
use gatelodge_client::v1::{self, SessionEventKind as Kind};
use tokio::time::{Instant, timeout};

use super::door::{AFTER, COOKIE, GRACE, active, rotating};
use crate::rpc::serving::{Serving, by, validation};
use crate::rpc::watching::{Watch, next, of, watch};
use crate::world::faults::Fault;
use crate::world::replicas::{Replicas, until};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    an_aborted_issue_gives_the_one_successor_to_whoever_asks_next
    an_aborted_first_presentation_is_made_by_the_next
}

/// An authority that hears of everything, so that it goes on from what it knows by heart.
struct Aborted {
    replicas: Replicas,
    serving: Serving,
    browser: Browser,
    key: SessionKey,
    _elsewhere: Serving,
    /// What is told at the other authority.
    watch: Watch,
}

impl Aborted {
    /// A browser whose credential is due to be replaced.
    async fn due(kept: Kept) -> Self {
        let replicas = Replicas::with(kept, |settings| {
            rotating(settings);
            (settings.lifetimes.idle, settings.tokens.refresh) = (Duration::from_hours(12), false);
        })
        .await;
        let (serving, mut browser) = (Serving::of(&replicas.two).await, Browser::default());
        let key = replicas.one.log_in(&mut browser, "ada").await.result.unwrap().key;
        let elsewhere = Serving::of(&replicas.one).await;
        let watch = watch(&elsewhere, of(&[Kind::Rotated, Kind::Changed])).await;
        let aborted = Self { replicas, serving, browser, key, _elsewhere: elsewhere, watch };
        aborted.ask(&aborted.browser, false).await;
        aborted.replicas.one.clock.advance(AFTER);
        aborted.replicas.hear().await;
        // Known by heart.
        aborted.ask(&aborted.browser, false).await;
        aborted
    }

    async fn ask(&self, browser: &Browser, can_set_cookies: bool) -> v1::ActiveSession {
        let question = v1::ValidateSessionRequest { can_set_cookies, ..validation(browser) };
        let answer = self.serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap();
        active(answer.into_inner().outcome.unwrap())
    }

    /// The browser with what this answer gives it.
    async fn next(&self) -> Browser {
        let mut next = self.browser.clone();
        next.keep(&self.ask(&next, true).await.set_cookies);
        assert_ne!(next.cookie(COOKIE), self.browser.cookie(COOKIE), "a successor");
        next
    }

    /// Waits until it is told that the session has changed, or may have.
    async fn is_told(&mut self) {
        let told = async {
            loop {
                let message = next(&mut self.watch).await;
                if message.events.iter().any(|event| event.session_id == self.key.public()) {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(20), told).await.expect("nobody was told");
    }

    async fn header(&self) -> Header {
        match self.replicas.store.read(&self.key).await.unwrap() {
            Lookup::Found(record) => record.header,
            gone @ Lookup::Gone(_) => panic!("{gone:?}"),
        }
    }

    /// Asks, and goes away while the store is at the record: before it has written it, or when it has.
    async fn abort(&self, browser: &Browser, written: bool) {
        let (before, store) = (self.header().await.revision, &self.replicas.store);
        let at = store.count("rewrite");
        store.set(if written { Fault::SilentAfter("rewrite") } else { Fault::SilentAt("rewrite") });
        let mut sessions = self.serving.sessions().await;
        let question = v1::ValidateSessionRequest { can_set_cookies: true, ..validation(browser) };
        let asked = tokio::spawn(async move { sessions.validate_session(by(Role::Edge, question)).await });
        until(|| store.count("rewrite") > at && store.held() == 1).await;
        assert_eq!(self.header().await.revision, before + u64::from(written), "else this test shows nothing");
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        until(|| store.held() == 0).await;
        store.set(None);
    }
}

// contract.md, 6.
async fn an_aborted_issue_gives_the_one_successor_to_whoever_asks_next(kept: Kept) {
    for written in [false, true] {
        let aborted = Aborted::due(kept).await;
        aborted.abort(&aborted.browser, written).await;
        let issued = aborted.header().await.other;
        assert_eq!(issued.is_some(), written);
        let begun = Instant::now();
        let next = aborted.next().await;
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for who went away");
        if written {
            assert_eq!(aborted.header().await.other, issued, "the one that nobody got, and no other");
        }
        assert_eq!(aborted.next().await.cookie(COOKIE), next.cookie(COOKIE));
        assert_eq!(aborted.ask(&next, true).await.session.unwrap().generation, 2);
    }
}

async fn an_aborted_first_presentation_is_made_by_the_next(kept: Kept) {
    for written in [false, true] {
        let mut aborted = Aborted::due(kept).await;
        let next = aborted.next().await;
        aborted.abort(&next, written).await;
        aborted.is_told().await;
        assert_eq!(aborted.header().await.generation, 1 + u32::from(written));
        // Whoever still holds the one before gets the same successor.
        assert_eq!(aborted.next().await.cookie(COOKIE), next.cookie(COOKIE));
        let presented = aborted.ask(&next, true).await;
        assert_eq!((presented.session.unwrap().generation, presented.set_cookies.len()), (2, 0));
        aborted.replicas.one.clock.advance(GRACE * 4);
        assert_eq!(aborted.ask(&next, true).await.session.unwrap().generation, 2, "and it is the one in force");
    }
}
