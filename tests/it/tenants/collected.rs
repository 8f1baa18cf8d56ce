//! Owns the tests of the route set `api`: logins of several tenants whose session the front end collects, and their refresh
//! by a caller's key. Does not know the edges.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::settings::{LoginSet, RouteSet};
use gatelodge::authority::{complete_callback, start_login};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response as Brought;
use gatelodge_client::v1::complete_callback_response::Outcome;
use gatelodge_client::v1::refresh_tokens_response::Outcome as Refreshed;
use serde_json::{Value, json};
use tonic::{Code, Response, Status};

use super::town::{Town, by, key};
use crate::rpc::once::is_repeated;
use crate::rpc::serving::{context, cookies, validation};
use crate::tokens::answer_in;
use crate::world::{Browser, Kept, World, state_of};

const FRONT_END: &str = "https://spa.example.com/in?x=1";
const ACME: usize = 1;
const GLOBEX: usize = 2;
const SET: i32 = v1::RouteSet::Api as i32;

/// A town where all of the set is served, and whose edge is one for all tenants.
async fn town(kept: Kept) -> Town {
    Town::with(kept, |_, settings| settings.route_sets.push(RouteSet::Api)).await
}

/// A front end of a tenant's, in a browser of its own.
struct FrontEnd<'a> {
    town: &'a Town,
    tenant: usize,
    name: &'static str,
    browser: Browser,
}

impl<'a> FrontEnd<'a> {
    fn of(town: &'a Town, tenant: usize) -> Self {
        Self { town, tenant, name: super::town::NAMES[tenant], browser: Browser::default() }
    }

    fn context(&self, method: &'static str, target: &'static str) -> v1::RequestContext {
        v1::RequestContext { x_tenant_id: Some(self.name.into()), ..context(method, target) }
    }

    async fn start(&self, provider: &'static str, query: String) -> v1::HttpAnswer {
        start(self.town, self.context("GET", "/v1/auth/oidc/idp/start"), provider, query).await
    }

    /// Begins a login; what the provider sends the browser back with.
    async fn begin(&mut self, sub: &str) -> (String, String) {
        let answer = self.start("idp", format!("frontend_redirect_uri={}", escaped(FRONT_END))).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        self.browser.keep(&answer.set_cookies);
        (self.town.worlds[self.tenant].provider.code_for(sub), state_in(&answer.location))
    }

    async fn callback(&self, provider: &'static str, query: String) -> v1::CompleteCallbackResponse {
        let question = v1::CompleteCallbackRequest {
            route_set: SET,
            provider: provider.into(),
            response: Some(Brought::Query(query.into())),
            cookies: cookies(&self.browser),
            // No provider sends X-Tenant-Id back.
            context: Some(context("GET", "/v1/auth/oidc/idp/callback")),
            ..Default::default()
        };
        let mut logins = self.town.serving.logins().await;
        logins.complete_callback(by(Role::Edge, None, question)).await.unwrap().into_inner()
    }

    /// Comes back from the provider: the body with which the session is collected.
    async fn arrive(&mut self, sub: &str) -> Value {
        let (code, state) = self.begin(sub).await;
        let done = self.callback("idp", format!("code={code}&state={state}")).await;
        let answer = done.answer.unwrap();
        assert_eq!((answer.status, answer.set_cookies.len()), (302, 0), "no cookie yet: {answer:?}");
        assert_eq!(answer.location, format!("{FRONT_END}&code={code}&state={state}"));
        json!({ "code": code, "state": state })
    }

    async fn collect(&self, body: &Value, key: &str) -> Result<Response<v1::CompleteCallbackResponse>, Status> {
        let question = v1::CompleteCallbackRequest {
            route_set: SET,
            response: Some(Brought::Json(body.to_string().into())),
            cookies: cookies(&self.browser),
            context: Some(self.context("POST", "/v1/auth/oidc/session")),
            idempotency_header: key.to_owned().into(),
            ..Default::default()
        };
        self.town.serving.logins().await.complete_callback(by(Role::Edge, None, question)).await
    }

    /// Status and reason of a collection that brings nothing.
    async fn refused(&self, body: &Value, key: &str) -> (u32, String) {
        told(&self.collect(body, key).await.unwrap().into_inner().answer.unwrap())
    }

