//! Owns the use case GetAccessToken: the one way for a provider's token to leave the authority.
//! Does not know how it was asked.

use std::time::Duration;

use super::admit::Admission;
use super::refresh::Refreshed;
use super::validate_session::Inactive;
use super::{Authority, Call, Error, Presented};
use crate::session::admission::InactiveReason;
use crate::session::record::Tokens;

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The tokens; the caller gets the access token alone.
    Tokens(Box<Tokens>),
    /// There is no living session.
    Inactive(Inactive),
}

impl Authority {
    /// Hands out the access token, refreshed first when it lives shorter than `minimum` (default: the margin).
    ///
    /// # Errors
    /// When it lives too short and can't be refreshed, the provider refuses or is away, or the store can't say.
    pub async fn get_access_token(
        &self,
        call: &Call,
        presented: &Presented,
        minimum: Option<Duration>,
    ) -> Result<Outcome, Error> {
        let inactive = |reason| Outcome::Inactive(self.inactive(reason, presented.context.as_ref(), true, call));
        let mut admitted = match self.admit(presented).await? {
            Admission::Living(admitted) => admitted,
            Admission::Inactive(reason) => return Ok(inactive(reason)),
        };
        if !self.touch(&mut admitted).await {
            return Ok(inactive(InactiveReason::Revoked));
        }
        let sealed = self.ports.sessions.tokens(&admitted.credential.key).await?.ok_or(Error::AccessTokenExpired)?;
        let tokens = self.open_tokens(&admitted, &sealed)?;
        if self.lives_for(&tokens, minimum.unwrap_or(self.settings.tokens.margin)) {
            return Ok(Outcome::Tokens(Box::new(tokens)));
        }
        let refreshed = match self.refresh(call, &admitted, sealed).await {
            Ok(Refreshed::Tokens(tokens)) => *tokens,
            Ok(Refreshed::SessionGone) => return Ok(inactive(InactiveReason::Revoked)),
            // What is at hand is still good, only shorter than the margin that nobody asked for.
            Err(_) if minimum.is_none() && self.lives_for(&tokens, Duration::ZERO) => tokens,
            Err(Error::NoRefreshToken) => return Err(Error::AccessTokenExpired),
            Err(error) => return Err(error),
        };
        if !self.lives_for(&refreshed, minimum.unwrap_or_default()) {
            return Err(Error::AccessTokenExpired);
        }
        Ok(Outcome::Tokens(Box::new(refreshed)))
    }

    /// Whether there is an access token that lives longer than `length`. One without a stated end is taken to.
    fn lives_for(&self, tokens: &Tokens, length: Duration) -> bool {
        tokens.access.is_some() && tokens.access_end.is_none_or(|end| end > self.ports.clock.now() + length)
    }
}
