//! Owns the calls of LoginService that one tenant's edges try with what is another's. Does not know who the two are.

use std::sync::atomic::{AtomicUsize, Ordering};

use gatelodge::authority::{start_logout, validate_session};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome;

use super::alike::{alike, garbled, unknown};
use super::pairs::{Pair, Tried};
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

/// A host of theirs, and one of nobody's.
fn hosts(b: usize) -> [String; 2] {
    [base(b).as_str().trim_start_matches("https://").to_owned(), "nobody.example.com".to_owned()]
}

async fn settings(Pair { town, a, b }: Pair<'_>) {
    let client = town.serving.logins().await;
    alike(town, "LoginService.GetEdgeSettings", hosts(b), async |host| {
        let question = v1::GetEdgeSettingsRequest { host: host.clone().into() };
        let told = client.clone().get_edge_settings(by(Role::Edge, a, question)).await?;
        let settings = told.get_ref().settings.as_ref().unwrap();
        assert_eq!((settings.tenant.as_str(), told.get_ref().others.len()), (NAMES[a], 0));
        assert_eq!(settings.public_base_url, base(a).as_str());
        assert_eq!(settings.version, town.worlds[a].authority.settings_version());
        Ok(told)
    })
    .await;
    alike(town, "LoginService.ListProviders", hosts(b), async |host| {
        let question = v1::LoginServiceListProvidersRequest { host: host.clone().into(), ..Default::default() };
        let told = client.clone().list_providers(by(Role::Edge, a, question)).await?;
        assert_eq!(told.get_ref().settings_version, town.worlds[a].authority.settings_version());
        Ok(told)
    })
    .await;
}

/// A login for them can't be begun with one's own key, whatever names them.
async fn start(Pair { town, a, b }: Pair<'_>) {
    let client = town.serving.logins().await;
    let start = async |change: &dyn Fn(&mut v1::StartLoginRequest)| {
        let mut question = v1::StartLoginRequest { context: Some(context("GET", "/")), ..Default::default() };
        change(&mut question);
        let answer = client.clone().start_login(by(Role::Edge, a, question)).await?;
        assert_eq!(answer.get_ref().failure(), v1::LoginFailure::TenantUnknown);
        let http = answer.get_ref().answer.as_ref().unwrap();
        assert!(http.status == 400 && http.set_cookies.is_empty() && http.location.is_empty(), "{http:?}");
        Ok(answer)
    };
    let (their_name, their_number) = (NAMES[b].to_owned(), (b + 1).to_string());
    for theirs in [their_name, their_number] {
        alike(town, "LoginService.StartLogin", [theirs, "nobody".to_owned()], async |name| {
            start(&|question| question.context.as_mut().unwrap().x_tenant_id = Some(name.clone().into())).await
        })
        .await;
    }
    // A host that is nobody's may be an alias of one's own: a login begins there.
    let [host, _] = hosts(b);
    start(&|question| question.context.as_mut().unwrap().host = Some(host.clone().into())).await.unwrap();
    alike(town, "LoginService.StartLogin", [NAMES[b], "nobody"], async |name| {
        start(&|question| question.query = format!("tenant={name}").into()).await
    })
    .await;
}

/// A login of theirs, in the very browser that began it, is not completed with one's own key; and then it is with theirs.
async fn callback(Pair { town, a, b }: Pair<'_>) {
    let client = town.serving.logins().await;
    let mut browser = Browser::default();
    let started = town.worlds[b].start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let (code, state) = (town.worlds[b].provider.code_for("ada"), state_of(&started.answer));
    let deliver = async |at: usize, state: &str| {
        let query = format!("code={code}&state={state}");
        let (response, cookies) = (Some(Response::Query(query.into())), cookies(&browser));
        let context = Some(context("GET", "/auth/web/callback"));
        let question = v1::CompleteCallbackRequest { response, cookies, context, ..Default::default() };
        client.clone().complete_callback(by(Role::Edge, at, question)).await
    };
    alike(town, "LoginService.CompleteCallback", [state.clone(), garbled(&state)], async |state| {
        let refused = deliver(a, state).await?;
        let why = Some(Outcome::Failure(v1::LoginFailure::StateInvalid.into()));
        assert_eq!(refused.get_ref().outcome, why);
        Ok(refused)
    })
    .await;
    let done = deliver(b, &state).await.unwrap().into_inner();
    assert!(matches!(done.outcome, Some(Outcome::Completed(_))), "{done:?}");
}