    async fn log_in(&mut self, sub: &str) -> v1::HttpAnswer {
        let body = self.arrive(sub).await;
        let answer = self.collect(&body, "k").await.unwrap().into_inner().answer.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        self.browser.keep(&answer.set_cookies);
        answer
    }

    async fn refresh(&self, api_key: &str) -> v1::RefreshTokensResponse {
        let question = v1::RefreshTokensRequest {
            cookies: cookies(&self.browser),
            context: Some(self.context("POST", "/v1/refresh")),
            api_key: Some(api_key.to_owned().into()),
            ..Default::default()
        };
        let mut sessions = self.town.serving.sessions().await;
        sessions.refresh_tokens(by(Role::Edge, None, question)).await.unwrap().into_inner()
    }

    async fn lives(&self) -> bool {
        let question = validation(&self.browser);
        let mut sessions = self.town.serving.sessions().await;
        let answer = sessions.validate_session(by(Role::Edge, None, question)).await.unwrap().into_inner();
        matches!(answer.outcome, Some(v1::validate_session_response::Outcome::Active(_)))
    }
}

async fn start(town: &Town, context: v1::RequestContext, provider: &'static str, query: String) -> v1::HttpAnswer {
    let question = v1::StartLoginRequest {
        route_set: SET,
        provider: provider.into(),
        query: query.into(),
        context: Some(context),
        ..Default::default()
    };
    town.serving.logins().await.start_login(by(Role::Edge, None, question)).await.unwrap().into_inner().answer.unwrap()
}

