//! Owns the address that a browser is sent to for a login: the request in it, or the name of one that was handed to the
//! provider before (RFC 9126). Does not know what comes back.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::OidcProvider;
use super::metadata::Metadata;
use super::settings::PushedRequests;
use crate::authority::provider::{AuthorizationRequest, ProviderError};
use crate::providers::fault::Fault;
use crate::session::login_wish::LoginHints;

/// Longer names of requests are none.
const MAX_REQUEST_URI: usize = 2048;

type Parameters<'a> = Vec<(&'a str, Cow<'a, str>)>;

impl OidcProvider {
    pub(super) async fn address_for(&self, request: &AuthorizationRequest) -> Result<String, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let own = &self.settings.registration;
        let parameters = self.parameters(request);
        let mut url = metadata.authorization.clone();
        match self.taker(&metadata)? {
            // A request that was not taken is not sent in the open instead (security.md 9).
            Some(endpoint) => {
                let name = self.push(&metadata, endpoint, &parameters, request).await.map_err(not_taken)?;
                url.query_pairs_mut().append_pair("client_id", &own.client_id).append_pair("request_uri", &name);
            }
            None => {
                url.query_pairs_mut().extend_pairs(parameters);
            }
        }
        Ok(url.into())
    }

    /// Who takes the request before the browser leaves, if anybody is to.
    fn taker<'a>(&self, metadata: &'a Metadata) -> Result<Option<&'a Url>, Fault> {
        let is_needed = metadata.requires_pushed || self.settings.pushed == PushedRequests::Always;
        match &metadata.pushed {
            None if is_needed => Err(Fault::Invalid("metadata: requests have to be pushed, and it says not where to")),
            endpoint if is_needed || self.settings.pushed == PushedRequests::WhenOffered => Ok(endpoint.as_ref()),
            _ => Ok(None),
        }
    }

    /// Hands the request over, once, and answers its name.
    async fn push(
        &self,
        metadata: &Metadata,
        endpoint: &Url,
        parameters: &Parameters<'_>,
        request: &AuthorizationRequest,
    ) -> Result<String, Fault> {
        // Who shows who they are has said it already.
        let all = parameters.iter().map(|(name, value)| (*name, &**value));
        let parameters: Vec<_> = all.filter(|(name, _)| *name != "client_id").collect();
        let answer = self.client(metadata, request.now).push(endpoint, &parameters).await?;
        // RFC 9126, 2.2: a positive number of seconds. One that is over already names nothing.
        if answer.get("expires_in").and_then(Value::as_u64).is_none_or(|seconds| seconds == 0) {
            return Err(Fault::Invalid("pushed request: expires_in"));
        }
        let is_name =
            |text: &&str| (1..=MAX_REQUEST_URI).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let name = answer.get("request_uri").and_then(Value::as_str).filter(is_name);
        name.map(str::to_owned).ok_or(Fault::Invalid("pushed request: request_uri"))
    }

    /// Everything that a login asks.
    fn parameters<'a>(&'a self, request: &'a AuthorizationRequest) -> Parameters<'a> {
        let own = &self.settings.registration;
        let LoginHints { prompt, login_hint, ui_locales, acr_values, extra } = &request.hints;
        let mut all: Parameters<'_> = vec![
            ("response_type", "code".into()),
            ("client_id", (&own.client_id).into()),
            ("redirect_uri", (&request.redirect_uri).into()),
            ("scope", own.scopes.join(" ").into()),
            ("state", request.state.expose().into()),
            ("nonce", (&request.nonce).into()),
            ("code_challenge", (&request.code_challenge).into()),
            ("code_challenge_method", "S256".into()),
        ];
        // RFC 9449, 10: whoever gets hold of the code can't redeem it without our key.
        all.extend(self.proofs.as_ref().map(|proofs| ("dpop_jkt", proofs.thumbprint().into())));
        all.extend(own.form_post.then_some(("response_mode", "form_post".into())));
        all.extend(request.max_age.map(|age| ("max_age", age.as_secs().to_string().into())));
        all.extend((!acr_values.is_empty()).then(|| ("acr_values", acr_values.join(" ").into())));
        all.extend(prompt.as_ref().map(|prompt| ("prompt", prompt.as_str().into())));
        all.extend(login_hint.as_ref().map(|hint| ("login_hint", hint.into())));
        all.extend(ui_locales.as_ref().map(|locales| ("ui_locales", locales.into())));
        all.extend(extra.iter().map(|(name, value)| (name.as_str(), value.into())));
        all
    }
}

/// A request that can be handed over later is trouble; any other was not taken.
fn not_taken(fault: Fault) -> ProviderError {
    if fault.is_passing() { fault.into() } else { ProviderError::RequestRefused(fault.into()) }
}
