//! Owns each RPC that takes an idempotency key: the same request gets the same answer, another none, at whichever replica, and
//! nothing is done twice. Does not know how answers are kept.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::complete_callback_request::Response as Brought;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;
use gatelodge_client::v1::get_attributes_response::Outcome as Got;
use gatelodge_client::v1::refresh_tokens_response::Outcome as Refreshed;
use gatelodge_client::v1::update_attributes_response::Outcome as Updated;
use gatelodge_client::v1::validate_session_response::Outcome as Validated;
use gatelodge_client::v1::{self, admin_service_revoke_request, session_service_revoke_request};
use tonic::{Code, Response};
use url::Url;

use super::serving::{Serving, by, context, cookies, validation};
use super::{failed, fields_of};
use crate::world::replicas::Replicas;
use crate::world::{Browser, ISSUER, Kept, logout_token, on_every_store};

pub const KEY: &str = "9b1e4a5c: free text, \u{e4} too";

/// Two replicas over one store.
pub struct Pair {
    pub replicas: Replicas,
    pub one: Serving,
    pub two: Serving,
}

impl Pair {
    pub async fn over(kept: Kept) -> Self {
        Self::with(kept, |_| ()).await
    }

    pub async fn with(kept: Kept, change: impl Fn(&mut Settings)) -> Self {
        let replicas = Replicas::with(kept, change).await;
        let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        Self { replicas, one, two }
    }

    pub async fn log_in(&self, sub: &str) -> Browser {
        // What ended before ended before this login began, also by a clock that stands still.
        self.replicas.one.clock.advance(Duration::from_millis(2));
        let mut browser = Browser::default();
        self.replicas.one.log_in(&mut browser, sub).await.result.unwrap();
        browser
    }

    pub async fn advance(&self, length: Duration) {
        self.replicas.one.clock.advance(length);
        self.replicas.hear().await;
    }

    pub async fn ask(&self, browser: &Browser) -> Validated {
        let question = v1::ValidateSessionRequest { issue_csrf_token: true, ..validation(browser) };
        let answer = self.two.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
        answer.outcome.unwrap()
    }

    pub async fn lives(&self, browser: &Browser) -> bool {
        matches!(self.ask(browser).await, Validated::Active(_))
    }

    /// What a browser sends that changes something.
    pub async fn changing(&self, browser: &Browser, target: &'static str) -> Option<v1::RequestContext> {
        let Validated::Active(active) = self.ask(browser).await else { panic!("nobody is logged in") };
        Some(v1::RequestContext { csrf_token: Some(active.csrf_token.into()), ..context("POST", target) })
    }

    /// What a browser brings back that the provider has let in as `sub`.
    pub async fn arriving(&self, sub: &str) -> (Browser, v1::CompleteCallbackRequest) {
        let mut browser = Browser::default();
        let started = self.replicas.one.start(&browser, "").await;
        browser.keep(&started.answer.set_cookies);
        let state = crate::world::state_of(&started.answer);
        let query = format!("code={}&state={state}", self.replicas.one.provider.code_for(sub));
        let callback = v1::CompleteCallbackRequest {
            response: Some(Brought::Query(query.into())),
            cookies: cookies(&browser),
            context: Some(context("GET", "/auth/web/callback")),
            idempotency_key: KEY.into(),
            ..Default::default()
        };
        (browser, callback)
    }

    async fn version(&self, browser: &Browser) -> u64 {
        let question = v1::GetAttributesRequest { cookies: cookies(browser), context: None };
        let answer = self.two.sessions().await.get_attributes(by(Role::Backend, question)).await.unwrap();
        match answer.into_inner().outcome.unwrap() {
            Got::Attributes(kept) => kept.version,
            other => panic!("{other:?}"),
        }
    }
}

pub fn is_repeated<T>(answer: &Response<T>) -> bool {
    answer.metadata().get("idempotency-repeated").is_some_and(|value| value == "true")
}

/// A change of what is kept with a session, over version 0.
pub fn update(browser: &Browser, value: &'static [u8]) -> v1::UpdateAttributesRequest {
    v1::UpdateAttributesRequest {
        cookies: cookies(browser),
        set: [("cart", value), ("b", b"2"), ("c", b"3")].map(|(name, value)| (name.into(), value.into())).into(),
        idempotency_key: KEY.into(),
        ..Default::default()
    }
}

/// Asks one replica and then the other with the same key: the answer, which is the same.
macro_rules! repeated {
    ($pair:expr, $service:ident.$method:ident by $role:ident: $request:expr) => {{
        let request = $request;
        assert_eq!(request.idempotency_key, KEY);
        let first = $pair.one.$service().await.$method(by(Role::$role, request.clone())).await.unwrap();
        assert!(!is_repeated(&first));
        let again = $pair.two.$service().await.$method(by(Role::$role, request)).await.unwrap();
        assert!(is_repeated(&again), stringify!($method));
        let (first, again) = (first.into_inner(), again.into_inner());
        assert_eq!(first, again);
        first
    }};
}

