//! Owns where a login and a refresh look for what a user may do: the ID token, the access token where it may be read,
//! userinfo. Does not know how claims are mapped.

use std::time::Duration;

use tokio::time::Instant;

use super::metadata::Metadata;
use super::settings::Userinfo;
use super::{OidcProvider, profile};
use crate::authority::provider::{RefreshRequest, Rights};
use crate::crypto::Secret;
use crate::providers::json::Object;
use crate::session::time::Timestamp;

/// How long a refresh waits for userinfo: the tokens are there already.
const WAIT: Duration = Duration::from_secs(5);

impl OidcProvider {
    /// The claims of the access token, where the settings let it be read and it passes the checks. To us it is meant to be
    /// opaque (RFC 9068, 6), so that it is none that can be read is no fault.
    pub(super) async fn claims_of_access(
        &self,
        metadata: &Metadata,
        access: &Secret,
        sub: &str,
        now: Timestamp,
    ) -> Object {
        let rights = &self.settings.registration.rights;
        if !self.settings.read_access_token || rights.is_empty() {
            return Object::new();
        }
        let claims = self.own_access_claims(metadata, access, sub, now).await;
        if claims.is_none() && rights.is_wanted {
            let provider = &self.info.name;
            tracing::warn!(provider, "the access token can't be read, so no roles or permissions come from it");
        }
        claims.unwrap_or_default()
    }

    /// What a user may do as a refresh says it, looked for where the login did. `None` where nobody says anything.
    pub(super) async fn renewed_rights(
        &self,
        metadata: &Metadata,
        access: &Secret,
        of_id: Option<&Object>,
        request: &RefreshRequest,
    ) -> Option<Rights> {
        let mapping = &self.settings.registration.rights;
        if mapping.is_empty() {
            return None;
        }
        let of_access = self.claims_of_access(metadata, access, &request.sub, request.now).await;
        let mut sources: Vec<_> = of_id.into_iter().chain((!of_access.is_empty()).then_some(&of_access)).collect();
        let found = mapping.find(&sources);
        let asks = self.settings.userinfo != Userinfo::Never && metadata.userinfo.is_some();
        if !mapping.lacks(&found) || !asks || !(mapping.is_wanted || request.has_rights) {
            return (!sources.is_empty()).then(|| found.rights());
        }
        let userinfo = match self.fetch_userinfo(metadata, access, Instant::now() + WAIT).await {
            Ok(userinfo) if profile::same_user(&userinfo, &request.issuer, &request.sub).is_ok() => userinfo,
            Ok(_) => return None,
            Err(fault) => {
                let (provider, error) = (&self.info.name, &fault as &dyn std::error::Error);
                tracing::warn!(provider, error, "roles and permissions stay as they were: userinfo did not answer");
                return None;
            }
        };
        sources.push(&userinfo);
        Some(mapping.find(&sources).rights())
    }
}
