//! Owns the calls of LoginService that one tenant's edges try with what is another's. Does not know who the two are.

use ::bytes::Bytes;
use gatelodge::authority::{start_logout, validate_session};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome;

use super::pairs::{Pair, Tried, unknown};
use super::town::{NAMES, base, by};
use crate::rpc::serving::{context, cookies};
use crate::world::{Browser, ISSUER, World, logout_token, state_of};

pub async fn try_all(pair: Pair<'_>, theirs: &Browser) -> Tried {
    settings(pair).await;
    start(pair).await;
    callback(pair).await;
    logout(pair, theirs).await;
    provider_logout(pair).await;
    vec![
        "LoginService.GetEdgeSettings",
        "LoginService.ListProviders",
        "LoginService.StartLogin",
        "LoginService.CompleteCallback",
        "LoginService.StartLogout",
        "LoginService.CompleteLogout",
        "LoginService.HandleBackchannelLogout",
        "LoginService.HandleFrontchannelLogout",
    ]
}

async fn settings(Pair { town, a, b }: Pair<'_>) {
    let mut client = town.serving.logins().await;
    let their_host = base(b).as_str().trim_start_matches("https://").to_owned();
    for host in [Bytes::new(), their_host.into()] {
        let question = v1::GetEdgeSettingsRequest { host };
        let told = client.get_edge_settings(by(Role::Edge, a, question)).await.unwrap().into_inner();
        let settings = told.settings.unwrap();
        assert_eq!((settings.tenant.as_str(), told.others.len()), (NAMES[a], 0));
        assert_eq!(settings.public_base_url, base(a).as_str());
        assert_eq!(settings.version, town.worlds[a].authority.settings_version());
    }
    let question = v1::LoginServiceListProvidersRequest::default();
    let told = client.list_providers(by(Role::Edge, a, question)).await.unwrap().into_inner();
    assert_eq!(told.settings_version, town.worlds[a].authority.settings_version());
}

/// A login for them can't be begun with one's own key, whatever names them.
async fn start(Pair { town, a, b }: Pair<'_>) {
    let mut client = town.serving.logins().await;
    let named = |change: &dyn Fn(&mut v1::StartLoginRequest)| {
        let mut question = v1::StartLoginRequest { context: Some(context("GET", "/")), ..Default::default() };
        change(&mut question);
        by(Role::Edge, a, question)
    };
    let host = base(b).as_str().trim_start_matches("https://").to_owned();
    let number = (b + 1).to_string();
    let ways = [
        named(&|question| question.context.as_mut().unwrap().x_tenant_id = Some(NAMES[b].into())),
        named(&|question| question.context.as_mut().unwrap().x_tenant_id = Some(number.clone().into())),
        named(&|question| question.context.as_mut().unwrap().x_tenant_id = Some("nobody".into())),
        named(&|question| question.context.as_mut().unwrap().host = Some(host.clone().into())),
        named(&|question| question.query = format!("tenant={}", NAMES[b]).into()),
    ];
    for way in ways {
        let answer = client.start_login(way).await.unwrap().into_inner();
        assert_eq!(answer.failure(), v1::LoginFailure::TenantUnknown);
        let http = answer.answer.unwrap();
        assert!(http.status == 400 && http.set_cookies.is_empty() && http.location.is_empty(), "{http:?}");
    }
}

/// A login of theirs, in the very browser that began it, is not completed with one's own key; and then it is with theirs.
async fn callback(Pair { town, a, b }: Pair<'_>) {
    let mut client = town.serving.logins().await;
    let mut browser = Browser::default();
    let started = town.worlds[b].start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let code = town.worlds[b].provider.code_for("ada");
    let deliver = |at: usize| {
        let query = format!("code={code}&state={}", state_of(&started.answer));
        let (response, cookies) = (Some(Response::Query(query.into())), cookies(&browser));
        let context = Some(context("GET", "/auth/web/callback"));
        by(Role::Edge, at, v1::CompleteCallbackRequest { response, cookies, context, ..Default::default() })
    };
    let refused = client.complete_callback(deliver(a)).await.unwrap().into_inner();
    assert_eq!(refused.outcome, Some(Outcome::Failure(v1::LoginFailure::StateInvalid.into())));
    let done = client.complete_callback(deliver(b)).await.unwrap().into_inner();
    assert!(matches!(done.outcome, Some(Outcome::Completed(_))), "{done:?}");
}

