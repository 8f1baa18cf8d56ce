//! Shows that what has ended, and what a revocation would end, is counted as it is. Does not know what ends it.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::preview_revoke_request::Target;

use super::door::{Door, active, inactive};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    of_a_browser_that_presents_several_sessions_all_are_counted
    what_has_outlived_a_shortened_limit_would_not_be_ended
}

async fn of_a_browser_that_presents_several_sessions_all_are_counted(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let mut other = Browser::default();
    door.world.log_in(&mut other, "bob").await.result.unwrap();
    let token = active(door.ask(&door.browser.clone(), |question| question.issue_csrf_token = true).await).csrf_token;
    let presented = [cookies(&door.browser), cookies(&other)].concat();
    let request = v1::SessionServiceRevokeRequest {
        cookies: presented,
        target: Some(v1::session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {})),
        context: Some(v1::RequestContext {
            csrf_token: Some(token.into()),
            ..context("POST", "/auth/web/sessions/revoke")
        }),
        ..Default::default()
    };
    let answer = door.sessions.revoke(by(Role::Edge, request)).await.unwrap().into_inner();
    assert_eq!(answer.revoked_count, 2, "{answer:?}");
    let body: serde_json::Value = serde_json::from_slice(&answer.answer.unwrap().body).unwrap();
    assert_eq!(body, serde_json::json!({ "message": "2 sessions were ended", "revoked_count": 2 }));
    for browser in [door.browser.clone(), other] {
        assert_eq!(inactive(door.ask(&browser, |_| ()).await), v1::InactiveReason::Revoked);
    }
}

async fn what_has_outlived_a_shortened_limit_would_not_be_ended(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    *door.world.provider.sid.lock().unwrap() = Some("s1".into());
    let mut browser = Browser::default();
    let session = door.world.log_in(&mut browser, "ada").await.result.unwrap().key.public();
    active(door.ask(&browser, |_| ()).await);
    let own = v1::ProviderSession { provider: "idp".into(), provider_session_id: "s1".into() };
    let targets = [
        Target::SessionId(session),
        Target::UserId("idp_ada".into()),
        Target::ProviderSession(own),
        Target::Provider("idp".into()),
        Target::Tenant(v1::WholeTenant {}),
    ];
    door.shorten(Duration::from_hours(6)).await;
    for (age, count) in [(Duration::ZERO, 1), (Duration::from_hours(6), 0)] {
        door.world.clock.advance(age);
        for target in targets.clone() {
            let question = v1::PreviewRevokeRequest { target: Some(target.clone()) };
            let mut admin = door.serving.admin().await;
            let preview = admin.preview_revoke(by(Role::Admin, question)).await.unwrap().into_inner();
            assert_eq!((preview.count, preview.exact), (count, true), "{target:?} after {age:?}");
        }
    }
}