/// With their cookies a logout of one's own ends nothing, and the state of their logout leads nowhere.
async fn logout(Pair { town, a, b }: Pair<'_>, theirs: &Browser) {
    let client = town.serving.logins().await;
    unknown(town, "LoginService.StartLogout", theirs, async |browser| {
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
    let back = async |at: usize, state: &str| {
        let (query, context) = (format!("state={state}").into(), Some(context("GET", "/auth/web/logged-out")));
        let question = v1::CompleteLogoutRequest { query, context, ..Default::default() };
        let answer = client.clone().complete_logout(by(Role::Edge, at, question)).await?;
        assert_eq!(answer.get_ref().answer.as_ref().unwrap().status, if at == a { 400 } else { 302 });
        Ok(answer)
    };
    alike(town, "LoginService.CompleteLogout", [state.clone(), garbled(&state)], async |state| back(a, state).await)
        .await;
    back(b, &state).await.unwrap();
}

/// What one's own provider says of its logouts ends nobody's sessions there, though theirs calls itself, its user and its
/// session the same; and its token is not spent for them.
async fn provider_logout(Pair { town, a, b }: Pair<'_>) {
    let client = town.serving.logins().await;
    let sid = format!("sid of {a} and {b}");
    *town.worlds[b].provider.sid.lock().unwrap() = Some(sid.clone());
    let (theirs, _) = town.log_in(b, "cy").await;
    let only_there = format!("only-{b}");
    town.log_in(b, &only_there).await;
    *town.worlds[b].provider.sid.lock().unwrap() = None;
    let tokens = AtomicUsize::new(0);
    let told = async |at: usize, jti: Option<&str>, sub: &str, sid: Option<&str>| {
        // Each token is another one.
        let next = format!("{a} {b} {}", tokens.fetch_add(1, Ordering::SeqCst));
        let form = format!("logout_token={}", logout_token("client", jti.unwrap_or(&next), sub, sid)).into();
        let context = Some(context("POST", "/auth/web/backchannel-logout"));
        let question = v1::HandleBackchannelLogoutRequest { form, context, ..Default::default() };
        let mut answer = client.clone().handle_backchannel_logout(by(Role::Edge, at, question)).await?;
        assert_eq!(answer.get_ref().answer.as_ref().unwrap().status, 200);
        answer.get_mut().event_position.clear();
        Ok(answer)
    };
    alike(town, "LoginService.HandleBackchannelLogout", [only_there.as_str(), "nobody"], async |sub| {
        told(a, None, sub, None).await
    })
    .await;
    let sids = [sid.clone(), format!("sid of nobody, {a} and {b}")];
    alike(town, "LoginService.HandleBackchannelLogout", sids.clone(), async |sid| told(a, None, "cy", Some(sid)).await)
        .await;
    alike(town, "LoginService.HandleFrontchannelLogout", sids, async |sid| {
        let pairs = [("iss", ISSUER), ("sid", sid.as_str())];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into();
        let context = Some(context("GET", "/auth/web/frontchannel-logout"));
        let question = v1::HandleFrontchannelLogoutRequest { query, context, ..Default::default() };
        let answer = client.clone().handle_frontchannel_logout(by(Role::Edge, a, question)).await?;
        assert_eq!((answer.get_ref().answer.as_ref().unwrap().status, answer.get_ref().revoked_count), (200, 0));
        Ok(answer)
    })
    .await;
    let asked = town.worlds[b].validate(theirs.get("/")).await;
    assert!(matches!(asked, validate_session::Outcome::Active(_)), "{asked:?}");
    let jti = format!("the same at {a} and {b}");
    for (at, ended) in [(a, 0), (b, 1), (b, 0)] {
        let answer = told(at, Some(&jti), "cy", Some(&sid)).await.unwrap();
        assert_eq!(answer.get_ref().revoked_count, ended, "{at}");
    }
}

async fn csrf_token(world: &World, browser: &Browser) -> String {
    let presented = browser.fetch("GET", "/auth/me");
    let question = validate_session::Question { presented, issue_csrf_token: true, ..Default::default() };
    match world.authority.validate_session(&World::call(), question).await.unwrap() {
        validate_session::Outcome::Active(active) => active.csrf_token.unwrap().expose().to_owned(),
        other => panic!("{other:?}"),
    }
}
