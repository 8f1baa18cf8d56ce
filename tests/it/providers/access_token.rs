//! Owns the cases of access tokens that are JWTs: what passes, and every other token that must not be taken for one
//! (RFC 9068, 4 and 5; security.md 22 to 25). Does not know who presents them.

use aws_lc_rs::hmac;
use gatelodge::authority::access_token::{CheckedToken, TokenCheck, TokenFault, TokenVerdict};
use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::providers::oidc::OidcProvider;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use crate::hostile::keys::{ED25519, OTHER_RSA, P256, RSA, Signer, b64};
use crate::hostile::{Answer, Body, CLIENT_ID, Endpoint, Hostile, NOW, Object, SUB, reason_of};

const API: &str = "https://api.example";

fn api(hostile: &Hostile) -> OidcProvider {
    hostile.settings_with(|settings| {
        settings.access_tokens.check = TokenCheck::Jwt;
        settings.access_tokens.audiences = vec![API.to_owned(), "https://other-api.example".to_owned()];
        settings.registration.claims = vec!["department".to_owned()];
    });
    hostile.provider()
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("not an object") };
    object
}

/// What an RFC 9068 token of this provider says.
fn claims(hostile: &Hostile) -> Object {
    object(json!({
        "iss": hostile.issuer(), "sub": SUB, "aud": API, "client_id": "mobile-app", "jti": "1", "iat": NOW - 10,
        "exp": NOW + 290, "auth_time": NOW - 100, "scope": "orders:read orders:write", "department": "sales",
        "permissions": ["orders:delete"], "email": "alice@example.com",
    }))
}

fn header(kid: &str, algorithm: &str) -> Object {
    object(json!({ "alg": algorithm, "typ": "at+jwt", "kid": kid }))
}

fn signed(signer: &Signer, algorithm: &str, header: &Object, claims: &Object) -> String {
    let input =
        format!("{}.{}", b64(Value::from(header.clone()).to_string()), b64(Value::from(claims.clone()).to_string()));
    format!("{input}.{}", b64(signer.sign(algorithm, input.as_bytes())))
}

async fn check(provider: &OidcProvider, token: impl Into<String>) -> Result<Box<CheckedToken>, TokenFault> {
    match provider.check_token(&Secret::new(token.into()), Timestamp::from_secs(NOW)).await.unwrap() {
        TokenVerdict::Good(token) => Ok(token),
        TokenVerdict::Bad(fault) => Err(fault),
    }
}

#[tokio::test]
async fn a_good_token_says_whose_it_is_and_what_it_grants() {
    let hostile = Hostile::start().await;
    let provider = api(&hostile);
    for (signer, algorithm) in [(&*RSA, "RS256"), (&*RSA, "PS256"), (&*P256, "ES256"), (&*ED25519, "EdDSA")] {
        let token = signed(signer, algorithm, &header(signer.kid, algorithm), &claims(&hostile));
        let good = check(&provider, token).await.unwrap();
        assert_eq!((good.identity.user_id.as_str(), good.identity.sub.as_str()), ("hostile_user-1", SUB));
        assert_eq!(good.identity.scopes, ["orders:read", "orders:write"]);
        assert_eq!(
            (good.permissions.as_slice(), good.client_id.as_str()),
            (&["orders:delete".to_owned()][..], "mobile-app")
        );
        assert_eq!(good.identity.auth_time, Some(Timestamp::from_secs(NOW - 100)));
        assert_eq!(good.identity.claims["department"], "sales");
        assert_eq!(good.expires, Some(Timestamp::from_secs(NOW + 290)));
    }
    assert_eq!(hostile.calls(Endpoint::Jwks), 1, "the keys are fetched once");
}

/// The forms that providers in the field give theirs: none of them names its kind in the header.
#[tokio::test]
async fn tokens_of_keycloak_okta_microsoft_and_cognito_pass_without_a_type() {
    let hostile = Hostile::start().await;
    let provider = api(&hostile);
    let shapes = [
        json!({"typ": "Bearer", "azp": "spa", "scope": "openid orders", "realm_access": {"roles": ["admin"]}}),
        json!({"cid": "0oa1", "scp": ["orders", "openid"], "uid": "00u1"}),
        json!({"appid": "11-22", "scp": "orders openid", "tid_": "x"}),
        json!({"token_use": "access", "client_id": "1h57", "scope": "orders openid"}),
    ];
    for shape in shapes {
        let mut claims = object(json!({"iss": hostile.issuer(), "sub": SUB, "aud": [API, "account"], "exp": NOW + 60}));
        claims.extend(object(shape.clone()));
        let header = object(json!({ "alg": "RS256", "typ": "JWT", "kid": "rsa" }));
        let good = check(&provider, signed(&RSA, "RS256", &header, &claims)).await;
        let good = good.unwrap_or_else(|fault| panic!("{shape}: {fault:?}"));
        assert!(good.identity.scopes.contains(&"orders".to_owned()), "{shape}");
    }
}

