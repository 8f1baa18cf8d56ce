//! Owns what an edge is told of itself: whole settings, and their version in every answer.
//! Does not know what an edge does with them.

use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use prost_types::Duration;

use super::serving::{Serving, by, context};
use crate::world::World;

async fn told(change: impl FnOnce(&mut Settings)) -> v1::EdgeSettings {
    let serving = Serving::of(&World::with(change)).await;
    let question = by(Role::Edge, v1::GetEdgeSettingsRequest::default());
    serving.logins().await.get_edge_settings(question).await.unwrap().into_inner().settings.unwrap()
}

// contract.md, 4: nothing of it is a copy in an edge, so all of it comes from here.
#[tokio::test]
async fn an_edge_is_told_how_to_answer_other_origins() {
    let told = told(|settings| settings.csrf.header = "x-other".into()).await;
    let cors = told.cors.unwrap();
    assert_eq!(cors.allowed_origins, ["https://spa.example.com"]);
    assert_eq!(cors.allowed_methods, ["GET", "HEAD", "POST", "OPTIONS"]);
    assert_eq!(cors.allowed_headers, ["content-type", "x-other", "x-requested-with"]);
    assert_eq!(cors.exposed_headers, ["x-other"]);
    assert_eq!(cors.max_age, Some(Duration { seconds: 600, nanos: 0 }));
}

#[tokio::test]
async fn what_an_edge_is_told_has_a_version_of_its_own() {
    let usual = told(|_| ()).await;
    assert_eq!(usual, told(|_| ()).await, "replicas agree");
    let changed = [
        told(|settings| settings.csrf.header = "x-other".into()).await,
        told(|settings| settings.csrf.allowed_origins.clear()).await,
        told(|settings| settings.limits.body_bytes += 1).await,
        told(|settings| settings.places.after_login = "/elsewhere".into()).await,
    ];
    for changed in changed {
        assert_ne!(changed.version, usual.version);
    }
}

#[tokio::test]
async fn every_answer_to_an_edge_names_the_version_in_force() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut logins = serving.logins().await;
    let seen = |method| Some(context(method, "/"));
    let list = by(Role::Edge, v1::LoginServiceListProvidersRequest::default());
    let start = by(Role::Edge, v1::StartLoginRequest { context: seen("GET"), ..Default::default() });
    let query = Some(v1::complete_callback_request::Response::Query("a=b".into()));
    let callback = v1::CompleteCallbackRequest { response: query, context: seen("GET"), ..Default::default() };
    let logout = by(Role::Edge, v1::StartLogoutRequest { context: seen("POST"), ..Default::default() });
    let logged_out = by(Role::Edge, v1::CompleteLogoutRequest { context: seen("GET"), ..Default::default() });
    let validate = by(Role::Edge, v1::ValidateSessionRequest::default());
    let versions = [
        logins.list_providers(list).await.unwrap().into_inner().settings_version,
        logins.start_login(start).await.unwrap().into_inner().settings_version,
        logins.complete_callback(by(Role::Edge, callback)).await.unwrap().into_inner().settings_version,
        logins.start_logout(logout).await.unwrap().into_inner().settings_version,
        logins.complete_logout(logged_out).await.unwrap().into_inner().settings_version,
        serving.sessions().await.validate_session(validate).await.unwrap().into_inner().settings_version,
    ];
    assert!(versions.iter().all(|version| version == world.authority.settings_version()), "{versions:?}");
}
