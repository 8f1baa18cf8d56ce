//! Owns the cases of the token endpoint's answer. Does not know what the ID token says.

use serde_json::{Value, json};

use super::{accepted, refused, set, unset};
use crate::hostile::{Answer, Endpoint};

// security.md 19: strictly parsed.
refused! {
    access_token_missing: "token_response.access_token", |p| p.token_body(unset("access_token"));
    access_token_empty: "token_response.access_token", |p| p.token_body(set("access_token", ""));
    access_token_a_number: "token_response.access_token", |p| p.token_body(set("access_token", 5));
    access_token_null: "token_response.access_token", |p| p.token_body(set("access_token", Value::Null));
    access_token_with_a_line_end: "token_response.access_token", |p| p.token_body(set("access_token", "a\r\nX: y"));
    access_token_beyond_ascii: "token_response.access_token", |p| p.token_body(set("access_token", "at-\u{e9}"));
    token_type_missing: "token_response.token_type", |p| p.token_body(unset("token_type"));
    token_type_another: "token_response.token_type", |p| p.token_body(set("token_type", "mac"));
    token_type_dpop_that_was_not_asked_for: "token_response.token_type", |p| p.token_body(set("token_type", "DPoP"));
    token_type_a_list: "token_response.token_type", |p| p.token_body(set("token_type", json!(["Bearer"])));
    expires_in_negative: "token_response.expires_in", |p| p.token_body(set("expires_in", -1));
    expires_in_as_text: "token_response.expires_in", |p| p.token_body(set("expires_in", "300"));
    expires_in_beyond_all: "token_response.expires_in", |p| p.token_body(set("expires_in", 1e30));
    expires_in_a_thousand_years: "token_response.expires_in", |p| p.token_body(set("expires_in", 31_536_000_000_u64));
    expires_in_with_a_fraction: "token_response.expires_in", |p| p.token_body(set("expires_in", 299.5));
    expires_in_null: "token_response.expires_in", |p| p.token_body(set("expires_in", Value::Null));
    id_token_missing: "token_response.id_token", |p| p.token_body(unset("id_token"));
    id_token_empty: "token_response.id_token", |p| p.token_body(set("id_token", ""));
    id_token_null: "token_response.id_token", |p| p.token_body(set("id_token", Value::Null));
    id_token_a_list: "token_response.id_token", |p| p.token_body(set("id_token", json!(["a.b.c"])));
    id_token_an_object: "token_response.id_token", |p| p.token_body(set("id_token", json!({"sub": "user-1"})));
    refresh_token_a_number: "token_response.refresh_token", |p| p.token_body(set("refresh_token", 5));
    refresh_token_empty: "token_response.refresh_token", |p| p.token_body(set("refresh_token", ""));
    scope_a_list: "token_response.scope", |p| p.token_body(set("scope", json!(["openid"])));
    scope_without_end: "token_response.scope", |p| p.token_body(set("scope", "s ".repeat(10_000)));
    error_beside_tokens: "token_response.error", |p| p.token_body(set("error", "invalid_grant"));
    body_a_list: "failed", |p| p.answers(Endpoint::Token, Answer::json(200, "[]"));
    body_null: "failed", |p| p.answers(Endpoint::Token, Answer::json(200, "null"));
    body_empty: "failed", |p| p.answers(Endpoint::Token, Answer::json(200, ""));
    body_cut_short: "failed", |p| p.answers(Endpoint::Token, Answer::json(200, "{\"access_token\":\"a\""));
    body_with_a_name_twice: "failed", |p| {
        p.answers(Endpoint::Token, Answer::json(200, r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#))
    };
    body_a_form: "failed", |p| {
        let form = "access_token=a&token_type=bearer";
        p.answers(Endpoint::Token, Answer::text(200, "application/x-www-form-urlencoded", form))
    };
    body_a_page: "failed", |p| p.answers(Endpoint::Token, Answer::text(200, "text/html", "<html>{}</html>"));
    body_json_by_no_label: "failed", |p| {
        p.answers(Endpoint::Token, Answer { headers: vec![], ..Answer::json(200, "{}") })
    };
}

// What the provider says with its status: what it refuses, what it can't do now, and what makes no sense.
refused! {
    status_201: "failed", |p| p.answers(Endpoint::Token, Answer::json(201, "{}"));
    status_204: "failed", |p| p.answers(Endpoint::Token, Answer::json(204, ""));
    status_400_invalid_grant: "invalid_grant", |p| {
        p.answers(Endpoint::Token, Answer::json(400, json!({"error": "invalid_grant"})))
    };
    status_400_invalid_client: "failed", |p| {
        p.answers(Endpoint::Token, Answer::json(400, json!({"error": "invalid_client"})))
    };
    status_401_invalid_client: "failed", |p| {
        p.answers(Endpoint::Token, Answer::json(401, json!({"error": "invalid_client"})))
    };
    status_400_unknown_error: "failed", |p| p.answers(Endpoint::Token, Answer::json(400, json!({"error": "\r\n<b>"})));
    status_400_error_not_text: "failed", |p| p.answers(Endpoint::Token, Answer::json(400, json!({"error": [1]})));
    status_400_page: "failed", |p| p.answers(Endpoint::Token, Answer::text(400, "text/html", "<html>"));
    status_400_temporarily_unavailable: "unavailable", |p| {
        p.answers(Endpoint::Token, Answer::json(400, json!({"error": "temporarily_unavailable"})))
    };
    status_429: "unavailable", |p| p.answers(Endpoint::Token, Answer::json(429, "{}").with("retry-after", "1"));
    status_500: "unavailable", |p| p.answers(Endpoint::Token, Answer::json(500, "{}"));
    status_503_that_says_invalid_grant: "unavailable", |p| {
        p.answers(Endpoint::Token, Answer::json(503, json!({"error": "invalid_grant"})))
    };
}

accepted! {
    token_type_in_lower_case: |p| p.token_body(set("token_type", "bearer"));
    token_type_in_upper_case: |p| p.token_body(set("token_type", "BEARER"));
    expires_in_missing: |p| p.token_body(unset("expires_in"));
    expires_in_zero: |p| p.token_body(set("expires_in", 0));
    refresh_token_missing: |p| p.token_body(unset("refresh_token"));
    scope_missing: |p| p.token_body(unset("scope"));
    unknown_members: |p| p.token_body(set("not_before_policy", 0)).token_body(set("x", json!({"y": [1, null]})));
}
