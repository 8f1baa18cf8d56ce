//! Owns what must hold of sessions that an authority knows by heart when users, logins or the provider change them
//! elsewhere. Does not know how they are kept.

use std::sync::Arc;

use gatelodge::authority::complete_callback;
use gatelodge::authority::ports::SessionStore as _;
use gatelodge::authority::settings::{LoginSet, OnExceed, SessionLimit};
use gatelodge::authority::validate_session::{Outcome, Question, Requirements};
use gatelodge::session::need::{LoginNeeds, Needs};

use crate::world::faults::Fault;
use crate::world::replicas::Replicas;
use crate::world::{Browser, Crowded, Kept, World, state_of};

async fn asked(world: &World, browser: &Browser) -> Outcome {
    let question = Question { presented: browser.fetch("GET", "/"), ..Question::default() };
    world.authority.validate_session(&World::call(), question).await.unwrap()
}

/// A browser that is logged in, and whose session both know by heart.
async fn known(replicas: &Replicas) -> Browser {
    let mut browser = Browser::default();
    replicas.one.log_in(&mut browser, "ada").await.result.unwrap();
    replicas.catch_up().await;
    for world in [&replicas.one, &replicas.two] {
        assert!(matches!(asked(world, &browser).await, Outcome::Active(_)));
    }
    browser
}

/// Asks until the answer is such a one. The world's clock stands: what is kept never grows old.
async fn becomes(world: &World, browser: &Browser, is_so: impl Fn(&Outcome) -> bool) {
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let outcome = asked(world, browser).await;
        if is_so(&outcome) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "still {outcome:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_disabled_or_deleted_elsewhere_is_refused_as_soon_as_it_is_heard() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let (one, call) = (&replicas.one.authority, World::call());
        for delete in [false, true] {
            replicas.one.clock.advance(std::time::Duration::from_millis(5));
            let browser = known(&replicas).await;
            let ended = if delete {
                one.delete_user(&call, "idp_ada", "").await
            } else {
                one.disable_user(&call, "idp_ada", "").await
            };
            assert_eq!(ended.unwrap(), 1);
            assert!(matches!(asked(&replicas.one, &browser).await, Outcome::Inactive(_)), "{kept:?} {delete}");
            replicas.catch_up().await;
            assert!(matches!(asked(&replicas.two, &browser).await, Outcome::Inactive(_)), "{kept:?} {delete}");
            if !delete {
                one.enable_user(&call, "idp_ada", "").await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_provider_says_anew_elsewhere_is_what_everybody_answers() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let browser = known(&replicas).await;
        *replicas.one.provider.name.lock().unwrap() = "Somebody Else".into();
        let presented = browser.fetch("GET", "/auth/web/userinfo");
        replicas.one.authority.get_user_info(&World::call(), &presented, true).await.unwrap();
        let is_named = |outcome: &Outcome| match outcome {
            Outcome::Active(active) => active.session.standing.identity.name.as_deref() == Some("Somebody Else"),
            other => panic!("{other:?}"),
        };
        assert!(is_named(&asked(&replicas.one, &browser).await), "{kept:?}: where it was asked, at once");
        becomes(&replicas.two, &browser, is_named).await;
    }
}

// store.md, 6. Nothing runs beside here, so nobody is told but by the call itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_step_up_is_answered_everybody_has_been_told() {
    for kept in [Kept::Memory, Kept::Redis] {
        let crowded = Arc::new(Crowded::default());
        crowded.set_room(false);
        let replicas = Replicas::with_other(kept, |_| (), |ports| ports.beside = crowded).await;
        let browser = known(&replicas).await;
        let login = LoginNeeds { acr_values: vec!["2".into()], ..LoginNeeds::default() };
        let requirements = Requirements { needs: Needs { login, ..Needs::default() }, ..Requirements::default() };
        let question = Question { presented: browser.fetch("GET", "/"), requirements, ..Question::default() };
        let denied = replicas.two.authority.validate_session(&World::call(), question).await.unwrap();
        let Outcome::Denied(denied) = denied else { panic!("{denied:?}") };
        let mut again = browser.clone();
        let started = replicas.two.start(&again, &denied.login_query).await;
        again.keep(&started.answer.set_cookies);
        replicas.one.provider.says.lock().unwrap().acr = Some("2".into());
        let query = format!("code={}&state={}", replicas.two.provider.code_for("ada"), state_of(&started.answer));
        let done = replicas.two.callback(&again, &query).await;
        again.keep(&done.answer.set_cookies);
        replicas.catch_up().await;
        assert!(matches!(asked(&replicas.one, &browser).await, Outcome::Inactive(_)), "{kept:?}");
        assert!(matches!(asked(&replicas.one, &again).await, Outcome::Active(_)), "{kept:?}");
    }
}

// Where only the answer of the step that makes a session is lost, those that it ended are dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_login_ends_is_believed_by_nobody_though_its_answer_is_lost() {
    for kept in [Kept::Memory, Kept::Redis] {
        for makes_room in [false, true] {
            let limit = makes_room.then_some(SessionLimit { most: 1, on_exceed: OnExceed::EndOldest });
            let replicas = Replicas::with(kept, |settings| settings.session_limit = limit).await;
            let browser = known(&replicas).await;
            // The same browser logs in again, or another one where there is room for one alone.
            let mut again = if makes_room { Browser::default() } else { browser.clone() };
            let started = replicas.two.start(&again, "").await;
            again.keep(&started.answer.set_cookies);
            let query = format!("code={}&state={}", replicas.two.provider.code_for("ada"), state_of(&started.answer));
            let response = complete_callback::Response::Query(query.into());
            let presented = again.get("/auth/web/callback");
            let question =
                complete_callback::Question { set: LoginSet::Web, provider: bytes::Bytes::new(), response, presented };
            replicas.store.set(Fault::LosesAnswerOf("create"));
            let lost = replicas.two.authority.complete_callback(&World::call(), question).await;
            assert!(lost.is_err(), "{kept:?}: {lost:?}");
            replicas.store.set(None);
            replicas.store.ping().await.unwrap();
            for world in [&replicas.two, &replicas.one] {
                becomes(world, &browser, |outcome| matches!(outcome, Outcome::Inactive(_))).await;
            }
        }
    }
}
