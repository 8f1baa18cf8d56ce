//! Owns what applications keep with a session, on its way to and from the store. Does not know who asks for it.

use std::collections::BTreeMap;

use super::admit::Admitted;
use super::ports::KeptAttributes;
use super::{Authority, Error};

/// What an application keeps with a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The values by their names.
    pub values: BTreeMap<String, Vec<u8>>,
    /// Their version: 0 while nothing was kept.
    pub version: u64,
}

impl Authority {
    /// Reads them. Those that the session's key does not open were sealed before a failover lost that key: their version
    /// counts on, and what they were is gone.
    pub(super) async fn attributes_of(&self, admitted: &Admitted) -> Result<Attributes, Error> {
        let key = &admitted.credential.key;
        let Some(KeptAttributes { version, sealed }) = self.ports.sessions.attributes(key).await? else {
            return Ok(Attributes::default());
        };
        let Some(token_key) = self.token_key_of(admitted)? else {
            return Ok(Attributes { values: BTreeMap::new(), version });
        };
        let values = token_key.open_attributes(key, version, &sealed).unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(session = key.public(), error, "the session's attributes can't be opened any more");
            BTreeMap::new()
        });
        Ok(Attributes { values, version })
    }
}
