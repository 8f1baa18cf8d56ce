//! Owns the search for secrets in the log, at its finest level and as the process writes it (security.md 109).
//! Does not know who would log them.

use std::sync::Arc;

use bytes::Bytes;
use gatelodge::config::log::{Format, Log};
use gatelodge::rpc::policy::{self, Role};
use gatelodge::telemetry::Telemetry;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::validate_session_response::Outcome;
use url::Url;

use super::journey::parameter;
use crate::callers::made;
use crate::hostile::{CLIENT_SECRET, Endpoint, Hostile};
use crate::redis::Server;
use crate::reload::served::{Served, hostile, provider};
use crate::rpc::serving::{Serving, by, context, cookies, key, validation};
use crate::world::kept::fresh_prefix;
use crate::world::log::{again, told};
use crate::world::process::until;
use crate::world::{Browser, Kept, World};

/// Goes the whole way over gRPC, and a wrong way too, under the eyes of `telemetry`; answers every secret that was on it.
pub async fn the_whole_way(kept: Kept, telemetry: &Telemetry) -> Vec<String> {
    let hostile = Hostile::start().await;
    let observer = telemetry.provider("default", "hostile");
    hostile.settings_with(move |settings| settings.registration.observer.clone_from(&observer));
    let put = kept.ready().await;
    let system = match kept {
        Kept::Memory => "memory",
        Kept::Redis => "redis",
    };
    let world = World::built(
        &["unused"],
        |_| (),
        |ports| {
            put(ports);
            ports.providers = Arc::new(hostile.registry());
            ports.observer = telemetry.work();
            *ports = telemetry.before_store(system)(ports.clone());
        },
    );
    let serving = Serving::with(&world, |settings| settings.observer = telemetry.calls(policy::methods())).await;
    let (mut logins, mut sessions) = (serving.logins().await, serving.sessions().await);
    let mut browser = Browser::default();
    let mut secrets = vec![CLIENT_SECRET.to_owned(), "CANARY".to_owned(), key(Role::Edge), key(Role::Backend)];

    for spoilt in [true, false] {
        let start = v1::StartLoginRequest { context: Some(context("GET", "/auth/web/login")), ..Default::default() };
        let answer = logins.start_login(by(Role::Edge, start)).await.unwrap().into_inner().answer.unwrap();
        browser.keep(&answer.set_cookies);
        let asked = Url::parse(&answer.location).unwrap();
        let back = hostile.visit(asked.as_str()).unwrap();
        for name in ["state", "nonce", "code_challenge", "code"] {
            let query = format!("{}&{}", asked.query().unwrap(), back.query().unwrap());
            secrets.extend(parameter(&query, name));
        }
        let mut query = back.query().unwrap().to_owned();
        if spoilt {
            hostile.claims(|claims| drop(claims.insert("aud".into(), "another".into())));
            query.push_str("&session_state=SECRET-IN-A-QUERY");
        } else {
            hostile.behave();
        }
        let callback = v1::CompleteCallbackRequest {
            response: Some(Response::Query(query.into())),
            cookies: cookies(&browser),
            context: Some(context("GET", "/auth/web/callback")),
            ..Default::default()
        };
        let done = logins.complete_callback(by(Role::Edge, callback)).await.unwrap().into_inner();
        browser.keep(&done.answer.unwrap().set_cookies);
    }
    secrets.push("SECRET-IN-A-QUERY".to_owned());
    secrets.extend(browser.cookies.iter().map(|(_, value)| value.clone()));

    let question = v1::ValidateSessionRequest { issue_csrf_token: true, ..validation(&browser) };
    let answer = sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
    let Some(Outcome::Active(active)) = answer.outcome else { panic!("{answer:?}") };
    secrets.push(active.csrf_token.clone());
    let refresh = v1::RefreshTokensRequest {
        cookies: cookies(&browser),
        context: Some(context("POST", "/")),
        ..Default::default()
    };
    sessions.refresh_tokens(by(Role::Edge, refresh)).await.unwrap();
    let token = v1::GetAccessTokenRequest { cookies: cookies(&browser), ..Default::default() };
    let token = sessions.get_access_token(by(Role::Backend, token)).await.unwrap().into_inner();
    let Some(v1::get_access_token_response::Outcome::AccessToken(token)) = token.outcome else { panic!("{token:?}") };
    // The provider's own token, as somebody presents it.
    let presented = v1::ValidateTokenRequest { token: token.value.clone().into(), ..Default::default() };
    serving.tokens().await.validate_token(by(Role::Backend, presented)).await.unwrap();
    secrets.push(token.value);
    secrets.extend(what_else_is_secret(&serving, &browser).await);

    let seen = v1::RequestContext {
        csrf_token: Some(Bytes::from(active.csrf_token)),
        sec_fetch_mode: Some("cors".into()),
        ..context("POST", "/auth/web/logout")
    };
    let logout = v1::StartLogoutRequest { cookies: cookies(&browser), context: Some(seen), ..Default::default() };
    let answer = logins.start_logout(by(Role::Edge, logout)).await.unwrap().into_inner().answer.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let url = Url::parse(body["logout_url"].as_str().unwrap()).unwrap();
    secrets.extend(["id_token_hint", "state"].into_iter().filter_map(|name| parameter(url.query().unwrap(), name)));
    secrets.extend(hostile.received(Endpoint::Token).iter().filter_map(|call| parameter(&call.form, "code_verifier")));

    // Its `jti` is no secret, and logged: it names the token.
    hostile.claims(|claims| drop(claims.insert("jti".into(), "a-logout".into())));
    for tail in ["", "AAAA"] {
        let token = hostile.logout_token();
        let form = Bytes::from(format!("logout_token={token}{tail}"));
        let seen = Some(context("POST", "/auth/web/backchannel-logout"));
        let told = v1::HandleBackchannelLogoutRequest { form, context: seen, ..Default::default() };
        logins.handle_backchannel_logout(by(Role::Edge, told)).await.unwrap();
        secrets.push(token);
    }
    let mut wrong = tonic::Request::new(validation(&browser));
    wrong.metadata_mut().insert("authorization", "Bearer SECRET-OF-A-STRANGER".parse().unwrap());
    let refused = sessions.validate_session(wrong).await.unwrap_err();
    secrets.push("SECRET-OF-A-STRANGER".to_owned());
    hides(&refused, &secrets);
    secrets
}

