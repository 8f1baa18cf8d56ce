//! Owns the calls of `SessionService`. Does not know where a credential came from.

use super::Client;
use super::call::Manner;
use super::error::Error;
use crate::v1;
use crate::v1::session_service_client::SessionServiceClient;
use crate::verdict::{Asked, Verdict};

/// What became of [`SessionCalls::check`].
#[derive(Debug)]
pub struct Checked {
    /// The outcome.
    pub verdict: Verdict,
    /// The version of the edge settings in force.
    pub settings_version: String,
}

/// Asks about, uses and ends the session that a browser presented.
#[derive(Clone, Copy, Debug)]
pub struct SessionCalls<'a>(pub(super) &'a Client);

impl SessionCalls<'_> {
    /// Who is behind a credential, and whether this request may go ahead, unread: [`SessionCalls::check`] reads it.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn validate_session(
        &self,
        question: v1::ValidateSessionRequest,
    ) -> Result<v1::ValidateSessionResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).validate_session(question).await
            })
            .await
    }

    /// Fetches new tokens from the provider with the session's refresh token, now.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn refresh_tokens(&self, question: v1::RefreshTokensRequest) -> Result<v1::RefreshTokensResponse, Error> {
        self.0
            .call(Manner::SAFE_SLOW, question, |channel, question| async move {
                SessionServiceClient::new(channel).refresh_tokens(question).await
            })
            .await
    }

    /// The session's access token, refreshed first when it lives shorter than asked for.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_access_token(
        &self,
        question: v1::GetAccessTokenRequest,
    ) -> Result<v1::GetAccessTokenResponse, Error> {
        self.0
            .call(Manner::SAFE_SLOW, question, |channel, question| async move {
                SessionServiceClient::new(channel).get_access_token(question).await
            })
            .await
    }

    /// Who the session's user is, as it is known, or as the provider says now.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_user_info(&self, question: v1::GetUserInfoRequest) -> Result<v1::GetUserInfoResponse, Error> {
        self.0
            .call(Manner::SAFE_SLOW, question, |channel, question| async move {
                SessionServiceClient::new(channel).get_user_info(question).await
            })
            .await
    }

    /// The living sessions of the presented session's user, the newest first, a page at a time.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_user_sessions(
        &self,
        question: v1::ListUserSessionsRequest,
    ) -> Result<v1::ListUserSessionsResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).list_user_sessions(question).await
            })
            .await
    }

    /// What an application keeps with the session.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_attributes(&self, question: v1::GetAttributesRequest) -> Result<v1::GetAttributesResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).get_attributes(question).await
            })
            .await
    }

    /// Changes what an application keeps with the session. Values that somebody else has changed since are the reason
    /// `VERSION_CONFLICT`: read them again, and decide again.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn update_attributes(
        &self,
        question: v1::UpdateAttributesRequest,
    ) -> Result<v1::UpdateAttributesResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).update_attributes(question).await
            })
            .await
    }

    /// Ends the presented session, or others of the same user.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn revoke(
        &self,
        question: v1::SessionServiceRevokeRequest,
    ) -> Result<v1::SessionServiceRevokeResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).revoke(question).await
            })
            .await
    }

    /// Asks as [`SessionCalls::validate_session`] does, and reads the answer as the contract says: every requirement
    /// that was asked for has to be among those that were judged, and an outcome that this client does not know is an
    /// error, never a yes or a no.
    ///
    /// # Errors
    /// When the authority could not say. Answer 503 and leave the browser's cookies alone.
    pub async fn check(&self, question: v1::ValidateSessionRequest) -> Result<Checked, Error> {
        let asked = Asked::of(&question);
        let answer = self.validate_session(question).await?;
        Ok(Checked { verdict: asked.read(answer.outcome)?, settings_version: answer.settings_version })
    }
}
