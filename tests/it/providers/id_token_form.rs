//! Owns the cases of an ID token's outer form: algorithm, signature, header, type, encoding, JSON.
//! Does not know the claims.

use serde_json::json;

use super::{accepted, refused, set, unset};
use crate::hostile::keys::{ED25519, OTHER_RSA, P256, P384, RSA, b64};
use crate::hostile::{CLIENT_SECRET, Signing};

/// Puts another text in place of a segment, after the token was signed.
fn segment(index: usize, with: impl Fn(&str) -> String + Send + Sync + 'static) -> impl Fn(&mut String) + Send + Sync {
    move |token| {
        let mut segments: Vec<_> = token.split('.').map(str::to_owned).collect();
        segments[index] = with(&segments[index]);
        *token = segments.join(".");
    }
}

fn last_bits_changed(text: &str) -> String {
    // A last character that encodes the same bytes with stray bits: 256 bytes leave four of them.
    let stray = |last: u8| char::from(last + 1);
    let (start, last) = text.split_at(text.len() - 1);
    format!("{start}{}", stray(last.as_bytes()[0]))
}

// security.md 22: the algorithm is chosen by configuration, never by the token.
refused! {
    alg_none: "id_token.alg", |p| p.sign(Signing::Unsigned("none")).id_token(|t| t.push_str("AA"));
    alg_none_without_signature: "id_token.encoding", |p| p.sign(Signing::Unsigned("none"));
    alg_none_in_other_case: "id_token.alg", |p| p.sign(Signing::Unsigned("nOnE")).id_token(|t| t.push_str("AA"));
    alg_missing: "id_token.alg", |p| p.header(unset("alg"));
    alg_null: "id_token.alg", |p| p.header(set("alg", json!(null)));
    alg_empty: "id_token.alg", |p| p.header(set("alg", ""));
    alg_as_list: "id_token.alg", |p| p.header(set("alg", json!(["RS256"])));
    alg_unknown: "id_token.alg", |p| p.header(set("alg", "XX256"));
    alg_es512_which_we_do_not_know: "id_token.alg", |p| p.header(set("alg", "ES512"));
    alg_in_lower_case: "id_token.alg", |p| p.header(set("alg", "rs256"));
    alg_hs256_with_the_public_key_as_pem: "id_token.alg", |p| p.sign(Signing::Hmac(RSA.public_texts().1.into()));
    alg_hs256_with_the_public_key_as_der: "id_token.alg", |p| p.sign(Signing::Hmac(RSA.public_texts().0));
    alg_hs256_with_the_public_key_as_jwk: "id_token.alg", |p| p.sign(Signing::Hmac(RSA.jwk().to_string().into()));
    alg_hs256_with_the_client_secret: "id_token.alg", |p| p.sign(Signing::Hmac(CLIENT_SECRET.into()));
    alg_says_rs256_but_it_is_ps256: "id_token.signature", |p| {
        p.sign(Signing::With(&RSA, "PS256")).header(set("alg", "RS256"))
    };
    alg_says_ps256_but_it_is_rs256: "id_token.signature", |p| p.header(set("alg", "PS256"));
    alg_says_rs512_but_it_is_rs256: "id_token.at_hash", |p| p.header(set("alg", "RS512"));
    alg_says_es256_for_an_rsa_key: "id_token.signature", |p| p.header(set("alg", "ES256"));
    alg_says_rs256_for_an_ec_key: "id_token.signature", |p| {
        p.sign(Signing::With(&P256, "ES256")).header(set("alg", "RS256"))
    };
    alg_says_es256_for_a_p384_key: "id_token.signature", |p| {
        p.sign(Signing::With(&P384, "ES384")).header(set("alg", "ES256")).claims(unset("at_hash"))
    };
    alg_not_listed_by_the_metadata: "id_token.alg", |p| {
        p.metadata(set("id_token_signing_alg_values_supported", json!(["ES256"])))
    };
    alg_not_allowed_by_the_settings: "id_token.alg", |p| p.settings_with(|s| s.signing_algs = vec!["ES256".into()]);
    alg_not_the_one_that_the_key_is_for: "id_token.signature", |p| p.jwks(|jwks| jwks["keys"][0]["alg"] = "RS512".into());
}

