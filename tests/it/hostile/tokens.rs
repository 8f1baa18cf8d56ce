//! Owns what the hostile provider puts into its documents and tokens before they are bent. Does not know HTTP.

use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};

use super::keys::{ED25519, P256, P384, RSA, b64};
use super::switches::{Object, Signing, Switches, bent};
use super::{CLIENT_ID, SUB};

pub(super) fn metadata(issuer: &str, switches: &Switches) -> Object {
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "end_session_endpoint": format!("{issuer}/end-session"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported":
            ["none", "HS256", "RS256", "PS256", "RS384", "PS384", "RS512", "PS512", "ES256", "ES384", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
    });
    bent(object(document), &switches.metadata)
}

pub(super) fn jwks(switches: &Switches) -> Object {
    let keys = [&*RSA, &*P256, &*P384, &*ED25519].map(super::keys::Signer::jwk);
    bent(object(json!({ "keys": keys })), &switches.jwks)
}

pub(super) fn userinfo(switches: &Switches) -> Object {
    bent(object(json!({ "sub": SUB, "name": "Userinfo Name", "nickname": "nick" })), &switches.userinfo)
}

/// The same as a signed token (OpenID Connect Core, 5.3.2).
pub(super) fn signed_userinfo(issuer: &str, typ: &str, switches: &Switches) -> String {
    let claims = json!({ "iss": issuer, "aud": CLIENT_ID, "sub": SUB, "name": "Userinfo Name", "nickname": "nick" });
    let claims = bent(object(claims), &switches.userinfo);
    signed(typ, claims, &Switches { claims: Vec::new(), ..switches.clone() })
}

/// The ID token of one login, or of a refresh when there is no nonce.
pub(super) fn id_token(issuer: &str, nonce: Option<&str>, access_token: &str, switches: &Switches) -> String {
    let mut claims = object(json!({
        "iss": issuer, "sub": SUB, "aud": CLIENT_ID, "iat": switches.now, "exp": switches.now + 300,
        "auth_time": switches.now - 5, "at_hash": at_hash(algorithm(switches).0, access_token), "sid": "op-session",
        "acr": "urn:mace:incommon:iap:silver", "amr": ["pwd"], "email": "alice@example.com",
        "email_verified": true, "name": "Alice Example", "picture": "https://example.com/alice.png",
    }));
    if let Some(nonce) = nonce {
        claims.insert("nonce".into(), nonce.into());
    }
    signed("JWT", claims, switches)
}

/// A logout token (OpenID Connect Back-Channel Logout 1.0, 2.4).
pub(super) fn logout_token(issuer: &str, id: &str, switches: &Switches) -> String {
    let claims = json!({
        "iss": issuer, "sub": SUB, "aud": CLIENT_ID, "iat": switches.now, "exp": switches.now + 120, "jti": id,
        "sid": "op-session", "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    signed("logout+jwt", object(claims), switches)
}

fn algorithm(switches: &Switches) -> (&'static str, &'static str) {
    match &switches.signing {
        Signing::With(signer, algorithm) => (algorithm, signer.kid),
        Signing::Hmac(_) => ("HS256", "rsa"),
        Signing::Unsigned(algorithm) => (algorithm, "rsa"),
    }
}

fn signed(typ: &str, claims: Object, switches: &Switches) -> String {
    let (algorithm, kid) = algorithm(switches);
    let header = bent(object(json!({ "alg": algorithm, "typ": typ, "kid": kid })), &switches.header);
    let claims = bent(claims, &switches.claims);
    let header = bent(Value::from(header).to_string(), &switches.header_text);
    let payload = bent(Value::from(claims).to_string(), &switches.payload_text);
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = match &switches.signing {
        Signing::With(signer, algorithm) => signer.sign(algorithm, input.as_bytes()),
        Signing::Hmac(secret) => {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes()).as_ref().to_vec()
        }
        Signing::Unsigned(_) => Vec::new(),
    };
    bent(format!("{input}.{}", b64(signature)), &switches.id_token)
}

pub(super) fn token_body(id_token: &str, access_token: &str, switches: &Switches) -> Object {
    let body = json!({
        "access_token": access_token, "token_type": token_type(switches), "expires_in": 300, "id_token": id_token,
        "refresh_token": "refresh-CANARY-1", "scope": "openid email profile",
    });
    bent(object(body), &switches.token_body)
}

/// How access tokens are presented.
pub(super) const fn token_type(switches: &Switches) -> &'static str {
    if switches.bound_to.is_some() { "DPoP" } else { "Bearer" }
}

/// The left half of the access token's hash (OpenID Connect Core, 3.1.3.8).
fn at_hash(algorithm: &str, access_token: &str) -> String {
    let hash = match algorithm {
        "EdDSA" => &digest::SHA512,
        name if name.ends_with("512") => &digest::SHA512,
        name if name.ends_with("384") => &digest::SHA384,
        _ => &digest::SHA256,
    };
    let full = digest::digest(hash, access_token.as_bytes());
    b64(&full.as_ref()[..full.as_ref().len() / 2])
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("not an object") };
    object
}
