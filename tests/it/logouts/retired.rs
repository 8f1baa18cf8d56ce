//! Owns what providers may end that log nobody in any more, under the name that a session has: disabled ones, and renamed ones.
//! Does not know what can be wrong with a token.

use gatelodge::crypto::Secret;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::OidcSettings;

use super::frontchannel::query;
use super::told::Told;
use super::unset;
use crate::hostile::Hostile;
use crate::world::{Kept, on_every_store};

on_every_store! {
    a_disabled_provider_ends_the_sessions_that_live_on
    a_renamed_provider_ends_the_sessions_of_its_former_name
}

fn offered(settings: Vec<OidcSettings>) -> Registry {
    Registry::new(settings.into_iter().map(Into::into).collect(), HttpSettings::default()).unwrap()
}

/// As it stands in a configuration after the provider was disabled and its secret taken out.
fn disabled(hostile: &Hostile) -> OidcSettings {
    let mut settings = hostile.settings();
    settings.registration.client_secret = Secret::default();
    settings.logout.channels.front = true;
    settings
}

async fn a_disabled_provider_ends_the_sessions_that_live_on(kept: Kept) {
    let hostile = Hostile::start().await;
    let before = Told::by(&hostile, kept).await;
    let told = before.again(offered(Vec::new()).with_retired(vec![disabled(&hostile)], HttpSettings::default())).await;
    for without in ["sub", "sid"] {
        let browser = before.log_in(&hostile).await;
        let token = hostile.claims(unset(without)).logout_token();
        hostile.behave();
        assert_eq!(told.tell(&token).await, (200, 1), "without {without}");
        assert!(!told.lives(&browser).await, "without {without}");
    }
    let browser = before.log_in(&hostile).await;
    let told_of = told.frame(&query(&[("iss", &hostile.issuer()), ("sid", "op-session")])).await;
    assert_eq!((told_of.revoked_count, told.lives(&browser).await), (1, false));

    let removed = before.again(offered(Vec::new())).await;
    assert_eq!(removed.tell(&hostile.logout_token()).await, (400, 0), "one that is not in the configuration at all");
}

// Both entries have the issuer and the client: sessions are kept under the name of the entry that made them.
async fn a_renamed_provider_ends_the_sessions_of_its_former_name(kept: Kept) {
    let hostile = Hostile::start().await;
    let before = Told::by(&hostile, kept).await;
    let mut renamed = hostile.settings();
    (renamed.registration.name, renamed.logout.channels.front) = ("renamed".into(), true);
    let told =
        before.again(offered(vec![renamed]).with_retired(vec![disabled(&hostile)], HttpSettings::default())).await;
    let browser = before.log_in(&hostile).await;
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 1));
    assert!(!told.lives(&browser).await);
    let browser = before.log_in(&hostile).await;
    let told_of = told.frame(&query(&[("iss", &hostile.issuer()), ("sid", "op-session")])).await;
    assert_eq!((told_of.revoked_count, told.lives(&browser).await), (1, false));
}