fn state_in(address: &str) -> String {
    let address = url::Url::parse(address).unwrap();
    address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Status and reason of an answer in JSON that says what to do.
fn told(answer: &v1::HttpAnswer) -> (u32, String) {
    assert!(answer.set_cookies.is_empty() && answer.location.is_empty(), "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(body["detail"].is_string() && body["remedy"].is_string() && body["request_id"].is_string(), "{body}");
    (answer.status, body["reason"].as_str().unwrap().to_owned())
}

fn reason(status: u32, reason: &str) -> (u32, String) {
    (status, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_collected_once_and_the_same_comes_again_under_its_key() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        for tenant in [ACME, GLOBEX] {
            let mut front = FrontEnd::of(&town, tenant);
            let body = front.arrive("ada").await;
            let first = front.collect(&body, "free text, \u{e4}").await.unwrap();
            assert!(!is_repeated(&first));
            let first = first.into_inner();
            let answer = first.answer.clone().unwrap();
            let told_of: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((answer.status, answer.set_cookies.len()), (201, 1));
            assert_eq!((&told_of["tenant"], &told_of["user"]["user_id"]), (&json!(front.name), &json!("idp_ada")));
            let again = front.collect(&body, "free text, \u{e4}").await.unwrap();
            assert!(is_repeated(&again));
            let again = again.into_inner().answer.unwrap();
            assert_eq!(again, v1::HttpAnswer { status: 200, ..answer.clone() }, "the same session and cookie");
            let Some(Outcome::Completed(completed)) = first.outcome else { panic!("{first:?}") };
            assert_eq!(told_of["session"]["session_id"], json!(completed.session.unwrap().session_id));
            front.browser.keep(&answer.set_cookies);
            assert!(front.lives().await);
            assert_eq!(front.refused(&body, "another key").await, reason(409, "already_complete"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_body_under_the_same_key_is_409_and_harms_nobody() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        let mut front = FrontEnd::of(&town, ACME);
        let body = front.arrive("ada").await;
        front.collect(&body, "k").await.unwrap();
        let other = json!({ "code": "other", "state": body["state"] });
        let status = front.collect(&other, "k").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(told(&answer_in(&status).unwrap()), reason(409, "idempotency_key_reused"));
        assert_eq!(front.collect(&body, "k").await.unwrap().into_inner().answer.unwrap().status, 200);
        // The key is that browser's: in another one it is another.
        let mut neighbour = FrontEnd::of(&town, ACME);
        let body = neighbour.arrive("bob").await;
        assert_eq!(neighbour.collect(&body, "k").await.unwrap().into_inner().answer.unwrap().status, 201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twins_collect_one_session_and_of_two_keys_one() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        let mut front = FrontEnd::of(&town, ACME);
        let body = front.arrive("ada").await;
        let keys = ["a", "b", "a", "b", "a", "b"];
        let asked = futures::future::join_all(keys.map(|key| front.collect(&body, key))).await;
        let answers: Vec<_> = asked.into_iter().map(|one| one.unwrap().into_inner().answer.unwrap()).collect();
        let given: Vec<_> = answers.iter().flat_map(|answer| answer.set_cookies.clone()).collect();
        assert_eq!((given.len(), answers.iter().filter(|answer| answer.status == 409).count()), (3, 3), "{answers:?}");
        assert!(given.iter().all(|cookie| *cookie == given[0]), "{given:?}");
        assert_eq!(town.living(ACME).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_browser_with_the_code_the_state_and_a_key_collects() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        let mut front = FrontEnd::of(&town, ACME);
        let body = front.arrive("ada").await;
        assert_eq!(front.refused(&body, "").await, reason(400, "idempotency_key_missing"));
        assert_eq!(front.refused(&body, &"k".repeat(256)).await, reason(400, "idempotency_key_invalid"));
        let code = json!({ "code": "guessed", "state": body["state"] });
        assert_eq!(front.refused(&code, "k1").await, reason(401, "code_refused"));
        for lacking in [json!({}), json!({ "code": body["code"] }), json!({ "state": body["state"], "code": "" })] {
            assert_eq!(front.refused(&lacking, "k2").await, reason(400, "request_malformed"), "{lacking}");
        }
        let forged = json!({ "code": body["code"], "state": "forged" });
        assert_eq!(front.refused(&forged, "k3").await, reason(400, "state_invalid"));
        let stranger = FrontEnd::of(&town, ACME);
        assert_eq!(stranger.refused(&body, "k4").await, reason(401, "other_browser"));
        // Nor does it help to name another tenant.
        let elsewhere = FrontEnd { browser: front.browser.clone(), ..FrontEnd::of(&town, GLOBEX) };
        assert_eq!(elsewhere.refused(&body, "k5").await, reason(400, "state_invalid"));
        assert_eq!(front.collect(&body, &"k".repeat(255)).await.unwrap().into_inner().answer.unwrap().status, 201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_collected_in_time_is_nobodys() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        let mut front = FrontEnd::of(&town, ACME);
        let (code, state) = front.begin("ada").await;
        let body = json!({ "code": code, "state": state });
        assert_eq!(front.refused(&body, "early").await, reason(400, "login_expired"), "the callback has yet to come");
        front.callback("idp", format!("code={code}&state={state}")).await;
        town.worlds[ACME].clock.advance(Duration::from_secs(61));
        assert_eq!(front.refused(&body, "late").await, reason(400, "login_expired"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_login_is_told_at_the_front_end_and_to_who_collects_it() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        let mut front = FrontEnd::of(&town, ACME);
        let (_, state) = front.begin("ada").await;
        let answer = front.callback("idp", format!("error=access_denied&state={state}")).await.answer.unwrap();
        assert!(answer.location.starts_with(&format!("{FRONT_END}&error=access_denied&")), "{answer:?}");
        assert!(answer.location.ends_with(&format!("&state={state}")) && answer.set_cookies.is_empty(), "{answer:?}");
        assert_eq!(front.refused(&json!({ "code": "x", "state": state }), "k").await, reason(401, "access_denied"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenant_the_provider_and_the_front_end_have_to_be_named_and_known() {
    let town = town(Kept::Memory).await;
    let wanted = || format!("frontend_redirect_uri={}", escaped(FRONT_END));
    let named = |name: Option<&'static str>| v1::RequestContext {
        x_tenant_id: name.map(Into::into),
        sec_fetch_mode: Some("cors".into()),
        ..context("GET", "/v1/auth/oidc/idp/start")
    };
    for name in [None, Some("nobody"), Some("")] {
        let answer = start(&town, named(name), "idp", wanted()).await;
        assert_eq!(told(&answer), reason(400, "tenant_unknown"), "{name:?}");
    }
    let by_parameter = start(&town, named(None), "idp", format!("tenant=acme&{}", wanted())).await;
    assert_eq!(by_parameter.status, 302, "a page can send no header");
    for provider in ["nobody", "", "idp%20"] {
        let answer = start(&town, named(Some("acme")), provider, wanted()).await;
        assert_eq!(told(&answer), reason(404, "provider_unknown"), "{provider}");
    }
    let table = [
        ("", reason(400, "frontend_redirect_uri_missing")),
        ("redirect_uri=/", reason(400, "frontend_redirect_uri_missing")),
        ("frontend_redirect_uri=https://evil.example/", reason(400, "redirect_not_allowed")),
        ("frontend_redirect_uri=/&frontend_redirect_uri=/", reason(400, "request_malformed")),
    ];
    for (query, expected) in table {
        assert_eq!(told(&start(&town, named(Some("acme")), "idp", query.into()).await), expected, "{query}");
    }
}

// RFC 9700, 4.4: a code comes back to the address of the provider that gave it, or is sent to nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_at_another_providers_address_sends_its_code_to_nobody() {
    let world = World::built(&["idp", "other"], |settings| settings.route_sets.push(RouteSet::Api), |_| ());
    let mut browser = Browser::default();
    let presented = browser.get("/v1/auth/oidc/idp/start");
    let query = "frontend_redirect_uri=/in".into();
    let question = start_login::Question { set: LoginSet::Api, provider: "idp".into(), query, presented };
    let started = world.authority.start_login(&World::call(), question).await.unwrap();
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    for (provider, status, reason) in [("nobody", 404, "provider_unknown"), ("other", 302, "state_invalid")] {
        let question = complete_callback::Question {
            set: LoginSet::Api,
            provider: provider.into(),
            response: complete_callback::Response::Query(query.clone().into()),
            presented: browser.get("/v1/auth/oidc/other/callback"),
        };
        let outcome = world.authority.complete_callback(&World::call(), question).await.unwrap();
        assert_eq!(outcome.failure().unwrap().reason(), reason, "{provider}");
        assert_eq!(outcome.answer.status, status, "{:?}", outcome.answer);
    }
    assert!(world.provider.redeemed.load(Ordering::SeqCst) == 0, "nobody was sent the code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_key_refreshes_a_session_of_its_tenant_and_no_other() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = town(kept).await;
        let mut front = FrontEnd::of(&town, ACME);
        front.log_in("ada").await;
        town.worlds[ACME].clock.advance(Duration::from_mins(2));
        let done = front.refresh(&key(Role::Backend, Some(ACME))).await;
        assert!(matches!(done.outcome, Some(Refreshed::Refreshed(_))), "{done:?}");
        let body: Value = serde_json::from_slice(&done.answer.unwrap().body).unwrap();
        let (created, active) = (&body["session"]["created_at"], &body["session"]["last_active_at"]);
        assert_eq!(active.as_u64().unwrap() - created.as_u64().unwrap(), 120, "its idle time begins anew: {body}");

        for (api_key, expected) in [("", "api_key_missing"), ("made up", "api_key_invalid")] {
            assert_eq!(told(&front.refresh(api_key).await.answer.unwrap()), reason(401, expected));
        }
        let admin = key(Role::Admin, Some(ACME));
        assert_eq!(told(&front.refresh(&admin).await.answer.unwrap()), reason(401, "api_key_invalid"));
        let theirs = front.refresh(&key(Role::Backend, Some(GLOBEX))).await;
        assert!(matches!(theirs.outcome, Some(Refreshed::Inactive(_))), "{theirs:?}");
        assert_eq!(theirs.answer.unwrap().status, 401);
        assert!(front.lives().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_set_is_off_no_login_of_it_begins() {
    let town = Town::over(Kept::Memory).await;
    let question = v1::StartLoginRequest {
        route_set: SET,
        provider: "idp".into(),
        context: Some(v1::RequestContext { x_tenant_id: Some("acme".into()), ..context("GET", "/") }),
        ..Default::default()
    };
    let refused = town.serving.logins().await.start_login(by(Role::Edge, None, question)).await.unwrap_err();
    assert_eq!(crate::rpc::fields_of(&refused), ["route_set"]);
}
