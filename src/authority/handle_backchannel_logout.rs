//! Owns the use case HandleBackchannelLogout: a provider says that a session has ended there, so it ends here. Does not
//! know how it was asked, nor what a logout token looks like.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::answer::{HttpAnswer, Trouble};
use super::logout_notice::{LogoutNotice, WhatEnded};
use super::provider::{IdentityProvider, ProviderError};
use super::{Authority, Call, Error, own_token};
use crate::crypto::Secret;
use crate::session::identity::Identity;
use crate::session::key::{LogoutTokenKey, ProviderSessionKey, UserKey};
use crate::session::parameters::Parameters;
use crate::session::request::RequestContext;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The request's body, as it came.
    pub form: Bytes,
    /// What the edge saw of the request: it may say for which tenant it is, and nothing else.
    pub context: RequestContext,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer the provider.
    pub answer: HttpAnswer,
    /// How many living sessions this call ended.
    pub ended: u64,
}

/// How much longer than a token is good it is remembered to have been carried out: for calls that are slow.
const MARGIN: Duration = Duration::from_mins(1);

/// Why a logout token is not carried out.
enum Refusal {
    /// There is none, or the request can't be read.
    Malformed(String),
    /// No provider that may send one would sign it.
    NobodysToken,
    /// It did not pass the check of that name.
    Rejected(&'static str),
    /// It was carried out before.
    Repeated,
}

impl Authority {
    /// Verifies a logout token, ends what it names, logins under way included, and notes that it was carried out. A user
    /// or session that is not known here is logged out already (OpenID Connect Back-Channel Logout 1.0, 2.7).
    ///
    /// # Errors
    /// When the store or the provider's keys can't be had, so that nobody can say: the same token can then come again.
    pub async fn handle_backchannel_logout(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let refusal = match self.find_token(&question.form) {
            Err(refusal) => refusal,
            Ok((provider, token)) => match provider.read_logout_token(&token, self.ports.wall.now()).await {
                Ok(notice) => match self.carry_out(call, provider.as_ref(), &notice).await? {
                    Ok(ended) => return Ok(Outcome { answer: HttpAnswer::json(200, &json!({})), ended }),
                    Err(refusal) => refusal,
                },
                Err(ProviderError::Rejected(check)) => Refusal::Rejected(check),
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Outcome { answer: refusal.answer(call, &self.settings.tenant_name), ended: 0 })
    }

    /// Whether a logout request may be for this tenant, by what its token says of itself.
    pub(super) fn may_take_logout(&self, form: &[u8]) -> bool {
        let Ok((provider, token)) = self.find_token(form) else { return false };
        let claims = own_token::payload(token.expose()).unwrap_or_default();
        let is_ours = |audience: &serde_json::Value| audience.as_str().is_some_and(|id| provider.is_client(id));
        match claims.get("aud") {
            Some(serde_json::Value::Array(several)) => several.iter().any(is_ours),
            one => one.is_some_and(is_ours),
        }
    }

    /// The token, and the provider that it says it is of. Nothing of it is believed yet.
    fn find_token(&self, form: &[u8]) -> Result<(Arc<dyn IdentityProvider>, Secret), Refusal> {
        let form = Parameters::form(form, self.settings.limits.body_bytes)
            .map_err(|cause| Refusal::Malformed(cause.to_string()))?;
        let missing = || Refusal::Malformed("The parameter logout_token is missing".to_owned());
        let token = form.get("logout_token").filter(|token| !token.is_empty()).ok_or_else(missing)?;
        let claims = own_token::payload(token);
        let issuer = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str()).ok_or(Refusal::NobodysToken)?;
        let mut all = self.ports.providers.all().into_iter();
        let provider = all.find(|one| one.logout_channels().back && one.info().issuer.admits(issuer));
        Ok((provider.ok_or(Refusal::NobodysToken)?, Secret::new(token)))
    }

    /// The token is noted last: one whose work failed halfway can come again, and one that was carried out whole can not.
    async fn carry_out(
        &self,
        call: &Call,
        provider: &dyn IdentityProvider,
        notice: &LogoutNotice,
    ) -> Result<Result<u64, Refusal>, Error> {
        let (tenant, name) = (self.settings.tenant, provider.info().name.as_str());
        let token = LogoutTokenKey::of(tenant, name, &notice.id);
        if self.ports.logouts.is_spent(&token).await? {
            return Ok(Err(Refusal::Repeated));
        }
        let ended = match &notice.ended {
            WhatEnded::User(sub) => self.end_user(&UserKey::of(tenant, &notice.issuer, sub)).await?,
            WhatEnded::Session(sid, sub) => {
                let of = ProviderSessionKey::of(tenant, name, sid);
                let is_meant = |identity: &Identity| {
                    identity.issuer == notice.issuer && sub.as_ref().is_none_or(|sub| identity.sub == *sub)
                };
                let nameless = match sub {
                    Some(sub) => self.nameless_of(&UserKey::of(tenant, &notice.issuer, sub), name, |_| true).await?,
                    None => Vec::new(),
                };
                self.end_provider_sessions(&[of], is_meant, &nameless).await?
            }
        };
        let keep_for = notice.good_until.since(self.ports.wall.now()) + MARGIN;
        self.ports.logouts.spend(&token, keep_for).await?;
        tracing::info!(
            provider = name,
            count = ended,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a provider logged somebody out"
        );
        Ok(Ok(ended))
    }
}

impl Refusal {
    /// What the provider is told (2.8; RFC 6749, 5.2), and the log in more words.
    fn answer(self, call: &Call, tenant: &str) -> HttpAnswer {
        let (check, reason, detail) = match self {
            Self::Malformed(detail) => ("", "request_malformed", detail),
            Self::NobodysToken => ("logout_token.iss", "logout_token_rejected", "This is no logout token".to_owned()),
            Self::Rejected(check) => (check, "logout_token_rejected", "The logout token did not pass".to_owned()),
            Self::Repeated => ("logout_token.jti", "logout_token_repeated", "The logout token came before".to_owned()),
        };
        tracing::warn!(
            check,
            reason,
            tenant,
            request_id = call.request_id,
            "a logout that a provider sent was refused"
        );
        let more = [("error", "invalid_request"), ("error_description", detail.as_str())];
        let trouble = Trouble { status: 400, reason, detail: detail.clone(), remedy: String::new() };
        HttpAnswer::error_with(&trouble, &call.request_id, &more)
    }
}
