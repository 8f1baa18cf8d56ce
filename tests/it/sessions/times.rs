//! Shows the limits of a session: remember me, when to look again, a limit that was shortened since the login.
//! Does not know who uses it.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge::session::time::Lifetimes;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{AFTER, Door, active, rotating};
use crate::rpc::serving::{Serving, by, validation};
use crate::world::{Browser, FaultyStore, Kept, World, on_every_store, state_of};

on_every_store! {
    remember_me_gives_the_second_pair_of_limits
    remember_me_is_asked_for_and_switched_on_or_not_at_all
    an_answer_says_when_to_look_again
    a_probe_moves_no_time
    use_is_written_once_in_a_touch_interval_however_often_it_is_asked_about
    a_shortened_limit_holds_at_once_and_the_cookie_is_sent_again_once
}

const DAY: Duration = Duration::from_hours(24);

/// Logs in with this query, and answers the session cookie's whole value.
async fn log_in(door: &mut Door, query: &str) -> String {
    let mut browser = Browser::default();
    let started = door.world.start(&browser, query).await;
    browser.keep(&started.answer.set_cookies);
    let code = door.world.provider.code_for("ada");
    let outcome = door.world.callback(&browser, &format!("code={code}&state={}", state_of(&started.answer))).await;
    browser.keep(&outcome.answer.set_cookies);
    door.browser = browser;
    outcome.answer.set_cookies.into_iter().find(|cookie| cookie.contains("sess_")).unwrap()
}

fn remembering() -> Lifetimes {
    Lifetimes { idle: DAY * 7, absolute: DAY * 30, touch_interval: Duration::from_mins(1) }
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap().seconds
}

async fn remember_me_gives_the_second_pair_of_limits(kept: Kept) {
    let mut door = Door::closed(kept, |settings| settings.remember_me = Some(remembering())).await;
    let cookie = log_in(&mut door, "remember_me=true").await;
    assert!(cookie.contains("; Max-Age=2592000;"), "{cookie}");
    let browser = door.browser.clone();
    let session = active(door.ask(&browser, |_| ()).await).session.unwrap();
    assert!(session.remembered);
    let began = seconds(session.create_time);
    assert_eq!(seconds(session.absolute_expire_time) - began, 30 * 86_400);
    assert_eq!(seconds(session.idle_expire_time) - began, 7 * 86_400);
    for _ in 0..4 {
        door.world.clock.advance(DAY * 7);
        active(door.ask(&browser, |_| ()).await);
    }
    door.world.clock.advance(DAY * 2);
    assert!(matches!(door.ask(&browser, |_| ()).await, Outcome::Inactive(_)), "and ends at its absolute limit");

    let cookie = log_in(&mut door, "remember_me=on").await;
    assert!(cookie.contains("; Max-Age=2592000;"), "a checkbox");
    let browser = door.browser.clone();
    active(door.ask(&browser, |_| ()).await);
    door.world.clock.advance(DAY * 7 + Duration::from_mins(1));
    assert!(matches!(door.ask(&browser, |_| ()).await, Outcome::Inactive(_)), "and at its idle limit");
}

async fn remember_me_is_asked_for_and_switched_on_or_not_at_all(kept: Kept) {
    for (on, query) in [(true, ""), (true, "remember_me=false"), (false, "remember_me=true")] {
        let mut door = Door::closed(kept, |settings| settings.remember_me = on.then(remembering)).await;
        let cookie = log_in(&mut door, query).await;
        assert!(cookie.contains("; Max-Age=86400;"), "{query} {cookie}");
        let browser = door.browser.clone();
        assert!(!active(door.ask(&browser, |_| ()).await).session.unwrap().remembered);
    }
    let door = Door::closed(kept, |_| ()).await;
    let refused = door.world.start(&Browser::default(), "remember_me=perhaps").await;
    assert_eq!(refused.answer.status, 400);
    assert!(String::from_utf8(refused.answer.body).unwrap().contains("remember_me"));
}

