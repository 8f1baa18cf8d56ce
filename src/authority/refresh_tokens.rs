//! Owns the use case RefreshTokens: new tokens from the provider, now. Does not know how it was asked.

use serde_json::json;

use super::admit::SessionView;
use super::admit_to_use::Refusal;
use super::answer::HttpAnswer;
use super::refresh::Refreshed;
use super::validate_session::{Denied, Inactive, Requirements};
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
    /// The session lives, but this request may not refresh its tokens.
    Denied(Box<Denied>),
}

impl Authority {
    /// Fetches new tokens. Of several calls at once one asks the provider, and the others get its result.
    /// A request that came with a context is judged as by ValidateSession: CSRF token and origin by its method.
    ///
    /// # Errors
    /// When there is no refresh token, the provider refuses or is away, or the store can't say.
    pub async fn refresh_tokens(&self, call: &Call, presented: &Presented) -> Result<Outcome, Error> {
        self.refresh_tokens_with(call, presented, &Requirements::default()).await
    }

    /// The same, where something else than its method says what the request needs.
    ///
    /// # Errors
    /// As [`Authority::refresh_tokens`].
    pub async fn refresh_tokens_with(
        &self,
        call: &Call,
        presented: &Presented,
        requirements: &Requirements,
    ) -> Result<Outcome, Error> {
        let context = presented.context.as_deref();
        let gone = || Outcome::Inactive(self.inactive(InactiveReason::Revoked, context, true, call));
        let admitted = match self.admit_with(call, presented, requirements).await? {
            Ok(admitted) => admitted,
            Err(Refusal::Inactive(inactive)) => return Ok(Outcome::Inactive(inactive)),
            Err(Refusal::Denied(denied)) => return Ok(Outcome::Denied(denied)),
        };
        let sealed = self.ports.sessions.tokens(&admitted.credential.key).await?;
        let sealed = sealed.ok_or(Error::NoRefreshToken)?;
        let entry = self.entry_of_refresh(&admitted, call, context);
        match self.refresh(&admitted, sealed, entry).await? {
            Refreshed::Tokens(tokens) => {
                let (key, generation) = (admitted.credential.key, admitted.credential.generation);
                let session = Box::new(self.view(key, admitted.standing, admitted.times, generation));
                Ok(Outcome::Refreshed { access_token_end: tokens.access_end, session })
            }
            Refreshed::SessionGone => Ok(gone()),
        }
    }
}

impl Outcome {
    /// What to answer the browser, finished; `None` when the call had no context.
    #[must_use]
    pub fn answer(&self, presented_context: bool) -> Option<HttpAnswer> {
        match self {
            Self::Refreshed { access_token_end, session } => presented_context.then(|| {
                let times = &session.times;
                let body = json!({
                    "message": "Tokens refreshed",
                    "expires_at": access_token_end.map(Timestamp::as_secs),
                    "session": {
                        "created_at": times.created.as_secs(),
                        "last_active_at": times.last_active.as_secs(),
                        "idle_expires_at": session.idle_end.as_secs(),
                        "expires_at": times.absolute_end.as_secs(),
                    },
                });
                HttpAnswer::json(200, &body)
            }),
            Self::Inactive(inactive) => inactive.answer.clone(),
            Self::Denied(denied) => denied.answer.clone(),
        }
    }
}
