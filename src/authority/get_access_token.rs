//! Owns the use case GetAccessToken: the one way for a provider's token to leave the authority.
//! Does not know how it was asked.

use std::time::Duration;

use super::admit::{Admission, Admitted};
use super::exchange::Exchanged;
use super::provider::{Offer, ProofRequest, ProviderError};
use super::refresh::Refreshed;
use super::validate_session::Inactive;
use super::{Authority, Call, Error, Presented};
use crate::crypto::Secret;
use crate::session::admission::InactiveReason;
use crate::session::audit::Action;
use crate::session::record::Tokens;
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What came.
    pub presented: Presented,
    /// How long the token must at least live; `None` for the margin of the configuration.
    pub minimum: Option<Duration>,
    /// Whom the token is for; `None` for the session's own.
    pub audience: Option<String>,
    /// The request that it is for, which needs a proof where the token is bound.
    pub proof_for: Option<ProofRequest>,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The access token.
    Token(Box<AccessToken>),
    /// There is no living session.
    Inactive(Inactive),
}

/// An access token, handed out.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub value: Secret,
    /// Whether it is good with a proof alone (RFC 9449).
    pub is_bound: bool,
    /// The proof for the request that was named, where it needs one.
    pub proof: Option<Secret>,
    /// When it ends, if the provider said so.
    pub end: Option<Timestamp>,
    /// The scopes it was granted.
    pub scopes: Vec<String>,
    /// Whom it is for, where that was asked for; else empty.
    pub audience: String,
}

impl Authority {
    /// Hands out the access token, refreshed first when it lives shorter than `minimum`; for another audience, one that
    /// the provider gives in exchange for it.
    ///
    /// # Errors
    /// When it lives too short and can't be refreshed, the provider refuses or is away, or the store can't say.
    pub async fn get_access_token(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let context = question.presented.context.as_deref();
        let inactive = |reason| Outcome::Inactive(self.inactive(reason, context, true, call));
        let mut admitted = match self.admit(call, &question.presented).await? {
            Admission::Living(admitted) => admitted,
            Admission::Inactive(reason) => return Ok(inactive(reason)),
        };
        if !self.touch(&mut admitted).await {
            return Ok(inactive(InactiveReason::Revoked));
        }
        let mut token = match &question.audience {
            Some(audience) => match self.exchange(&admitted, audience, question.minimum, call, context).await? {
                Exchanged::Token(token) => {
                    let user = self.user_of(&admitted.standing.identity);
                    self.audit_token(Action::TokenExchanged, call, admitted.credential.key, user);
                    token
                }
                Exchanged::SessionGone => return Ok(inactive(InactiveReason::Revoked)),
            },
            None => match self.living_tokens(&admitted, question.minimum, call, context).await? {
                Refreshed::Tokens(tokens) => access_of(*tokens)?,
                Refreshed::SessionGone => return Ok(inactive(InactiveReason::Revoked)),
            },
        };
        if let Some(request) = question.proof_for.as_ref().filter(|_| token.is_bound) {
            let provider = self.ports.providers.get(&admitted.standing.identity.provider);
            let provider = provider.ok_or(ProviderError::Unsupported(Offer::Proofs))?;
            token.proof = Some(provider.prove(request, &token.value, self.ports.wall.now())?);
        }
        Ok(Outcome::Token(Box::new(token)))
    }

    /// The session's tokens, the access token living at least `minimum`, else the margin: refreshed first if need be, for
    /// this call.
    pub(super) async fn living_tokens(
        &self,
        admitted: &Admitted,
        minimum: Option<Duration>,
        call: &Call,
        context: Option<&RequestContext>,
    ) -> Result<Refreshed, Error> {
        let sealed = self.ports.sessions.tokens(&admitted.credential.key).await?.ok_or(Error::AccessTokenExpired)?;
        let tokens = self.open_tokens(admitted, &sealed)?;
        if self.lives_for(&tokens, minimum.unwrap_or(self.settings.tokens.margin)) {
            return Ok(Refreshed::Tokens(Box::new(tokens)));
        }
        let entry = self.entry_of_refresh(admitted, call, context);
        let refreshed = match self.refresh(admitted, sealed, entry).await {
            Ok(Refreshed::Tokens(tokens)) => tokens,
            Ok(Refreshed::SessionGone) => return Ok(Refreshed::SessionGone),
            // What is at hand is still good, only shorter than the margin that nobody asked for.
            Err(_) if minimum.is_none() && self.lives_for(&tokens, Duration::ZERO) => Box::new(tokens),
            Err(Error::NoRefreshToken) => return Err(Error::AccessTokenExpired),
            Err(error) => return Err(error),
        };
        if self.lives_for(&refreshed, minimum.unwrap_or_default()) {
            Ok(Refreshed::Tokens(refreshed))
        } else {
            Err(Error::AccessTokenExpired)
        }
    }

    /// Whether there is an access token that lives longer than `length`. One without a stated end is taken to.
    pub(super) fn lives_for(&self, tokens: &Tokens, length: Duration) -> bool {
        tokens.access.is_some() && tokens.access_end.is_none_or(|end| end > self.ports.clock.now() + length)
    }
}

fn access_of(tokens: Tokens) -> Result<AccessToken, Error> {
    let value = tokens.access.ok_or(Error::AccessTokenExpired)?;
    let Tokens { is_bound, access_end: end, scopes, .. } = tokens;
    Ok(AccessToken { value, is_bound, proof: None, end, scopes, audience: String::new() })
}
