//! Owns the calls of `AdminService`. Does not know how a person reads what they answer.

use super::Client;
use super::call::Manner;
use super::error::Error;
use crate::v1;
use crate::v1::admin_service_client::AdminServiceClient;

/// Sees and ends sessions from outside the browser.
#[derive(Clone, Copy, Debug)]
pub struct AdminCalls<'a>(pub(super) &'a Client);

impl AdminCalls<'_> {
    /// Living sessions, a page at a time: go on with `next_page_token` until it is empty.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_sessions(&self, question: v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).list_sessions(question).await
            })
            .await
    }

    /// One living session. One that is not there is the reason `SESSION_NOT_FOUND`.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_session(&self, question: v1::GetSessionRequest) -> Result<v1::GetSessionResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).get_session(question).await
            })
            .await
    }

    /// Ends one session, or all of a user, a provider, the tenant or all tenants. When it answers, they are dead.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn revoke(
        &self,
        question: v1::AdminServiceRevokeRequest,
    ) -> Result<v1::AdminServiceRevokeResponse, Error> {
        let call = self.0.call(Manner::SAFE, question, |channel, question| async move {
            AdminServiceClient::new(channel).revoke(question).await
        });
        let outcome = call.await;
        if let Some(kept) = &self.0.shared.kept {
            kept.forget_all();
        }
        outcome
    }

    /// How many sessions `revoke` of the same target would end. Ends none.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn preview_revoke(&self, question: v1::PreviewRevokeRequest) -> Result<v1::PreviewRevokeResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).preview_revoke(question).await
            })
            .await
    }
}
