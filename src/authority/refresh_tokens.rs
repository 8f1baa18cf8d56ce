//! Owns the use case RefreshTokens: new tokens from the provider, now. Does not know how it was asked.

use super::admit::{Admission, SessionView};
use super::refresh::Refreshed;
use super::validate_session::Inactive;
use super::{Authority, Call, Error, Presented};
use crate::session::admission::InactiveReason;
use crate::session::time::Timestamp;

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// New tokens are in the session.
    Refreshed {
        /// When the new access token ends, if the provider said so.
        access_token_end: Option<Timestamp>,
        /// The session.
        session: Box<SessionView>,
    },
    /// There is no living session.
    Inactive(Inactive),
}

impl Authority {
    /// Fetches new tokens. Of several calls at once one asks the provider, and the others get its result.
    ///
    /// # Errors
    /// When there is no refresh token, the provider refuses or is away, or the store can't say.
    pub async fn refresh_tokens(&self, call: &Call, presented: &Presented) -> Result<Outcome, Error> {
        let inactive = |reason| Outcome::Inactive(self.inactive(reason, presented.context.as_ref(), true, call));
        let mut admitted = match self.admit(presented).await? {
            Admission::Living(admitted) => admitted,
            Admission::Inactive(reason) => return Ok(inactive(reason)),
        };
        if !self.touch(&mut admitted).await {
            return Ok(inactive(InactiveReason::Revoked));
        }
        let sealed = self.ports.sessions.tokens(&admitted.credential.key).await?;
        let sealed = sealed.ok_or(Error::NoRefreshToken)?;
        match self.refresh(call, &admitted, sealed).await? {
            Refreshed::Tokens(tokens) => {
                let (key, generation) = (admitted.credential.key, admitted.credential.generation);
                let session = Box::new(self.view(key, admitted.standing, admitted.times, generation));
                Ok(Outcome::Refreshed { access_token_end: tokens.access_end, session })
            }
            Refreshed::SessionGone => Ok(inactive(InactiveReason::Revoked)),
        }
    }
}