// security.md 23: the signature is always verified.
refused! {
    signature_with_a_flipped_bit: "id_token.signature", |p| p.id_token(segment(2, |s| {
        let other = if s.starts_with('A') { "B" } else { "A" };
        format!("{other}{}", &s[1..])
    }));
    signature_cut_short: "id_token.signature", |p| p.id_token(segment(2, |s| s[..s.len() - 2].to_owned()));
    signature_empty: "id_token.encoding", |p| p.id_token(segment(2, |_| String::new()));
    signature_of_zeros: "id_token.signature", |p| p.id_token(segment(2, |_| b64([0; 256])));
    signature_by_a_key_that_is_not_listed: "id_token.signature", |p| p.sign(Signing::With(&OTHER_RSA, "RS256"));
    signature_by_another_key_under_a_listed_name: "id_token.signature", |p| {
        p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "rsa"))
    };
    signature_of_zeros_es256: "id_token.signature", |p| {
        p.sign(Signing::With(&P256, "ES256")).id_token(segment(2, |_| b64([0; 64])))
    };
    signature_of_zeros_eddsa: "id_token.signature", |p| {
        p.sign(Signing::With(&ED25519, "EdDSA")).id_token(segment(2, |_| b64([0; 64])))
    };
    payload_changed_after_signing: "id_token.signature", |p| p.id_token(segment(1, |payload| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        b64(String::from_utf8(text).unwrap().replace("alice@", "mallory@"))
    }));
}

// security.md 24: a token's header chooses no key but by name.
refused! {
    header_brings_its_own_jwk: "id_token.signature", |p| {
        p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "rsa")).header(set("jwk", OTHER_RSA.jwk()))
    };
    header_names_a_key_address: "id_token.signature", |p| {
        let address = format!("http://{}/jwks", p.canary());
        p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("jku", address.clone())).header(set("x5u", address))
    };
    header_brings_a_certificate: "id_token.signature", |p| {
        p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("x5c", json!(["MIIB"])))
    };
    header_crit: "id_token.header", |p| p.header(set("crit", json!(["exp"])));
    header_crit_empty: "id_token.header", |p| p.header(set("crit", json!([])));
    header_unencoded_payload: "id_token.header", |p| p.header(set("b64", false));
    header_zip: "id_token.header", |p| p.header(set("zip", "DEF"));
    header_nested_token: "id_token.header", |p| p.header(set("cty", "JWT"));
    kid_with_a_path: "id_token.signature", |p| p.header(set("kid", "../../../../dev/null"));
    kid_as_an_address: "id_token.signature", |p| p.header(set("kid", format!("http://{}/k", p.canary())));
    kid_with_sql: "id_token.signature", |p| p.header(set("kid", "rsa' OR '1'='1"));
    kid_with_nul: "id_token.signature", |p| p.header(set("kid", "rsa\0"));
    kid_in_other_case: "id_token.signature", |p| p.header(set("kid", "RSA"));
    kid_of_64_kilobytes: "token_response.id_token", |p| p.header(set("kid", "k".repeat(64 * 1024)));
    kid_of_32_kilobytes: "id_token.size", |p| p.header(set("kid", "k".repeat(32 * 1024)));
    kid_of_8_kilobytes: "id_token.header", |p| p.header(set("kid", "k".repeat(8 * 1024)));
    kid_of_a_kilobyte: "id_token.kid", |p| p.header(set("kid", "k".repeat(1024)));
    kid_a_number: "id_token.kid", |p| p.header(set("kid", 1));
    kid_null: "id_token.kid", |p| p.header(set("kid", json!(null)));
}

