//! Owns the promise that a provider which the configuration does not offer stays known to admins: from the file to an
//! answer over gRPC. Does not know how sessions are found.

use std::time::Duration;

use gatelodge::app::{App, Names, Pages, parts};
use gatelodge::rpc::callers::Caller;
use gatelodge::rpc::policy::Role;
use gatelodge::telemetry::Telemetry;
use gatelodge_client::{Client, ClientOptions, v1};
use tokio::sync::oneshot;
use tonic::Code;

use super::load_sound;
use crate::redis::free_port;

#[tokio::test]
async fn users_of_a_provider_that_is_not_enabled_can_be_named() {
    let address = format!("127.0.0.1:{}", free_port());
    let yaml = format!(
        "server: {{ listen: {address} }}\n\
         oidc: {{ providers: {{ google: {{ enabled: false }}, sso: {{ enabled: false, issuer: https://sso.example }} }} }}"
    );
    let config = load_sound(&yaml, &[]).unwrap().config;
    let key = parts::fresh_key();
    let options = ClientOptions::new(format!("http://{address}"), key.expose());
    let caller = Caller::new("admin", Role::Admin);
    let app = App::build(&config, vec![(key, caller)], true, Names::default(), &Telemetry::default()).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(app.run(Pages::new(), async { drop(stopped.await) }));

    let client = Client::connect(&options).unwrap().with_deadline(Duration::from_secs(10));
    for (user_id, known) in [("google_1", true), ("sso_a_b", true), ("taken-out_1", false)] {
        let question = v1::ListSessionsRequest { user_id: user_id.into(), ..Default::default() };
        let listed = client.admin().list_sessions(question).await;
        assert_eq!(listed.is_ok(), known, "{user_id}: {listed:?}");
        if let Err(refused) = listed {
            assert_eq!(
                (refused.code(), refused.field_violations()[0].field.as_str()),
                (Code::InvalidArgument, "user_id")
            );
            assert!(refused.field_violations()[0].description.contains("enabled: false"), "{refused:?}");
        }
    }
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}
