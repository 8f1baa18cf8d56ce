//! Owns the development provider of the measurement, and how the authority is told of it. Does not know a login.

use std::sync::Arc;

use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::crypto::{ApiKey, Secret};
use gatelodge::dev::DevelopmentOnly;
use gatelodge::dev::provider::{DevProvider, DevProviderSettings};
use tokio::net::TcpListener;

use crate::Result;

const EDGE: &str = "http://localhost:8000";
const CLIENT_ID: &str = "the-benchmark";
const CLIENT_SECRET: &str = "a secret of this benchmark";

/// Serves it on a free loopback port until this process ends; its issuer.
pub async fn start() -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let settings = DevProviderSettings {
        issuer: issuer.clone(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Secret::new(CLIENT_SECRET),
        redirect_uris: vec![format!("{EDGE}/auth/web/callback")],
        post_logout_redirect_uris: Vec::new(),
        told: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let provider = DevProvider::new(&DevelopmentOnly::in_gatelodge_dev(), settings)?;
    tokio::spawn(async move { axum::serve(listener, provider.router()).await });
    Ok(issuer)
}

/// A caller's new key.
pub fn key() -> Result<ApiKey> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    Ok(ApiKey::generate(&random))
}

/// What the authority is configured with beside its port and its store; callers by their roles.
pub fn configuration(issuer: &str, callers: &[(&str, &ApiKey)]) -> String {
    let caller = |(role, key): &(&str, &ApiKey)| {
        let hash = key.hash().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        format!("{{ name: the-{role}, role: {role}, key_hash: \"sha256:{hash}\" }}")
    };
    let callers = callers.iter().map(caller).collect::<Vec<_>>().join(", ");
    format!(
        "development: true\n\
         app: {{ redirects: {{ public_base_url: \"{EDGE}\" }}, rates: {{ logins: {{ per_client: 0 }}, callbacks: {{ per_client: 0 }} }} }}\n\
         oidc: {{ providers: {{ dev: {{ issuer: \"{issuer}\", client_id: \"{CLIENT_ID}\", \
         client_secret: \"{CLIENT_SECRET}\" }} }} }}\n\
         callers: [ {callers} ]\n"
    )
}
