//! Owns what `clients/scenarios.json` may say of a fake authority, and how the fake of this crate becomes so. Does not know
//! who reads the file.

use std::time::Duration;

use gatelodge_client::testing::{FakeAuthority, SignedIn, State, Who};
use serde_json::Value;

/// The sessions that a scenario gives, by their cookies.
pub type Sessions = Vec<(String, SignedIn)>;

/// Signs in whom a scenario gives.
pub fn sign_in(authority: &FakeAuthority, given: &Value) -> Sessions {
    let sessions = given["sessions"].as_array().into_iter().flatten();
    sessions.map(|session| (text(&session["cookie"]), authority.sign_in(who(session)))).collect()
}

/// Does to the authority and to its sessions what is given from now on.
pub fn set(authority: &FakeAuthority, given: &Value, signed_in: &Sessions) {
    match given["authority"].as_str() {
        Some("up") => authority.back(),
        Some("away") => authority.away(),
        Some("slow") => authority.slow(),
        _ => (),
    }
    for (cookie, name) in given["states"].as_object().into_iter().flatten() {
        signed_in.iter().filter(|(of, _)| of == cookie).for_each(|(_, session)| session.set_state(state(name)));
    }
}

/// The text, empty where there is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A session lives where nothing else is said; clients/scenarios.schema.json knows no other words.
fn state(name: &Value) -> State {
    match name.as_str() {
        Some("ended") => State::Ended,
        Some("expired") => State::Expired,
        Some("idle") => State::Idle,
        Some("revoked") => State::Revoked,
        Some("fingerprint") => State::Fingerprint,
        _ => State::Active,
    }
}

fn who(session: &Value) -> Who {
    let given = |name: &str| session[name].as_str().map(str::to_owned);
    let usual = Who::default();
    Who {
        user_id: text(&session["user_id"]),
        email: text(&session["email"]),
        name: text(&session["name"]),
        provider: given("provider").unwrap_or_else(|| usual.provider.clone()),
        scopes: session["scopes"].as_array().into_iter().flatten().map(text).collect(),
        login_age: Duration::from_secs(session["login_age_seconds"].as_u64().unwrap_or_default()),
        state: state(&session["state"]),
        cookie: given("cookie"),
        csrf_token: given("csrf_token"),
        renewed_cookie: given("renewed_cookie"),
        ..usual
    }
}
