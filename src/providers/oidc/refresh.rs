//! Owns what is made of the answer to a refresh: a refresh token that has come is kept, unless the answer shows itself to be
//! about another user. Does not know sessions.

use super::metadata::Metadata;
use super::signature::Unverified;
use super::{Login, OidcProvider, rejected};
use crate::authority::not_refreshed::NotRefreshed;
use crate::authority::provider::{ProviderError, RefreshRequest, Renewal};
use crate::providers::json::Object;
use crate::providers::token_endpoint::TokenAnswer;

impl OidcProvider {
    /// Sends the refresh token, once.
    pub(super) async fn renew(&self, request: &RefreshRequest) -> Result<Renewal, NotRefreshed> {
        let metadata = self.documents.metadata().await.map_err(NotRefreshed::unspent)?;
        let answer = self.client(&metadata, request.now).refresh(&metadata.token, &request.refresh_token).await?;
        self.renewal(&metadata, &answer, request).await.map_err(NotRefreshed::may_be_spent)
    }

    /// What the answer to a refresh is worth. An ID token of another user condemns all of it; one whose key can't be had now
    /// grants nothing and takes nothing away, and the tokens beside it are kept: there may be no others.
    async fn renewal(
        &self,
        metadata: &Metadata,
        answer: &Object,
        request: &RefreshRequest,
    ) -> Result<Renewal, ProviderError> {
        let mut answer = TokenAnswer::read(answer, self.token_type())?;
        let mut of_id = None;
        if let Some(token) = answer.id.clone() {
            let login = Login { nonce: None, authenticated_after: None, now: request.now };
            let (claims, trouble) = match self.verify(metadata, &answer, &token, login).await {
                Ok(claims) => (claims, None),
                Err(Unverified::NoKey(claims, trouble)) => (*claims, Some(trouble)),
                Err(Unverified::Refused(error)) => return Err(error),
            };
            if claims.issuer != request.issuer || claims.sub != request.sub {
                return rejected("id_token.sub");
            }
            // Core, 12.2: the time of the original authentication. Some name that of the latest one at the provider, for
            // whichever application (Keycloak): such a token is not kept, and makes no login younger.
            let latest = request.auth_time.map(|at| at + self.settings.clock_leeway);
            if trouble.is_some() || claims.auth_time.zip(latest).is_some_and(|(now, latest)| now > latest) {
                answer.id = None;
            }
            match trouble {
                None => of_id = Some(claims.all),
                Some(error) => tracing::warn!(
                    provider = self.info.name,
                    error = &error as &dyn std::error::Error,
                    "a refreshed ID token can't be verified now: it is left out, and the tokens beside it are kept"
                ),
            }
        }
        let rights = self.renewed_rights(metadata, &answer.access, of_id.as_ref(), request).await?;
        Ok(Renewal { tokens: self.tokens(answer, request.now), rights })
    }
}