/// What an application keeps, the key that names a call, and the keys and tokens that are made here.
async fn what_else_is_secret(serving: &Serving, browser: &Browser) -> Vec<String> {
    let (mut sessions, mut tokens) = (serving.sessions().await, serving.tokens().await);
    let (value, name) = ("SECRET-OF-AN-APPLICATION", "SECRET-NAME-OF-A-CALL");
    let update = v1::UpdateAttributesRequest {
        cookies: cookies(browser),
        set: [("cart".to_owned(), value.into())].into(),
        idempotency_key: name.into(),
        ..Default::default()
    };
    for _ in 0..2 {
        sessions.update_attributes(by(Role::Backend, update.clone())).await.unwrap();
    }
    // What is refused is named by its field, and not repeated.
    let own = |update| by(Role::Backend, update);
    let other = v1::UpdateAttributesRequest { expected_version: 7, ..update.clone() };
    let too_large = Bytes::from(value.repeat(10_000));
    let large = v1::UpdateAttributesRequest { set: [("cart".to_owned(), too_large)].into(), ..update.clone() };
    let long = v1::UpdateAttributesRequest { idempotency_key: name.repeat(100), ..update };
    for wrong in [other, large, long] {
        let refused = sessions.update_attributes(own(wrong)).await.unwrap_err();
        hides(&refused, &[value.to_owned(), name.to_owned()]);
    }
    let audience = "https://orders.example.com".into();
    let mint = v1::MintTokenRequest { cookies: cookies(browser), audience, ..Default::default() };
    let answer = tokens.mint_token(by(Role::Backend, mint)).await.unwrap().into_inner();
    let Some(v1::mint_token_response::Outcome::Minted(minted)) = answer.outcome else { panic!("{answer:?}") };
    for token in [minted.value.clone(), format!("{}AAAA", minted.value)] {
        let question = v1::ValidateTokenRequest { token: token.into(), ..Default::default() };
        tokens.validate_token(by(Role::Backend, question)).await.unwrap();
    }
    let (_, run_time_key) = made(serving, "canary").await;
    let mut call = tonic::Request::new(validation(browser));
    call.metadata_mut().insert("authorization", format!("Bearer {run_time_key}").parse().unwrap());
    sessions.validate_session(call).await.unwrap();
    vec![value.to_owned(), name.to_owned(), minted.value, run_time_key]
}

