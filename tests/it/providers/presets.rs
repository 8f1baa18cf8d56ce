//! Shows logins with the presets that speak OpenID Connect as it stands, from configuration to edge, at fakes that answer as the
//! real ones do, with what is odd about each. Apple, GitHub and Discord have files of their own, what a
//! directory may be is in `good`. Does not know what a preset fills in.

use gatelodge::app::world::SystemClock;
use gatelodge::authority::ports::Clock as _;
use serde_json::{Value, json};

use super::{set, unset};
use crate::hostile::keys::{RSA, b64};
use crate::hostile::{CLIENT_ID, CLIENT_SECRET, Endpoint, Hostile};
use crate::logins::journey_parameter as parameter;
use crate::reload::served::{Served, hostile};
use crate::world::Browser;

/// What none of them has, beside what is taken away where it is tried.
async fn fake(lacks: &[&'static str], claims_it_lacks: &[&'static str]) -> Hostile {
    let hostile = hostile().await;
    for name in ["pushed_authorization_request_endpoint", "authorization_response_iss_parameter_supported"] {
        hostile.metadata(unset(name));
    }
    for name in lacks {
        hostile.metadata(unset(name));
    }
    for name in claims_it_lacks {
        hostile.claims(unset(name));
    }
    hostile.metadata(set("id_token_signing_alg_values_supported", json!(["RS256"])));
    hostile
}

/// What has the provider `name`, whose entry has these lines.
async fn served(name: &str, issuer: &str, more: &str) -> Served {
    let configuration = format!(
        "oidc: {{ providers: {{ {name}: {{ issuer: '{issuer}', client_id: {CLIENT_ID}, \
         client_secret: '{CLIENT_SECRET}'{more} }} }} }}\napp: {{ redirects: {{ public_base_url: BASE }} }}\n"
    );
    Served::with(&configuration, None).await
}

