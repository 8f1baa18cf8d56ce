//! Owns asking userinfo (OpenID Connect Core, 5.3) for what the tokens do not say. Does not know what is kept of it.

use tokio::time::{Instant, timeout_at};

use super::claims::Claims;
use super::metadata::Metadata;
use super::settings::Userinfo;
use super::{OidcProvider, profile};
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::fault::Fault;
use crate::providers::json::Object;

impl OidcProvider {
    /// What userinfo adds, if it is to be asked; else nothing. What it says of another user is never passed over.
    pub(super) async fn userinfo(
        &self,
        metadata: &Metadata,
        claims: &Claims,
        of_access: &Object,
        access: &Secret,
        deadline: Instant,
    ) -> Result<Object, ProviderError> {
        let is_required = match self.settings.userinfo {
            Userinfo::Never => return Ok(Object::new()),
            Userinfo::WhenNeeded if !self.lacks(claims, of_access) => return Ok(Object::new()),
            Userinfo::WhenNeeded => false,
            Userinfo::Always => true,
        };
        match self.fetch_userinfo(metadata, access, deadline).await {
            Ok(userinfo) => profile::same_user(&userinfo, &claims.issuer, &claims.sub).map(|()| userinfo),
            Err(fault) if is_required => Err(fault.into()),
            Err(fault) => {
                let provider = &self.info.name;
                let error = &fault as &dyn std::error::Error;
                tracing::warn!(provider, error, "a login goes on without what userinfo would have said");
                Ok(Object::new())
            }
        }
    }

    /// Whether the tokens lack something that was asked for and that userinfo might have.
    fn lacks(&self, claims: &Claims, of_access: &Object) -> bool {
        let rights = &self.settings.registration.rights;
        profile::lacks(claims, &self.settings)
            || (rights.is_wanted && rights.lacks(&rights.find(&[&claims.all, of_access])))
    }

    /// Asks userinfo. The answer may be about anybody.
    pub(super) async fn fetch_userinfo(
        &self,
        metadata: &Metadata,
        access: &Secret,
        deadline: Instant,
    ) -> Result<Object, Fault> {
        let endpoint = metadata.userinfo.as_ref().ok_or(Fault::Invalid("metadata: no userinfo endpoint"))?;
        let asked = timeout_at(deadline, self.http.get(endpoint, access)).await;
        asked.map_err(|_| Fault::Timeout)??.document()
    }
}
