//! Owns what `clients/scenarios.json` may say of a fake authority, and how the fake of this crate becomes so. Does not know
//! who reads the file.

use std::collections::BTreeMap;
use std::time::Duration;

use gatelodge_client::testing::{FakeAuthority, SignedIn, State, TokenOf, TokenState, Who};
use serde_json::Value;

/// The sessions that a scenario gives, by their cookies.
pub type Sessions = Vec<(String, SignedIn)>;

/// Signs in whom a scenario gives.
pub fn sign_in(authority: &FakeAuthority, given: &Value) -> Sessions {
    for token in given["tokens"].as_array().into_iter().flatten() {
        let _given = authority.issue_token(token_of(token));
    }
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
    for (token, name) in given["token_states"].as_object().into_iter().flatten() {
        authority.set_token_state(token, token_state(name));
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

fn token_state(name: &Value) -> TokenState {
    match name.as_str() {
        Some("expired") => TokenState::Expired,
        Some("withdrawn") => TokenState::Withdrawn,
        _ => TokenState::Active,
    }
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

fn login_age(of: &Value) -> Duration {
    Duration::from_secs(of["login_age_seconds"].as_u64().unwrap_or_default())
}

fn token_of(token: &Value) -> TokenOf {
    TokenOf {
        user_id: text(&token["user_id"]),
        client_id: text(&token["client_id"]),
        audiences: names(&token["audiences"]),
        email: text(&token["email"]),
        email_verified: token["email_verified"].as_bool().unwrap_or(true),
        scopes: names(&token["scopes"]),
        permissions: names(&token["permissions"]),
        roles: names(&token["roles"]),
        acr: text(&token["acr"]),
        amr: names(&token["amr"]),
        login_age: login_age(token),
        state: token_state(&token["state"]),
        token: token["token"].as_str().map(str::to_owned),
    }
}

fn who(session: &Value) -> Who {
    let given = |name: &str| session[name].as_str().map(str::to_owned);
    Who {
        user_id: text(&session["user_id"]),
        email: text(&session["email"]),
        name: text(&session["name"]),
        provider: given("provider").unwrap_or_else(|| Who::default().provider),
        scopes: names(&session["scopes"]),
        permissions: names(&session["permissions"]),
        roles: names(&session["roles"]),
        email_verified: session["email_verified"].as_bool().unwrap_or(true),
        acr: text(&session["acr"]),
        amr: names(&session["amr"]),
        claims: BTreeMap::new(),
        login_age: login_age(session),
        provider_session: given("provider_session"),
        state: state(&session["state"]),
        cookie: given("cookie"),
        csrf_token: given("csrf_token"),
        renewed_cookie: given("renewed_cookie"),
    }
}
