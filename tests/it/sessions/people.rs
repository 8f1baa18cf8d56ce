//! Shows users: made at the first login, shown, disabled, enabled, deleted. Does not know how a record is kept.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::Authority;
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::rpc::policy::Role;
use gatelodge::vault::Vault;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_client::AdminServiceClient;
use gatelodge_client::v1::complete_callback_response::Outcome;
use tonic::transport::Channel;

use super::door::{Door, active, inactive};
use crate::rpc::serving::{Serving, by, context, cookies, validation};
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, World, on_every_store, state_of};

on_every_store! {
    the_first_login_makes_a_user_and_says_so
    users_are_listed_page_by_page
    a_disabled_user_is_out_on_every_replica_until_enabled
    who_is_disabled_or_deleted_is_out_where_they_are_known_by_heart
    a_deleted_user_is_gone_and_remembered_to_have_been
    nobody_is_not_found
    users_outlive_a_change_of_secrets
}

/// Logs somebody in through the edge's own call.
async fn log_in(door: &Door, sub: &str) -> (Browser, String, v1::CompleteCallbackResponse) {
    let mut browser = Browser::default();
    let started = door.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", door.world.provider.code_for(sub), state_of(&started.answer));
    let answer = callback(door, &browser, &query).await;
    browser.keep(&answer.answer.as_ref().unwrap().set_cookies);
    (browser, query, answer)
}

async fn callback(door: &Door, browser: &Browser, query: &str) -> v1::CompleteCallbackResponse {
    let request = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.to_owned().into())),
        cookies: cookies(browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    door.serving.logins().await.complete_callback(by(Role::Edge, request)).await.unwrap().into_inner()
}

fn is_new(answer: v1::CompleteCallbackResponse) -> bool {
    match answer.outcome {
        Some(Outcome::Completed(login)) => login.new_user,
        other => panic!("{other:?}"),
    }
}

