//! Owns what must hold of logins with GitHub. Does not know another provider.

use gatelodge::authority::provider::{IdentityProvider as _, Offer, ProviderError, UserInfoRequest};
use gatelodge::crypto::Secret;
use gatelodge::providers::oauth2::OAuth2Settings;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{CALLBACK, CODE, Fake, NOW, TOKEN, VERIFIER, form, log_in, provider, redemption, request};
use crate::hostile::reason_of;

const ACCESS: &str = "/login/oauth/access_token";
const USER: &str = "/api/v3/user";
const EMAILS: &str = "/api/v3/user/emails";

/// As GitHub answers for an account that shows no address, no company and no place.
fn user() -> Value {
    json!({
        "login": "octocat", "id": 583_231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User", "site_admin": false,
        "avatar_url": "https://avatars.githubusercontent.com/u/583231?v=4", "name": "The Octocat", "company": null,
        "location": null, "email": null, "two_factor_authentication": true,
    })
}

async fn github() -> (Fake, OAuth2Settings) {
    let fake = Fake::start().await;
    fake.at(ACCESS, 200, json!({ "access_token": TOKEN, "scope": "read:user,user:email", "token_type": "bearer" }))
        .at(USER, 200, user())
        .at(
            EMAILS,
            200,
            json!([
                { "email": "octocat@users.noreply.github.com", "primary": false, "verified": true, "visibility": null },
                { "email": "octo@example.com", "primary": true, "verified": true, "visibility": "private" },
            ]),
        );
    let mut registration = fake.registration("github", &["read:user", "user:email"]);
    registration.claims = ["login", "company", "location"].map(str::to_owned).into();
    let settings = OAuth2Settings::github(registration);
    (fake, settings)
}