/// Another request with the key of an earlier one is refused, by the field's name.
macro_rules! refused {
    ($pair:expr, $service:ident.$method:ident by $role:ident: $request:expr) => {{
        let answer = $pair.two.$service().await.$method(by(Role::$role, $request)).await;
        let status = failed(answer, Code::FailedPrecondition, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(fields_of(&status), ["idempotency_key"]);
    }};
}

pub(super) use repeated;

on_every_store! { in several threads:
    each_call_of_a_login_is_carried_out_once
    each_call_about_a_session_is_carried_out_once
    each_call_of_an_admin_is_carried_out_once
    what_a_provider_tells_is_carried_out_once
}

async fn each_call_of_a_login_is_carried_out_once(kept: Kept) {
    let pair = Pair::over(kept).await;
    let provider = &pair.replicas.one.provider;
    let start = v1::StartLoginRequest {
        context: Some(context("GET", "/auth/web/login")),
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    let begun = repeated!(pair, logins.start_login by Edge: start.clone()).answer.unwrap();
    assert_eq!((provider.wishes.lock().unwrap().len(), begun.set_cookies.len()), (1, 1));
    refused!(pair, logins.start_login by Edge: v1::StartLoginRequest { query: "redirect_uri=/x".into(), ..start.clone() });
    let mut browser = Browser::default();
    browser.keep(&begun.set_cookies);
    let other = v1::StartLoginRequest { cookies: cookies(&browser), ..start };
    let other = pair.two.logins().await.start_login(by(Role::Edge, other)).await.unwrap();
    assert!(!is_repeated(&other), "a browser with a binding has keys of its own");

    let state = Url::parse(&begun.location).unwrap();
    let state = state.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query = |code: String| Some(Brought::Query(format!("code={code}&state={state}").into()));
    let callback = v1::CompleteCallbackRequest {
        response: query(provider.code_for("ada")),
        cookies: cookies(&browser),
        context: Some(context("GET", "/auth/web/callback")),
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    let done = repeated!(pair, logins.complete_callback by Edge: callback.clone());
    assert!(matches!(done.outcome, Some(Completed::Completed(_))), "{done:?}");
    assert_eq!(provider.redeemed.load(Ordering::SeqCst), 1);
    let other = v1::CompleteCallbackRequest { response: query(provider.code_for("ada")), ..callback };
    refused!(pair, logins.complete_callback by Edge: other);
    browser.keep(&done.answer.unwrap().set_cookies);
    assert!(pair.lives(&browser).await);

    let logout = v1::StartLogoutRequest {
        cookies: cookies(&browser),
        context: pair.changing(&browser, "/auth/web/logout").await,
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    let ended = repeated!(pair, logins.start_logout by Edge: logout.clone());
    assert_eq!((ended.revoked_count, ended.answer.unwrap().set_cookies.len()), (1, 1));
    refused!(pair, logins.start_logout by Edge: v1::StartLogoutRequest { query: "everywhere=true".into(), ..logout });
}

async fn each_call_about_a_session_is_carried_out_once(kept: Kept) {
    let pair = Pair::over(kept).await;
    let (browser, provider) = (pair.log_in("ada").await, &pair.replicas.one.provider);
    let refresh =
        v1::RefreshTokensRequest { cookies: cookies(&browser), idempotency_key: KEY.into(), ..Default::default() };
    let refreshed = repeated!(pair, sessions.refresh_tokens by Edge: refresh);
    assert!(matches!(refreshed.outcome, Some(Refreshed::Refreshed(_))), "{refreshed:?}");
    assert_eq!(provider.refreshed.load(Ordering::SeqCst), 1);

    let asked = |refresh| v1::GetUserInfoRequest {
        cookies: cookies(&browser),
        context: None,
        refresh,
        idempotency_key: KEY.into(),
    };
    repeated!(pair, sessions.get_user_info by Edge: asked(true));
    assert_eq!(provider.asked.lock().unwrap().len(), 1);
    let read = pair.two.sessions().await.get_user_info(by(Role::Edge, asked(false))).await.unwrap();
    assert!(!is_repeated(&read), "what changes nothing needs no key");

    let updated = repeated!(pair, sessions.update_attributes by Backend: update(&browser, b"17"));
    let Some(Updated::Attributes(updated)) = updated.outcome else { panic!("{updated:?}") };
    assert_eq!((updated.version, pair.version(&browser).await), (1, 1));
    refused!(pair, sessions.update_attributes by Backend: update(&browser, b"18"));

    let other = pair.log_in("ada").await;
    let Validated::Active(active) = pair.ask(&other).await else { panic!("nobody is logged in") };
    let revoke = |target| v1::SessionServiceRevokeRequest {
        cookies: cookies(&browser),
        context: None,
        target: Some(target),
        idempotency_key: KEY.into(),
    };
    let named = session_service_revoke_request::Target::SessionId(active.session.unwrap().session_id);
    assert_eq!(repeated!(pair, sessions.revoke by Backend: revoke(named)).revoked_count, 1);
    let all = session_service_revoke_request::Target::AllOthers(v1::AllOtherSessions {});
    refused!(pair, sessions.revoke by Backend: revoke(all));
    assert!(!pair.lives(&other).await && pair.lives(&browser).await);
}

async fn each_call_of_an_admin_is_carried_out_once(kept: Kept) {
    use admin_service_revoke_request::Target;
    let pair = Pair::over(kept).await;
    let (user_id, reason, idempotency_key) = (|| "idp_ada".to_owned(), String::new, || KEY.to_owned());
    let _ada = pair.log_in("ada").await;
    let revoke = |target| v1::AdminServiceRevokeRequest {
        target: Some(target),
        reason: reason(),
        idempotency_key: idempotency_key(),
    };
    assert_eq!(repeated!(pair, admin.revoke by Admin: revoke(Target::UserId(user_id()))).revoked_count, 1);
    refused!(pair, admin.revoke by Admin: revoke(Target::Tenant(v1::WholeTenant {})));

    let again = pair.log_in("ada").await;
    let disable = v1::DisableUserRequest { user_id: user_id(), reason: reason(), idempotency_key: idempotency_key() };
    assert_eq!(repeated!(pair, admin.disable_user by Admin: disable.clone()).revoked_count, 1);
    refused!(pair, admin.disable_user by Admin: v1::DisableUserRequest { user_id: "idp_bob".into(), ..disable });
    assert!(!pair.lives(&again).await);

    let enable = v1::EnableUserRequest { user_id: user_id(), reason: reason(), idempotency_key: idempotency_key() };
    repeated!(pair, admin.enable_user by Admin: enable.clone());
    refused!(pair, admin.enable_user by Admin: v1::EnableUserRequest { reason: "another".into(), ..enable });

    pair.log_in("ada").await;
    let delete = v1::DeleteUserRequest { user_id: user_id(), reason: reason(), idempotency_key: idempotency_key() };
    assert_eq!(repeated!(pair, admin.delete_user by Admin: delete.clone()).revoked_count, 1);
    refused!(pair, admin.delete_user by Admin: v1::DeleteUserRequest { user_id: "idp_bob".into(), ..delete });

    let create = v1::CreateCallerKeyRequest {
        name: "ci".into(),
        role: v1::CallerRole::Backend.into(),
        idempotency_key: idempotency_key(),
        ..Default::default()
    };
    let made = repeated!(pair, admin.create_caller_key by Admin: create.clone());
    assert!(made.api_key.starts_with("glk_"), "the same key, which is shown to nobody else");
    refused!(pair, admin.create_caller_key by Admin: v1::CreateCallerKeyRequest { name: "another".into(), ..create });

    let key_id = made.key.unwrap().key_id;
    let end = v1::RevokeCallerKeyRequest { key_id, idempotency_key: idempotency_key(), ..Default::default() };
    assert!(repeated!(pair, admin.revoke_caller_key by Admin: end.clone()).revoked);
    refused!(pair, admin.revoke_caller_key by Admin: v1::RevokeCallerKeyRequest { reason: "another".into(), ..end });
}

async fn what_a_provider_tells_is_carried_out_once(kept: Kept) {
    let pair = Pair::over(kept).await;
    *pair.replicas.one.provider.sid.lock().unwrap() = Some("sid-1".into());
    let later = async || {
        pair.replicas.one.clock.advance(Duration::from_millis(5));
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let ada = pair.log_in("ada").await;
    later().await;
    let told = |jti| v1::HandleBackchannelLogoutRequest {
        form: format!("logout_token={}", logout_token("client", jti, "ada", Some("sid-1"))).into(),
        context: Some(context("POST", "/auth/web/backchannel-logout")),
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    assert_eq!(repeated!(pair, logins.handle_backchannel_logout by Edge: told("one")).revoked_count, 1);
    refused!(pair, logins.handle_backchannel_logout by Edge: told("two"));
    assert!(!pair.lives(&ada).await);

    *pair.replicas.one.provider.sid.lock().unwrap() = Some("sid-2".into());
    let bob = pair.log_in("bob").await;
    let framed = |sid| v1::HandleFrontchannelLogoutRequest {
        query: format!("iss={}&sid={sid}", ISSUER.replace(':', "%3A")).into(),
        context: Some(context("GET", "/auth/web/frontchannel-logout")),
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    assert_eq!(repeated!(pair, logins.handle_frontchannel_logout by Edge: framed("sid-2")).revoked_count, 1);
    refused!(pair, logins.handle_frontchannel_logout by Edge: framed("sid-1"));
    assert!(!pair.lives(&bob).await);
}
