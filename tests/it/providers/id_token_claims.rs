//! Owns the cases of an ID token's claims; each token is signed with the real key. Does not know its form.

use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{accepted, refused, set, unset};
use crate::hostile::{CLIENT_ID, NOW};

// security.md 26: the issuer, byte for byte.
refused! {
    iss_missing: "id_token.iss", |p| p.claims(unset("iss"));
    iss_another: "id_token.iss", |p| p.claims(set("iss", "https://accounts.google.com"));
    iss_with_a_slash: "id_token.iss", |p| p.claims(set("iss", format!("{}/", p.issuer())));
    iss_in_other_case: "id_token.iss", |p| p.claims(set("iss", p.issuer().replace("http", "HTTP")));
    iss_without_port: "id_token.iss", |p| p.claims(set("iss", "http://127.0.0.1"));
    iss_with_a_look_alike: "id_token.iss", |p| p.claims(set("iss", p.issuer().replace('1', "\u{ff11}")));
    iss_a_list: "id_token.iss", |p| p.claims(set("iss", json!([p.issuer()])));
    iss_null: "id_token.iss", |p| p.claims(set("iss", Value::Null));
}

// security.md 27, 28: we, and nobody else.
refused! {
    aud_missing: "id_token.aud", |p| p.claims(unset("aud"));
    aud_empty: "id_token.aud", |p| p.claims(set("aud", ""));
    aud_an_empty_list: "id_token.aud", |p| p.claims(set("aud", json!([])));
    aud_another: "id_token.aud", |p| p.claims(set("aud", "another-client"));
    aud_begins_like_ours: "id_token.aud", |p| p.claims(set("aud", format!("{CLIENT_ID}-2")));
    aud_is_the_beginning_of_ours: "id_token.aud", |p| p.claims(set("aud", &CLIENT_ID[..5]));
    aud_in_other_case: "id_token.aud", |p| p.claims(set("aud", CLIENT_ID.to_uppercase()));
    aud_a_number: "id_token.aud", |p| p.claims(set("aud", 5));
    aud_an_object: "id_token.aud", |p| p.claims(set("aud", json!({ CLIENT_ID: true })));
    aud_with_an_untrusted_one: "id_token.aud", |p| p.claims(set("aud", json!([CLIENT_ID, "another-client"])));
    aud_with_an_untrusted_one_and_azp: "id_token.aud", |p| {
        p.claims(set("aud", json!([CLIENT_ID, "another-client"]))).claims(set("azp", CLIENT_ID))
    };
    aud_a_list_with_a_number: "id_token.aud", |p| p.claims(set("aud", json!([CLIENT_ID, 1])));
    aud_ours_twice: "id_token.aud", |p| p.claims(set("aud", json!([CLIENT_ID, CLIENT_ID])));
    azp_another: "id_token.azp", |p| p.claims(set("azp", "another-client"));
    azp_a_list: "id_token.azp", |p| p.claims(set("azp", json!([CLIENT_ID])));
    azp_null: "id_token.azp", |p| p.claims(set("azp", Value::Null));
}

accepted! {
    aud_a_list_of_us_alone: |p| p.claims(set("aud", json!([CLIENT_ID])));
    azp_ours: |p| p.claims(set("azp", CLIENT_ID));
}

// security.md 29: times are numbers, and judged; the leeway is 10 seconds.
refused! {
    exp_missing: "id_token.exp", |p| p.claims(unset("exp"));
    exp_past: "id_token.exp", |p| p.claims(set("exp", NOW - 3600));
    exp_past_by_the_leeway: "id_token.exp", |p| p.claims(set("iat", NOW - 60)).claims(set("exp", NOW - 10));
    exp_never: "id_token.exp", |p| p.claims(set("exp", "never"));
    exp_as_text: "id_token.exp", |p| p.claims(set("exp", (NOW + 300).to_string()));
    exp_as_a_date: "id_token.exp", |p| p.claims(set("exp", "2099-01-01T00:00:00Z"));
    exp_negative: "id_token.exp", |p| p.claims(set("exp", -1));
    exp_beyond_all: "id_token.exp", |p| p.claims(set("exp", 1e300));
    exp_at_the_end_of_u64: "id_token.exp", |p| p.claims(set("exp", u64::MAX));
    exp_null: "id_token.exp", |p| p.claims(set("exp", Value::Null));
    exp_not_a_number: "id_token.payload", |p| p.payload_text(|t| *t = t.replace(&(NOW + 300).to_string(), "NaN"));
    exp_a_list: "id_token.exp", |p| p.claims(set("exp", json!([NOW + 300])));
    exp_before_iat: "id_token.iat", |p| p.claims(set("exp", NOW)).claims(set("iat", NOW + 5));
    iat_missing: "id_token.iat", |p| p.claims(unset("iat"));
    iat_as_text: "id_token.iat", |p| p.claims(set("iat", NOW.to_string()));
    iat_ahead_by_61_seconds: "id_token.iat", |p| p.claims(set("iat", NOW + 61));
    iat_ahead_by_11_seconds: "id_token.iat", |p| p.claims(set("iat", NOW + 11));
    iat_too_old: "id_token.iat", |p| p.claims(set("iat", NOW - 611));
    iat_zero: "id_token.iat", |p| p.claims(set("iat", 0));
    nbf_ahead: "id_token.nbf", |p| p.claims(set("nbf", NOW + 11));
    nbf_as_text: "id_token.nbf", |p| p.claims(set("nbf", "0"));
    nbf_null: "id_token.nbf", |p| p.claims(set("nbf", Value::Null));
}

