//! Shows what a client that is another than at login gets, and what counts as another. Does not know who steals.

use std::time::Duration;

use bytes::Bytes;
use gatelodge::authority::settings::LoginSet;
use gatelodge::session::fingerprint::{FingerprintMode, NetworkPrefixes};
use gatelodge_client::v1;
use gatelodge_client::v1::FingerprintJudgement::{Differed, Matched, Unspecified};
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{Door, active, inactive};
use crate::world::{Browser, Kept, on_every_store, state_of};

on_every_store! {
    a_warning_reaches_the_answer_and_the_log
    switched_off_nobody_is_another_client
    an_updated_browser_is_the_same_client
    the_network_counts_where_it_is_switched_on
    a_false_client_never_rotates_a_credential
}

async fn a_warning_reaches_the_answer_and_the_log(kept: Kept) {
    let mut door = Door::open(kept, |settings| settings.fingerprint.mode = FingerprintMode::Warn).await;
    let browser = door.browser.clone();
    let same = active(door.ask(&browser, |_| ()).await);
    assert_eq!(same.judged.unwrap().fingerprint(), Matched);
    assert!(!door.log.text().contains("another one than at login"));
    let other = active(door.ask(&browser, |question| agent(question, "Other/1")).await);
    assert_eq!(other.judged.unwrap().fingerprint(), Differed);
    let text = door.log.text();
    let line = text.lines().find(|line| line.contains("another one than at login")).expect(&text);
    assert!(line.contains("WARN") && line.contains(&other.session.unwrap().session_id), "{line}");
}

async fn switched_off_nobody_is_another_client(kept: Kept) {
    let mut door = Door::open(kept, |settings| settings.fingerprint.mode = FingerprintMode::Off).await;
    let browser = door.browser.clone();
    let other = active(door.ask(&browser, |question| agent(question, "Other/1")).await);
    let judged = other.judged.unwrap();
    assert_eq!((judged.fingerprint(), judged.client_network), (Unspecified, false), "and the answer says so");
    assert!(!door.log.text().contains("another one than at login"));
}

// A minor version update, or a major one, is no theft.
async fn an_updated_browser_is_the_same_client(kept: Kept) {
    let chrome = |major: u32| {
        format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.6478.61 Safari/537.36"
        )
    };
    let mut door = Door::closed(kept, |_| ()).await;
    let mut browser = Browser { user_agent: chrome(126), ..Browser::default() };
    door.world.log_in(&mut browser, "ada").await;
    for languages in ["en", "en,de;q=0.9", "EN;q=0.8"] {
        let seen = door.ask(&browser, |question| {
            agent(question, &chrome(131));
            question.context.as_mut().unwrap().accept_language = Some(languages.to_owned().into());
        });
        assert_eq!(active(seen.await).judged.unwrap().fingerprint(), Matched, "{languages}");
    }
    let other = chrome(126).replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64");
    let seen = door.ask(&browser, |question| agent(question, &other)).await;
    assert_eq!(inactive(seen), v1::InactiveReason::Fingerprint);
    let seen = door.ask(&browser, |question| {
        agent(question, &chrome(126));
        question.context.as_mut().unwrap().accept_language = Some("fr".into());
    });
    assert_eq!(inactive(seen.await), v1::InactiveReason::Fingerprint);
}

async fn the_network_counts_where_it_is_switched_on(kept: Kept) {
    let table = [
        ("203.0.113.7", "203.0.113.250", true),
        ("203.0.113.7", "203.0.114.7", false),
        ("2001:db8:0:ff::1", "2001:db8:0:1::2", true),
        ("2001:db8:0:ff::1", "2001:db8:0:100::1", false),
        ("203.0.113.7", "2001:db8::1", false),
    ];
    for (before, now, same) in table {
        for on in [true, false] {
            let mut door = Door::closed(kept, |settings| {
                settings.fingerprint.network = on.then_some(NetworkPrefixes { ipv4: 24, ipv6: 56 });
            })
            .await;
            log_in_from(&mut door, before).await;
            let browser = door.browser.clone();
            match door.ask(&browser, |question| from(question, now)).await {
                Outcome::Active(active) => {
                    assert!(same || !on, "{before} {now}");
                    let judged = active.judged.unwrap();
                    assert_eq!((judged.fingerprint(), judged.client_network), (Matched, on));
                }
                other => assert!(on && !same && inactive(other) == v1::InactiveReason::Fingerprint, "{before} {now}"),
            }
            // An edge that does not know the address can't make anybody another client.
            let blind = door.ask(&browser, |question| question.context.as_mut().unwrap().peer_address = None).await;
            assert!(!active(blind).judged.unwrap().client_network);
        }
    }
}

// Who is refused as another client neither gets a successor nor takes one into force.
async fn a_false_client_never_rotates_a_credential(kept: Kept) {
    let mut door = Door::due(kept).await;
    let (next, _) = door.rotated().await;
    let refused = door.ask(&next, |question| agent(question, "Other/1")).await;
    assert_eq!(inactive(refused), v1::InactiveReason::Fingerprint);
    let (text, id) =
        (door.log.text(), active(door.ask(&door.browser.clone(), |_| ()).await).session.unwrap().session_id);
    let line = text.lines().find(|line| line.contains("refused: the client is another one")).expect(&text);
    assert!(line.contains(&id) && line.contains("request_id=\"") && !line.contains("request_id=\"\""), "{line}");
    door.world.clock.advance(Duration::from_hours(2));
    let (again, _) = door.rotated().await;
    assert_eq!(again.cookies, next.cookies, "still awaited");
}

fn agent(question: &mut v1::ValidateSessionRequest, agent: &str) {
    question.context.as_mut().unwrap().user_agent = Some(agent.to_owned().into());
}

fn from(question: &mut v1::ValidateSessionRequest, address: &str) {
    question.context.as_mut().unwrap().peer_address = Some(address.to_owned().into());
}

async fn log_in_from(door: &mut Door, address: &str) {
    let mut browser = Browser::default();
    let started = door.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let code = door.world.provider.code_for("ada");
    let query = format!("code={code}&state={}", state_of(&started.answer));
    let peer = Some(Bytes::copy_from_slice(address.as_bytes()));
    let presented = browser.with("GET", "/auth/web/callback", |context| context.peer_address = peer);
    let response = gatelodge::authority::complete_callback::Response::Query(query.into());
    let question = gatelodge::authority::complete_callback::Question {
        set: LoginSet::Web,
        provider: Bytes::new(),
        response,
        presented,
    };
    let call = crate::world::World::call();
    let outcome = door.world.authority.complete_callback(&call, question).await.unwrap();
    browser.keep(&outcome.answer.set_cookies);
    door.browser = browser;
}
