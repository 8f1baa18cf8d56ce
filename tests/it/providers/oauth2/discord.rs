//! Owns what must hold of logins with Discord. Does not know another provider.

use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::providers::oauth2::OAuth2Settings;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{Fake, NOW, TOKEN, form, log_in, provider};

const ACCESS: &str = "/api/oauth2/token";
const USER: &str = "/api/users/@me";

fn user() -> Value {
    json!({
        "id": "80351110224678912", "username": "nelly", "discriminator": "0", "global_name": "Nelly",
        "avatar": "8342729096ea3675442027381ff50dfe", "verified": true, "email": "nelly@example.com", "mfa_enabled": false,
    })
}

async fn discord(user: Value) -> (Fake, OAuth2Settings) {
    let fake = Fake::start().await;
    let tokens = json!({
        "access_token": TOKEN, "token_type": "Bearer", "expires_in": 604_800, "refresh_token": "refresh-CANARY",
        "scope": "identify email",
    });
    fake.at(ACCESS, 200, tokens).at(USER, 200, user);
    let settings = OAuth2Settings::discord(fake.registration("discord", &["identify", "email"]));
    (fake, settings)
}

#[tokio::test]
async fn a_login_brings_the_snowflake_the_name_and_the_picture() {
    let (_fake, settings) = discord(user()).await;
    let grant = log_in(settings).await.unwrap();
    let identity = grant.identity;
    assert_eq!(identity.user_id, "discord_80351110224678912");
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("nelly@example.com"), true));
    assert_eq!(identity.name.as_deref(), Some("Nelly"));
    let picture = "https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png";
    assert_eq!(identity.picture.as_deref(), Some(picture));
    assert_eq!(identity.scopes, ["identify", "email"]);
    assert!(grant.tokens.refresh.is_some() && grant.tokens.access_end.is_some());
}

#[tokio::test]
async fn who_has_no_display_name_goes_by_the_username_and_who_has_no_picture_has_none() {
    let mut plain = user();
    (plain["global_name"], plain["avatar"], plain["verified"]) = (json!(null), json!(null), json!(false));
    let (_fake, settings) = discord(plain).await;
    let identity = log_in(settings).await.unwrap().identity;
    assert_eq!((identity.name.as_deref(), identity.picture), (Some("nelly"), None));
    assert!(!identity.email_verified, "an address that nobody has confirmed");
}

#[tokio::test]
async fn a_picture_that_would_lead_elsewhere_is_left_out() {
    for avatar in ["../../x", "a?b", "a/b", "", "ä"] {
        let mut odd = user();
        odd["avatar"] = json!(avatar);
        let (_fake, settings) = discord(odd).await;
        assert_eq!(log_in(settings).await.unwrap().identity.picture, None, "{avatar}");
    }
}

#[tokio::test]
async fn a_logout_revokes_the_token() {
    let (fake, settings) = discord(user()).await;
    fake.at("/api/oauth2/token/revoke", 200, json!({}));
    provider(settings).revoke(&Secret::new("refresh-CANARY"), Timestamp::from_secs(NOW)).await.unwrap();
    let asked = fake.asked("/api/oauth2/token/revoke");
    assert_eq!((asked.len(), form(&asked[0])["token"].as_str()), (1, "refresh-CANARY"));
}
