//! Owns the bound on what a session costs in Redis: one with all that a login at a provider brings. Does not know how
//! the bytes are laid out.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge::authority::ports::{Creation, NewSession, SessionStore as _};
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::session::credential::Credential;
use gatelodge::session::identity::Identity;
use gatelodge::session::key::UserKey;
use gatelodge::session::record::{Header, Marks, Record, RefreshToken, Standing, Tokens};
use gatelodge::session::time::Timestamp;
use gatelodge::store::redis::{RedisSettings, RedisStore};
use gatelodge::vault::{TokenKey, Vault};
use uuid::Uuid;

use super::bench::{self, TENANT, fresh, new_session, partition, settings_for};
use crate::redis::Server;

/// What a session may cost: its record, its place in the index, TTL and key included.
const BYTES: u64 = 600;
/// One of a directory takes one size more of Redis's allocator: its issuer, subject and session are three random texts.
const BYTES_OF_DIRECTORIES: u64 = 664;
/// What one of Keycloak may cost with three JWTs of 1.0, 1.3 and 0.7 kB.
const BYTES_WITH_TOKENS: u64 = 2200;
const SESSIONS: u64 = 10_000;

static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let ring = || KeyRing::new(Secret::new("the ring of a test that measures"), []);
    Vault::new(&ring(), &ring())
});

