//! Owns what health says of store and providers, apart from whether the server is ready. Does not know how either is asked.

use std::time::Duration;

use axum::Router;
use gatelodge::app::{App, Names, Pages};
use gatelodge::telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::load_sound;
use crate::hostile::Hostile;
use crate::redis::free_port;

async fn status(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, Code> {
    let asked = client.check(HealthCheckRequest { service: service.to_owned() }).await;
    asked.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

/// Waits until health says so.
async fn becomes(client: &mut HealthClient<Channel>, service: &str, expected: ServingStatus) {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let now = status(client, service).await;
        if now == Ok(expected) {
            return;
        }
        assert!(Instant::now() < end, "{service} is {now:?}, not {expected:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_apart_and_makes_nothing_unready() {
    let (hostile, port, away) = (Hostile::start().await, free_port(), free_port());
    let yaml = format!(
        "development: true\n\
         server: {{ listen: '127.0.0.1:{port}', health: {{ ask_providers_after: 100ms }} }}\n\
         oidc: {{ providers: {{ here: {{ issuer: '{}', client_id: a, client_secret: b }}, \
         away: {{ issuer: 'http://127.0.0.1:{away}', client_id: a, client_secret: b }}, \
         github: {{ client_id: a, client_secret: b }} }} }}",
        hostile.issuer()
    );
    let config = load_sound(&yaml, &[]).unwrap().config;
    let app = App::build(&config, Vec::new(), true, Names::default(), &Telemetry::default()).await.unwrap();
    let running = tokio::spawn(app.run(Pages::new(), std::future::pending()));
    let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);

    becomes(&mut client, "gatelodge.providers.here", ServingStatus::Serving).await;
    becomes(&mut client, "gatelodge.providers.away", ServingStatus::NotServing).await;
    for service in ["", "gatelodge.store", "gatelodge.v1.LoginService"] {
        becomes(&mut client, service, ServingStatus::Serving).await;
    }
    let unasked = status(&mut client, "gatelodge.providers.github").await;
    assert_eq!(unasked, Ok(ServingStatus::Unknown), "plain OAuth2 has nothing to ask for before somebody logs in");
    assert_eq!(status(&mut client, "gatelodge.providers.nobody").await, Err(Code::NotFound));

    let listener = TcpListener::bind(("127.0.0.1", away)).await.unwrap();
    let there = tokio::spawn(async move { axum::serve(listener, Router::new()).await });
    becomes(&mut client, "gatelodge.providers.away", ServingStatus::Serving).await;
    running.abort();
    there.abort();
}