/// Somebody logs in at `name`, whose entry has these lines: who the edge says that they are.
async fn user(name: &str, issuer: &str, more: &str, hostile: &Hostile, bring: fn(&str) -> String) -> Value {
    let served = served(name, issuer, more).await;
    let browser = served.log_in_bringing(name, hostile, bring).await;
    let answer = served.get(&browser, "/auth/web/userinfo").await;
    assert_eq!(answer.status().as_u16(), 200);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The callback's query without the issuer (RFC 9207), which these do not send.
fn without_issuer(query: &str) -> String {
    query.split('&').filter(|pair| !pair.starts_with("iss=")).collect::<Vec<_>>().join("&")
}

/// An access token that is a JWT.
fn access_token(claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": RSA.kid });
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    format!("{input}.{}", b64(RSA.sign("RS256", input.as_bytes())))
}

fn now() -> u64 {
    SystemClock.now().as_secs()
}

// No refresh token without access_type=offline, scopes by their addresses, and a callback with more than was asked for.
#[tokio::test]
async fn google_is_asked_for_what_it_knows_and_answers_with_more() {
    let hostile = fake(&["end_session_endpoint", "introspection_endpoint"], &["auth_time", "acr", "amr", "sid"]).await;
    let scopes = "openid https://www.googleapis.com/auth/userinfo.profile \
                  https://www.googleapis.com/auth/userinfo.email";
    hostile
        .metadata(set("code_challenge_methods_supported", json!(["plain", "S256"])))
        .metadata(set("token_endpoint_auth_methods_supported", json!(["client_secret_post", "client_secret_basic"])))
        .token_body(unset("refresh_token"))
        .token_body(set("scope", scopes))
        .claims(set("sub", "110169484474386276334"))
        .claims(set("azp", CLIENT_ID))
        .claims(set("hd", "example.com"));
    let bring = |query: &str| {
        format!(
            "{query}&scope=email+profile+openid+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email&authuser=0&hd=example.com&prompt=consent"
        )
    };
    let who = user("google", &hostile.issuer(), ", claims: [hd]", &hostile, bring).await;
    assert_eq!((&who["user_id"], &who["provider"]), (&json!("google_110169484474386276334"), &json!("google")));
    assert_eq!((&who["email"], &who["email_verified"]), (&json!("alice@example.com"), &json!(true)));
    assert_eq!((&who["claims"], &who["roles"]), (&json!({ "hd": "example.com" }), &json!([])));
    let asked = hostile.received(Endpoint::Authorize).pop().unwrap().form;
    assert_eq!(parameter(&asked, "scope").as_deref(), Some("openid email profile"));
    assert_eq!(parameter(&asked, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(hostile.calls(Endpoint::Userinfo), 0, "all of it is in the ID token");
}

// Its ID tokens are thin beside an access token: address and name are userinfo's. Groups, where it is told to, are in them.
#[tokio::test]
async fn okta_tells_the_address_by_userinfo_and_roles_by_groups() {
    let hostile = fake(&[], &["email", "email_verified", "name", "picture", "sid", "acr"]).await;
    let methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    hostile
        .metadata(set("token_endpoint_auth_methods_supported", json!(methods)))
        .claims(set("sub", "00uid4BxXw6I6TV4m0g3"))
        .claims(set("ver", 1))
        .claims(set("idp", "00o1n8sbwArJ7OQRw406"))
        .claims(set("preferred_username", "ada@example.com"))
        .claims(set("groups", json!(["Everyone", "editors"])))
        .userinfo(set("sub", "00uid4BxXw6I6TV4m0g3"))
        .userinfo(set("email", "ada@example.com"))
        .userinfo(set("email_verified", true))
        .userinfo(set("zoneinfo", "America/Los_Angeles"))
        .userinfo(set("updated_at", 1_311_280_970));
    let who = user("okta", &hostile.issuer(), "", &hostile, without_issuer).await;
    assert_eq!(who["user_id"], json!("okta_00uid4BxXw6I6TV4m0g3"));
    assert_eq!((&who["email"], &who["email_verified"]), (&json!("ada@example.com"), &json!(true)));
    assert_eq!((&who["name"], &who["roles"]), (&json!("Userinfo Name"), &json!(["Everyone", "editors"])));
    assert_eq!(hostile.calls(Endpoint::Userinfo), 1);
}

// An issuer that ends in a slash, subjects with a `|`, times as text, claims whose names are addresses; permissions stand in the
// access token of an API, whose audience is the API's.
#[tokio::test]
async fn auth0_writes_its_issuer_with_a_slash_and_permissions_into_the_access_token() {
    let hostile = fake(&["introspection_endpoint"], &["at_hash", "auth_time", "acr", "amr"]).await;
    let issuer = format!("{}/", hostile.issuer());
    let sub = "auth0|64f1c0ffee5eed0042";
    let token = access_token(&json!({
        "iss": issuer, "sub": sub, "aud": ["https://api.example", format!("{issuer}userinfo")], "azp": CLIENT_ID,
        "iat": now() - 1, "exp": now() + 86_400, "scope": "openid profile email",
        "permissions": ["orders:read", "orders:write"],
    }));
    hostile
        .metadata(set("issuer", issuer.clone()))
        .claims(set("iss", issuer.clone()))
        .claims(set("sub", sub))
        .claims(set("nickname", "ada"))
        .claims(set("updated_at", "2026-11-23T20:00:00.000Z"))
        .claims(set("https://example.com/roles", json!(["editor"])))
        .token_body(set("access_token", token))
        .token_body(set("expires_in", 86_400));
    let more = ", roles_claims: ['https://example.com/roles']";
    let who = user("auth0", &issuer, more, &hostile, without_issuer).await;
    assert_eq!((&who["user_id"], &who["sub"]), (&json!(format!("auth0_{sub}")), &json!(sub)));
    assert_eq!((&who["roles"], &who["permissions"]), (&json!(["editor"]), &json!(["orders:read", "orders:write"])));
}

// ID tokens that are good for two minutes, an answer with more members than there are, numbers as subjects, groups as paths.
#[tokio::test]
async fn gitlab_says_which_groups_are_the_users_own() {
    let hostile = fake(&["pushed_authorization_request_endpoint"], &["at_hash", "acr", "amr", "sid"]).await;
    hostile
        .claims(set("sub", "4711"))
        .claims(set("sub_legacy", "1e6b63b8c9cd5f2b2f1d8a2b"))
        .claims(set("exp", now() + 120))
        .claims(set("groups_direct", json!(["shop", "shop/backend"])))
        .token_body(set("created_at", now()))
        .token_body(set("token_type", "Bearer"));
    let who = user("gitlab", &hostile.issuer(), ", claims: [groups_direct]", &hostile, without_issuer).await;
    assert_eq!((&who["user_id"], &who["email"]), (&json!("gitlab_4711"), &json!("alice@example.com")));
    assert_eq!(who["claims"], json!({ "groups_direct": ["shop", "shop/backend"] }));
}

// Roles stand in the access token, which is for another audience; the ID token has none.
#[tokio::test]
async fn keycloak_has_its_roles_in_the_access_token() {
    let hostile = fake(&[], &["at_hash"]).await;
    let (issuer, sub) = (hostile.issuer(), "f:0b1c:ada");
    let token = access_token(&json!({
        "iss": issuer, "sub": sub, "aud": "account", "azp": CLIENT_ID, "typ": "Bearer", "jti": "1", "iat": now() - 1,
        "exp": now() + 300, "acr": "1", "scope": "openid email profile", "sid": "op-session",
        "realm_access": { "roles": ["offline_access", "editor"] },
        "resource_access": { "account": { "roles": ["view-profile"] } },
    }));
    hostile
        .claims(set("sub", sub))
        .claims(set("typ", "ID"))
        .claims(set("acr", "1"))
        .claims(set("preferred_username", "ada"))
        .token_body(set("access_token", token))
        .token_body(set("refresh_expires_in", 1800))
        .token_body(set("not-before-policy", 0))
        .token_body(set("session_state", "op-session"));
    let bring = |query: &str| format!("{query}&session_state=op-session");
    let who = user("keycloak", &issuer, "", &hostile, bring).await;
    assert_eq!((&who["sub"], &who["roles"]), (&json!(sub), &json!(["offline_access", "editor"])));
}

/// Microsoft's fake: its metadata are under `issuer`, its tokens are the directory's.
async fn microsoft(issuer: fn(&str) -> String) -> (Hostile, String) {
    let lacks = ["code_challenge_methods_supported", "introspection_endpoint", "revocation_endpoint"];
    let hostile = fake(&lacks, &["email_verified", "auth_time", "at_hash", "acr", "amr", "sid"]).await;
    let issuer = issuer(&hostile.issuer());
    let methods = ["client_secret_post", "private_key_jwt", "client_secret_basic"];
    hostile
        .metadata(set("issuer", issuer.clone()))
        .metadata(set("tenant_region_scope", Value::Null))
        .metadata(set("token_endpoint_auth_methods_supported", json!(methods)))
        .token_body(set("ext_expires_in", 3599))
        .token_body(set("scope", "User.Read profile openid email"))
        .claims(set("sub", "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"))
        .claims(set("oid", "00000000-0000-0000-66f3-3332eca7ea81"))
        .claims(set("preferred_username", "ada@contoso.example"))
        .claims(set("roles", json!(["Orders.Write"])))
        .claims(set("ver", "2.0"));
    (hostile, issuer)
}

/// From now on whoever logs in is of this directory.
fn of_directory(hostile: &Hostile, tid: &str) {
    hostile.claims(set("tid", tid)).claims(set("iss", format!("{}/{tid}/v2.0", hostile.issuer())));
}

/// The callback's query as Microsoft's, which tells of its own session.
fn with_session_state(query: &str) -> String {
    format!("{}&session_state=b5f1c0de-0000-4000-8000-000000000001", without_issuer(query))
}

const OURS: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

// An address that nobody has verified, roles of the application, and a subject that is known by its directory alone.
#[tokio::test]
async fn microsoft_of_one_directory_lets_in_whoever_is_of_it() {
    let (hostile, issuer) = microsoft(|origin| format!("{origin}/{OURS}/v2.0")).await;
    of_directory(&hostile, OURS);
    let who = user("microsoft", &issuer, "", &hostile, with_session_state).await;
    assert_eq!(who["user_id"], json!("microsoft_AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"));
    assert_eq!((&who["email"], &who["email_verified"]), (&json!("alice@example.com"), &json!(false)));
    assert_eq!(who["roles"], json!(["Orders.Write"]));
    of_directory(&hostile, PERSONAL);
    assert_eq!(refused("microsoft", &issuer, "", &hostile).await, "id_token.iss");
}

// security.md 104: of all that the issuer stands for, those directories are let in that are named; all of them where none is.
#[tokio::test]
async fn microsoft_of_many_directories_lets_in_those_that_are_named() {
    let (hostile, issuer) = microsoft(|origin| format!("{origin}/{{tenantid}}/v2.0")).await;
    let named = format!(", directories: [{OURS}]");
    for more in ["", &named] {
        of_directory(&hostile, OURS);
        let who = user("microsoft", &issuer, more, &hostile, with_session_state).await;
        assert_eq!(who["user_id"], json!(format!("microsoft_{OURS}_AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ")));
    }
    of_directory(&hostile, PERSONAL);
    let who = user("microsoft", &issuer, "", &hostile, with_session_state).await;
    assert!(who["user_id"].as_str().unwrap().contains(PERSONAL), "{who}");
    assert_eq!(refused("microsoft", &issuer, &named, &hostile).await, "id_token.directory");
    hostile.claims(set("iss", format!("{}/{OURS}/v2.0", hostile.issuer())));
    assert_eq!(refused("microsoft", &issuer, "", &hostile).await, "id_token.iss", "one directory's word for another");
}

/// Somebody comes back from `name` and is not let in: the check that was not passed, as an operator is told.
async fn refused(name: &str, issuer: &str, more: &str, hostile: &Hostile) -> String {
    let served = served(name, issuer, more).await;
    let mut browser = Browser::default();
    let (status, to) = served.begin(&mut browser, name).await;
    assert_eq!(status, 302, "{to}");
    let back = hostile.visit(&to).unwrap();
    let query = with_session_state(back.query().unwrap());
    let answer = served.get(&browser, &format!("{}?{query}", back.path())).await;
    assert!(!answer.headers().contains_key("location") || answer.status() != 200, "{answer:?}");
    assert_eq!(served.me(&browser).await, 401);
    let said = served.lines("id_token.").concat();
    let check = said.find("id_token.").map(|at| &said[at..]).unwrap();
    check.split(|c: char| c != '.' && c != '_' && !c.is_alphanumeric()).next().unwrap().to_owned()
}