async fn an_answer_says_when_to_look_again(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let first = active(door.ask(&browser, |_| ()).await);
    let session = first.session.unwrap();
    assert_eq!(first.check_again_time, session.idle_expire_time);
    door.world.clock.advance(Duration::from_hours(11));
    active(door.ask(&browser, |_| ()).await);
    door.world.clock.advance(Duration::from_hours(11));
    let last = active(door.ask(&browser, |_| ()).await);
    assert_eq!(last.check_again_time, last.session.unwrap().absolute_expire_time, "no later than the absolute limit");

    let mut door = Door::open(kept, rotating).await;
    let browser = door.browser.clone();
    let first = active(door.ask(&browser, |_| ()).await);
    let began = seconds(first.session.unwrap().create_time);
    assert_eq!(seconds(first.check_again_time) - began, i64::try_from(AFTER.as_secs()).unwrap());
}

async fn a_probe_moves_no_time(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let first = active(door.ask(&browser, |_| ()).await).session.unwrap();
    door.world.clock.advance(Duration::from_hours(1));
    let probed = active(door.ask(&browser, |question| question.touch = Some(false)).await).session.unwrap();
    assert_eq!(probed.idle_expire_time, first.idle_expire_time);
    let used = active(door.ask(&browser, |_| ()).await).session.unwrap();
    assert_eq!(seconds(used.idle_expire_time) - seconds(first.idle_expire_time), 3600);
}

// Counted at the store's port: what a session in use costs in writes.
async fn use_is_written_once_in_a_touch_interval_however_often_it_is_asked_about(kept: Kept) {
    let (put, mut store) = (kept.ready().await, None);
    let world = World::built(
        &["idp"],
        |_| (),
        |ports| {
            put(ports);
            store = Some(FaultyStore::before(ports));
        },
    );
    let (serving, store, mut browser) = (Serving::of(&world).await, store.unwrap(), Browser::default());
    world.log_in(&mut browser, "ada").await.result.unwrap();
    let mut sessions = serving.sessions().await;
    let mut ask = async |touch| {
        let question = v1::ValidateSessionRequest { touch, ..validation(&browser) };
        active(sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner().outcome.unwrap());
    };
    // The interval is a minute.
    for round in 1..=4 {
        for _ in 0..10 {
            ask(None).await;
            world.clock.advance(Duration::from_secs(5));
        }
        world.clock.advance(Duration::from_secs(11));
        ask(Some(false)).await;
        assert_eq!(store.count("touch"), round, "once, and a probe writes nothing");
    }
    assert_eq!(store.count("rewrite") + store.count("write_tokens"), 0, "and nothing else is written");
}

// The same store under a configuration with a shorter limit: another authority over it.
async fn a_shortened_limit_holds_at_once_and_the_cookie_is_sent_again_once(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    active(door.ask(&browser, |_| ()).await);
    door.shorten(Duration::from_hours(6)).await;
    let blind = active(door.ask(&browser, |question| question.can_set_cookies = false).await);
    assert!(blind.set_cookies.is_empty(), "a backend can't deliver it");
    let told = active(door.ask(&browser, |_| ()).await);
    let [cookie] = told.set_cookies.as_slice() else { panic!("{told:?}") };
    assert!(cookie.contains("; Max-Age=21600;"), "{cookie}");
    let mut same = browser.clone();
    same.keep(&told.set_cookies);
    assert_eq!(same.cookies, browser.cookies, "the same credential");
    let session: v1::SessionInfo = told.session.unwrap();
    assert_eq!(seconds(session.absolute_expire_time) - seconds(session.create_time), 6 * 3600);
    assert!(active(door.ask(&browser, |_| ()).await).set_cookies.is_empty(), "once");
    door.world.clock.advance(Duration::from_hours(6));
    assert!(matches!(door.ask(&browser, |_| ()).await, Outcome::Inactive(_)));
}
