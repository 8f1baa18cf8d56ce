//! Owns where a login and a refresh look for what a user may do: the ID token, the access token where it may be read,
//! userinfo. Does not know how claims are mapped.

use std::time::Duration;

use tokio::time::Instant;

use super::compact::Compact;
use super::metadata::Metadata;
use super::settings::Userinfo;
use super::userinfo::Asked;
use super::{OidcProvider, profile};
use crate::authority::provider::{ProviderError, RefreshRequest, Rights, UserInfoRequest};
use crate::crypto::Secret;
use crate::providers::json::Object;
use crate::providers::token_endpoint::TokenType;
use crate::session::time::Timestamp;

/// How long a refresh waits for userinfo: the tokens are there already.
const WAIT: Duration = Duration::from_secs(5);

impl OidcProvider {
    /// The claims of the access token, where the settings let it be read and it passes the checks. To us it is meant to be
    /// opaque (RFC 9068, 6), so that it is none that can be read is no fault; nor is it a verdict.
    pub(super) async fn claims_of_access(
        &self,
        metadata: &Metadata,
        access: &Secret,
        sub: &str,
        now: Timestamp,
    ) -> Option<Object> {
        let rights = &self.settings.registration.rights;
        if !self.settings.read_access_token || rights.is_empty() {
            return None;
        }
        let claims = self.own_access_claims(metadata, access, sub, now).await;
        if claims.is_none() && rights.is_wanted {
            let provider = &self.info.name;
            tracing::warn!(provider, "the access token can't be read, so no roles or permissions come from it");
        }
        claims
    }

    /// What a user may do as a refresh says it, looked for where the login did.
    ///
    /// # Errors
    /// When userinfo shows that the access token is another user's (security.md 84).
    pub(super) async fn renewed_rights(
        &self,
        metadata: &Metadata,
        access: &Secret,
        of_id: Option<&Object>,
        request: &RefreshRequest,
    ) -> Result<Rights, ProviderError> {
        let mapping = &self.settings.registration.rights;
        if mapping.is_empty() {
            return Ok(Rights::default());
        }
        let of_access = self.claims_of_access(metadata, access, &request.sub, request.now).await;
        let signed: Vec<_> = of_id.into_iter().chain(&of_access).collect();
        let asks = self.settings.userinfo != Userinfo::Never && metadata.userinfo.is_some();
        let is_worth_it = mapping.is_wanted || request.has_rights;
        let userinfo = if asks && is_worth_it && mapping.lacks(&mapping.find(&signed)) {
            Some(self.userinfo_at_refresh(metadata, access, request).await?)
        } else {
            None
        };
        let sources: Vec<_> = signed.iter().copied().chain(userinfo.iter().flatten()).collect();
        let found = mapping.find(&sources);
        let had = |token: &Option<Secret>| mapping.find(&[&carried(metadata, token.as_ref())]);
        let had_id = had(&request.id_token);
        let had_access = if self.settings.read_access_token { had(&request.access_token) } else { Rights::default() };
        // Gone is what whoever carried it carries no more; what nobody is known to have carried, was userinfo's.
        let gone = |had_id: Option<_>, had_access: Option<_>| {
            let is_signed = had_id.is_some() || had_access.is_some();
            let can_tell = (had_id.is_none() || of_id.is_some()) && (had_access.is_none() || of_access.is_some());
            let is_gone = can_tell && (is_signed || !matches!(userinfo, Some(None))) && !sources.is_empty();
            is_gone.then(Vec::new)
        };
        Ok(Rights {
            scopes: found.scopes.or_else(|| gone(had_id.scopes, had_access.scopes)),
            roles: found.roles.or_else(|| gone(had_id.roles, had_access.roles)),
            permissions: found.permissions.or_else(|| gone(had_id.permissions, had_access.permissions)),
        })
    }

    /// What userinfo says of the user whose tokens were renewed; `None` when it did not answer.
    async fn userinfo_at_refresh(
        &self,
        metadata: &Metadata,
        access: &Secret,
        request: &RefreshRequest,
    ) -> Result<Option<Object>, ProviderError> {
        let is_bound = self.token_type() == TokenType::Dpop;
        let asked = Asked { access, is_bound, issuer: &request.issuer, now: request.now };
        match self.fetch_userinfo(metadata, asked, Instant::now() + WAIT).await {
            Ok(userinfo) => profile::same_user(&userinfo, &request.issuer, &request.sub).map(|()| Some(userinfo)),
            Err(refused @ ProviderError::Rejected(_)) => Err(refused),
            Err(error) => {
                let (provider, error) = (&self.info.name, &error as &dyn std::error::Error);
                tracing::warn!(
                    provider,
                    error,
                    "what userinfo would have said of roles and permissions stays as it was"
                );
                Ok(None)
            }
        }
    }

    /// What userinfo, asked by itself, says of what the session's tokens do not: they are signed, and go before it.
    pub(super) fn rights_beside_tokens(
        &self,
        metadata: &Metadata,
        userinfo: &Object,
        request: &UserInfoRequest<'_>,
    ) -> Rights {
        let mapping = &self.settings.registration.rights;
        let access = Some(request.access_token).filter(|_| self.settings.read_access_token);
        let signed = mapping.find(&[&carried(metadata, request.id_token), &carried(metadata, access)]);
        let said = mapping.find(&[userinfo]);
        Rights {
            scopes: None,
            roles: said.roles.filter(|_| signed.roles.is_none()),
            permissions: said.permissions.filter(|_| signed.permissions.is_none()),
        }
    }
}

/// The claims of a token that the session has, which was verified when it came; none where it is no signed token.
fn carried(metadata: &Metadata, token: Option<&Secret>) -> Object {
    let opened = token.and_then(|token| Compact::open(token.expose(), &metadata.algorithms).ok());
    opened.map(|compact| compact.claims).unwrap_or_default()
}
