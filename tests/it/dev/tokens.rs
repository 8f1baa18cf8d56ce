//! Owns what must hold of refresh, userinfo and revocation at the development provider. Does not know logins.

use serde_json::Value;

use super::world::{World, claims};

fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap()
}

fn access_token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_refresh_brings_a_new_refresh_token_and_an_id_token_of_the_same_login_without_nonce() {
    let world = World::start().await;
    let first = world.tokens().await;
    world.pass(100);
    let second = world.refresh(refresh_token(&first)).await.json();
    assert_ne!(refresh_token(&first), refresh_token(&second));
    let (before, after) = (claims(&first["id_token"]), claims(&second["id_token"]));
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(after["iat"].as_u64(), Some(1_700_000_100));
    assert_eq!(after.get("nonce"), None);
    assert_eq!(world.refresh(refresh_token(&second)).await.status, 200);
}

// RFC 9700, 4.14.2.
#[tokio::test]
async fn a_spent_refresh_token_ends_the_grant() {
    let world = World::start().await;
    let first = world.tokens().await;
    let second = world.refresh(refresh_token(&first)).await.json();
    assert_eq!(world.refresh(refresh_token(&first)).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(world.refresh(refresh_token(&second)).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(world.userinfo(access_token(&second)).await.status, 401);
}

#[tokio::test]
async fn of_many_refreshes_at_once_with_one_token_exactly_one_wins() {
    let world = World::start().await;
    let first = world.tokens().await;
    let tries = futures::future::join_all((0..20).map(|_| world.refresh(refresh_token(&first)))).await;
    assert_eq!(tries.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_and_never_widen_it() {
    let world = World::start().await;
    let first = world.tokens().await;
    let asking = |scope| [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&first)), ("scope", scope)];
    let narrowed = world.token(&asking("openid email")).await.json();
    assert_eq!(narrowed["scope"], "openid email");
    assert_eq!(claims(&narrowed["id_token"]).get("name"), None);
    assert_eq!(world.userinfo(access_token(&narrowed)).await.json().get("name"), None);
    let second = world.tokens().await;
    let widened = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&second)), ("scope", "all")];
    assert_eq!(world.token(&widened).await.error(), (400, "invalid_scope".to_owned()));
}

#[tokio::test]
async fn an_access_token_ends_after_five_minutes_and_an_id_token_is_none() {
    let world = World::start().await;
    let tokens = world.tokens().await;
    assert_eq!(world.userinfo(tokens["id_token"].as_str().unwrap()).await.status, 401);
    world.pass(299);
    assert_eq!(world.userinfo(access_token(&tokens)).await.status, 200);
    world.pass(1);
    let late = world.userinfo(access_token(&tokens)).await;
    assert_eq!((late.status, late.headers["www-authenticate"].contains("invalid_token")), (401, true));
}

// RFC 7009.
#[tokio::test]
async fn revoking_a_refresh_token_ends_the_grant_and_revoking_an_access_token_ends_it_alone() {
    let world = World::start().await;
    let tokens = world.tokens().await;
    assert_eq!(world.post_as_client("/revoke", &[("token", access_token(&tokens))]).await.status, 200);
    assert_eq!(world.userinfo(access_token(&tokens)).await.status, 401);
    let next = world.refresh(refresh_token(&tokens)).await.json();
    assert_eq!(world.post_as_client("/revoke", &[("token", refresh_token(&next))]).await.status, 200);
    assert_eq!(world.userinfo(access_token(&next)).await.status, 401);
    assert_eq!(world.refresh(refresh_token(&next)).await.status, 400);
    assert_eq!(world.post_as_client("/revoke", &[("token", "never seen")]).await.status, 200);
}

#[tokio::test]
async fn nobody_but_the_client_revokes() {
    let world = World::start().await;
    let tokens = world.tokens().await;
    let url = format!("{}/revoke", world.issuer);
    assert_eq!(world.browser().post(&url, &[("token", refresh_token(&tokens))]).await.status, 401);
    assert_eq!(world.refresh(refresh_token(&tokens)).await.status, 200);
}
