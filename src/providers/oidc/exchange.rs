//! Owns token exchange (RFC 8693): one request for a token for another audience, and the strict reading of its answer.
//! Does not know what the token is for.

use serde_json::Value;

use super::{OidcProvider, rejected};
use crate::authority::provider::{Exchange, ExchangeRequest, Offer, ProviderError};
use crate::providers::fault::{Fault, OAuthError};
use crate::providers::token_endpoint::TokenAnswer;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

impl OidcProvider {
    pub(super) async fn exchange_token(&self, request: &ExchangeRequest) -> Result<Exchange, ProviderError> {
        let allowed =
            self.settings.exchange_audiences.as_ref().ok_or(ProviderError::Unsupported(Offer::TokenExchange))?;
        if !allowed.contains(&request.audience) {
            return Err(ProviderError::AudienceRefused("not among token_exchange.audiences".into()));
        }
        let metadata = self.documents.metadata().await?;
        let grant = [
            ("grant_type", GRANT),
            ("subject_token", request.access_token.expose()),
            ("subject_token_type", ACCESS_TOKEN),
            ("requested_token_type", ACCESS_TOKEN),
            ("audience", &request.audience),
        ];
        let body = self.client(&metadata, request.now).ask(&metadata.token, &grant).await.map_err(refusal)?;
        let issued = body.get("issued_token_type").and_then(Value::as_str);
        if !issued.is_some_and(|kind| kind == ACCESS_TOKEN || kind == JWT) {
            return rejected("token_response.issued_token_type");
        }
        let answer = TokenAnswer::read(&body, self.token_type())?;
        Ok(Exchange {
            access: answer.access,
            is_bound: answer.is_bound,
            end: answer.expires_in.map(|life| request.now + life),
            scopes: answer.scopes.unwrap_or_default(),
        })
    }
}

/// RFC 8693, 2.2.2: an audience that it does not serve is `invalid_target`; a grant type that it does not know, or lets
/// us not use, is one of RFC 6749, 5.2.
fn refusal(fault: Fault) -> ProviderError {
    match fault {
        Fault::OAuth(OAuthError::InvalidTarget | OAuthError::AccessDenied) => {
            ProviderError::AudienceRefused(fault.into())
        }
        Fault::OAuth(OAuthError::UnsupportedGrantType | OAuthError::UnauthorizedClient) => {
            ProviderError::Unsupported(Offer::TokenExchange)
        }
        other => other.into(),
    }
}