/// What a refused call is told has none of these.
fn hides(refused: &tonic::Status, secrets: &[String]) {
    let details = String::from_utf8_lossy(refused.details());
    let told = format!("{refused:?} {details}");
    let found: Vec<_> = secrets.iter().filter(|secret| told.contains(secret.as_str())).collect();
    assert!(found.is_empty(), "{found:?} in {told}");
}

/// The child goes the whole way with the real log, and says what must not be in it.
async fn in_a_process(test: &str, format: Format, kept: Kept) {
    if told().is_some() {
        gatelodge::telemetry::start(&Log { format, level: "trace".into() });
        for secret in the_whole_way(kept, &Telemetry::default()).await {
            assert!(secret.len() >= 6, "{secret:?} would be found by chance");
            println!("\nSECRET {secret}");
        }
        return;
    }
    let output = again(test, "go").output().await.unwrap();
    let (said, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}\n{log}");
    for line in ["a login began", "a login failed", "a login is complete", "a call was answered", "a call was refused"]
    {
        assert!(log.contains(line), "the log is not what it should be, {line:?} is missing: {log}");
    }
    let secrets: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("SECRET ")).collect();
    assert!(secrets.len() >= 24, "{secrets:?}");
    for secret in secrets {
        let found: Vec<_> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(found.is_empty(), "{secret} was logged: {found:#?}");
    }
}

#[tokio::test]
async fn no_secret_reaches_the_log_of_a_process_in_json() {
    in_a_process("logins::canary::no_secret_reaches_the_log_of_a_process_in_json", Format::Json, Kept::Memory).await;
}

#[tokio::test]
async fn no_secret_reaches_the_log_of_a_process_for_people() {
    in_a_process("logins::canary::no_secret_reaches_the_log_of_a_process_for_people", Format::Pretty, Kept::Memory)
        .await;
}

#[tokio::test]
async fn no_secret_reaches_the_log_of_a_process_over_redis() {
    in_a_process("logins::canary::no_secret_reaches_the_log_of_a_process_over_redis", Format::Json, Kept::Redis).await;
}

// The way to the store has a secret of its own: in keys of the configuration, or in the address.
#[tokio::test]
async fn no_password_of_the_store_reaches_the_log() {
    const PASSWORD: &str = "SECRET-OF-THE-STORE";
    let redis = tokio::task::spawn_blocking(Server::shared).await.unwrap();
    let admit = |user: &str, password: &str| {
        let mut admin = redis.admin();
        let mut user_is = redis::cmd("ACL");
        user_is.arg("SETUSER").arg(user).arg("resetpass").arg("on").arg(format!(">{password}"));
        user_is.arg("~*").arg("&*").arg("+@all").query::<()>(&mut admin).unwrap();
        redis::cmd("CLIENT").arg("KILL").arg("USER").arg(user).query::<u64>(&mut admin).unwrap();
    };
    let hostile = hostile().await;
    let host = format!("127.0.0.1:{}", redis.port);
    for (user, store) in [
        ("canary-of-keys", format!("urls: ['redis://{host}'], username: canary-of-keys, password: {PASSWORD}")),
        ("canary-of-address", format!("urls: ['redis://canary-of-address:{PASSWORD}@{host}']")),
    ] {
        admit(user, PASSWORD);
        let more = format!(
            "log: {{ level: trace }}\noidc: {{ providers: {{ {} }} }}\napp: {{ redirects: {{ public_base_url: BASE }} }}\n\
             store: {{ kind: redis, redis: {{ {store}, key_prefix: {} }} }}\n",
            provider("one", &hostile),
            fresh_prefix()
        );
        let served = Served::with(&more, None).await;
        let browser = served.log_in("one", &hostile).await;
        admit(user, "another");
        // What is refused is told, and the password that was is not.
        until("trouble that is told", async || {
            served.begin(&mut browser.clone(), "one").await;
            served.process.lines("").iter().any(|line| line.contains("WRONGPASS") || line.contains("refuses the login"))
        })
        .await;
        assert_eq!(served.lines(PASSWORD), [""; 0], "{user}");
    }
}
