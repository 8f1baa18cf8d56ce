//! Owns what must hold of the development provider's two ways to authenticate, by password and by password and one-time
//! code, and of what its tokens say of it. Does not know who asks for which.

use super::world::{PASSWORD, USER, World, claims};

const CODE: &str = "123456";

#[tokio::test]
async fn a_login_says_how_it_was_and_a_stronger_one_is_asked_for_once() {
    let world = World::start().await;
    let mut browser = world.browser();
    let id = async |code: &str| claims(&world.redeem(code).await.json()["id_token"]);
    let weak = id(&browser.log_in(&world, &[]).await).await;
    assert_eq!((&weak["acr"], &weak["amr"]), (&"1".into(), &serde_json::json!(["pwd"])));
    assert_eq!(weak["permissions"], serde_json::json!(["orders:read", "orders:write"]));

    let silent = browser.get(&world.authorize_url(&[("acr_values", "2"), ("prompt", "none")])).await;
    assert_eq!(silent.returned("error"), "login_required", "nobody is logged in so strongly");
    let page = browser.get(&world.authorize_url(&[("acr_values", "2")])).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(r#"name="code""#) && page.body.contains(CODE), "{}", page.body);
    let form = page.hidden("form");
    let url = format!("{}/login", world.issuer);
    for code in ["", "000000"] {
        let typed = [("form", form.as_str()), ("username", USER), ("password", PASSWORD), ("code", code)];
        let again = browser.post(&url, &typed).await;
        let location = again.location.unwrap();
        assert!(location.ends_with("wrong=code"), "{location}");
        let page = browser.get(&format!("{}{location}", world.issuer)).await;
        assert!(page.body.contains("Wrong one-time code"), "{}", page.body);
    }
    let typed = [("form", form.as_str()), ("username", USER), ("password", PASSWORD), ("code", CODE)];
    let strong = id(&browser.post(&url, &typed).await.returned("code")).await;
    assert_eq!((&strong["acr"], &strong["amr"]), (&"2".into(), &serde_json::json!(["pwd", "otp", "mfa"])));

    // It goes for both from now on; what is not known here is passed over.
    for values in ["2", "1", "9 2", "9"] {
        let back = browser.get(&world.authorize_url(&[("acr_values", values)])).await;
        assert_eq!(id(&back.returned("code")).await["acr"], "2", "{values}");
    }
    let page = browser.get(&world.authorize_url(&[("prompt", "login")])).await;
    assert!(page.body.contains("One-time code, if you like"), "{}", page.body);
}
