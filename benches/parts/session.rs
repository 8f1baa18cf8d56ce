//! Owns the session that is validated and the question about it: as a login makes the one and an edge asks the other.
//! Does not know who answers.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::authority::ports::{Clock as _, Entropy as _, NewSession};
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::session::credential::Credential;
use gatelodge::session::fingerprint;
use gatelodge::session::identity::Identity;
use gatelodge::session::key::{TenantNumber, UserKey};
use gatelodge::session::record::{Header, Marks, Record, RefreshToken, Standing, Tokens};
use gatelodge::session::request::RequestContext;
use gatelodge::vault::{TokenKey, Vault};
use gatelodge_client::v1;

pub const TENANT: TenantNumber = TenantNumber(1);
const DAY: Duration = Duration::from_hours(24);
const ISSUER: &str = "https://login.example.com/realms/customers";
const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const LANGUAGE: &str = "en-GB,en;q=0.9,de;q=0.8";

/// A tenant's keys, of every server and of who makes sessions for it.
pub fn vault(tenant: TenantNumber) -> Vault {
    let ring = |secret: &str| KeyRing::new(Secret::new(secret), []);
    let (signing, csrf) = ("the signing secret of this benchmark", "the CSRF signing secret of this benchmark");
    Vault::of(tenant, &ring(signing), &ring(csrf))
}

/// The user with this number, as a Keycloak describes them.
pub fn user(number: usize) -> Identity {
    let sub = format!("f3a1b2c4-5d6e-4f70-8a9b-{number:012}");
    Identity {
        user_id: format!("keycloak_{sub}"),
        provider: "keycloak".to_owned(),
        issuer: ISSUER.to_owned(),
        sub,
        email: Some("margaret.hamilton@example.com".to_owned()),
        email_verified: true,
        name: Some("Margaret Hamilton".to_owned()),
        picture: Some("https://login.example.com/pictures/margaret.hamilton.png".to_owned()),
        claims: serde_json::Map::new(),
        scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
        roles: Vec::new(),
        permissions: Vec::new(),
        auth_time: Some(SystemClock.now()),
        acr: Some("1".to_owned()),
        amr: Vec::new(),
    }
}

/// The same user with all that [`demanding`] asks for.
pub fn entitled(number: usize) -> Identity {
    Identity {
        roles: ["buyer", "auditor"].map(str::to_owned).into(),
        permissions: ["orders:read", "orders:write"].map(str::to_owned).into(),
        amr: ["pwd", "otp"].map(str::to_owned).into(),
        ..user(number)
    }
}

/// A session of this user, as a login makes it, and its credential.
pub fn make(vault: &Vault, identity: Identity, tokens: Option<&Tokens>) -> (NewSession, Credential) {
    let now = SystemClock.now();
    let key = UserKey::of(TENANT, ISSUER, &identity.sub);
    let credential = Credential::new(TENANT, key.partition, random(), 1, random());
    let context = RequestContext {
        user_agent: Some(Bytes::from_static(USER_AGENT.as_bytes())),
        accept_language: Some(Bytes::from_static(LANGUAGE.as_bytes())),
        ..RequestContext::default()
    };
    let standing = Standing {
        identity,
        created: now,
        absolute_end: now + DAY,
        remembered: false,
        by_token: false,
        generation_since: now,
        stepped_up: false,
        fingerprint: Some(fingerprint::take(&context, &vault.fingerprint)),
        user_agent: USER_AGENT.to_owned(),
        client_address: "203.0.113.7".to_owned(),
        place: String::new(),
        provider_session: Some("0b1f3a57-9d2c-4e68-8f40-1c2d3e4f5a6b".to_owned()),
        access_token_end: Some(now + Duration::from_mins(5)),
        user_info_time: None,
        refresh_token: RefreshToken::Kept,
    };
    let marks = Marks::default();
    let header = Header {
        revision: 1,
        generation: 1,
        current: credential.secret_hash(),
        other: None,
        last_active: None,
        fence: 0,
        marks,
    };
    let token_key = TokenKey::new(random());
    let body = vault.seal_body(random(), &credential, &marks, &standing, &token_key);
    let new = NewSession {
        key: credential.key,
        user: key,
        record: Record { header, body: body.into() },
        tokens: tokens.map(|tokens| token_key.seal(random(), &credential.key, tokens)),
        keep_for: DAY,
        tokens_for: DAY,
        login_started: now,
        replaces: Vec::new(),
        remember_for: Duration::from_mins(10),
        user_cap: 1000,
        makes_room: false,
        began: now,
        notes_beginning: false,
        profile: None,
    };
    (new, credential)
}

