//! Owns what every endpoint needs at hand: issuer, client, signing key, ledger, time and chance.
//! Does not know any endpoint.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client::Client;
use super::keys::{SigningKey, encode};
use super::ledger::Ledger;
use crate::authority::ports::{Clock, Entropy};
use crate::session::time::Timestamp;

/// The provider's desk.
pub(super) struct Desk {
    /// The issuer, which is also the origin.
    pub issuer: String,
    /// The one client.
    pub client: Client,
    /// The signing key.
    pub key: SigningKey,
    ledger: Mutex<Ledger>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Desk {
    /// A desk with a new key and an empty ledger; `None` when no key can be made.
    pub fn new(issuer: String, client: Client, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Option<Self> {
        let key = SigningKey::generate()?;
        Some(Self { issuer, client, key, ledger: Mutex::default(), clock, entropy })
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// 256 unpredictable bits, as text.
    pub fn chance(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        encode(&bytes)
    }

    /// The ledger, for one step. Never held over an await.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address of this provider.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}
