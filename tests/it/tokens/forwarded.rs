//! Owns the tests of logins whose code a front end forwards: what it gets in place of a cookie, and what that is good for.
//! Does not know the edges.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::settings::{OnExceed, RouteSet, SessionLimit, Settings, SpaSettings};
use gatelodge::rpc::policy::Role;
use gatelodge::session::time::Lifetimes;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::validate_token_response::Outcome;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::mint::{mint, tokens};
use super::{Served, both};
use crate::rpc::fields_of;
use crate::rpc::serving::{by, context, cookies};
use crate::world::Browser;

const ORDERS: &str = "https://orders.example.com";
const BILLING: &str = "https://billing.example.com";
const PAGE: &str = "https://spa.example.com/auth/";
const SPA: i32 = v1::RouteSet::Spa as i32;
const HOUR: Duration = Duration::from_hours(1);

fn on(settings: &mut Settings) {
    settings.route_sets.push(RouteSet::Spa);
    settings.spa = Some(SpaSettings {
        provider: None,
        page: format!("{PAGE}{{provider}}"),
        audience: ORDERS.into(),
        lifetimes: Lifetimes { idle: HOUR, absolute: HOUR, touch_interval: Duration::from_mins(1) },
    });
    // Shorter than a token's life: nobody presents the credential of such a session.
    settings.lifetimes.idle = Duration::from_mins(10);
}

/// A front end in a browser of its own.
struct FrontEnd<'a> {
    served: &'a Served,
    browser: Browser,
}

impl<'a> FrontEnd<'a> {
    fn of(served: &'a Served) -> Self {
        Self { served, browser: Browser::default() }
    }

    async fn begin(&mut self) -> String {
        let question = v1::StartLoginRequest {
            route_set: SPA,
            cookies: cookies(&self.browser),
            context: Some(context("GET", "/login")),
            ..Default::default()
        };
        let mut logins = self.served.serving.logins().await;
        let answer = logins.start_login(by(Role::Edge, question)).await.unwrap().into_inner().answer.unwrap();
        assert_eq!((answer.status, answer.location.as_str()), (200, ""), "it goes there by itself");
        self.browser.keep(&answer.set_cookies);
        let url = url::Url::parse(json(&answer)["url"].as_str().unwrap()).unwrap();
        url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
    }

    async fn send(
        &self,
        response: Response,
        change: impl FnOnce(&mut v1::RequestContext),
    ) -> v1::CompleteCallbackResponse {
        let mut context = context("POST", "/authorize");
        change(&mut context);
        let question = v1::CompleteCallbackRequest {
            route_set: SPA,
            response: Some(response),
            cookies: cookies(&self.browser),
            context: Some(context),
            ..Default::default()
        };
        self.served.serving.logins().await.complete_callback(by(Role::Edge, question)).await.unwrap().into_inner()
    }

    async fn forward(&self, body: &Value) -> v1::CompleteCallbackResponse {
        self.send(Response::Json(body.to_string().into()), |_| ()).await
    }

    async fn log_in(&mut self, sub: &str) -> (v1::HttpAnswer, v1::CompletedLogin) {
        let body = json!({ "state": self.begin().await, "code": self.served.world.provider.code_for(sub) });
        completed(self.forward(&body).await)
    }

    async fn who(&self, token: &str) -> Outcome {
        let question =
            v1::ValidateTokenRequest { token: token.to_owned().into(), answer_user: true, ..Default::default() };
        tokens(self.served).await.validate_token(by(Role::Edge, question)).await.unwrap().into_inner().outcome.unwrap()
    }

    /// Status and body of `GET /me`.
    async fn me(&self, token: &str) -> (u32, Value) {
        let answer = match self.who(token).await {
            Outcome::Active(active) => active.answer.unwrap(),
            Outcome::Inactive(inactive) => inactive.answer.unwrap(),
            Outcome::Denied(denied) => panic!("{denied:?}"),
        };
        (answer.status, json(&answer))
    }
}