// security.md 25: no other kind of token passes for an ID token.
refused! {
    typ_of_a_logout_token: "id_token.typ", |p| p.header(set("typ", "logout+jwt"));
    typ_of_an_access_token: "id_token.typ", |p| p.header(set("typ", "at+jwt"));
    typ_of_an_access_token_as_media_type: "id_token.typ", |p| p.header(set("typ", "application/at+jwt"));
    typ_of_a_dpop_proof: "id_token.typ", |p| p.header(set("typ", "dpop+jwt"));
    typ_of_a_userinfo_answer: "id_token.typ", |p| p.header(set("typ", "userinfo+jwt"));
    typ_not_text: "id_token.typ", |p| p.header(set("typ", 1));
    typ_right_but_the_claims_of_a_logout_token: "id_token.events", |p| {
        p.claims(set("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}})))
    };
}

accepted! {
    typ_missing: |p| p.header(unset("typ"));
    typ_in_lower_case: |p| p.header(set("typ", "jwt"));
    typ_as_media_type: |p| p.header(set("typ", "application/JWT"));
}

// security.md 35, 36: one text for one token, strict JSON, nothing encrypted.
refused! {
    one_segment: "id_token.segments", |p| p.id_token(|t| *t = t.replace('.', ""));
    two_segments: "id_token.segments", |p| p.id_token(|t| *t = t.rsplit_once('.').unwrap().0.to_owned());
    four_segments: "id_token.segments", |p| p.id_token(|t| t.push_str(".AAAA"));
    five_segments_as_if_encrypted: "id_token.encrypted", |p| p.id_token(|t| t.push_str(".AAAA.AAAA"));
    many_segments: "id_token.segments", |p| p.id_token(|t| t.push_str(&".A".repeat(10_000)));
    padded: "id_token.encoding", |p| p.id_token(|t| t.push('='));
    with_stray_bits: "id_token.encoding", |p| p.id_token(segment(2, last_bits_changed));
    in_the_other_alphabet: "id_token.encoding", |p| p.id_token(segment(2, |s| format!("+/{}", &s[2..])));
    empty_header: "id_token.encoding", |p| p.id_token(segment(0, |_| String::new()));
    empty_payload: "id_token.encoding", |p| p.id_token(segment(1, |_| String::new()));
    with_a_space: "token_response.id_token", |p| p.id_token(|t| t.insert(10, ' '));
    with_a_line_end: "token_response.id_token", |p| p.id_token(|t| t.push('\n'));
    too_long: "id_token.size", |p| p.claims(set("filler", "x".repeat(32 * 1024)));
    ten_megabytes: "failed", |p| p.id_token(|t| t.push_str(&"A".repeat(10 << 20)));
    header_not_json: "id_token.header", |p| p.header_text(|h| *h = "alg=RS256".into());
    header_a_list: "id_token.header", |p| p.header_text(|h| *h = format!("[{h}]"));
    header_with_a_name_twice: "id_token.header", |p| p.header_text(|h| *h = h.replacen('{', "{\"alg\":\"none\",", 1));
    payload_not_json: "id_token.payload", |p| p.payload_text(|t| *t = "sub=user-1".into());
    payload_a_list: "id_token.payload", |p| p.payload_text(|t| *t = format!("[{t}]"));
    payload_text: "id_token.payload", |p| p.payload_text(|t| *t = "\"sub\"".into());
    payload_null: "id_token.payload", |p| p.payload_text(|t| *t = "null".into());
    payload_followed_by_more: "id_token.payload", |p| p.payload_text(|t| t.push_str("{}"));
    payload_with_a_name_twice: "id_token.payload", |p| p.payload_text(|t| *t = t.replacen('{', "{\"sub\":\"root\",", 1));
    payload_with_a_name_twice_by_escape: "id_token.payload", |p| {
        p.payload_text(|t| *t = t.replacen('{', "{\"\\u0073ub\":\"root\",", 1))
    };
    payload_with_a_name_twice_inside: "id_token.payload", |p| {
        p.payload_text(|t| *t = t.replacen('{', "{\"x\":{\"a\":1,\"a\":2},", 1))
    };
    payload_nested_deep: "id_token.payload", |p| {
        p.payload_text(|t| *t = t.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(5000), "]".repeat(5000)), 1))
    };
    payload_with_a_number_beyond_all: "id_token.payload", |p| {
        p.payload_text(|t| *t = t.replacen('{', "{\"x\":1e999,", 1))
    };
}
