//! Shows how people see their own sessions and end them: devices, places, one other, all others.
//! Does not know how sessions are indexed.

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::list_user_sessions_response::Outcome;
use gatelodge_client::v1::session_service_revoke_request::Target;

use super::door::{Door, active, inactive};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, on_every_store, state_of};

on_every_store! {
    a_user_sees_their_own_sessions_the_newest_first
    a_list_is_read_page_by_page
    one_other_session_is_ended_and_nobody_elses
    all_other_sessions_are_ended
    what_changes_something_needs_its_token
    without_a_session_nothing_is_listed_or_ended
    what_a_browser_asked_for_is_read_as_it_came
    what_a_browser_asked_for_and_cant_be_read_ends_nothing
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Logs somebody in with this user agent, from a place.
async fn log_in(door: &Door, sub: &str, user_agent: &str, place: &'static str) -> Browser {
    let mut browser = Browser { user_agent: user_agent.into(), ..Browser::default() };
    let started = door.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", door.world.provider.code_for(sub), state_of(&started.answer));
    let response = v1::complete_callback_request::Response::Query(query.into());
    let mut seen = context("GET", "/auth/web/callback");
    (seen.user_agent, seen.place) = (Some(user_agent.to_owned().into()), Some(place.into()));
    let cookies = cookies(&browser);
    let request =
        v1::CompleteCallbackRequest { response: Some(response), cookies, context: Some(seen), ..Default::default() };
    let made = door.serving.logins().await.complete_callback(by(Role::Edge, request)).await.unwrap().into_inner();
    browser.keep(&made.answer.unwrap().set_cookies);
    door.world.clock.advance(std::time::Duration::from_secs(1));
    browser
}

fn seen(browser: &Browser, method: &'static str) -> v1::RequestContext {
    let mut seen = context(method, "/auth/web/sessions");
    seen.user_agent = Some(browser.user_agent.clone().into());
    seen
}

async fn list(door: &mut Door, browser: &Browser, page_size: u32, page_token: &str) -> v1::ListUserSessionsResponse {
    let request = v1::ListUserSessionsRequest {
        cookies: cookies(browser),
        context: Some(seen(browser, "GET")),
        page_size,
        page_token: page_token.into(),
        ..Default::default()
    };
    door.sessions.list_user_sessions(by(Role::Edge, request)).await.unwrap().into_inner()
}

async fn listed(door: &mut Door, browser: &Browser) -> Vec<v1::UserSession> {
    match list(door, browser, 0, "").await.outcome.unwrap() {
        Outcome::UserSessions(page) => page.sessions,
        other => panic!("{other:?}"),
    }
}

async fn revoke(door: &mut Door, browser: &Browser, target: Target) -> v1::SessionServiceRevokeResponse {
    let request = v1::SessionServiceRevokeRequest {
        cookies: cookies(browser),
        context: None,
        target: Some(target),
        ..Default::default()
    };
    door.sessions.revoke(by(Role::Backend, request)).await.unwrap().into_inner()
}

fn id(session: &v1::UserSession) -> String {
    session.session.as_ref().unwrap().session_id.clone()
}

async fn a_user_sees_their_own_sessions_the_newest_first(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let first = log_in(&door, "ada", FIREFOX, "Oslo\r\n, Norway").await;
    log_in(&door, "ada", "curl/8", "").await;
    log_in(&door, "bob", FIREFOX, "").await;
    let answer = list(&mut door, &first, 0, "").await;
    let Some(Outcome::UserSessions(page)) = answer.outcome else { panic!("{answer:?}") };
    let told: Vec<_> = page
        .sessions
        .iter()
        .map(|own| {
            let session = own.session.as_ref().unwrap();
            (session.device.as_str(), session.place.as_str(), own.current, own.client_address.as_str())
        })
        .collect();
    assert_eq!(told, [("curl", "", false, "192.0.2.7"), ("Firefox on Linux", "Oslo, Norway", true, "192.0.2.7")]);
    let answer = answer.answer.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let own = &body["sessions"][1];
    assert_eq!((answer.status, &own["device"], &own["current"]), (200, &"Firefox on Linux".into(), &true.into()));
    assert_eq!((&own["session_id"], &own["place"]), (&id(&page.sessions[1]).into(), &"Oslo, Norway".into()));
    // An admin sees the same; what requests wait for does not carry it.
    let request = v1::GetSessionRequest { session_id: id(&page.sessions[1]) };
    let session = door.serving.admin().await.get_session(by(Role::Admin, request)).await.unwrap().into_inner();
    let info = session.session.unwrap().info.unwrap();
    assert_eq!((info.device.as_str(), info.place.as_str()), ("Firefox on Linux", "Oslo, Norway"));
    let seen = door.ask(&first, |question| question.context = Some(seen(&first, "GET"))).await;
    assert!(active(seen).session.unwrap().device.is_empty());
}

async fn a_list_is_read_page_by_page(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let mut browsers = Vec::new();
    for _ in 0..5 {
        browsers.push(log_in(&door, "ada", FIREFOX, "").await);
    }
    let all: Vec<_> = listed(&mut door, &browsers[0]).await.iter().map(id).collect();
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let page = match list(&mut door, &browsers[0], 2, &token).await.outcome.unwrap() {
            Outcome::UserSessions(page) => page,
            other => panic!("{other:?}"),
        };
        pages.extend(page.sessions.iter().map(id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((pages.len(), &pages), (5, &all));
    // A token is for who got it.
    let Some(Outcome::UserSessions(page)) = list(&mut door, &browsers[0], 2, "").await.outcome else { panic!() };
    let other = log_in(&door, "bob", FIREFOX, "").await;
    let request = v1::ListUserSessionsRequest {
        cookies: cookies(&other),
        page_token: page.next_page_token,
        ..Default::default()
    };
    let refused = door.sessions.list_user_sessions(by(Role::Edge, request)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

async fn one_other_session_is_ended_and_nobody_elses(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let (mine, other) = (log_in(&door, "ada", FIREFOX, "").await, log_in(&door, "ada", "curl/8", "").await);
    let bob = log_in(&door, "bob", FIREFOX, "").await;
    let theirs = id(&listed(&mut door, &bob).await[0]);
    let others = id(&listed(&mut door, &mine).await[0]);
    assert_eq!(revoke(&mut door, &mine, Target::SessionId(theirs)).await.revoked_count, 0);
    assert_eq!(revoke(&mut door, &mine, Target::SessionId(others.clone())).await.revoked_count, 1);
    assert_eq!(revoke(&mut door, &mine, Target::SessionId(others)).await.revoked_count, 0, "it is gone");
    let gone = door.ask(&other, |question| question.context = None).await;
    assert_eq!(inactive(gone), v1::InactiveReason::Revoked);
    for browser in [&mine, &bob] {
        active(door.ask(browser, |question| question.context = None).await);
    }
    // The own one, by its id: a logout, whose refresh token goes at the provider too.
    let own = id(&listed(&mut door, &mine).await[0]);
    assert_eq!(revoke(&mut door, &mine, Target::SessionId(own)).await.revoked_count, 1);
    assert_eq!(door.world.provider.revoked.lock().unwrap().len(), 1);
}

async fn all_other_sessions_are_ended(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let mut browsers = Vec::new();
    for sub in ["ada", "ada", "ada", "bob"] {
        browsers.push(log_in(&door, sub, FIREFOX, "").await);
    }
    let ended = revoke(&mut door, &browsers[1], Target::AllOthers(v1::AllOtherSessions {})).await;
    assert_eq!((ended.revoked_count, ended.inactive, ended.denied), (2, None, None));
    for (browser, lives) in browsers.iter().zip([false, true, false, true]) {
        let seen = door.ask(browser, |question| question.context = None).await;
        assert_eq!(matches!(seen, v1::validate_session_response::Outcome::Active(_)), lives);
    }
}

async fn what_changes_something_needs_its_token(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let browser = log_in(&door, "ada", FIREFOX, "").await;
    log_in(&door, "ada", FIREFOX, "").await;
    let token = door
        .ask(&browser, |question| {
            (question.context, question.issue_csrf_token) = (Some(seen(&browser, "GET")), true);
        })
        .await;
    let token = active(token).csrf_token;
    for target in [Target::AllOthers(v1::AllOtherSessions {}), Target::PresentedSession(v1::PresentedSession {})] {
        let request = |token: Option<&str>| {
            let mut context = seen(&browser, "POST");
            (context.csrf_token, context.sec_fetch_mode) =
                (token.map(|token| token.to_owned().into()), Some("cors".into()));
            let target = Some(target.clone());
            v1::SessionServiceRevokeRequest {
                cookies: cookies(&browser),
                context: Some(context),
                target,
                ..Default::default()
            }
        };
        let refused = door.sessions.revoke(by(Role::Edge, request(None))).await.unwrap().into_inner();
        assert_eq!((refused.denied.unwrap().reason(), refused.revoked_count), (v1::DeniedReason::CsrfMissing, 0));
        assert_eq!(refused.answer.unwrap().status, 403);
        let ended = door.sessions.revoke(by(Role::Edge, request(Some(&token)))).await.unwrap().into_inner();
        assert_eq!((ended.denied, ended.revoked_count), (None, 1));
        let answer = ended.answer.unwrap();
        let cleared = answer.set_cookies.iter().any(|cookie| cookie.contains("Max-Age=0"));
        assert_eq!((answer.status, cleared), (200, matches!(target, Target::PresentedSession(_))));
    }
}

async fn without_a_session_nothing_is_listed_or_ended(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    log_in(&door, "ada", FIREFOX, "").await;
    let nobody = Browser::default();
    let answer = list(&mut door, &nobody, 0, "").await;
    assert!(matches!(answer.outcome, Some(Outcome::Inactive(_))) && answer.answer.unwrap().status == 401);
    let ended = revoke(&mut door, &nobody, Target::AllOthers(v1::AllOtherSessions {})).await;
    assert_eq!((ended.inactive.unwrap().reason(), ended.revoked_count), (v1::InactiveReason::None, 0));
}

/// A browser's request to end sessions, with its CSRF token.
async fn asked_by_browser(door: &mut Door, browser: &Browser, target: Target) -> v1::SessionServiceRevokeResponse {
    let token = door.ask(browser, |question| {
        (question.context, question.issue_csrf_token) = (Some(seen(browser, "GET")), true);
    });
    let mut context = seen(browser, "POST");
    context.csrf_token = Some(active(token.await).csrf_token.into());
    let (cookies, target) = (cookies(browser), Some(target));
    let request = v1::SessionServiceRevokeRequest { cookies, context: Some(context), target, ..Default::default() };
    door.sessions.revoke(by(Role::Edge, request)).await.unwrap().into_inner()
}

async fn what_a_browser_asked_for_is_read_as_it_came(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let mine = log_in(&door, "ada", FIREFOX, "").await;
    for _ in 0..3 {
        log_in(&door, "ada", "curl/8", "").await;
    }
    let by_query = |query: &'static str| v1::ListUserSessionsRequest {
        cookies: cookies(&mine),
        context: Some(seen(&mine, "GET")),
        page_size: 1,
        query: query.into(),
        ..Default::default()
    };
    let page = door.sessions.list_user_sessions(by(Role::Edge, by_query("page_size=3&x=y"))).await.unwrap();
    let Some(Outcome::UserSessions(page)) = page.into_inner().outcome else { panic!() };
    assert_eq!(page.sessions.len(), 3);
    let one = asked_by_browser(&mut door, &mine, Target::Form(format!("end={}", id(&page.sessions[0])).into())).await;
    assert_eq!((one.revoked_count, one.answer.unwrap().status), (1, 200));
    let others = asked_by_browser(&mut door, &mine, Target::Json(r#"{"end":"others"}"#.into())).await;
    assert_eq!((others.revoked_count, others.answer.unwrap().set_cookies.len()), (2, 0));
}

async fn what_a_browser_asked_for_and_cant_be_read_ends_nothing(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let mine = log_in(&door, "ada", FIREFOX, "").await;
    log_in(&door, "ada", "curl/8", "").await;
    for target in [
        Target::Form("".into()),
        Target::Form("end=all".into()),
        Target::Form("end=others&end=others".into()),
        Target::Json("others".into()),
        Target::Json(r#"{"end":["others"]}"#.into()),
    ] {
        let refused = asked_by_browser(&mut door, &mine, target.clone()).await;
        assert_eq!((refused.revoked_count, refused.answer.unwrap().status), (0, 400), "{target:?}");
        let request = v1::SessionServiceRevokeRequest {
            cookies: cookies(&mine),
            context: None,
            target: Some(target),
            ..Default::default()
        };
        let refused = door.sessions.revoke(by(Role::Backend, request)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "there is nobody to answer to");
    }
    for query in ["page_size=0", "page_size=201", "page_size=x", "page_token=x", "a=1&a=1", "a=%ff"] {
        let request = v1::ListUserSessionsRequest {
            cookies: cookies(&mine),
            context: Some(seen(&mine, "GET")),
            query: query.into(),
            ..Default::default()
        };
        let refused = door.sessions.list_user_sessions(by(Role::Edge, request)).await.unwrap().into_inner();
        assert_eq!((refused.outcome, refused.answer.unwrap().status), (None, 400), "{query}");
    }
    assert_eq!(listed(&mut door, &mine).await.len(), 2);
}
