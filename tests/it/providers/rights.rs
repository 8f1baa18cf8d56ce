//! Owns the cases of what a provider says that a user may do: where it is looked for, and what is believed. Does not know
//! requirements.

use gatelodge::authority::provider::{IdentityProvider as _, RefreshRequest, Rights, UserInfoRequest};
use gatelodge::crypto::Secret;
use gatelodge::providers::oidc::Userinfo;
use gatelodge::providers::rights::RightsMapping;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{set, unset};
use crate::hostile::keys::{OTHER_RSA, RSA, Signer, b64};
use crate::hostile::{Answer, Endpoint, Hostile, NOW, SUB, reason_of};

fn texts(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// A provider whose realm roles and permissions are wanted.
async fn mapped() -> Hostile {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| {
        let rights = &mut settings.registration.rights;
        (rights.roles, rights.permissions, rights.is_wanted) =
            (texts("realm_access.roles"), texts("permissions"), true);
        settings.userinfo = Userinfo::WhenNeeded;
    });
    hostile
}

fn roles(roles: &[&str]) -> Value {
    json!({ "roles": roles })
}

/// An access token as Keycloak makes it.
fn access_token(hostile: &Hostile, change: impl FnOnce(&mut Value)) -> String {
    let client = hostile.settings().registration.client_id;
    let mut claims = json!({
        "iss": hostile.issuer(), "sub": SUB, "aud": "account", "azp": client, "typ": "Bearer", "jti": "1",
        "iat": NOW - 1, "exp": NOW + 60, "scope": "openid", "realm_access": roles(&["from-access"]),
    });
    change(&mut claims);
    signed(&claims, &RSA)
}

fn signed(claims: &Value, key: &Signer) -> String {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "rsa" });
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    format!("{input}.{}", b64(key.sign("RS256", input.as_bytes())))
}

fn brings(hostile: &Hostile, token: String) {
    hostile.token_body(set("access_token", token)).claims(unset("at_hash"));
}

async fn roles_at_login(hostile: &Hostile) -> Vec<String> {
    hostile.log_in().await.unwrap().identity.roles
}

#[tokio::test]
async fn the_id_token_goes_before_userinfo_which_is_asked_only_for_what_is_missing() {
    let hostile = mapped().await;
    hostile
        .userinfo(set("realm_access", roles(&["from-userinfo"])))
        .userinfo(set("permissions", "orders:read orders:write"));
    let identity = hostile.log_in().await.unwrap().identity;
    assert_eq!((identity.roles, identity.permissions), (texts("from-userinfo"), texts("orders:read orders:write")));
    hostile.claims(set("realm_access", roles(&["from-id"]))).claims(set("permissions", json!(["p"])));
    let asked = hostile.calls(Endpoint::Userinfo);
    assert_eq!(roles_at_login(&hostile).await, ["from-id"]);
    assert_eq!(hostile.calls(Endpoint::Userinfo), asked, "nothing was missing");
    // Paths that are only usual are worth no question.
    hostile.claims(unset("realm_access")).settings_with(|settings| settings.registration.rights.is_wanted = false);
    assert_eq!(roles_at_login(&hostile).await, [""; 0]);
    assert_eq!(hostile.calls(Endpoint::Userinfo), asked);
}

#[tokio::test]
async fn an_access_token_is_read_where_it_was_signed_for_us_about_the_same_user() {
    let hostile = mapped().await;
    hostile.settings_with(|settings| settings.userinfo = Userinfo::Never);
    brings(&hostile, access_token(&hostile, |_| ()));
    assert_eq!(roles_at_login(&hostile).await, [""; 0], "it is not read unless it may be");
    hostile.settings_with(|settings| settings.read_access_token = true);
    assert_eq!(roles_at_login(&hostile).await, ["from-access"]);
    let bent: [fn(&mut Value); 7] = [
        |claims| claims["azp"] = "another-client".into(),
        |claims| claims["sub"] = "user-2".into(),
        |claims| claims["iss"] = "https://evil.example".into(),
        |claims| claims["exp"] = (NOW - 3600).into(),
        |claims| claims["typ"] = "Refresh".into(),
        |claims| claims["nonce"] = "n".into(),
        |claims| drop(claims.as_object_mut().unwrap().remove("exp")),
    ];
    for (row, bend) in bent.into_iter().enumerate() {
        brings(&hostile, access_token(&hostile, bend));
        assert_eq!(roles_at_login(&hostile).await, [""; 0], "row {row}");
    }
    let claims = access_token(&hostile, |_| ());
    let payload = claims.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(
        &base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap(),
    )
    .unwrap();
    brings(&hostile, signed(&claims, &OTHER_RSA));
    assert_eq!(roles_at_login(&hostile).await, [""; 0], "signed by somebody else");
    brings(&hostile, "opaque".into());
    assert_eq!(roles_at_login(&hostile).await, [""; 0], "a login goes on without");
}

