//! Shows what a request may need of who is logged in, and how it is told what is missing. Does not know how a provider says
//! it.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::DeniedReason as Reason;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{Door, active};
use crate::rpc::serving::{by, cookies};
use crate::world::{Browser, Kept, Says, on_every_store};

on_every_store! {
    every_requirement_is_met_or_named
    an_address_that_nobody_has_verified_is_not_enough_where_one_is_needed
    a_page_is_led_through_the_login_once_and_a_fetch_is_told_the_way
    rights_follow_the_provider_at_login_and_refresh
}

fn texts(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

const A_MINUTE: prost_types::Duration = prost_types::Duration { seconds: 60, nanos: 0 };

/// Somebody with roles and permissions has logged in, by password and code.
async fn open(kept: Kept) -> Door {
    let mut door = Door::closed(kept, |settings| settings.tokens.refresh = true).await;
    *door.world.provider.says.lock().unwrap() = Says {
        acr: Some("2".into()),
        amr: texts("pwd otp"),
        roles: texts("editor reader"),
        permissions: texts("orders:read orders:write"),
        ..Says::default()
    };
    let mut browser = Browser::default();
    door.world.log_in(&mut browser, "ada").await;
    door.browser = browser;
    door
}

async fn every_requirement_is_met_or_named(kept: Kept) {
    let mut door = open(kept).await;
    let browser = door.browser.clone();
    let met = v1::Requirements {
        acr_values: texts("3 2"),
        amr_values: texts("otp"),
        email_verified: true,
        permissions: texts("orders:read"),
        any_permissions: texts("admin orders:write"),
        scopes: texts("email openid"),
        any_scopes: texts("phone email"),
        max_login_age: Some(A_MINUTE),
        roles: texts("reader editor"),
        ..Default::default()
    };
    let seen = active(door.ask(&browser, |question| question.requirements = Some(met.clone())).await);
    let identity = seen.identity.unwrap();
    assert_eq!((identity.roles, identity.permissions), (texts("editor reader"), texts("orders:read orders:write")));
    let judged = seen.judged.unwrap();
    assert_eq!((judged.acr_values, judged.amr_values), (met.acr_values, met.amr_values));
    assert_eq!((judged.permissions, judged.any_permissions), (met.permissions, met.any_permissions));
    assert_eq!((judged.any_scopes, judged.roles, judged.email_verified), (met.any_scopes, met.roles, true));
    assert_eq!((judged.scopes, judged.max_login_age), (met.scopes, met.max_login_age));

    let base = v1::Requirements::default;
    door.world.clock.advance(Duration::from_secs(61));
    let table = [
        (v1::Requirements { scopes: texts("email x y"), ..base() }, Reason::ScopeMissing, "x y"),
        (v1::Requirements { max_login_age: Some(A_MINUTE), ..base() }, Reason::LoginTooOld, ""),
        (v1::Requirements { permissions: texts("orders:read x y"), ..base() }, Reason::PermissionMissing, "x y"),
        (v1::Requirements { any_permissions: texts("x y"), ..base() }, Reason::PermissionMissing, "x y"),
        (v1::Requirements { any_scopes: texts("x y"), ..base() }, Reason::ScopeMissing, "x y"),
        (v1::Requirements { roles: texts("reader admin"), ..base() }, Reason::RoleMissing, "admin"),
        (v1::Requirements { acr_values: texts("3 4"), ..base() }, Reason::AcrMissing, "3 4"),
        (v1::Requirements { amr_values: texts("pwd hwk"), ..base() }, Reason::AmrMissing, "hwk"),
    ];
    for (needs, reason, missing) in table {
        let Outcome::Denied(denied) = door.ask(&browser, |question| question.requirements = Some(needs)).await else {
            panic!("not denied for {reason:?}")
        };
        assert_eq!(denied.reason(), reason);
        let remedy = match reason {
            Reason::ScopeMissing => "Log in with an account or application that is granted the scope.",
            Reason::AcrMissing | Reason::AmrMissing => {
                "Log in again in the way that is asked for, then repeat the request."
            }
            Reason::LoginTooOld => "Log in again, then repeat the request.",
            _ => "Ask whoever runs this application for it, then log in again.",
        };
        assert_eq!(denied.remedy, remedy);
        let lists = [
            &denied.missing_scopes,
            &denied.missing_permissions,
            &denied.missing_roles,
            &denied.missing_acr_values,
            &denied.missing_amr_values,
        ];
        assert_eq!(lists.map(Clone::clone).concat(), texts(missing), "{reason:?}");
        let helps = matches!(reason, Reason::LoginTooOld | Reason::AcrMissing | Reason::AmrMissing);
        assert_eq!(!denied.login_query.is_empty(), helps, "{reason:?}: {}", denied.login_query);
        let answer = denied.answer.unwrap();
        assert_eq!(answer.status, if helps { 302 } else { 403 });
        if !helps {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body["remedy"], remedy, "{reason:?}");
        }
    }
    door.world.clock.advance(Duration::from_mins(2));
    let max_login_age = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let fresh = v1::Requirements { max_login_age, ..base() };
    let Outcome::Denied(denied) = door.ask(&browser, |question| question.requirements = Some(fresh)).await else {
        panic!("not denied")
    };
    assert_eq!(
        (denied.reason(), denied.remedy.as_str()),
        (Reason::LoginTooOld, "Log in again, then repeat the request.")
    );
}

