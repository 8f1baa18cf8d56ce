//! Owns the provider's two documents, metadata and keys: when they are fetched, and when they are fetched anew.
//! Does not know what they are used for.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::keys::Keys;
use super::metadata::Metadata;
use super::settings::OidcSettings;
use crate::providers::fault::Fault;
use crate::providers::http::Http;
use crate::providers::kept::{Fetched, Freshness, Kept, Purpose, Source};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Metadata changes rarely, and nothing but a new login needs it.
const METADATA: Freshness = Freshness {
    usual: HOUR,
    least: Duration::from_mins(5),
    most: DAY,
    stale: Duration::from_hours(7 * 24),
    pause: Duration::from_secs(2),
};

/// A key that the provider has withdrawn is believed for at most a day, and that only while it can't be asked.
const KEYS: Freshness = Freshness {
    usual: HOUR,
    least: Duration::from_mins(5),
    most: Duration::from_hours(12),
    stale: DAY,
    pause: Duration::from_secs(2),
};

/// How often tokens of one kind with unknown keys may make us fetch the keys (security.md 44).
const UNKNOWN_KEY_COOL_DOWN: Duration = Duration::from_secs(30);

/// The documents of one provider, as one client sees them: nothing here is shared with another entry (security.md 47).
#[derive(Clone)]
pub(super) struct Documents {
    address: Url,
    metadata: Arc<Kept<MetadataSource>>,
    keys: Arc<Kept<KeySource>>,
}

struct MetadataSource {
    http: Arc<Http>,
    settings: Arc<OidcSettings>,
    address: Url,
}

struct KeySource {
    http: Arc<Http>,
    settings: Arc<OidcSettings>,
    metadata: Arc<Kept<MetadataSource>>,
}

impl Source for MetadataSource {
    type Document = Metadata;

    fn what(&self) -> String {
        format!("metadata of {}", self.settings.registration.name)
    }

    async fn fetch(&self) -> Result<Fetched<Metadata>, Fault> {
        let answer = self.http.document(&self.address).await?;
        Ok((Metadata::read(&answer.document()?, &self.settings, self.http.guard())?, answer.max_age))
    }
}

impl Source for KeySource {
    type Document = Keys;

    fn what(&self) -> String {
        format!("keys of {}", self.settings.registration.name)
    }

    async fn fetch(&self) -> Result<Fetched<Keys>, Fault> {
        let metadata = self.metadata.get().await.map_err(Fault::Metadata)?;
        let answer = self.http.document(&metadata.jwks).await?;
        Ok((Keys::read(&answer.document()?)?, answer.max_age))
    }
}

impl Documents {
    pub(super) fn new(http: Arc<Http>, settings: Arc<OidcSettings>, address: Url) -> Self {
        let source = MetadataSource { http: http.clone(), settings: settings.clone(), address: address.clone() };
        let metadata = Kept::new(source, METADATA);
        let keys = Kept::new(KeySource { http, settings, metadata: metadata.clone() }, KEYS);
        Self { address, metadata, keys }
    }

    /// Asks for the metadata, whatever is at hand, and keeps nothing of it: how it went is noted where it was asked.
    pub(super) async fn knock(&self, http: &Http) {
        let _ = http.document(&self.address).await;
    }

    /// The metadata; waits for the network only when there is none.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, Arc<Fault>> {
        self.metadata.get().await
    }

    /// The keys; waits for the network only when there are none.
    pub(super) async fn keys(&self) -> Result<Arc<Keys>, Arc<Fault>> {
        self.keys.get().await
    }

    /// Newer keys than those that did not do. `None` when there were none a short while ago.
    pub(super) async fn newer_keys(&self, than: &Arc<Keys>, purpose: Purpose) -> Result<Option<Arc<Keys>>, Arc<Fault>> {
        self.keys.newer(than, purpose, UNKNOWN_KEY_COOL_DOWN).await
    }
}
