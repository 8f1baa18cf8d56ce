//! Owns what must hold when somebody is, or is not, logged in at the development provider already.
//! Does not know the login page.

use super::world::{USER, World, claims};

#[tokio::test]
async fn whoever_is_logged_in_goes_straight_back_as_the_same_login() {
    let world = World::start().await;
    let mut browser = world.browser();
    let first = browser.log_in(&world, &[]).await;
    let first = claims(&world.redeem(&first).await.json()["id_token"]);
    world.pass(1000);
    for changes in [&[][..], &[("prompt", "none")]] {
        let back = browser.get(&world.authorize_url(changes)).await;
        let second = claims(&world.redeem(&back.returned("code")).await.json()["id_token"]);
        assert_eq!((&first["sid"], &first["auth_time"]), (&second["sid"], &second["auth_time"]));
        assert_eq!(second["iat"].as_u64(), Some(1_700_001_000));
    }
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let world = World::start().await;
    let mut browser = world.browser();
    let silent = world.authorize_url(&[("prompt", "none")]);
    let back = browser.get(&silent).await;
    assert_eq!((back.returned("error"), back.returned("code")), ("login_required".to_owned(), String::new()));
    browser.log_in(&world, &[]).await;
    world.pass(61);
    let too_old = browser.get(&world.authorize_url(&[("prompt", "none"), ("max_age", "60")])).await;
    assert_eq!(too_old.returned("error"), "login_required");
    world.pass(12 * 3600);
    assert_eq!(browser.get(&silent).await.returned("error"), "login_required");
}

#[tokio::test]
async fn prompt_login_and_an_old_login_ask_for_the_password_again() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.log_in(&world, &[]).await;
    world.pass(30);
    assert_eq!(browser.get(&world.authorize_url(&[("max_age", "60")])).await.status, 303);
    for change in [("prompt", "login"), ("max_age", "30"), ("max_age", "0")] {
        let page = browser.get(&world.authorize_url(&[change])).await;
        assert_eq!(page.status, 200, "{change:?}");
        assert!(page.body.contains(&format!(r#"value="{USER}""#)), "the name is not filled in");
    }
    let code = browser.log_in(&world, &[("max_age", "0")]).await;
    let id = claims(&world.redeem(&code).await.json()["id_token"]);
    assert_eq!(id["auth_time"].as_u64(), Some(1_700_000_030));
}
