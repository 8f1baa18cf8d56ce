//! Owns the opening of a measurement of one authority: with an empty embedded store, a provider, and an edge that it knows.
//! Does not measure.

use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge_client::{Client, ClientOptions};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::Result;
use crate::authority::{Authority, EMBEDDED};
use crate::browser::Browser;
use crate::provider;

const PATIENCE: Duration = Duration::from_secs(30);

/// What a measurement begins with.
pub struct Opening {
    pub authority: Authority,
    /// The edge's key, and a client with it.
    pub key: ApiKey,
    pub client: Client,
    issuer: String,
    _folder: TempDir,
}

impl Opening {
    /// Starts provider and authority, and waits until it serves; `adapt` has the last word on how it is configured.
    pub async fn new(adapt: impl FnOnce(String) -> String) -> Result<Self> {
        let (issuer, key, folder) = (provider::start().await?, provider::key()?, tempfile::tempdir()?);
        let configuration = adapt(provider::configuration(&issuer, &[("edge", &key)]));
        let authority = Authority::start(folder.path(), EMBEDDED, &configuration)?;
        authority.serving(Instant::now() + PATIENCE).await?;
        let client = Client::connect(&ClientOptions::new(authority.address.clone(), key.expose()))?;
        Ok(Self { authority, key, client, issuer, _folder: folder })
    }

    /// A browser of the edge's, which is known at the provider.
    pub async fn browser(&self) -> Result<Browser> {
        Browser::known_at(&self.issuer, &self.client).await
    }
}