/// What three providers say of a user. The picture is the part that nothing makes shorter.
fn profiles(now: Timestamp) -> [(&'static str, Identity, &'static str); 3] {
    let number: [u8; 8] = fresh();
    let random = URL_SAFE_NO_PAD.encode(fresh::<42>());
    let person = |provider: &str, issuer: &str, sub: String, email: &str, picture: Option<String>| Identity {
        user_id: format!("{provider}_{sub}"),
        provider: provider.to_owned(),
        issuer: issuer.to_owned(),
        sub,
        email: Some(email.to_owned()),
        email_verified: true,
        name: Some("Margaret Hamilton".to_owned()),
        picture,
        claims: serde_json::Map::new(),
        scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
        roles: Vec::new(),
        permissions: Vec::new(),
        auth_time: Some(now),
        acr: Some("1".to_owned()),
        amr: Vec::new(),
    };
    let keycloak = person(
        "keycloak",
        "https://login.example.com/realms/customers",
        uuid(),
        "margaret.hamilton@example.com",
        Some("https://login.example.com/pictures/margaret.hamilton.png".to_owned()),
    );
    let mut google = person(
        "google",
        "https://accounts.google.com",
        format!("1{:020}", u64::from_be_bytes(number)),
        "margaret.hamilton@gmail.com",
        Some(format!("https://lh3.googleusercontent.com/a/ACg8oc{random}=s96-c")),
    );
    google.acr = None;
    let mut microsoft = person(
        "microsoft",
        &format!("https://login.microsoftonline.com/{}/v2.0", uuid()),
        URL_SAFE_NO_PAD.encode(fresh::<32>()),
        "margaret.hamilton@contoso.com",
        None,
    );
    microsoft.user_id = format!("microsoft_{}_{}", &microsoft.issuer[34..70], microsoft.sub);
    [
        (
            "Keycloak",
            keycloak,
            "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        ),
        (
            "Google",
            google,
            "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        ),
        (
            "Microsoft",
            microsoft,
            "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
        ),
    ]
}

/// A session as a login makes it.
fn session(now: Timestamp, profile: usize, tokens: Option<&Tokens>) -> NewSession {
    let (_, identity, browser) = profiles(now)[profile].clone();
    let mut user = UserKey::of(TENANT, &identity.issuer, &identity.sub);
    user.partition = partition();
    let credential = Credential::new(TENANT, user.partition, fresh(), 1, fresh());
    let standing = Standing {
        identity,
        created: now,
        absolute_end: now + Duration::from_hours(24),
        remembered: false,
        by_token: false,
        generation_since: now,
        stepped_up: false,
        fingerprint: Some(fresh()),
        user_agent: format!("Mozilla/5.0 {browser}"),
        client_address: "203.0.113.7".to_owned(),
        place: String::new(),
        provider_session: (profile != 1).then(uuid),
        access_token_end: Some(now + Duration::from_mins(5)),
        user_info_time: None,
        refresh_token: RefreshToken::Kept,
    };
    let (marks, current) = (Marks::default(), credential.secret_hash());
    let header = Header { revision: 1, generation: 1, current, other: None, last_active: None, fence: 0, marks };
    let token_key = TokenKey::new(fresh());
    let body = VAULT.seal_body(fresh(), &credential, &marks, &standing, &token_key).into();
    NewSession {
        key: credential.key,
        record: Record { header, body },
        tokens: tokens.map(|tokens| token_key.seal(fresh(), &credential.key, tokens)),
        ..new_session(now, &user)
    }
}

/// Three JWTs as a Keycloak gives them out.
fn tokens() -> Tokens {
    let jwt = |length: usize, signature: &[u8]| {
        let header = br#"{"alg":"RS256","typ":"JWT","kid":"hN6jJ1Gq0bW9q3yXvYk3s0f2Zx8u5c7dQ1w4e6r8t0y"}"#;
        let head =
            format!(r#"{{"iss":"https://login.example.com/realms/customers","jti":"{}","sid":"{}""#, uuid(), uuid());
        let more = (0..).map(|number| format!(r#","claim_{number}":["default-roles-customers","role {number}"]"#));
        let wanted = length * 3 / 4 - header.len() - signature.len() - head.len();
        let claims = more.take(wanted / 50).collect::<String>();
        let parts =
            [&header[..], format!("{head}{claims}}}").as_bytes(), signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some(Secret::new(parts.join(".")))
    };
    Tokens {
        is_bound: false,
        access: jwt(1000, &fresh::<256>()),
        access_end: None,
        scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
        refresh: jwt(700, &fresh::<64>()),
        id: jwt(1300, &fresh::<256>()),
        exchanged: Vec::new(),
    }
}

fn uuid() -> String {
    Uuid::from_bytes(fresh()).to_string()
}

/// What each of that many sessions of one partition costs: its index has the shape that it has with a thousand times
/// as many.
async fn cost(count: u64, profile: usize, with_tokens: bool) -> u64 {
    let server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let store: Arc<RedisStore> =
        bench::connect(RedisSettings { key_prefix: "gl:".to_owned(), ..settings_for(server.port) }).await.unwrap();
    let now = store.time().await.unwrap();
    let used = || -> u64 {
        let info: String = redis::cmd("INFO").arg("memory").query(&mut server.admin()).unwrap();
        info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()).unwrap()
    };
    let make = async |count: u64| {
        let made = (0..count).map(|_| {
            let tokens = with_tokens.then(tokens);
            store.create(session(now, profile, tokens.as_ref()))
        });
        for created in futures::future::join_all(made).await {
            assert!(matches!(created.unwrap(), Creation::Created(_)));
        }
    };
    make(500).await;
    let before = used();
    for _ in 0..count / 500 {
        make(500).await;
    }
    (used() - before) / count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_costs_no_more_than_promised() {
    for (profile, at_most) in [BYTES, BYTES, BYTES_OF_DIRECTORIES].into_iter().enumerate() {
        let name = profiles(Timestamp::default())[profile].0;
        let each = cost(SESSIONS, profile, false).await;
        println!("{each} bytes a session of {name}");
        assert!(each <= at_most, "{each} bytes a session of {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_with_tokens_costs_no_more_than_promised() {
    let each = cost(SESSIONS / 5, 0, true).await;
    println!("{each} bytes a session with tokens");
    assert!(each <= BYTES_WITH_TOKENS, "{each} bytes");
}
