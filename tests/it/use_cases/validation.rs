//! Owns the tests of ValidateSession. Does not know how a login goes.

use std::time::Duration;

use bytes::Bytes;
use gatelodge::authority::validate_session::{CsrfRequirement, DeniedReason, Outcome, Question, Requirements};
use gatelodge::authority::{Error, Presented};
use gatelodge::session::admission::InactiveReason;
use gatelodge::session::csrf::CsrfFault;
use gatelodge::session::fingerprint::{Comparison, FingerprintMode};
use gatelodge::session::need::{LoginNeeds, Missing, Needs};
use gatelodge::session::request::PresentedCookie;

use crate::world::{Browser, World};

async fn logged_in() -> (World, Browser) {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    (world, browser)
}

async fn ask(world: &World, question: Question) -> Outcome {
    world.authority.validate_session(&World::call(), question).await.unwrap()
}

async fn token(world: &World, browser: &Browser) -> Bytes {
    let question =
        Question { presented: browser.fetch("GET", "/auth/me"), issue_csrf_token: true, ..Default::default() };
    let Outcome::Active(active) = ask(world, question).await else { panic!("inactive") };
    Bytes::copy_from_slice(active.csrf_token.unwrap().expose().as_bytes())
}

fn denied(outcome: Outcome) -> DeniedReason {
    match outcome {
        Outcome::Denied(denied) => denied.reason,
        other => panic!("not denied: {other:?}"),
    }
}

fn inactive(outcome: Outcome) -> InactiveReason {
    match outcome {
        Outcome::Inactive(inactive) => inactive.reason,
        other => panic!("not inactive: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_a_credential_of_ours_is_inactive() {
    let (world, browser) = logged_in().await;
    let value = browser.cookie("__Host-session").unwrap();
    let flipped = format!("{}x{}", &value[..40], &value[41..]);
    let junk = ["", "sess_", "sess_AAAA", "\u{0}", &value[..50], &flipped, &"x".repeat(10_000)];
    for value in junk {
        let mut other = Browser::default();
        other.cookies.push(("__Host-session".into(), value.into()));
        assert_eq!(inactive(world.validate(other.fetch("GET", "/")).await), InactiveReason::Forged, "{value:.20}");
    }
    assert_eq!(inactive(world.validate(Presented::default()).await), InactiveReason::None);
}

#[tokio::test]
async fn the_credentials_of_two_sessions_are_ambiguous() {
    let (world, mut browser) = logged_in().await;
    let mut other = Browser::default();
    world.log_in(&mut other, "bob").await;
    browser.cookies.extend(other.cookies);
    assert_eq!(inactive(world.validate(browser.fetch("GET", "/")).await), InactiveReason::Ambiguous);
}

// A browser may keep a cookie of an ended session for another path or domain, and sends it beside the present one.
#[tokio::test]
async fn a_session_that_has_ended_is_no_rival_of_a_living_one() {
    let (world, mut browser) = logged_in().await;
    let mut other = Browser::default();
    world.log_in(&mut other, "bob").await;
    let (mut before, mut after) = (browser.cookies.clone(), other.cookies.clone());
    before.extend(other.cookies.clone());
    after.extend(browser.cookies.clone());
    world.revoke(&other).await;
    for cookies in [before, after] {
        browser.cookies = cookies;
        assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
    }
    let several = browser.fetch("GET", "/");
    assert_eq!(world.authority.get_user_info(&World::call(), &several, false).await.map(|_| ()).ok(), Some(()));
    browser.cookies.retain(|(_, value)| other.cookie("__Host-session") != Some(value));
    world.revoke(&browser).await;
    assert_eq!(inactive(world.validate(several).await), InactiveReason::Ended);
}

#[tokio::test]
async fn where_two_sessions_live_no_login_is_offered_that_would_lead_in_circles() {
    let (world, mut browser) = logged_in().await;
    let mut other = Browser::default();
    world.log_in(&mut other, "bob").await;
    browser.cookies.extend(other.cookies);
    let Outcome::Inactive(inactive) = world.validate(browser.get("/orders")).await else { panic!("it lives") };
    let answer = inactive.answer.unwrap();
    assert_eq!((answer.status, answer.location), (401, None));
    assert!(String::from_utf8(answer.body).unwrap().contains("Delete the cookies of this site"));
}

// security.md 56: both limits are enforced, and use never moves the absolute end.
#[tokio::test]
async fn a_session_ends_at_its_idle_and_its_absolute_limit() {
    let (world, browser) = logged_in().await;
    for _ in 0..9 {
        world.validate(browser.fetch("GET", "/")).await;
        world.clock.advance(Duration::from_mins(50));
    }
    world.validate(browser.fetch("GET", "/")).await;
    world.clock.advance(Duration::from_mins(31));
    let reason = inactive(world.validate(browser.fetch("GET", "/")).await);
    assert!(matches!(reason, InactiveReason::Expired | InactiveReason::Ended), "{reason:?}");

    let (world, browser) = logged_in().await;
    world.validate(browser.fetch("GET", "/")).await;
    world.clock.advance(Duration::from_mins(61));
    let reason = inactive(world.validate(browser.fetch("GET", "/")).await);
    assert!(matches!(reason, InactiveReason::Idle | InactiveReason::Ended), "{reason:?}");
}

#[tokio::test]
async fn a_probe_does_not_extend_a_session() {
    let (world, browser) = logged_in().await;
    world.validate(browser.fetch("GET", "/")).await;
    for _ in 0..6 {
        world.clock.advance(Duration::from_mins(11));
        let question = Question { presented: browser.fetch("GET", "/"), touch: false, ..Default::default() };
        ask(&world, question).await;
    }
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Inactive(_)));
}

