//! Owns how a logout that a provider tells of finds its tenant: by key, host, parameter, and by what its token says of
//! itself. Does not know what is wrong with a token.

use gatelodge::authority::settings::Settings;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;

use super::town::{Town, base, by};
use crate::rpc::serving::context;
use crate::world::{Browser, ISSUER, Kept, logout_token};

/// Globex shares the default tenant's host.
fn shared(at: usize, settings: &mut Settings) {
    if at == 2 {
        (settings.public_base_url, settings.places.own) = (base(0), base(0));
    }
}

fn seen(method: &'static str, host: Option<&'static str>) -> v1::RequestContext {
    v1::RequestContext { host: host.map(Into::into), ..context(method, "/") }
}

/// A town in which somebody with one name has logged in with every tenant, at providers that call us by different names
/// and name no session or the same.
async fn town(kept: Kept, sid: Option<&str>) -> (Town, [Browser; 3]) {
    let town = Town::with(kept, shared).await;
    let mut browsers = Vec::new();
    for (at, client) in ["client", "acme-client", "globex-client"].into_iter().enumerate() {
        client.clone_into(&mut town.worlds[at].provider.client.lock().unwrap());
        *town.worlds[at].provider.sid.lock().unwrap() = sid.map(str::to_owned);
        browsers.push(town.log_in(at, "ada").await.0);
    }
    (town, browsers.try_into().unwrap())
}

async fn who_lives(town: &Town, browsers: &[Browser; 3]) -> [bool; 3] {
    let mut live = [false; 3];
    for (at, browser) in browsers.iter().enumerate() {
        live[at] = matches!(town.worlds[at].validate(browser.get("/")).await, Outcome::Active(_));
    }
    live
}

// The host names a tenant; of several there, and where it is nobody's, the token says for which it is. It can't reach
// into one that anything else names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_token_ends_sessions_of_the_tenant_that_it_is_for_alone() {
    let (at_acme, at_app, nowhere) = (Some("acme.example.com"), Some("app.example.com"), Some("10.0.0.7:8000"));
    let table = [
        (at_acme, None, "acme-client", Some(1)),
        (at_app, None, "client", Some(0)),
        (at_app, None, "globex-client", Some(2)),
        (at_app, None, "acme-client", None),
        (at_acme, None, "globex-client", None),
        (nowhere, None, "acme-client", Some(1)),
        (nowhere, None, "globex-client", Some(2)),
        (None, None, "acme-client", Some(1)),
        (None, Some(1), "acme-client", Some(1)),
        (None, Some(1), "globex-client", None),
        (at_app, Some(1), "acme-client", None),
    ];
    for kept in [Kept::Memory, Kept::Redis] {
        for (number, (host, key, client, expected)) in table.into_iter().enumerate() {
            let (town, browsers) = town(kept, None).await;
            let form = format!("logout_token={}", logout_token(client, "one", "ada", None)).into();
            let question =
                v1::HandleBackchannelLogoutRequest { form, context: Some(seen("POST", host)), ..Default::default() };
            let mut logins = town.serving.logins().await;
            logins.handle_backchannel_logout(by(Role::Edge, key, question)).await.unwrap();
            let live = who_lives(&town, &browsers).await;
            let ended: Vec<_> = (0..3).filter(|at| !live[*at]).collect();
            assert_eq!(ended, Vec::from_iter(expected), "{kept:?} {number}");
        }
    }
}

#[tokio::test]
async fn a_page_names_its_tenant_by_host_or_parameter() {
    let (at_acme, at_app) = (Some("acme.example.com"), Some("app.example.com"));
    let table = [
        (at_acme, "", [true, false, true]),
        (at_app, "", [false, true, true]),
        (at_app, "&tenant=globex", [true, true, false]),
        (at_app, "&tenant=3", [true, true, true]),
        (at_app, "&tenant=acme", [true, true, true]),
        (at_acme, "&tenant=globex", [true, true, true]),
        (None, "&tenant=acme", [true, false, true]),
        (Some("10.0.0.7"), "&tenant=acme", [true, true, true]),
    ];
    for (host, parameter, expected) in table {
        let (town, browsers) = town(Kept::Memory, Some("sid")).await;
        let query = format!("iss={}&sid=sid{parameter}", ISSUER.replace(':', "%3A")).into();
        let question =
            v1::HandleFrontchannelLogoutRequest { query, context: Some(seen("GET", host)), ..Default::default() };
        town.serving.logins().await.handle_frontchannel_logout(by(Role::Edge, None, question)).await.unwrap();
        assert_eq!(who_lives(&town, &browsers).await, expected, "{host:?} {parameter}");
    }
}