fn failure(answer: v1::CompleteCallbackResponse) -> v1::LoginFailure {
    match answer.outcome {
        Some(Outcome::Failure(failure)) => failure.try_into().unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn get(admin: &mut AdminServiceClient<Channel>, user_id: &str) -> Result<v1::User, tonic::Status> {
    let request = v1::GetUserRequest { user_id: user_id.into() };
    Ok(admin.get_user(by(Role::Admin, request)).await?.into_inner().user.unwrap())
}

async fn the_first_login_makes_a_user_and_says_so(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let mut admin = door.serving.admin().await;
    let (browser, query, first) = log_in(&door, "ada").await;
    assert!(is_new(first));
    assert!(is_new(callback(&door, &browser, &query).await), "delivered again, it is the same login");
    door.world.clock.advance(Duration::from_hours(1));
    assert!(!is_new(log_in(&door, "ada").await.2));
    assert!(is_new(log_in(&door, "bob").await.2));
    let user = get(&mut admin, "idp_ada").await.unwrap();
    assert_eq!((user.user_id.as_str(), user.state()), ("idp_ada", v1::UserState::Active));
    assert_eq!((user.sub.as_str(), user.email.as_str(), user.login_count), ("ada", "ada@example.com", 2));
    let seconds = |time: Option<prost_types::Timestamp>| time.unwrap().seconds;
    assert_eq!(seconds(user.last_login_time) - seconds(user.first_login_time), 3600);
}

async fn users_are_listed_page_by_page(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let mut admin = door.serving.admin().await;
    for sub in ["a", "b", "c", "d", "e"] {
        log_in(&door, sub).await;
    }
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListUsersRequest { page_size: 2, page_token };
        let page = admin.list_users(by(Role::Admin, request)).await.unwrap().into_inner();
        assert!(page.users.len() <= 2);
        found.extend(page.users.into_iter().map(|user| user.sub));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    found.sort();
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
    let made_up = v1::ListUsersRequest { page_size: 2, page_token: "made up".into() };
    assert_eq!(admin.list_users(by(Role::Admin, made_up)).await.unwrap_err().code(), tonic::Code::InvalidArgument);
}

async fn a_disabled_user_is_out_on_every_replica_until_enabled(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let mut admin = door.serving.admin().await;
    let (ada, ..) = log_in(&door, "ada").await;
    let (bob, ..) = log_in(&door, "bob").await;
    // One that is under way when it happens.
    let mut late = Browser::default();
    let started = door.world.start(&late, "").await;
    late.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", door.world.provider.code_for("ada"), state_of(&started.answer));

    let store = Arc::clone(&door.store);
    let replica = World::built(&["idp"], |_| (), |ports| ports.sessions = store);
    let serving = Serving::of(&replica).await;
    let mut other = serving.sessions().await;

    for count in [1, 0] {
        let request = v1::DisableUserRequest { user_id: "idp_ada".into(), reason: "left".into(), ..Default::default() };
        let disabled = admin.disable_user(by(Role::Admin, request)).await.unwrap().into_inner();
        assert_eq!(disabled.revoked_count, count);
    }
    let seen = other.validate_session(by(Role::Edge, validation(&ada))).await.unwrap();
    assert_eq!(inactive(seen.into_inner().outcome.unwrap()), v1::InactiveReason::Revoked, "on another replica");
    assert_eq!(inactive(door.ask(&ada, |_| ()).await), v1::InactiveReason::Revoked);
    active(door.ask(&bob, |_| ()).await);
    assert_eq!(failure(callback(&door, &late, &query).await), v1::LoginFailure::UserDisabled);
    let (_, _, refused) = log_in(&door, "ada").await;
    let answer = refused.answer.clone().unwrap();
    assert_eq!((failure(refused), answer.status), (v1::LoginFailure::UserDisabled, 403));
    assert!(String::from_utf8_lossy(&answer.body).contains("This account is disabled"));
    assert_eq!(get(&mut admin, "idp_ada").await.unwrap().state(), v1::UserState::Disabled);

    let request = v1::EnableUserRequest { user_id: "idp_ada".into(), reason: String::new(), ..Default::default() };
    admin.enable_user(by(Role::Admin, request)).await.unwrap();
    assert_eq!(get(&mut admin, "idp_ada").await.unwrap().state(), v1::UserState::Active);
    // A mark of the same millisecond would refuse it.
    door.world.clock.advance(Duration::from_millis(2));
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (ada, _, again) = log_in(&door, "ada").await;
    assert!(!is_new(again), "they are the user they were");
    active(door.ask(&ada, |_| ()).await);
    assert_eq!(get(&mut admin, "idp_ada").await.unwrap().login_count, 2);
}

// The other replica keeps what it has read, and hears of what happens.
async fn who_is_disabled_or_deleted_is_out_where_they_are_known_by_heart(kept: Kept) {
    let replicas = Replicas::over(kept).await;
    let (here, there) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
    let mut admin = here.admin().await;
    let ask = async |browser: &Browser| {
        let answer = there.sessions().await.validate_session(by(Role::Edge, validation(browser))).await;
        answer.unwrap().into_inner().outcome.unwrap()
    };
    for delete in [false, true] {
        replicas.one.clock.advance(Duration::from_millis(2));
        tokio::time::sleep(Duration::from_millis(5)).await;
        let (mut ada, mut bob) = (Browser::default(), Browser::default());
        replicas.one.log_in(&mut ada, "ada").await.result.unwrap();
        replicas.one.log_in(&mut bob, "bob").await.result.unwrap();
        replicas.catch_up().await;
        for browser in [&ada, &bob, &ada] {
            active(ask(browser).await);
        }
        let (user_id, reason) = ("idp_ada".to_owned(), String::new());
        if delete {
            admin
                .delete_user(by(Role::Admin, v1::DeleteUserRequest { user_id, reason, ..Default::default() }))
                .await
                .unwrap();
        } else {
            admin
                .disable_user(by(Role::Admin, v1::DisableUserRequest { user_id, reason, ..Default::default() }))
                .await
                .unwrap();
        }
        replicas.catch_up().await;
        assert_eq!(inactive(ask(&ada).await), v1::InactiveReason::Revoked, "deleted: {delete}");
        active(ask(&bob).await);
        if !delete {
            let request =
                v1::EnableUserRequest { user_id: "idp_ada".into(), reason: String::new(), ..Default::default() };
            there.admin().await.enable_user(by(Role::Admin, request)).await.unwrap();
        }
    }
}

async fn a_deleted_user_is_gone_and_remembered_to_have_been(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let mut admin = door.serving.admin().await;
    let (ada, ..) = log_in(&door, "ada").await;
    log_in(&door, "ada").await;
    for count in [2, 0] {
        let request =
            v1::DeleteUserRequest { user_id: "idp_ada".into(), reason: "asked to".into(), ..Default::default() };
        let deleted = admin.delete_user(by(Role::Admin, request)).await.unwrap().into_inner();
        assert_eq!(deleted.revoked_count, count, "again it is done already");
    }
    assert_eq!(inactive(door.ask(&ada, |_| ()).await), v1::InactiveReason::Revoked);
    let user = get(&mut admin, "idp_ada").await.unwrap();
    assert_eq!((user.state(), user.email.as_str(), user.login_count), (v1::UserState::Deleted, "", 0));
    assert!(user.delete_time.is_some());
    let page = admin.list_users(by(Role::Admin, v1::ListUsersRequest::default())).await.unwrap().into_inner();
    assert!(page.users.is_empty());
    let request = v1::EnableUserRequest { user_id: "idp_ada".into(), reason: String::new(), ..Default::default() };
    assert_eq!(admin.enable_user(by(Role::Admin, request)).await.unwrap_err().code(), tonic::Code::NotFound);
    // A mark of the same millisecond would refuse it.
    door.world.clock.advance(Duration::from_millis(2));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(is_new(log_in(&door, "ada").await.2), "a later login makes a new user");
    assert_eq!(get(&mut admin, "idp_ada").await.unwrap().login_count, 1);
}

async fn nobody_is_not_found(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let mut admin = door.serving.admin().await;
    let reason = |status: tonic::Status| crate::rpc::reason(&status);
    assert_eq!(reason(get(&mut admin, "idp_nobody").await.unwrap_err()), "USER_NOT_FOUND");
    let (user_id, why) = ("idp_nobody".to_owned(), String::new());
    let request = v1::DisableUserRequest { user_id: user_id.clone(), reason: why.clone(), ..Default::default() };
    assert_eq!(reason(admin.disable_user(by(Role::Admin, request)).await.unwrap_err()), "USER_NOT_FOUND");
    let request = v1::DeleteUserRequest { user_id, reason: why, ..Default::default() };
    assert_eq!(reason(admin.delete_user(by(Role::Admin, request)).await.unwrap_err()), "USER_NOT_FOUND");
    for wrong in ["", "x", "unknown_1"] {
        assert_eq!(reason(get(&mut admin, wrong).await.unwrap_err()), "INVALID_FIELD", "{wrong}");
    }
}

async fn users_outlive_a_change_of_secrets(kept: Kept) {
    let (put, mut ports) = (kept.ready().await, None);
    let world = World::built(
        &["idp"],
        |_| (),
        |own| {
            put(own);
            ports = Some(own.clone());
        },
    );
    let ports = ports.unwrap();
    for sub in ["ada", "bob"] {
        world.log_in(&mut Browser::default(), sub).await.result.unwrap();
    }
    let authority = |text: &str, former: &[&str]| {
        let ring = KeyRing::new(Secret::new(text), former.iter().map(|text| Secret::new(*text)));
        Authority::new(ports.clone(), Vault::new(&ring, &ring), crate::world::settings())
    };
    assert_eq!(authority("another ring", &["session ring"]).reseal_users().await.unwrap(), 2);
    let after = authority("another ring", &[]);
    assert!(after.get_user("idp_ada").await.is_ok() && after.get_user("idp_bob").await.is_ok());
    assert_eq!(after.reseal_users().await.unwrap(), 0);
}