// security.md 70: an unsafe request needs the session's own token, and an allowed origin.
#[tokio::test]
async fn an_unsafe_request_needs_the_sessions_own_token() {
    let (world, browser) = logged_in().await;
    let own = token(&world, &browser).await;
    let mut other = Browser::default();
    world.log_in(&mut other, "bob").await;
    let foreign = token(&world, &other).await;
    let post = |token: Option<Bytes>| browser.with("POST", "/", |context| context.csrf_token = token);

    let Outcome::Active(active) = world.validate(post(Some(own.clone()))).await else { panic!("denied") };
    assert!(active.judged.csrf && !active.judged.origin);
    assert_eq!(denied(world.validate(post(None)).await), DeniedReason::Csrf(CsrfFault::Missing));
    assert_eq!(denied(world.validate(post(Some("csrf_x".into()))).await), DeniedReason::Csrf(CsrfFault::Invalid));
    assert_eq!(denied(world.validate(post(Some(foreign))).await), DeniedReason::Csrf(CsrfFault::OtherSession));
    let get = browser.with("GET", "/", |context| context.csrf_token = Some("null".into()));
    assert!(matches!(world.validate(get).await, Outcome::Active(_)), "on safe methods the header is ignored");

    for _ in 0..7 {
        world.clock.advance(Duration::from_mins(59));
        world.validate(browser.fetch("GET", "/")).await;
    }
    assert!(matches!(world.validate(post(Some(own))).await, Outcome::Active(_)), "good for its whole time");
}

#[tokio::test]
async fn the_origin_is_judged_beside_the_token() {
    let (world, browser) = logged_in().await;
    let own = token(&world, &browser).await;
    let from = |origin: &'static str| {
        browser.with("POST", "/", |context| {
            context.csrf_token = Some(own.clone());
            context.origin = Some(origin.into());
        })
    };
    for good in ["https://app.example.com", "https://spa.example.com"] {
        assert!(matches!(world.validate(from(good)).await, Outcome::Active(active) if active.judged.origin));
    }
    for bad in ["null", "https://evil.example", "http://app.example.com"] {
        assert_eq!(denied(world.validate(from(bad)).await), DeniedReason::OriginRefused, "{bad}");
    }
}

#[tokio::test]
async fn the_requirement_decides_before_the_method() {
    let (world, browser) = logged_in().await;
    let with = |method: &str, csrf| Question {
        presented: browser.fetch(method, "/"),
        requirements: Requirements { csrf, ..Default::default() },
        ..Default::default()
    };
    assert!(matches!(ask(&world, with("POST", CsrfRequirement::NotRequired)).await, Outcome::Active(_)));
    assert!(matches!(ask(&world, with("GET", CsrfRequirement::Required)).await, Outcome::Denied(_)));
    let mut blind = with("GET", CsrfRequirement::Required);
    blind.presented.context = None;
    let error = world.authority.validate_session(&World::call(), blind).await.unwrap_err();
    assert!(matches!(error, Error::ContextRequired("csrf")));
}

#[tokio::test]
async fn a_websocket_is_judged_by_its_origin_alone() {
    let (world, browser) = logged_in().await;
    let with = |origin: Option<Bytes>| {
        browser.with("GET", "/", |context| {
            context.upgrade = Some("websocket".into());
            context.origin = origin;
        })
    };
    assert!(matches!(world.validate(with(Some("https://app.example.com".into()))).await, Outcome::Active(_)));
    assert_eq!(denied(world.validate(with(Some("https://evil.example".into()))).await), DeniedReason::OriginRefused);
    assert_eq!(denied(world.validate(with(None)).await), DeniedReason::OriginRefused);
}

// security.md 74: a changed client is refused, warned of or ignored, and none of it ends the session.
#[tokio::test]
async fn a_changed_client_is_judged_as_configured() {
    for (mode, alive, judged) in [
        (FingerprintMode::Off, true, None),
        (FingerprintMode::Warn, true, Some(Comparison::Differed)),
        (FingerprintMode::Strict, false, None),
    ] {
        let (world, mut browser) = (World::with(|settings| settings.fingerprint.mode = mode), Browser::default());
        world.log_in(&mut browser, "ada").await;
        let mut thief = browser.clone();
        thief.user_agent = "Other/1".into();
        match world.validate(thief.fetch("GET", "/")).await {
            Outcome::Active(active) => assert!(alive && active.judged.fingerprint == judged),
            Outcome::Inactive(inactive) => assert!(!alive && inactive.reason == InactiveReason::Fingerprint),
            Outcome::Denied(_) => panic!("denied"),
        }
        assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)), "the session stays");
        let silent = thief.with("GET", "/", |context| context.user_agent = None);
        let refused = matches!(world.validate(silent).await, Outcome::Inactive(_));
        assert_eq!(refused, mode == FingerprintMode::Strict, "what came at login and is missing now differs");
        let blind = Presented { context: None, ..thief.fetch("GET", "/") };
        assert!(matches!(world.validate(blind).await, Outcome::Active(_)), "without a context it is not judged");
    }
}

