//! Owns what is written down of a provider's logouts, and what whoever sends one learns of us. Does not know what they end.

use std::time::Duration;

use super::told::Told;
use super::{set, unset};
use crate::hostile::{Hostile, SUB};
use crate::world::Kept;

const REFUSED: &str = "a logout that a provider sent was refused";

/// The lines of the log that say this, from one place on.
fn lines(told: &Told, text: &str, from: usize) -> Vec<String> {
    let all = told.log.text();
    all.lines().skip(from).filter(|line| line.contains(text)).map(str::to_owned).collect()
}

// security.md 111: whose sessions ended, by which token, for whom; and of the user nothing but a hash.
#[tokio::test]
async fn a_logout_is_written_down_with_a_hash_of_whose_it_was() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    told.log_in(&hostile).await;
    hostile.claims(set("jti", "the-id-of-the-token"));
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 1));
    let said = lines(&told, "a provider logged somebody out", 0);
    let [line] = said.as_slice() else { panic!("{said:?}") };
    for part in [
        "provider=\"hostile\"",
        "count=1",
        "jti=\"the-id-of-the-token\"",
        "provider_session=\"",
        "user=\"",
        "tenant=\"default\"",
        "caller=\"edge\"",
        "request_id=",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains(SUB) && !line.contains("op-session") && !line.contains("CANARY"), "{line}");
}

// Junk fills no log, and what is wrong in another way is not lost among it.
#[tokio::test]
async fn of_many_refusals_of_one_kind_few_are_written_down() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    for _ in 0..50 {
        told.tell("a.b.c").await;
    }
    hostile.claims(set("nonce", "n"));
    told.tell(&hostile.logout_token()).await;
    let said = lines(&told, REFUSED, 0);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("check=\"logout_token.iss\"") && said[0].contains("unsaid=0"), "{said:?}");
    assert!(said[1].contains("check=\"logout_token.nonce\"") && said[1].contains("provider=\"hostile\""), "{said:?}");
    told.world.clock.advance(Duration::from_secs(11));
    told.tell("a.b.c").await;
    let said = lines(&told, REFUSED, 0);
    assert!(said.len() == 3 && said[2].contains("unsaid=49") && said[2].contains("caller=\"edge\""), "{said:?}");
}

// Else anybody could try which providers and clients there are.
#[tokio::test]
async fn whoever_sends_junk_does_not_learn_which_providers_there_are() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let answer = async |token: String| {
        let answer = told.post(&format!("logout_token={token}")).await.unwrap().answer.unwrap();
        let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        body["request_id"].take();
        (answer.status, body, answer.headers)
    };
    let known = answer(hostile.claims(unset("events")).logout_token()).await;
    assert_eq!(known.0, 400);
    hostile.behave();
    assert_eq!(answer(hostile.claims(set("aud", "another")).logout_token()).await, known);
    hostile.behave();
    assert_eq!(answer(hostile.claims(set("iss", "https://idp.example")).logout_token()).await, known);
    assert_eq!(answer("a.b.c".into()).await, known);
}