fn json(answer: &v1::HttpAnswer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn completed(done: v1::CompleteCallbackResponse) -> (v1::HttpAnswer, v1::CompletedLogin) {
    match done.outcome.unwrap() {
        v1::complete_callback_response::Outcome::Completed(login) => (done.answer.unwrap(), login),
        other => panic!("{other:?}"),
    }
}

/// Status and reason of a login that failed: JSON always, with no cookie.
fn refused(done: &v1::CompleteCallbackResponse) -> (u32, String) {
    let answer = done.answer.as_ref().unwrap();
    assert!(answer.set_cookies.is_empty() && answer.location.is_empty(), "{answer:?}");
    assert!(matches!(done.outcome, Some(v1::complete_callback_response::Outcome::Failure(_))), "{done:?}");
    let body = json(answer);
    assert!(body["detail"].is_string() && body["remedy"].is_string() && body["request_id"].is_string(), "{body}");
    (answer.status, body["reason"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_code_brings_a_token_for_an_hour_with_its_user_and_no_session_cookie() {
    for served in both(on).await {
        let mut front = FrontEnd::of(&served);
        let (answer, login) = front.log_in("583231").await;
        assert_eq!((answer.status, answer.set_cookies.len()), (200, 0), "no cookie speaks for anybody");
        let body = json(&answer);
        let user = json!({
            "id": "idp_583231", "login": null, "name": "Some One", "company": null, "location": null,
            "email": "583231@example.com", "picture": null,
        });
        assert_eq!((&body["token_type"], &body["user"]), (&json!("bearer"), &user));
        assert_eq!(body.as_object().unwrap().len(), 3);
        let token = body["access_token"].as_str().unwrap();
        let minted = login.token.unwrap();
        assert!(minted.value == token && login.new_user);
        let wish = served.world.provider.wishes.lock().unwrap().last().unwrap().clone();
        assert_eq!(wish.redirect_uri, format!("{PAGE}idp"));

        assert_eq!(front.me(token).await, (200, user.clone()));
        // The idle limit of other sessions is none of this one's.
        served.world.clock.advance(Duration::from_secs(3599));
        assert_eq!(front.me(token).await, (200, user));
        served.world.clock.advance(Duration::from_secs(1));
        let (status, body) = front.me(token).await;
        assert_eq!((status, &body["detail"]), (401, &json!("Could not validate credentials")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_does_not_do_is_401_and_one_whose_user_is_gone_404() {
    for served in both(on).await {
        let mut front = FrontEnd::of(&served);
        let (_, login) = front.log_in("583231").await;
        let token = login.token.unwrap().value;
        let (head, signature) = token.rsplit_once('.').unwrap();
        let other =
            v1::MintTokenRequest { audience: BILLING.into(), cookies: cookies(&served.browser), ..Default::default() };
        let elsewhere = mint(&served, other).await.unwrap().value;
        for bad in ["", "x", "a.b.c", &format!("{head}.{}", signature.to_uppercase()), &elsewhere, &"a".repeat(17_000)]
        {
            let Outcome::Inactive(inactive) = front.who(bad).await else { panic!("{bad} is good") };
            let answer = inactive.answer.unwrap();
            let challenge = answer.headers.iter().find(|header| header.name == "www-authenticate").unwrap();
            assert_eq!((answer.status, challenge.value.as_str()), (401, "Bearer"));
            assert_eq!(json(&answer)["detail"], "Could not validate credentials");
        }
        // Ended, and its user is still there.
        let admin = served.serving.admin().await;
        let by_id = |id: String| v1::AdminServiceRevokeRequest {
            target: Some(v1::admin_service_revoke_request::Target::SessionId(id)),
            ..Default::default()
        };
        let id = login.session.unwrap().session_id;
        admin.clone().revoke(by(Role::Admin, by_id(id))).await.unwrap();
        assert_eq!(front.me(&token).await.0, 401);

        let (_, again) = front.log_in("583231").await;
        let token = again.token.unwrap().value;
        let gone = v1::DeleteUserRequest { user_id: "idp_583231".into(), ..Default::default() };
        admin.clone().delete_user(by(Role::Admin, gone)).await.unwrap();
        let (status, body) = front.me(&token).await;
        assert_eq!((status, &body["detail"]), (404, &json!("User not found")));
        // Who asks about any other token learns nothing of users.
        let question = v1::ValidateTokenRequest { token: token.into(), ..Default::default() };
        let answer = tokens(&served).await.validate_token(by(Role::Backend, question)).await.unwrap();
        let Some(Outcome::Inactive(inactive)) = answer.into_inner().outcome else { panic!("it lives") };
        assert_eq!(inactive.reason(), v1::TokenInactiveReason::Ended);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_forged_or_another_browsers_is_400_and_sends_no_code() {
    for served in both(on).await {
        let mut front = FrontEnd::of(&served);
        let state = front.begin().await;
        let web = served.world.start(&front.browser, "").await;
        let of_web = crate::world::state_of(&web.answer);
        let redeemed = served.world.provider.redeemed.load(Ordering::SeqCst);
        let cases = [
            (json!({}), "state_invalid"),
            (json!({ "code": "x" }), "state_invalid"),
            (json!({ "code": "x", "state": null }), "state_invalid"),
            (json!({ "code": "x", "state": "made up" }), "state_invalid"),
            (json!({ "code": "x", "state": of_web }), "state_invalid"),
            (json!({ "state": state }), "request_malformed"),
            (json!({ "code": null, "state": state }), "request_malformed"),
            (json!({ "code": "x", "error": "y", "state": state }), "request_malformed"),
            (json!([]), "request_malformed"),
        ];
        for (body, reason) in cases {
            assert_eq!(refused(&front.forward(&body).await), (400, reason.to_owned()), "{body}");
        }
        let body = json!({ "code": "x", "state": state });
        let form = Response::Form(format!("code=x&state={state}").into());
        assert_eq!(refused(&front.send(form, |_| ()).await), (400, "request_malformed".to_owned()));
        let json = || Response::Json(body.to_string().into());
        for origin in ["https://evil.example", "null"] {
            let done = front.send(json(), |context| context.origin = Some(origin.into())).await;
            assert_eq!(refused(&done), (403, "origin_refused".to_owned()));
        }
        let mut other = FrontEnd::of(&served);
        assert_eq!(refused(&other.forward(&body).await), (400, "other_browser".to_owned()));
        other.begin().await;
        assert_eq!(refused(&other.forward(&body).await), (400, "other_browser".to_owned()));
        // A state of this set is none of the other's either.
        let callback = served.world.callback(&front.browser, &format!("code=x&state={state}")).await;
        assert_eq!(callback.failure().unwrap().reason(), "state_invalid");
        assert_eq!(served.world.provider.redeemed.load(Ordering::SeqCst), redeemed, "no code was sent");

        // After all of that the login is still there for whom it belongs to.
        let body =
            json!({ "code": served.world.provider.code_for("583231"), "state": state, "iss": "https://idp.example" });
        let done = front.send(Response::Json(body.to_string().into()), |context| {
            context.origin = Some("https://spa.example.com".into());
        });
        assert_eq!(completed(done.await).0.status, 200);
    }
}

type Refusal = fn() -> ProviderError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_refusal_is_told_apart_from_its_absence() {
    for served in both(on).await {
        let mut front = FrontEnd::of(&served);
        let cases: [(Refusal, u32, &str); 3] = [
            (|| ProviderError::InvalidGrant("bad_verification_code".into()), 401, "code_refused"),
            (|| ProviderError::Unavailable("away".into()), 503, "provider_unavailable"),
            (|| ProviderError::Failed("incorrect_client_credentials".into()), 502, "provider_error"),
        ];
        for (refusal, status, reason) in cases {
            let state = front.begin().await;
            *served.world.provider.refusal.lock().unwrap() = Some(refusal);
            let done = front.forward(&json!({ "code": "x", "state": state })).await;
            *served.world.provider.refusal.lock().unwrap() = None;
            assert_eq!(refused(&done), (status, reason.to_owned()));
        }
        let state = front.begin().await;
        let done =
            front.forward(&json!({ "error": "access_denied", "error_description": "CANARY", "state": state })).await;
        assert_eq!(refused(&done), (403, "access_denied".to_owned()));
        let state = front.begin().await;
        let mixed = json!({ "error": "access_denied", "state": state, "iss": "https://other.example" });
        assert_eq!(refused(&front.forward(&mixed).await), (401, "identity_rejected".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_code_again_brings_a_token_of_the_same_session_for_a_minute_and_to_this_browser_alone() {
    for served in both(on).await {
        let mut front = FrontEnd::of(&served);
        let body = json!({ "state": front.begin().await, "code": served.world.provider.code_for("583231") });
        let (_, first) = completed(front.forward(&body).await);
        let (_, again) = completed(front.forward(&body).await);
        assert_eq!(first.session.as_ref().unwrap().session_id, again.session.as_ref().unwrap().session_id);
        assert!(again.new_user && first.token.unwrap().expire_time == again.token.as_ref().unwrap().expire_time);
        assert_eq!(front.me(&again.token.unwrap().value).await.0, 200);
        assert_eq!(refused(&FrontEnd::of(&served).forward(&body).await), (400, "other_browser".to_owned()));
        served.world.clock.advance(Duration::from_mins(1));
        assert_eq!(refused(&front.forward(&body).await), (409, "already_complete".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_by_token_leaves_the_browsers_session_alone() {
    for served in both(on).await {
        let mut front = FrontEnd { served: &served, browser: served.browser.clone() };
        front.log_in("583231").await;
        assert!(super::lives(&served.world, &front.browser).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_too_many_sessions_chooses_by_json() {
    for served in both(|settings| {
        on(settings);
        settings.session_limit = Some(SessionLimit { most: 1, on_exceed: OnExceed::Ask });
    })
    .await
    {
        let mut front = FrontEnd::of(&served);
        front.log_in("583231").await;
        let mut other = FrontEnd::of(&served);
        let body = json!({ "state": other.begin().await, "code": served.world.provider.code_for("583231") });
        let waits = other.forward(&body).await.answer.unwrap();
        let asked = json(&waits);
        assert_eq!((waits.status, &asked["reason"]), (409, &json!("choose_sessions")));
        other.browser.keep(&waits.set_cookies);
        let done = other.forward(&json!({ "state": asked["state"], "end": "oldest" })).await;
        assert_eq!(completed(done).0.status, 200);
    }
}

// The application puts its own row into the token that its front end gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_exchanges_a_token_for_one_with_claims_of_its_own_that_ends_no_later() {
    for served in both(on).await {
        let mut front = FrontEnd::of(&served);
        let (_, login) = front.log_in("583231").await;
        let first = login.token.unwrap();
        served.world.clock.advance(Duration::from_mins(20));
        let row = prost_types::Value { kind: Some(prost_types::value::Kind::NumberValue(42.0)) };
        let own = prost_types::Struct { fields: [("user".to_owned(), row)].into() };
        let asked = || v1::MintTokenRequest {
            token: first.value.clone().into(),
            application_claims: Some(own.clone()),
            ..Default::default()
        };
        let minted = mint(&served, asked()).await.unwrap();
        assert_eq!(minted.expire_time, first.expire_time);
        assert_eq!(minted.session.unwrap().session_id, login.session.unwrap().session_id);
        let Outcome::Active(active) = front.who(&minted.value).await else { panic!("not good") };
        assert_eq!(active.claims.unwrap().fields["user"], own.fields["user"]);
        assert_eq!(active.audiences, [ORDERS], "for whom the first one was");

        let fails = async |question| mint(&served, question).await.unwrap_err();
        let both = v1::MintTokenRequest { cookies: cookies(&served.browser), ..asked() };
        assert_eq!(fields_of(&fails(both).await), ["token"]);
        let refused: Status = fails(v1::MintTokenRequest { audience: "https://evil.example".into(), ..asked() }).await;
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let by_edge = tokens(&served).await.mint_token(by(Role::Edge, asked())).await.unwrap_err();
        assert_eq!(by_edge.code(), Code::PermissionDenied, "an edge writes no claims");
        served.world.clock.advance(Duration::from_mins(40));
        let over = tokens(&served).await.mint_token(by(Role::Backend, asked())).await.unwrap().into_inner();
        let Some(v1::mint_token_response::Outcome::Inactive(inactive)) = over.outcome else { panic!("{over:?}") };
        assert_eq!(inactive.reason(), v1::InactiveReason::Expired);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_set_is_off_no_login_of_it_begins_and_no_token_is_its() {
    for served in both(|_| ()).await {
        let question =
            v1::StartLoginRequest { route_set: SPA, context: Some(context("GET", "/login")), ..Default::default() };
        let refused = served.serving.logins().await.start_login(by(Role::Edge, question)).await.unwrap_err();
        assert_eq!(fields_of(&refused), ["route_set"]);
        let token =
            v1::MintTokenRequest { audience: ORDERS.into(), cookies: cookies(&served.browser), ..Default::default() };
        let token = mint(&served, token).await.unwrap().value;
        assert_eq!(FrontEnd::of(&served).me(&token).await.0, 401);
    }
}