#[tokio::test]
async fn missing_scopes_are_named_and_found_ones_repeated() {
    let (world, browser) = logged_in().await;
    let with = |scopes: &[&str]| Question {
        presented: browser.fetch("GET", "/"),
        requirements: Requirements {
            needs: Needs { scopes: scopes.iter().map(|s| (*s).to_owned()).collect(), ..Needs::default() },
            ..Default::default()
        },
        ..Default::default()
    };
    let Outcome::Active(active) = ask(&world, with(&["email", "openid"])).await else { panic!("denied") };
    assert_eq!(active.judged.needs.scopes, ["email", "openid"]);
    let reason = denied(ask(&world, with(&["email", "admin", "root"])).await);
    assert_eq!(reason, DeniedReason::Missing(Missing::Scopes(vec!["admin".into(), "root".into()])));
}

// security.md 34: an old login is told how to become a fresh one.
#[tokio::test]
async fn a_login_that_is_too_old_is_told_how_to_begin_a_fresh_one() {
    let (world, mut browser) = logged_in().await;
    let with = |presented| Question {
        presented,
        requirements: Requirements {
            needs: Needs {
                login: LoginNeeds { max_age: Some(Duration::from_mins(5)), ..LoginNeeds::default() },
                ..Needs::default()
            },
            ..Default::default()
        },
        ..Default::default()
    };
    assert!(matches!(ask(&world, with(browser.fetch("GET", "/"))).await, Outcome::Active(_)));
    world.clock.advance(Duration::from_mins(6));
    let Outcome::Denied(denied) = ask(&world, with(browser.get("/pay?x=1"))).await else { panic!("not denied") };
    assert_eq!(denied.reason, DeniedReason::Missing(Missing::FreshLogin));
    let query = denied.login_query;
    assert!(query.starts_with("provider=idp&max_age=300&prompt=login&step_up="), "{query}");
    let location = denied.answer.unwrap().location.unwrap();
    assert_eq!(location, format!("/auth/web/login?{query}&redirect_uri=%2Fpay%3Fx%3D1"));
    world.log_in(&mut browser, "ada").await;
    assert!(matches!(ask(&world, with(browser.fetch("GET", "/"))).await, Outcome::Active(_)));
}

#[tokio::test]
async fn a_page_goes_to_the_login_and_a_fetch_is_told() {
    let world = World::new();
    let browser = Browser::default();
    let answer = |outcome| match outcome {
        Outcome::Inactive(inactive) => inactive.answer.unwrap(),
        other => panic!("{other:?}"),
    };
    let page = answer(world.validate(browser.get("/a?b=c")).await);
    assert_eq!(page.location.as_deref(), Some("/auth/web/login?redirect_uri=%2Fa%3Fb%3Dc"));
    let fetch = answer(world.validate(browser.fetch("GET", "/a")).await);
    let body: serde_json::Value = serde_json::from_slice(&fetch.body).unwrap();
    assert_eq!((fetch.status, &body["reason"], &body["request_id"]), (401, &"not_signed_in".into(), &"test".into()));
    let api = Question { presented: browser.get("/auth/me"), answer_json: true, ..Default::default() };
    assert_eq!(answer(ask(&world, api).await).status, 401);
    let evil = answer(world.validate(browser.get("//evil.example/")).await);
    assert_eq!(evil.location.as_deref(), Some("/auth/web/login"));
}

#[tokio::test]
async fn a_former_cookie_name_is_read_and_moved_to_the_present_one() {
    let (world, mut browser) = logged_in().await;
    let value = browser.cookie("__Host-session").unwrap().to_owned();
    browser.cookies = vec![("old_session".into(), value)];
    let question =
        |can_set_cookies| Question { presented: browser.fetch("GET", "/"), can_set_cookies, ..Default::default() };
    let Outcome::Active(told) = ask(&world, question(true)).await else { panic!("inactive") };
    assert!(told.set_cookies[0].starts_with("__Host-session=sess_"));
    let Outcome::Active(silent) = ask(&world, question(false)).await else { panic!("inactive") };
    assert!(silent.set_cookies.is_empty(), "a caller that can't deliver a cookie gets none");
    let unknown = Presented {
        cookies: vec![PresentedCookie { name: "elsewhere".into(), value: Bytes::from_static(b"x") }],
        context: None,
    };
    assert_eq!(inactive(world.validate(unknown).await), InactiveReason::None);
}