// No login here can mend it: nobody is sent to one.
async fn an_address_that_nobody_has_verified_is_not_enough_where_one_is_needed(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    door.world.provider.says.lock().unwrap().unverified = true;
    let mut browser = Browser::default();
    door.world.log_in(&mut browser, "ada").await.result.unwrap();
    assert!(!active(door.ask(&browser, |_| ()).await).identity.unwrap().email_verified);
    let needs = v1::Requirements { email_verified: true, ..Default::default() };
    let Outcome::Denied(denied) = door.ask(&browser, |question| question.requirements = Some(needs)).await else {
        panic!("not denied")
    };
    assert_eq!((denied.reason(), denied.login_query.as_str()), (Reason::EmailNotVerified, ""));
    let answer = denied.answer.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["reason"]), (403, &"email_not_verified".into()));
    assert!(!denied.remedy.is_empty() && body["remedy"] == denied.remedy, "{body}");
}

async fn a_page_is_led_through_the_login_once_and_a_fetch_is_told_the_way(kept: Kept) {
    let mut door = open(kept).await;
    let browser = door.browser.clone();
    let mut ask = async |target: &'static str, mode: &'static str| {
        let outcome = door
            .ask(&browser, |question| {
                question.requirements = Some(v1::Requirements { amr_values: texts("hwk"), ..Default::default() });
                let context = question.context.as_mut().unwrap();
                (context.target, context.sec_fetch_mode) = (target.into(), Some(mode.into()));
            })
            .await;
        let Outcome::Denied(denied) = outcome else { panic!("{outcome:?}") };
        (denied.login_query, denied.answer.unwrap())
    };
    let (query, page) = ask("/pay?x=1", "navigate").await;
    assert!(query.starts_with("provider=idp&prompt=login&step_up="), "{query}");
    assert_eq!(page.location, format!("/auth/web/login?{query}&redirect_uri=%2Fpay%3Fx%3D1"));
    // It comes back without success: a page, or the two would send each other on for ever.
    let (_, page) = ask("/pay?x=1&error=authentication_unmet&request_id=a", "navigate").await;
    assert_eq!((page.status, page.content_type.as_str()), (403, "text/html; charset=utf-8"));
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(text.contains("redirect_uri=%2Fpay%3Fx%3D1\""), "{text}");
    let (query, fetch) = ask("/pay", "cors").await;
    let body: serde_json::Value = serde_json::from_slice(&fetch.body).unwrap();
    assert_eq!((fetch.status, body["reason"].as_str()), (403, Some("amr_missing")));
    assert_eq!(body["login_path"].as_str(), Some(format!("/auth/web/login?{query}").as_str()));
}

async fn rights_follow_the_provider_at_login_and_refresh(kept: Kept) {
    let mut door = open(kept).await;
    let browser = door.browser.clone();
    let (roles, permissions) = (texts("reader"), Vec::new());
    let said = door.world.provider.says.lock().unwrap().clone();
    *door.world.provider.says.lock().unwrap() = Says { roles: roles.clone(), permissions, ..said };
    let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), context: None, ..Default::default() };
    door.sessions.refresh_tokens(by(Role::Backend, refresh)).await.unwrap();
    let identity = active(door.ask(&browser, |_| ()).await).identity.unwrap();
    assert_eq!((identity.roles, identity.permissions), (roles, Vec::<String>::new()));
    assert_eq!(identity.scopes, texts("openid email"));
}
