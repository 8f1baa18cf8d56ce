//! Owns what must hold of the development provider's login page. Does not know tokens.

use super::world::{Answer, Browser, PASSWORD, USER, World, answer};

const HOSTILE: &str = r#""><script>alert('1')</script>&"#;
const HARMLESS: &str = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;";

/// Types something wrong, and follows to the page that says so. To reload it sends nothing again.
async fn refused(browser: &mut Browser, world: &World, page: &Answer, username: &str, password: &str) -> Answer {
    let sent = browser.submit(world, page, username, password).await;
    assert_eq!(sent.status, 303);
    let location = sent.location.unwrap();
    assert!(location.starts_with("/login?") && !location.contains("Password123"), "{location}");
    let again = browser.get(&format!("{}{location}", world.issuer)).await;
    assert_eq!(again.status, 200);
    again
}

#[tokio::test]
async fn a_wrong_password_is_said_in_the_page_which_keeps_the_name_and_can_be_tried_again() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get(&world.authorize_url(&[])).await;
    for (username, password) in [(USER, "Password123"), ("nobody@example.com", PASSWORD), (USER, "")] {
        let again = refused(&mut browser, &world, &page, username, password).await;
        assert!(again.body.contains(r#"id="error" role="alert">Wrong email address or password"#));
        assert!(again.body.contains(&format!(r#"value="{username}""#)), "{username} is gone");
        assert!(!again.body.contains("Password123"), "the page repeats what was typed as a password");
    }
    assert_eq!(browser.submit(&world, &page, USER, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn whatever_came_is_shown_harmlessly() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get(&world.authorize_url(&[("login_hint", HOSTILE)])).await;
    let again = refused(&mut browser, &world, &page, HOSTILE, "wrong").await;
    for page in [&page, &again] {
        assert!(page.body.contains(&format!(r#"value="{HARMLESS}""#)), "{}", page.body);
        assert!(!page.body.contains("<script"));
        let policy = &page.headers["content-security-policy"];
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn it_says_what_it_is_and_whom_to_log_in_as() {
    let world = World::start().await;
    let page = world.browser().get(&world.authorize_url(&[])).await;
    for needed in [
        "development provider",
        "testuser1@example.com",
        "testuser2@example.com",
        PASSWORD,
        r#"id="username" name="username""#,
        r#"id="password" name="password""#,
        r#"id="login""#,
    ] {
        assert!(page.body.contains(needed), "{needed}");
    }
    assert!(!page.body.contains("<script"), "it needs a script");
}

#[tokio::test]
async fn a_test_user_can_be_picked_with_a_link() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get(&world.authorize_url(&[])).await;
    let link = page.body.split(r#"<a href=""#).nth(2).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let picked = browser.get(&format!("{}{link}", world.issuer)).await;
    assert!(picked.body.contains(r#"value="testuser2@example.com""#));
    assert_eq!(browser.submit(&world, &picked, "testuser2@example.com", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_form_counts_only_from_the_browser_that_it_was_shown_to() {
    let world = World::start().await;
    let page = world.browser().get(&world.authorize_url(&[])).await;
    let mut other = world.browser();
    assert_eq!(other.submit(&world, &page, USER, PASSWORD).await.status, 400);
    other.get(&world.authorize_url(&[])).await;
    let refused = other.submit(&world, &page, USER, PASSWORD).await;
    assert_eq!((refused.status, refused.location, refused.set_cookies.len()), (400, None, 0));
}

#[tokio::test]
async fn two_tabs_can_log_in_at_once() {
    let world = World::start().await;
    let mut browser = world.browser();
    let first = browser.get(&world.authorize_url(&[("state", "first")])).await;
    let second = browser.get(&world.authorize_url(&[("state", "second")])).await;
    for (page, state) in [(second, "second"), (first, "first")] {
        let back = browser.submit(&world, &page, USER, PASSWORD).await;
        assert_eq!(back.returned("state"), state);
        assert_eq!(world.redeem(&back.returned("code")).await.status, 200);
    }
}

#[tokio::test]
async fn its_cookies_are_out_of_reach_for_scripts_and_new_at_every_login() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.log_in(&world, &[]).await;
    let first = browser.cookies["gatelodge_dev_login"].clone();
    let page = browser.get(&world.authorize_url(&[("prompt", "login")])).await;
    let back = browser.submit(&world, &page, USER, PASSWORD).await;
    assert!(back.set_cookies.iter().all(|line| line.contains("HttpOnly") && line.contains("SameSite=Lax")));
    assert_ne!(browser.cookies["gatelodge_dev_login"], first);
    browser.cookies.insert("gatelodge_dev_login".to_owned(), first);
    let silent = browser.get(&world.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(silent.returned("error"), "login_required");
}

#[tokio::test]
async fn it_answers_at_its_own_host_only() {
    let world = World::start().await;
    let rebound = world.client.get(format!("{}/jwks", world.issuer)).header("host", "evil.example");
    let refused = answer(rebound).await;
    assert_eq!(refused.status, 421);
    assert!(refused.body.contains(&world.issuer));
}

#[tokio::test]
async fn the_icon_is_there_wherever_a_browser_asks_for_one() {
    let world = World::start().await;
    let mut browser = world.browser();
    assert!(browser.get(&world.authorize_url(&[])).await.body.contains(r#"<link rel="icon" href="/icon.svg">"#));
    for path in ["/icon.svg", "/favicon.ico"] {
        let icon = browser.get(&format!("{}{path}", world.issuer)).await;
        assert_eq!((icon.status, icon.headers["content-type"].as_str()), (200, "image/svg+xml"), "{path}");
    }
}
