//! Owns the mutation property: no changed ID token is ever accepted, and none makes anything panic (security.md 37).
//! Does not know which check refuses.
//!
//! `GATELODGE_TOKEN_MUTATIONS` says how many are tried (default 10,000; a release runs 1,000,000), and
//! `GATELODGE_SEED` repeats a run.

use gatelodge::authority::provider::IdentityProvider as _;
use serde_json::{Value, json};

use crate::hostile::keys::{ED25519, P256, RSA};
use crate::hostile::{Hostile, Object, Signing, reason_of};

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

/// Changes a claim that has to be as it is, to something that is never right.
fn change_claim(claims: &mut Object, chance: &mut Chance) {
    let names = ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash"];
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
    if name != "at_hash" && chance.below(8) == 0 {
        claims.remove(name);
    } else {
        claims.insert(name.into(), odd[chance.below(odd.len())].clone());
    }
}

#[tokio::test]
async fn no_changed_token_is_accepted() {
    let rounds = from_environment("GATELODGE_TOKEN_MUTATIONS", 10_000);
    let seed = from_environment("GATELODGE_SEED", 1);
    let chance = std::sync::Arc::new(std::sync::Mutex::new(Chance(seed)));
    let hostile = Hostile::start().await;
    let signings = [Signing::With(&ED25519, "EdDSA"), Signing::With(&P256, "ES256"), Signing::With(&RSA, "RS256")];
    let provider = hostile.provider();
    let count = std::sync::Arc::new(std::sync::Mutex::new(0_u64));
    let turn = count.clone();
    let dice = chance.clone();
    hostile.claims(move |claims| {
        if turn.lock().unwrap().is_multiple_of(4) {
            change_claim(claims, &mut dice.lock().unwrap());
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
    for round in 0..rounds {
        *count.lock().unwrap() = round;
        hostile.sign(signings[usize::try_from(round % 3).unwrap()].clone());
        let outcome = provider.redeem(&hostile.redemption()).await;
        assert!(reason_of(&outcome).contains("token"), "seed {seed}, round {round}: {outcome:?}");
    }
}