/// Three JWTs such as a Keycloak gives out: 1.0, 1.3 and 0.7 kB, each with a signature or MAC of its own.
pub fn tokens() -> Tokens {
    let jwt = |claims: usize, signature: usize| {
        let header = br#"{"alg":"RS256","typ":"JWT","kid":"hN6jJ1Gq0bW9q3yXvYk3s0f2Zx8u5c7dQ1w4e6r8t0y"}"#;
        let id = URL_SAFE_NO_PAD.encode(random::<24>());
        let head = format!(r#"{{"iss":"{ISSUER}","jti":"{id}","sid":"0b1f3a57-9d2c-4e68-8f40-1c2d3e4f5a6b""#);
        let claim = |number| format!(r#","claim_{number}":["default-roles-customers","role {number}"]"#);
        // Each claim has about fifty bytes.
        let more: Vec<_> = (0..claims.saturating_sub(head.len()) / 50).map(claim).collect();
        let payload = format!("{head}{}}}", more.concat());
        let mut signed = vec![0; signature];
        SystemEntropy.fill(&mut signed);
        let parts = [&header[..], payload.as_bytes(), &signed].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some(Secret::new(parts.join(".")))
    };
    Tokens {
        is_bound: false,
        access: jwt(430, 256),
        access_end: Some(SystemClock.now() + Duration::from_mins(5)),
        scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
        refresh: jwt(380, 64),
        id: jwt(640, 256),
        exchanged: Vec::new(),
    }
}

/// What the Rust edge asks about a request of a browser on its way to a page.
pub fn question(credential: &str) -> v1::ValidateSessionRequest {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let context = v1::RequestContext {
        method: text("GET"),
        target: text("/orders/2025?page=2"),
        host: Some(text("localhost:8000")),
        peer_address: Some(text("203.0.113.7")),
        user_agent: Some(text(USER_AGENT)),
        accept_language: Some(text(LANGUAGE)),
        accept: Some(text("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8")),
        sec_fetch_site: Some(text("same-origin")),
        sec_fetch_mode: Some(text("navigate")),
        sec_fetch_dest: Some(text("document")),
        ..v1::RequestContext::default()
    };
    v1::ValidateSessionRequest {
        cookies: vec![v1::Cookie { name: "session".to_owned(), value: Bytes::copy_from_slice(credential.as_bytes()) }],
        context: Some(context),
        requirements: Some(v1::Requirements::default()),
        can_set_cookies: true,
        ..v1::ValidateSessionRequest::default()
    }
}

/// The same question about a request that changes something, with every requirement that there is. It comes from the
/// client that logged in.
pub fn demanding(question: &v1::ValidateSessionRequest, csrf_token: &str) -> v1::ValidateSessionRequest {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let context = v1::RequestContext {
        method: text("POST"),
        origin: Some(text("http://localhost:8000")),
        csrf_token: Some(Bytes::copy_from_slice(csrf_token.as_bytes())),
        ..question.context.clone().unwrap_or_default()
    };
    let requirements = v1::Requirements {
        csrf: v1::CsrfRequirement::Required.into(),
        scopes: ["openid", "email"].map(str::to_owned).into(),
        max_login_age: Some(prost_types::Duration { seconds: 24 * 3600, nanos: 0 }),
        acr_values: ["2", "1"].map(str::to_owned).into(),
        amr_values: ["pwd", "otp"].map(str::to_owned).into(),
        email_verified: true,
        permissions: ["orders:read", "orders:write"].map(str::to_owned).into(),
        any_permissions: ["orders:approve", "orders:read"].map(str::to_owned).into(),
        any_scopes: ["orders", "profile"].map(str::to_owned).into(),
        roles: ["buyer", "auditor"].map(str::to_owned).into(),
    };
    v1::ValidateSessionRequest { context: Some(context), requirements: Some(requirements), ..question.clone() }
}

/// Fresh random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}