#[tokio::test]
async fn permissions_stand_where_the_settings_say() {
    let hostile = Hostile::start().await;
    for (path, expected) in [
        ("realm_access.roles", vec!["admin".to_owned()]),
        ("https://example.com/roles", vec!["namespaced".to_owned()]),
        ("nowhere.to.be.found", Vec::new()),
        ("realm_access", Vec::new()),
    ] {
        hostile.settings_with(move |settings| settings.access_tokens.permissions_claim = path.to_owned());
        let provider = api(&hostile);
        let mut claims = claims(&hostile);
        claims.insert("realm_access".into(), json!({"roles": ["admin"]}));
        claims.insert("https://example.com/roles".into(), json!(["namespaced"]));
        let good = check(&provider, signed(&RSA, "RS256", &header("rsa", "RS256"), &claims)).await.unwrap();
        assert_eq!(good.permissions, expected, "{path}");
    }
}

// One mapping for sessions and bearer tokens alike.
#[tokio::test]
async fn what_the_providers_claims_are_mapped_to_counts_for_bearer_tokens_too() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| {
        let rights = &mut settings.registration.rights;
        (rights.permissions, rights.scopes) = (vec!["grants".into()], vec!["more_scopes".into()]);
    });
    let mut claims = claims(&hostile);
    claims.insert("grants".into(), json!(["orders:close", "orders:delete"]));
    claims.insert("more_scopes".into(), json!("audit orders:read"));
    let good = check(&api(&hostile), signed(&RSA, "RS256", &header("rsa", "RS256"), &claims)).await.unwrap();
    assert_eq!(good.permissions, ["orders:close", "orders:delete"]);
    assert_eq!(good.identity.permissions, good.permissions);
    assert_eq!(good.identity.scopes, ["orders:read", "orders:write", "audit"]);
}

type Bend = fn(&mut Object);

// Token confusion and everything else that a token may get wrong.
#[tokio::test]
async fn every_other_token_is_refused_for_its_reason() {
    use TokenFault::{Expired, Forged, NotYetValid, OtherAudience, UnknownIssuer};
    let hostile = Hostile::start().await;
    let provider = api(&hostile);
    let same: Bend = |_| ();
    let table: [(&str, Bend, Bend, TokenFault); 26] = [
        (
            "an audience of somebody else",
            same,
            |c| drop(c.insert("aud".into(), json!("https://evil.example"))),
            OtherAudience,
        ),
        ("no audience", same, |c| drop(c.remove("aud")), Forged),
        ("an audience that is no text", same, |c| drop(c.insert("aud".into(), json!([5]))), Forged),
        ("our client id as audience", same, |c| drop(c.insert("aud".into(), json!(CLIENT_ID))), OtherAudience),
        ("expired", same, |c| drop(c.insert("exp".into(), json!(NOW - 11))), Expired),
        ("no end", same, |c| drop(c.remove("exp")), Forged),
        ("an end that is text", same, |c| drop(c.insert("exp".into(), json!("never"))), Forged),
        ("not yet", same, |c| drop(c.insert("nbf".into(), json!(NOW + 60))), NotYetValid),
        ("of tomorrow", same, |c| drop(c.insert("iat".into(), json!(NOW + 86_400))), NotYetValid),
        ("another issuer", same, |c| drop(c.insert("iss".into(), json!("https://evil.example"))), UnknownIssuer),
        ("no issuer", same, |c| drop(c.remove("iss")), Forged),
        ("no subject", same, |c| drop(c.remove("sub")), Forged),
        ("a subject that is a list", same, |c| drop(c.insert("sub".into(), json!(["user-1"]))), Forged),
        ("no client", same, |c| drop(c.remove("client_id")), Forged),
        ("a nonce, as an ID token has", same, |c| drop(c.insert("nonce".into(), json!("n"))), Forged),
        ("at_hash, as an ID token has", same, |c| drop(c.insert("at_hash".into(), json!("h"))), Forged),
        ("bound to a key (RFC 9449)", same, |c| drop(c.insert("cnf".into(), json!({ "jkt": "k" }))), Forged),
        (
            "bound to a certificate (RFC 8705)",
            same,
            |c| drop(c.insert("cnf".into(), json!({ "x5t#S256": "k" }))),
            Forged,
        ),
        ("events, as a logout token has", same, |c| drop(c.insert("events".into(), json!({}))), Forged),
        ("Keycloak's refresh token", same, |c| drop(c.insert("typ".into(), json!("Refresh"))), Forged),
        ("Cognito's ID token", same, |c| drop(c.insert("token_use".into(), json!("id"))), Forged),
        ("a logout token's type", |h| drop(h.insert("typ".into(), json!("logout+jwt"))), same, Forged),
        ("a DPoP proof's type", |h| drop(h.insert("typ".into(), json!("dpop+jwt"))), same, Forged),
        ("a critical header", |h| drop(h.insert("crit".into(), json!(["exp"]))), same, Forged),
        ("a key of another issuer", |h| drop(h.insert("kid".into(), json!("of-another-issuer"))), same, Forged),
        (
            "a plain JWT that is no access token",
            |h| drop(h.insert("typ".into(), json!("JWT"))),
            |c| {
                c.remove("scope");
                c.remove("client_id");
            },
            Forged,
        ),
    ];
    for (what, bend_header, bend_claims, expected) in table {
        let (mut header, mut claims) = (header("rsa", "RS256"), claims(&hostile));
        bend_header(&mut header);
        bend_claims(&mut claims);
        assert_eq!(check(&provider, signed(&RSA, "RS256", &header, &claims)).await.err(), Some(expected), "{what}");
    }
    assert!(hostile.calls(Endpoint::Jwks) <= 2, "unknown keys make us fetch once in a while (security.md 44)");
    assert_eq!(hostile.canary_calls(), 0);
}