/// With their cookies a logout of one's own ends nothing, and the state of their logout leads nowhere.
async fn logout(Pair { town, a, b }: Pair<'_>, theirs: &Browser) {
    let client = town.serving.logins().await;
    unknown("StartLogout", theirs, async |browser| {
        let question = v1::StartLogoutRequest {
            cookies: cookies(browser),
            context: Some(context("POST", "/auth/web/logout")),
            ..Default::default()
        };
        client.clone().start_logout(by(Role::Edge, a, question)).await
    })
    .await;
    let (leaving, _) = town.log_in(b, "bob").await;
    let world = &town.worlds[b];
    let token = csrf_token(world, &leaving).await;
    let presented = leaving.with("POST", "/auth/web/logout", |context| {
        context.csrf_token = Some(token.into());
        context.origin = Some(base(b).as_str().to_owned().into());
    });
    let question = start_logout::Question { presented, ..Default::default() };
    let outcome = world.authority.start_logout(&World::call(), question).await.unwrap();
    let url = serde_json::from_slice::<serde_json::Value>(&outcome.answer.body).unwrap()["logout_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let back = |at: usize| {
        let context = Some(context("GET", "/auth/web/logged-out"));
        by(
            Role::Edge,
            at,
            v1::CompleteLogoutRequest { query: format!("state={state}").into(), context, ..Default::default() },
        )
    };
    let answer = async |at| client.clone().complete_logout(back(at)).await.unwrap().into_inner().answer.unwrap().status;
    assert_eq!((answer(a).await, answer(b).await), (400, 302));
}

/// What one's own provider says of its logouts ends nobody's sessions there, though theirs calls itself, its user and its
/// session the same; and its token is not spent for them.
async fn provider_logout(Pair { town, a, b }: Pair<'_>) {
    let client = town.serving.logins().await;
    let sid = format!("sid of {a} and {b}");
    *town.worlds[b].provider.sid.lock().unwrap() = Some(sid.clone());
    let (theirs, _) = town.log_in(b, "cy").await;
    *town.worlds[b].provider.sid.lock().unwrap() = None;
    let told = async |at: usize, jti: &str, sid: Option<&str>| {
        let form = format!("logout_token={}", logout_token("client", jti, "cy", sid)).into();
        let context = Some(context("POST", "/auth/web/backchannel-logout"));
        let question = v1::HandleBackchannelLogoutRequest { form, context, ..Default::default() };
        let answer = client.clone().handle_backchannel_logout(by(Role::Edge, at, question)).await.unwrap().into_inner();
        (answer.answer.unwrap().status, answer.revoked_count)
    };
    let framed = async |at: usize| {
        let pairs = [("iss", ISSUER), ("sid", sid.as_str())];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into();
        let context = Some(context("GET", "/auth/web/frontchannel-logout"));
        let question = v1::HandleFrontchannelLogoutRequest { query, context, ..Default::default() };
        let answer =
            client.clone().handle_frontchannel_logout(by(Role::Edge, at, question)).await.unwrap().into_inner();
        (answer.answer.unwrap().status, answer.revoked_count)
    };
    let jti = |what: &str| format!("{what} {a} {b}");
    assert_eq!(told(a, &jti("sub"), None).await, (200, 0));
    assert_eq!(told(a, &jti("sid"), Some(&sid)).await, (200, 0));
    assert_eq!(framed(a).await, (200, 0));
    let asked = town.worlds[b].validate(theirs.get("/")).await;
    assert!(matches!(asked, validate_session::Outcome::Active(_)), "{asked:?}");
    assert_eq!(told(b, &jti("sid"), Some(&sid)).await, (200, 1));
    assert_eq!(told(b, &jti("sid"), Some(&sid)).await, (200, 0));
}

async fn csrf_token(world: &World, browser: &Browser) -> String {
    let presented = browser.fetch("GET", "/auth/me");
    let question = validate_session::Question { presented, issue_csrf_token: true, ..Default::default() };
    match world.authority.validate_session(&World::call(), question).await.unwrap() {
        validate_session::Outcome::Active(active) => active.csrf_token.unwrap().expose().to_owned(),
        other => panic!("{other:?}"),
    }
}
