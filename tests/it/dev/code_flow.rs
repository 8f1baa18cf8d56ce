//! Owns what must hold of an authorization code flow with the development provider. Does not know the login page.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::world::{CALLBACK, CLIENT, VERIFIER, World, answer, claims, posting, redemption};

#[tokio::test]
async fn a_login_brings_back_code_state_and_issuer_and_the_code_brings_tokens() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get(&world.authorize_url(&[])).await;
    assert_eq!(page.status, 200);
    let back = browser.submit(&world, &page, "TestUser1@example.com ", "password123").await;
    assert!(back.location.as_ref().unwrap().starts_with(&format!("{CALLBACK}?code=")), "{back:?}");
    assert_eq!((back.status, back.returned("state")), (303, "the state".to_owned()));
    assert_eq!(back.returned("iss"), world.issuer);

    let answered = world.redeem(&back.returned("code")).await;
    assert_eq!(answered.headers["cache-control"], "no-store");
    let tokens = answered.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(300)));
    let id = claims(&tokens["id_token"]);
    let now = 1_700_000_000;
    let expected = json!({
        "iss": world.issuer, "sub": "testuser1", "aud": CLIENT.0, "nonce": "the nonce",
        "iat": now, "exp": now + 300, "auth_time": now, "amr": ["pwd"],
        "email": "testuser1@example.com", "email_verified": true, "given_name": "Tessa",
        "picture": format!("{}/avatars/testuser1.svg", world.issuer),
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&id[name], value, "{name}");
    }
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&digest(&SHA256, access.as_bytes()).as_ref()[..16]));
    assert_eq!(claims(&tokens["access_token"])["sid"], id["sid"]);

    let userinfo = world.userinfo(access).await.json();
    assert_eq!((&userinfo["sub"], &userinfo["name"]), (&json!("testuser1"), &json!("Tessa Usher")));
}

#[tokio::test]
async fn tokens_are_signed_by_the_published_key_and_carry_their_type() {
    let world = World::start().await;
    let metadata: Value =
        world.browser().get(&format!("{}/.well-known/openid-configuration", world.issuer)).await.json();
    assert_eq!(metadata["issuer"], world.issuer);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    let key = &world.browser().get(metadata["jwks_uri"].as_str().unwrap()).await.json()["keys"][0];
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let tokens = world.tokens().await;
    for (token, typ) in [("id_token", "JWT"), ("access_token", "at+jwt")] {
        let (signed, signature) = tokens[token].as_str().unwrap().rsplit_once('.').unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        let header = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({ "alg": "ES256", "typ": typ, "kid": key["kid"] }));
    }
}

#[tokio::test]
async fn a_wrong_verifier_spends_the_code() {
    let world = World::start().await;
    let code = world.browser().log_in(&world, &[]).await;
    let wrong = VERIFIER.replace('a', "b");
    assert_eq!(world.token(&redemption(&code, &wrong)).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(world.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_granted() {
    let world = World::start().await;
    let code = world.browser().log_in(&world, &[]).await;
    let tokens = world.redeem(&code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.userinfo(access).await.status, 200);
    assert_eq!(world.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(world.userinfo(access).await.status, 401);
    assert_eq!(world.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 400);
}

#[tokio::test]
async fn a_code_is_good_for_less_than_a_minute_and_for_its_own_redirect_uri() {
    let world = World::start().await;
    let code = world.browser().log_in(&world, &[]).await;
    world.pass(59);
    assert_eq!(world.redeem(&code).await.status, 200);
    let code = world.browser().log_in(&world, &[]).await;
    world.pass(60);
    assert_eq!(world.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
    let code = world.browser().log_in(&world, &[]).await;
    let mut elsewhere = redemption(&code, VERIFIER);
    elsewhere[2].1 = "http://localhost:8000/auth/web/callback/";
    assert_eq!(world.token(&elsewhere).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn an_unknown_client_or_place_gets_a_page_and_no_redirect() {
    let world = World::start().await;
    let slash = format!("{CALLBACK}/");
    for change in [
        ("redirect_uri", slash.as_str()),
        ("redirect_uri", "http://evil.example/auth/web/callback"),
        ("redirect_uri", "http://localhost:8000/auth/web/callback?next=1"),
        ("redirect_uri", ""),
        ("client_id", "somebody else"),
        ("client_id", ""),
    ] {
        let page = world.browser().get(&world.authorize_url(&[change])).await;
        assert_eq!((page.status, page.location.as_ref()), (400, None), "{change:?}");
        assert!(page.body.contains(r#"role="alert""#), "{change:?}");
    }
    let doubled = format!("{}&state=other", world.authorize_url(&[]));
    assert_eq!(world.browser().get(&doubled).await.status, 400);
}

#[tokio::test]
async fn a_request_that_breaks_the_rules_goes_back_with_an_error() {
    let world = World::start().await;
    for (change, error) in [
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("scope", "email"), "invalid_scope"),
        (("max_age", "soon"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("request", "eyJ"), "request_not_supported"),
        (("request_uri", "http://a"), "request_uri_not_supported"),
    ] {
        let back = world.browser().get(&world.authorize_url(&[change])).await;
        assert_eq!(back.returned("error"), error, "{change:?}");
        assert_eq!((back.returned("state"), back.returned("iss")), ("the state".to_owned(), world.issuer.clone()));
    }
}

#[tokio::test]
async fn only_the_client_itself_gets_tokens() {
    let world = World::start().await;
    let url = format!("{}/token", world.issuer);
    let with = |more: &[(&'static str, &'static str)]| {
        let parameters = [&[("grant_type", "refresh_token"), ("refresh_token", "x")], more].concat();
        answer(posting(world.client.post(&url), &parameters))
    };
    let by_post = with(&[("client_id", CLIENT.0), ("client_secret", CLIENT.1)]).await;
    assert_eq!(by_post.error(), (400, "invalid_grant".to_owned()));
    for wrong in [
        &[][..],
        &[("client_id", CLIENT.0)],
        &[("client_id", CLIENT.0), ("client_secret", "wrong")],
        &[("client_id", "other"), ("client_secret", CLIENT.1)],
    ] {
        let refused = with(wrong).await;
        assert_eq!(refused.error(), (401, "invalid_client".to_owned()), "{wrong:?}");
        assert!(refused.headers["www-authenticate"].starts_with("Basic"));
    }
    let twice = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_secret", CLIENT.1)];
    assert_eq!(world.token(&twice).await.error(), (400, "invalid_request".to_owned()));
    assert_eq!(world.token(&[("grant_type", "password")]).await.error(), (400, "unsupported_grant_type".to_owned()));
}
