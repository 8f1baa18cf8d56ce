//! Owns the call that asks for a proxy. Does not know which proxy asks.

use super::Client;
use super::call::Manner;
use super::error::Error;
use crate::envoy::authorization_client::AuthorizationClient;
use crate::envoy::{CheckRequest, CheckResponse};

impl Client {
    /// Whether a request may go on to what stands behind a proxy.
    pub(crate) async fn check_for_proxy(&self, question: CheckRequest) -> Result<CheckResponse, Error> {
        self.call(Manner::SAFE, question, |channel, question| async move {
            AuthorizationClient::new(channel).check(question).await
        })
        .await
    }
}