// security.md 22 to 24: the algorithm is ours to choose, and so is the key.
#[tokio::test]
async fn no_signature_but_the_providers_own_passes() {
    let hostile = Hostile::start().await;
    let provider = api(&hostile);
    let claims = claims(&hostile);
    let good = signed(&RSA, "RS256", &header("rsa", "RS256"), &claims);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let with_header = |header: Value, signature: &str| {
        let payload = input.split('.').nth(1).unwrap();
        format!("{}.{payload}.{signature}", b64(header.to_string()))
    };
    let hmac_with = |secret: &[u8]| {
        let token = with_header(json!({"alg": "HS256", "typ": "at+jwt", "kid": "rsa"}), "");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), token.trim_end_matches('.').as_bytes());
        format!("{token}{}", b64(tag))
    };
    let (der, pem) = RSA.public_texts();
    let jwk = RSA.jwk().to_string();
    let embedded = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa", "jwk": OTHER_RSA.jwk()});
    let embedded_input = with_header(embedded, "");
    let embedded_input = embedded_input.trim_end_matches('.');
    let refused = [
        ("none", with_header(json!({"alg": "none", "typ": "at+jwt"}), "")),
        ("None, signed", with_header(json!({"alg": "None", "typ": "at+jwt"}), signature)),
        ("HS256 with the key as PEM", hmac_with(pem.as_bytes())),
        ("HS256 with the key as DER", hmac_with(&der)),
        ("HS256 with the key as JWK", hmac_with(jwk.as_bytes())),
        ("HS256 with our client secret", hmac_with(crate::hostile::CLIENT_SECRET.as_bytes())),
        (
            "another algorithm of the same key",
            with_header(json!({"alg": "PS256", "typ": "at+jwt", "kid": "rsa"}), signature),
        ),
        ("another key", signed(&OTHER_RSA, "RS256", &header("rsa", "RS256"), &claims)),
        ("the name of another key", signed(&RSA, "RS256", &header(P256.kid, "ES256"), &claims)),
        ("its own key inside", format!("{embedded_input}.{}", b64(OTHER_RSA.sign("RS256", embedded_input.as_bytes())))),
        ("no signature", format!("{input}.")),
        ("half a signature", format!("{input}.{}", &signature[..signature.len() / 2])),
        ("a changed payload", good.replacen("eyJ", "eyK", 2)),
        ("five segments", format!("{good}.a.b")),
        ("padded", format!("{good}=")),
        ("garbage", "a.b.c".to_owned()),
        ("large", format!("{input}{}.{signature}", "A".repeat(100_000))),
    ];
    for (what, token) in refused {
        assert_eq!(check(&provider, token).await.err(), Some(TokenFault::Forged), "{what}");
    }
    assert!(check(&provider, good).await.is_ok());
}

/// The ID tokens of real logins, as they come.
#[tokio::test]
async fn an_id_token_is_never_an_access_token_even_where_the_audience_fits() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.access_tokens.audiences.push(CLIENT_ID.to_owned()));
    let provider = api(&hostile);
    hostile.settings_with(|settings| settings.access_tokens.audiences = vec![CLIENT_ID.to_owned()]);
    let strict = hostile.provider();
    let grant = provider.redeem(&hostile.redemption()).await.unwrap();
    let id_token = grant.tokens.id.unwrap();
    assert_eq!(check(&strict, id_token.expose()).await.err(), Some(TokenFault::Forged));
}

// Trouble is no verdict.
#[tokio::test]
async fn a_provider_whose_keys_cannot_be_had_is_an_error_and_no_refusal() {
    for (answer, reason) in [
        (Answer::json(503, "{}"), "unavailable"),
        (Answer::redirect(302, "http://127.0.0.1:1/jwks"), "failed"),
        (Answer::text(200, "text/html", "{}"), "failed"),
        (Answer::json(200, r#"{"keys":[],"keys":[]}"#), "failed"),
        (Answer::body(Body::Endless), "failed"),
    ] {
        let hostile = Hostile::start().await;
        hostile.answers(Endpoint::Jwks, answer);
        let provider = api(&hostile);
        let token = signed(&RSA, "RS256", &header("rsa", "RS256"), &claims(&hostile));
        let outcome = provider.check_token(&Secret::new(token), Timestamp::from_secs(NOW)).await;
        assert_eq!(reason_of(&outcome), reason);
    }
}