#[tokio::test]
async fn a_login_brings_the_number_the_verified_address_and_what_may_be_missing() {
    let (fake, settings) = github().await;
    let grant = log_in(settings).await.unwrap();
    let identity = &grant.identity;
    assert_eq!((identity.user_id.as_str(), identity.sub.as_str()), ("github_583231", "583231"), "never the login");
    assert_eq!(identity.issuer, fake.origin);
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("octo@example.com"), true));
    assert_eq!(identity.name.as_deref(), Some("The Octocat"));
    assert_eq!(identity.picture.as_deref(), Some("https://avatars.githubusercontent.com/u/583231?v=4"));
    assert_eq!(Value::from(identity.claims.clone()), json!({ "login": "octocat", "company": null, "location": null }));
    assert_eq!(identity.scopes, ["read:user", "user:email"], "commas part them");
    assert_eq!(grant.tokens.access.unwrap().expose(), TOKEN);
    assert!(grant.tokens.id.is_none() && grant.tokens.access_end.is_none());

    let asked = fake.asked(ACCESS);
    assert_eq!(asked.len(), 1, "the code is sent once");
    let (sent, header) = (form(&asked[0]), |name: &str| asked[0].headers[name].to_str().unwrap().to_owned());
    assert_eq!(
        (sent["code"].as_str(), sent["code_verifier"].as_str(), sent["redirect_uri"].as_str()),
        (CODE, VERIFIER, CALLBACK)
    );
    assert_eq!(sent["client_id"], "the client");
    assert!(
        header("accept") == "application/json" && header("user-agent").starts_with("gatelodge/"),
        "else 403, or a form"
    );
    assert_eq!(fake.asked(USER)[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn the_browser_is_sent_with_pkce_and_no_openid_parameters() {
    let (fake, settings) = github().await;
    let url = provider(settings).authorization_url(&request()).await.unwrap();
    let url = url::Url::parse(&url).unwrap();
    assert_eq!((url.origin().ascii_serialization(), url.path()), (fake.origin.clone(), "/login/oauth/authorize"));
    let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(
        names,
        ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"]
    );
    assert!(url.query_pairs().any(|pair| pair == ("scope".into(), "read:user user:email".into())));
}

// GitHub writes errors under the status 200, with names of its own.
#[tokio::test]
async fn errors_that_come_as_a_success_are_errors() {
    for (error, reason) in [
        ("bad_verification_code", "invalid_grant"),
        ("incorrect_client_credentials", "failed"),
        ("redirect_uri_mismatch", "failed"),
        ("unverified_user_email", "failed"),
        ("temporarily_unavailable", "unavailable"),
    ] {
        let (fake, settings) = github().await;
        fake.at(ACCESS, 200, json!({ "error": error, "error_description": "CANARY", "error_uri": "/developers" }));
        let outcome = log_in(settings).await;
        assert_eq!(reason_of(&outcome), reason, "{error}");
        assert!(!format!("{outcome:?}").contains("CANARY"), "what a provider writes is shown to nobody");
        assert!(fake.asked(USER).is_empty());
    }
}

#[tokio::test]
async fn an_address_counts_only_when_it_is_primary_and_verified() {
    let of = |primary, verified| json!([{ "email": "octo@example.com", "primary": primary, "verified": verified }]);
    for list in [of(true, false), of(false, true), json!([]), json!(["octo@example.com"]), json!([{ "primary": true }])]
    {
        let (fake, settings) = github().await;
        // The address that an account shows to everybody is whatever its owner has written there.
        let mut shown = user();
        shown["email"] = json!("ceo@example.com");
        fake.at(USER, 200, shown).at(EMAILS, 200, list.clone());
        let identity = log_in(settings).await.unwrap().identity;
        assert_eq!((identity.email, identity.email_verified), (None, false), "{list}");
    }
}

#[tokio::test]
async fn whoever_takes_the_email_scope_away_still_logs_in() {
    let (fake, settings) = github().await;
    fake.at(ACCESS, 200, json!({ "access_token": TOKEN, "scope": "", "token_type": "bearer" }));
    let identity = log_in(settings).await.unwrap().identity;
    assert_eq!((identity.email, identity.scopes), (None, Vec::new()));
    assert!(fake.asked(EMAILS).is_empty());
}

#[tokio::test]
async fn an_answer_that_names_nobody_is_refused() {
    for id in [json!(null), json!(""), json!(-1), json!(1.5), json!("a\u{0}b"), json!("x".repeat(256)), json!({})] {
        let (fake, settings) = github().await;
        let mut nobody = user();
        nobody["id"] = id.clone();
        fake.at(USER, 200, nobody);
        assert_eq!(reason_of(&log_in(settings).await), "profile.sub", "{id}");
    }
}

// security.md 13, 14: GitHub names itself "<base>/login/oauth" (RFC 9207); a foreign name sends no code anywhere.
#[tokio::test]
async fn a_response_of_another_issuer_sends_no_code() {
    for (issuer, good) in [("/login/oauth", true), ("", false), ("/login/oauth/", false)] {
        let (fake, settings) = github().await;
        let mut redemption = redemption();
        redemption.response_issuer = Some(format!("{}{issuer}", fake.origin));
        let outcome = provider(settings).redeem(&redemption).await;
        assert_eq!(reason_of(&outcome), if good { "accepted" } else { "response.iss" }, "{issuer}");
        assert_eq!(fake.asked(ACCESS).len(), usize::from(good));
    }
}

// What can't be verified is not promised: nothing that GitHub answers says when the user authenticated.
#[tokio::test]
async fn a_login_of_a_certain_age_is_refused_before_the_browser_leaves() {
    let (fake, settings) = github().await;
    let mut request = request();
    request.max_age = Some(std::time::Duration::from_mins(1));
    let refused = provider(settings).authorization_url(&request).await;
    assert!(matches!(refused, Err(ProviderError::Unsupported(Offer::LoginAge))), "{refused:?}");
    assert!(fake.asked(ACCESS).is_empty());
}

#[tokio::test]
async fn user_info_is_asked_again_and_never_of_another_user() {
    let (fake, settings) = github().await;
    let provider = provider(settings);
    let identity = provider.redeem(&redemption()).await.unwrap().identity;
    let mut renamed = user();
    (renamed["name"], renamed["login"]) = (json!(null), json!("octodog"));
    fake.at(USER, 200, renamed.clone());
    let access = Secret::new(TOKEN);
    let request = UserInfoRequest {
        access_token: &access,
        is_bound: false,
        id_token: None,
        identity: &identity,
        now: Timestamp::from_secs(NOW),
    };
    let now = provider.user_info(&request).await.unwrap().identity;
    assert_eq!((now.name, &now.claims["login"], now.sub.as_str()), (None, &json!("octodog"), "583231"));
    renamed["id"] = json!(1);
    fake.at(USER, 200, renamed);
    let other = provider.user_info(&request).await;
    assert!(matches!(other, Err(ProviderError::Rejected("profile.sub"))), "{other:?}");
    fake.at(USER, 401, json!({ "message": "Bad credentials" }));
    let revoked = provider.user_info(&request).await;
    assert!(matches!(revoked, Err(ProviderError::InvalidGrant(_))), "{revoked:?}");
}

#[tokio::test]
async fn trouble_of_the_api_is_trouble_and_no_verdict() {
    for (path, status, reason) in [(USER, 503, "unavailable"), (EMAILS, 502, "unavailable"), (USER, 404, "failed")] {
        let (fake, settings) = github().await;
        fake.at(path, status, json!({ "message": "CANARY" }));
        assert_eq!(reason_of(&log_in(settings).await), reason, "{path} {status}");
    }
}
