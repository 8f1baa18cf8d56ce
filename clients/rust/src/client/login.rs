//! Owns the calls of `LoginService`. Does not know the routes that lead to them.

use bytes::Bytes;

use super::Client;
use super::call::Manner;
use super::changing::{Ended, Ending, Word};
use super::error::Error;
use crate::v1;
use crate::v1::login_service_client::LoginServiceClient;

/// The parameter of a logout that ends more than the session that is presented.
const EVERYWHERE: &[u8] = b"everywhere";

/// What ended on a provider's word. Anybody can send what leads to it: so what was kept stays where it ended none.
fn by_provider(revoked_count: u32, position: &Bytes) -> Ending {
    let ended = if revoked_count > 0 { Ended::Anybodys } else { Ended::Nobodys };
    Ending { ended, position: position.clone() }
}

/// Logs people in and out: what an edge asks.
#[derive(Clone, Copy, Debug)]
pub struct LoginCalls<'a>(pub(super) &'a Client);

impl LoginCalls<'_> {
    /// All that an edge has to know beyond address and key.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_edge_settings(
        &self,
        question: v1::GetEdgeSettingsRequest,
    ) -> Result<v1::GetEdgeSettingsResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                LoginServiceClient::new(channel).get_edge_settings(question).await
            })
            .await
    }

    /// The identity providers that a person can log in with.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_providers(
        &self,
        question: v1::LoginServiceListProvidersRequest,
    ) -> Result<v1::LoginServiceListProvidersResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                LoginServiceClient::new(channel).list_providers(question).await
            })
            .await
    }

    /// Begins a login. Never repeated: a repeat would begin another.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn start_login(&self, question: v1::StartLoginRequest) -> Result<v1::StartLoginResponse, Error> {
        self.0
            .call(Manner::START_LOGIN, question, |channel, question| async move {
                LoginServiceClient::new(channel).start_login(question).await
            })
            .await
    }

    /// Completes a login. Not repeated here: the browser can do so, and gets the same answer.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn complete_callback(
        &self,
        question: v1::CompleteCallbackRequest,
    ) -> Result<v1::CompleteCallbackResponse, Error> {
        let cookies = question.cookies.clone();
        let call = self.0.call(Manner::COMPLETE_CALLBACK, question, |channel, question| async move {
            LoginServiceClient::new(channel).complete_callback(question).await
        });
        self.0.changing(&cookies, call).await
    }

    /// Ends the browser's session.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn start_logout(&self, question: v1::StartLogoutRequest) -> Result<v1::StartLogoutResponse, Error> {
        let cookies = question.cookies.clone();
        // Other sessions of the user may end too, whoever presents them.
        let is_everywhere = question.query.windows(EVERYWHERE.len()).any(|part| part == EVERYWHERE);
        let call = self.0.answered(Manner::START_LOGOUT, question, |channel, question| async move {
            LoginServiceClient::new(channel).start_logout(question).await
        });
        let told = |answer: &v1::StartLogoutResponse| {
            let are_more = answer.revoked_count > 1 || (is_everywhere && answer.revoked_count > 0);
            let ended = if are_more { Ended::Anybodys } else { Ended::Nobodys };
            Ending { ended, position: answer.event_position.clone() }
        };
        self.0.ending(&cookies, Word::Theirs, call, told).await
    }

    /// Receives the browser back from the provider's logout.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn complete_logout(
        &self,
        question: v1::CompleteLogoutRequest,
    ) -> Result<v1::CompleteLogoutResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                LoginServiceClient::new(channel).complete_logout(question).await
            })
            .await
    }

    /// Ends the sessions of which a provider's server says that they have ended there. Repeated only while the authority
    /// is away: a token that was carried out ends nothing when it comes again.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn handle_backchannel_logout(
        &self,
        question: v1::HandleBackchannelLogoutRequest,
    ) -> Result<v1::HandleBackchannelLogoutResponse, Error> {
        let call = self.0.answered(Manner::PROVIDER_LOGOUT, question, |channel, question| async move {
            LoginServiceClient::new(channel).handle_backchannel_logout(question).await
        });
        let told =
            |answer: &v1::HandleBackchannelLogoutResponse| by_provider(answer.revoked_count, &answer.event_position);
        self.0.ending(&[], Word::Providers, call, told).await
    }

    /// Ends the sessions of which a provider's page has the browser say that they have ended there.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn handle_frontchannel_logout(
        &self,
        question: v1::HandleFrontchannelLogoutRequest,
    ) -> Result<v1::HandleFrontchannelLogoutResponse, Error> {
        let call = self.0.answered(Manner::PROVIDER_LOGOUT, question, |channel, question| async move {
            LoginServiceClient::new(channel).handle_frontchannel_logout(question).await
        });
        let told =
            |answer: &v1::HandleFrontchannelLogoutResponse| by_provider(answer.revoked_count, &answer.event_position);
        self.0.ending(&[], Word::Providers, call, told).await
    }
}
