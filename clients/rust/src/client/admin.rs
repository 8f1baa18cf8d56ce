//! Owns the calls of `AdminService`. Does not know how a person reads what they answer.

use bytes::Bytes;
use tonic::Streaming;

use super::Client;
use super::call::Manner;
use super::changing::{Ended, Ending, Word};
use super::error::Error;
use crate::v1;
use crate::v1::admin_service_client::AdminServiceClient;

/// Whoever presents the sessions that an admin ends is not known here.
fn told(position: &Bytes) -> Ending {
    Ending { ended: Ended::Anybodys, position: position.clone() }
}

/// Sees and ends sessions, and keeps users and callers' keys, from outside the browser.
#[derive(Clone, Copy, Debug)]
pub struct AdminCalls<'a>(pub(super) &'a Client);

impl AdminCalls<'_> {
    /// Living sessions, a page at a time: go on with `next_page_token` until it is empty. An authority that is too old to
    /// know the filter would list too much: that is an error.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_sessions(&self, question: v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Error> {
        let asked = v1::SessionFilter {
            user_id: question.user_id.clone(),
            provider: question.provider.clone(),
            provider_session_id: question.provider_session_id.clone(),
            created_after: question.created_after,
            created_before: question.created_before,
        };
        // The filter by user is older than the answer's word for it.
        let is_new = v1::SessionFilter { user_id: String::new(), ..asked.clone() } != v1::SessionFilter::default();
        let answer = self
            .0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).list_sessions(question).await
            })
            .await?;
        if is_new && answer.applied_filter.as_ref() != Some(&asked) {
            return Err(Error::could_not_say("the authority did not apply the filter that was asked for; upgrade it"));
        }
        Ok(answer)
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
        let call = self.0.answered(Manner::ENDS, question, |channel, question| async move {
            AdminServiceClient::new(channel).revoke(question).await
        });
        self.0.ending(&[], Word::Theirs, call, |answer| told(&answer.event_position)).await
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

    /// One user. One that is not there is the reason `USER_NOT_FOUND`.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_user(&self, question: v1::GetUserRequest) -> Result<v1::GetUserResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).get_user(question).await
            })
            .await
    }

    /// Users, a page at a time: go on with `next_page_token` until it is empty.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_users(&self, question: v1::ListUsersRequest) -> Result<v1::ListUsersResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).list_users(question).await
            })
            .await
    }

    /// Ends every session of a user, and lets them log in no more. When it answers, the sessions are dead.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn disable_user(&self, question: v1::DisableUserRequest) -> Result<v1::DisableUserResponse, Error> {
        let call = self.0.answered(Manner::ENDS, question, |channel, question| async move {
            AdminServiceClient::new(channel).disable_user(question).await
        });
        self.0.ending(&[], Word::Theirs, call, |answer| told(&answer.event_position)).await
    }

    /// Lets a disabled user log in again.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn enable_user(&self, question: v1::EnableUserRequest) -> Result<v1::EnableUserResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).enable_user(question).await
            })
            .await
    }

    /// Deletes a user with every session of theirs. When it answers, the sessions are dead.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn delete_user(&self, question: v1::DeleteUserRequest) -> Result<v1::DeleteUserResponse, Error> {
        let call = self.0.answered(Manner::ENDS, question, |channel, question| async move {
            AdminServiceClient::new(channel).delete_user(question).await
        });
        self.0.ending(&[], Word::Theirs, call, |answer| told(&answer.event_position)).await
    }

    /// Makes an API key for a caller, which is told this once. Where the answer is lost, the same question with the same
    /// idempotency key gets it again.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn create_caller_key(
        &self,
        question: v1::CreateCallerKeyRequest,
    ) -> Result<v1::CreateCallerKeyResponse, Error> {
        let manner = if question.idempotency_key.is_empty() { Manner::ONCE } else { Manner::SAFE };
        self.0
            .call(manner, question, |channel, question| async move {
                AdminServiceClient::new(channel).create_caller_key(question).await
            })
            .await
    }

    /// The API keys that were made at run time and have not ended.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_caller_keys(
        &self,
        question: v1::ListCallerKeysRequest,
    ) -> Result<v1::ListCallerKeysResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).list_caller_keys(question).await
            })
            .await
    }

    /// Revokes an API key that was made at run time. When it answers, every replica refuses the key.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn revoke_caller_key(
        &self,
        question: v1::RevokeCallerKeyRequest,
    ) -> Result<v1::RevokeCallerKeyResponse, Error> {
        self.0
            .call(Manner::ENDS, question, |channel, question| async move {
                AdminServiceClient::new(channel).revoke_caller_key(question).await
            })
            .await
    }

    /// What was written down of what happened, the newest first, a page at a time: go on with `next_page_token` until it is
    /// empty.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_audit(&self, question: v1::ListAuditRequest) -> Result<v1::ListAuditResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).list_audit(question).await
            })
            .await
    }

    /// What is written down from now on, until one side ends the stream. It is not made again by itself.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn watch_audit(
        &self,
        question: v1::WatchAuditRequest,
    ) -> Result<Streaming<v1::WatchAuditResponse>, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, mut question| async move {
                // It lasts: the deadline is for its beginning alone.
                question.metadata_mut().remove("grpc-timeout");
                AdminServiceClient::new(channel).watch_audit(question).await
            })
            .await
    }

    /// What became of a login, by the id of one of its requests.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn explain_login(&self, question: v1::ExplainLoginRequest) -> Result<v1::ExplainLoginResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                AdminServiceClient::new(channel).explain_login(question).await
            })
            .await
    }
}