accepted! {
    exp_past_within_the_leeway: |p| p.claims(set("iat", NOW - 60)).claims(set("exp", NOW - 9));
    exp_with_a_fraction: |p| p.claims(set("exp", 1_800_000_300.5));
    iat_ahead_by_10_seconds: |p| p.claims(set("iat", NOW + 10));
    iat_ahead_by_a_second: |p| p.claims(set("iat", NOW + 1));
    iat_10_minutes_old: |p| p.claims(set("iat", NOW - 600));
    nbf_ahead_within_the_leeway: |p| p.claims(set("nbf", NOW + 10));
}

// security.md 30: the token belongs to this login.
refused! {
    nonce_missing: "id_token.nonce", |p| p.claims(unset("nonce"));
    nonce_another: "id_token.nonce", |p| p.claims(set("nonce", "the nonce of another login"));
    nonce_empty: "id_token.nonce", |p| p.claims(set("nonce", ""));
    nonce_with_something_behind: "id_token.nonce", |p| p.claims(set("nonce", "a nonce of this login "));
    nonce_a_number: "id_token.nonce", |p| p.claims(set("nonce", 7));
    nonce_a_list: "id_token.nonce", |p| p.claims(set("nonce", json!(["a nonce of this login"])));
    nonce_null: "id_token.nonce", |p| p.claims(set("nonce", Value::Null));
}

// security.md 31: the access token belongs to the ID token.
refused! {
    at_hash_of_another_token: "id_token.at_hash", |p| p.claims(set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"));
    at_hash_empty: "id_token.at_hash", |p| p.claims(set("at_hash", ""));
    at_hash_not_text: "id_token.at_hash", |p| p.claims(set("at_hash", 5));
    access_token_swapped: "id_token.at_hash", |p| p.token_body(set("access_token", "at-of-somebody-else"));
}

accepted! {
    at_hash_missing: |p| p.claims(unset("at_hash"));
}

// security.md 32, 33: the subject.
refused! {
    sub_missing: "id_token.sub", |p| p.claims(unset("sub"));
    sub_empty: "id_token.sub", |p| p.claims(set("sub", ""));
    sub_a_number: "id_token.sub", |p| p.claims(set("sub", 42));
    sub_null: "id_token.sub", |p| p.claims(set("sub", Value::Null));
    sub_too_long: "id_token.sub", |p| p.claims(set("sub", "s".repeat(256)));
    sub_with_a_control_character: "id_token.sub", |p| p.claims(set("sub", "user\u{7}1"));
    sub_with_a_line_end: "id_token.sub", |p| p.claims(set("sub", "user\r\n1"));
    sub_beyond_ascii: "id_token.sub", |p| p.claims(set("sub", "us\u{0435}r-1"));
    sid_not_text: "id_token.sid", |p| p.claims(set("sid", 5));
    sid_too_long: "id_token.sid", |p| p.claims(set("sid", "s".repeat(256)));
    acr_not_text: "id_token.acr", |p| p.claims(set("acr", json!(["a"])));
    amr_not_a_list: "id_token.amr", |p| p.claims(set("amr", "pwd"));
    amr_not_of_texts: "id_token.amr", |p| p.claims(set("amr", json!([1])));
}

accepted! {
    sub_of_255_characters: |p| p.claims(set("sub", "s".repeat(255)));
}

// security.md 34: an asked-for age of the login is enforced.
refused! {
    auth_time_missing_though_asked_for: "id_token.auth_time", |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW - 60))).claims(unset("auth_time"))
    };
    auth_time_too_old: "id_token.auth_time", |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW - 60))).claims(set("auth_time", NOW - 61))
    };
    auth_time_too_old_for_a_fresh_login: "id_token.auth_time", |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW))).claims(set("auth_time", NOW - 2))
    };
    auth_time_too_old_by_a_clock_that_is_ahead: "id_token.auth_time", |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW - 60)))
            .claims(set("iat", NOW + 8))
            .claims(set("auth_time", NOW - 53))
    };
    auth_time_too_old_in_a_token_that_is_dated_back: "id_token.auth_time", |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW - 60)))
            .claims(set("iat", NOW - 200))
            .claims(set("auth_time", NOW - 71))
    };
    auth_time_in_the_future: "id_token.auth_time", |p| p.claims(set("auth_time", NOW + 11));
    auth_time_as_text: "id_token.auth_time", |p| p.claims(set("auth_time", NOW.to_string()));
    auth_time_null: "id_token.auth_time", |p| p.claims(set("auth_time", Value::Null));
}

accepted! {
    auth_time_within_what_was_asked_for: |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW - 60))).claims(set("auth_time", NOW - 60))
    };
    auth_time_within_it_by_a_clock_that_is_behind: |p| {
        p.redemption_with(|r| r.authenticated_after = Some(Timestamp::from_secs(NOW - 60)))
            .claims(set("iat", NOW - 8))
            .claims(set("auth_time", NOW - 68))
    };
    auth_time_missing_and_not_asked_for: |p| p.claims(unset("auth_time"));
}
