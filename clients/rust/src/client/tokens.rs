//! Owns the calls of `TokenService`. Does not know where a token came from.

use super::Client;
use super::call::Manner;
use super::error::Error;
use crate::requirements::{age_of, all_of, one_of};
use crate::v1;
use crate::v1::token_service_client::TokenServiceClient;
use crate::v1::validate_token_response::Outcome;

/// What became of [`TokenCalls::check`].
#[derive(Debug, Clone, PartialEq)]
pub enum TokenVerdict {
    /// The token is good, and every requirement that was asked for is met.
    Active(Box<v1::ActiveToken>),
    /// The token is not good: answer as it says.
    Inactive(v1::InactiveToken),
    /// The token is good and not enough: answer as it says.
    Denied(v1::DeniedToken),
}

/// Checks bearer tokens, and mints tokens of the authority's own.
#[derive(Clone, Copy, Debug)]
pub struct TokenCalls<'a>(pub(super) &'a Client);

impl TokenCalls<'_> {
    /// Whose a bearer token is, and whether this request may go ahead, unread: [`TokenCalls::check`] reads it.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn validate_token(&self, question: v1::ValidateTokenRequest) -> Result<v1::ValidateTokenResponse, Error> {
        self.0
            .call(Manner::SAFE_SLOW, question, |channel, question| async move {
                TokenServiceClient::new(channel).validate_token(question).await
            })
            .await
    }

    /// A small signed token from the session that a browser presented.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn mint_token(&self, question: v1::MintTokenRequest) -> Result<v1::MintTokenResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                TokenServiceClient::new(channel).mint_token(question).await
            })
            .await
    }

    /// The public keys that check tokens of [`TokenCalls::mint_token`].
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_jwks(&self) -> Result<v1::GetJwksResponse, Error> {
        self.0
            .call(Manner::SAFE, v1::GetJwksRequest {}, |channel, question| async move {
                TokenServiceClient::new(channel).get_jwks(question).await
            })
            .await
    }

    /// Asks as [`TokenCalls::validate_token`] does, and reads the answer as the contract says: every requirement that
    /// was asked for has to be among those that were judged, and an outcome that this client does not know is an error,
    /// never a yes or a no.
    ///
    /// # Errors
    /// When the authority could not say. Answer 503.
    pub async fn check(&self, question: v1::ValidateTokenRequest) -> Result<TokenVerdict, Error> {
        let (asked, refresh) = (question.requirements.clone().unwrap_or_default(), question.refresh);
        match self.validate_token(question).await?.outcome {
            Some(Outcome::Active(active)) if active.identity.is_none() => {
                Err(Error::could_not_say("the authority says yes, and not to whom"))
            }
            Some(Outcome::Active(active)) => {
                let judged = active.judged.clone().unwrap_or_default();
                let met = all_of(&asked.scopes, &judged.scopes)
                    && one_of(&asked.any_scopes, &judged.any_scopes)
                    && all_of(&asked.permissions, &judged.permissions)
                    && one_of(&asked.any_permissions, &judged.any_permissions)
                    && all_of(&asked.roles, &judged.roles)
                    && one_of(&asked.acr_values, &judged.acr_values)
                    && all_of(&asked.amr_values, &judged.amr_values)
                    && (judged.email_verified || !asked.email_verified)
                    && (asked.audience.is_empty() || asked.audience == judged.audience)
                    && age_of(asked.max_login_age, judged.max_login_age);
                let unasked = refresh && active.refresh_time.is_none();
                if unasked && active.identity.as_ref().is_some_and(|identity| !identity.user_id.is_empty()) {
                    return Err(Error::could_not_say("the authority asked nobody anew who that is; upgrade it"));
                }
                if met {
                    Ok(TokenVerdict::Active(Box::new(active)))
                } else {
                    Err(Error::could_not_say("the authority did not judge everything that was asked for; upgrade it"))
                }
            }
            Some(Outcome::Inactive(inactive)) => Ok(TokenVerdict::Inactive(inactive)),
            Some(Outcome::Denied(denied)) => Ok(TokenVerdict::Denied(denied)),
            None => Err(Error::could_not_say("the authority's answer has an outcome that this client does not know")),
        }
    }
}