fn refresh_of(hostile: &Hostile) -> RefreshRequest {
    RefreshRequest {
        refresh_token: Secret::new("refresh-1"),
        issuer: hostile.issuer(),
        sub: SUB.to_owned(),
        auth_time: Some(Timestamp::from_secs(NOW - 5)),
        id_token: None,
        access_token: None,
        has_rights: true,
        now: Timestamp::from_secs(NOW),
    }
}

async fn refreshed(hostile: &Hostile, request: &RefreshRequest) -> Rights {
    hostile.provider().refresh(request).await.unwrap().rights
}

fn said(words: &str) -> Rights {
    Rights { scopes: Some(Vec::new()), roles: Some(texts(words)), permissions: Some(Vec::new()) }
}

#[tokio::test]
async fn a_refresh_says_what_is_so_now_and_keeps_what_nobody_speaks_of() {
    let hostile = mapped().await;
    let ask = async |has_rights| refreshed(&hostile, &RefreshRequest { has_rights, ..refresh_of(&hostile) }).await;
    hostile.claims(set("realm_access", roles(&["now"]))).claims(set("permissions", json!([])));
    assert_eq!(ask(true).await, said("now"));
    // Taken away: neither the tokens nor userinfo have any.
    hostile.claims(unset("realm_access")).claims(unset("permissions"));
    assert_eq!(ask(true).await, said(""));
    // What can't be asked for is no verdict.
    hostile.answers(Endpoint::Userinfo, Answer::json(503, "{}"));
    assert_eq!(ask(true).await, Rights::default());
    hostile.settings_with(|settings| settings.registration.rights.is_wanted = false);
    assert_eq!(ask(false).await, said(""), "who had none and is expected to have none is not asked about");
    hostile.settings_with(|settings| settings.registration.rights = RightsMapping::default());
    assert_eq!(ask(true).await, Rights::default(), "nothing is mapped");
}

#[tokio::test]
async fn a_refresh_takes_away_only_what_whoever_carried_it_carries_no_more() {
    let hostile = mapped().await;
    hostile.settings_with(|settings| settings.read_access_token = true);
    let none: fn(&mut Value) = |claims| drop(claims.as_object_mut().unwrap().remove("realm_access"));
    let (with, without) = (access_token(&hostile, |_| ()), access_token(&hostile, none));
    let had = RefreshRequest { access_token: Some(Secret::new(with.clone())), ..refresh_of(&hostile) };
    brings(&hostile, with.clone());
    assert_eq!(refreshed(&hostile, &had).await.roles, Some(texts("from-access")));
    brings(&hostile, without.clone());
    assert_eq!(refreshed(&hostile, &had).await.roles, Some(Vec::new()), "it is gone");
    brings(&hostile, "opaque".into());
    assert_eq!(refreshed(&hostile, &had).await.roles, None, "nobody can tell, whatever userinfo leaves out");

    // Trouble with the keys is no verdict either.
    brings(&hostile, without.clone());
    hostile.token_body(unset("id_token")).answers(Endpoint::Jwks, Answer::json(503, "{}"));
    assert_eq!(refreshed(&hostile, &had).await.roles, None);

    // What an ID token carried is taken away by another one alone; what none did was userinfo's.
    let hostile = mapped().await;
    hostile.token_body(unset("id_token"));
    let had = RefreshRequest { id_token: Some(Secret::new(with)), ..refresh_of(&hostile) };
    assert_eq!(refreshed(&hostile, &had).await.roles, None);
    let had = RefreshRequest { id_token: Some(Secret::new(without)), ..had };
    assert_eq!(refreshed(&hostile, &had).await.roles, Some(Vec::new()));
}

// security.md 84: never another user's token.
#[tokio::test]
async fn tokens_that_userinfo_shows_to_be_another_users_are_dropped() {
    let hostile = mapped().await;
    hostile.userinfo(set("sub", "user-2"));
    let refreshed = hostile.provider().refresh(&refresh_of(&hostile)).await;
    assert_eq!(reason_of(&refreshed.map_err(|not| not.error)), "userinfo.sub");
}

// security.md 48: what is signed goes before what is not, at whatever time it is asked.
#[tokio::test]
async fn userinfo_by_itself_says_nothing_of_what_the_tokens_say() {
    let hostile = mapped().await;
    hostile.userinfo(set("realm_access", roles(&["from-userinfo"])));
    let ask = async |id_token: Option<Secret>| {
        let identity = hostile.log_in().await.unwrap().identity;
        let access = hostile.log_in().await.unwrap().tokens.access.unwrap();
        let request = UserInfoRequest {
            access_token: &access,
            is_bound: false,
            id_token: id_token.as_ref(),
            identity: &identity,
            now: Timestamp::from_secs(NOW),
        };
        hostile.provider().user_info(&request).await.unwrap().rights
    };
    let id = hostile.log_in().await.unwrap().tokens.id;
    assert_eq!(ask(id).await.roles, Some(texts("from-userinfo")));
    hostile.claims(set("realm_access", roles(&["from-id"])));
    let id = hostile.log_in().await.unwrap().tokens.id;
    assert_eq!(ask(id).await, Rights::default());
}
