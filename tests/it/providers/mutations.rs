//! Owns the mutation property: no changed ID token or logout token is ever accepted, and none makes anything panic (security.md 37).
//! Does not know which check refuses.
//!
//! `GATELODGE_TOKEN_MUTATIONS` says how many are tried (default 10,000; a release runs 1,000,000), and
//! `GATELODGE_SEED` repeats a run.

use std::sync::{Arc, Mutex};

use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use crate::hostile::keys::{ED25519, P256, RSA};
use crate::hostile::{Hostile, NOW, Object, Signing, reason_of};

/// A small generator (SplitMix64): a run is repeated by its seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Changes the bytes of a signed token.
fn change_text(token: &mut String, chance: &mut Chance) {
    let mut bytes = token.clone().into_bytes();
    for _ in 0..=chance.below(3) {
        if bytes.len() < 2 {
            break;
        }
        let at = chance.below(bytes.len());
        match chance.below(5) {
            0 => bytes[at] = b"ABCDEFabcdef0189-_.="[chance.below(20)],
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"Aa0_."[chance.below(5)]),
            3 => bytes.truncate(at.max(1)),
            _ => {
                let other = chance.below(bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    *token = String::from_utf8(bytes).unwrap();
}

/// Changes one of these claims, that have to be as they are, to something that is never right; or takes it away, where it may
/// not be `absent`.
fn change_claim(claims: &mut Object, names: &[&str], absent: &[&str], chance: &mut Chance) {
    let name = names[chance.below(names.len())];
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("x\u{0}y"),
        json!([]),
        json!({}),
        json!([null]),
        json!(u64::MAX),
        json!("\u{202e}"),
        json!(["a", "b"]),
    ];
    if !absent.contains(&name) && chance.below(8) == 0 {
        claims.remove(name);
    } else {
        claims.insert(name.into(), odd[chance.below(odd.len())].clone());
    }
}

/// A provider whose tokens are changed, all of them, and what says which round it is: every fourth changes a claim before it
/// is signed, and all others the text of what was.
async fn changing(names: &'static [&str], absent: &'static [&str], seed: u64) -> (Hostile, Arc<Mutex<u64>>) {
    let (hostile, count) = (Hostile::start().await, Arc::new(Mutex::new(0_u64)));
    let chance = Arc::new(Mutex::new(Chance(seed)));
    let (turn, dice) = (count.clone(), chance.clone());
    hostile.claims(move |claims| {
        if turn.lock().unwrap().is_multiple_of(4) {
            change_claim(claims, names, absent, &mut dice.lock().unwrap());
        }
    });
    let turn = count.clone();
    hostile.id_token(move |token| {
        if !turn.lock().unwrap().is_multiple_of(4) {
            let before = token.clone();
            while *token == before {
                change_text(token, &mut chance.lock().unwrap());
            }
        }
    });
    (hostile, count)
}

fn signing(round: u64) -> Signing {
    match round % 3 {
        0 => Signing::With(&ED25519, "EdDSA"),
        1 => Signing::With(&P256, "ES256"),
        _ => Signing::With(&RSA, "RS256"),
    }
}

#[tokio::test]
async fn no_changed_token_is_accepted() {
    let rounds = from_environment("GATELODGE_TOKEN_MUTATIONS", 10_000);
    let seed = from_environment("GATELODGE_SEED", 1);
    let names = &["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash"];
    let (hostile, count) = changing(names, &["at_hash"], seed).await;
    let provider = hostile.provider();
    for round in 0..rounds {
        *count.lock().unwrap() = round;
        let outcome = provider.redeem(&hostile.sign(signing(round)).redemption()).await;
        assert!(reason_of(&outcome).contains("token"), "seed {seed}, round {round}: {outcome:?}");
    }
}

#[tokio::test]
async fn no_changed_logout_token_is_accepted() {
    let rounds = from_environment("GATELODGE_TOKEN_MUTATIONS", 10_000);
    let seed = from_environment("GATELODGE_SEED", 1);
    let names = &["iss", "sub", "sid", "aud", "exp", "iat", "jti", "events"];
    let (hostile, count) = changing(names, &["sub", "sid"], seed).await;
    let (provider, now) = (hostile.provider(), Timestamp::from_secs(NOW));
    for round in 0..rounds {
        *count.lock().unwrap() = round;
        let token = hostile.sign(signing(round)).logout_token();
        let outcome = provider.read_logout_token(&Secret::new(token), now).await;
        // Under a name that no key has, the key may be a new one.
        let refused = reason_of(&outcome).starts_with("logout_token.") || reason_of(&outcome) == "unavailable";
        assert!(refused, "seed {seed}, round {round}: {outcome:?}");
    }
}
