//! Owns what becomes of a session whose refresh token the provider has refused for good: it ends where the configuration says
//! so, and else goes on without one, and nobody sends that token again. Does not know how it was sent.

use super::admit::Admitted;
use super::ports::{Lease, Lookup};
use super::provider::ProviderError;
use super::refresh::Refreshed;
use super::stream::EndedSessions;
use super::{Authority, Error};
use crate::session::audit::{Action, Entry};
use crate::session::key::SessionKey;
use crate::session::record::{Ending, RefreshToken, Tokens};

/// A refusal, and of what.
pub(super) struct Refusal<'a> {
    pub(super) lease: &'a dyn Lease,
    pub(super) admitted: &'a Admitted,
    /// The tokens as they were sealed.
    pub(super) seen: &'a [u8],
    pub(super) tokens: Tokens,
    /// Whether the refusal may be of our own making, since somebody had the token taken before: while our lease was lost, or
    /// when what came of it was lost, with its answer on the way, with a process that ended before it could keep it, or with
    /// a store that has forgotten it. Then it says nothing of the user.
    pub(super) may_be_spent: bool,
    /// What is written down of it.
    pub(super) entry: &'a Entry,
}

impl Authority {
    /// The provider has refused the refresh token. Either way it is the last that is asked of it.
    pub(super) async fn refused(&self, refusal: Refusal<'_>, error: ProviderError) -> Result<Refreshed, Error> {
        let Refusal { lease, admitted, seen, entry, .. } = refusal;
        if !refusal.may_be_spent && self.settings.tokens.end_session_when_refused {
            let ended = self.end_refused(admitted, seen, entry).await;
            if ended.is_err() {
                // It may live on: then the next refusal has to end it.
                self.take_back_note(lease, &admitted.credential.key, seen).await;
            }
            return ended;
        }
        if let Some(already) = self.fresh(admitted, seen).await? {
            return Ok(already);
        }
        self.give_up_refresh_token(lease.fence(), admitted, refusal.tokens).await;
        Err(error.into())
    }

    async fn end_refused(&self, admitted: &Admitted, seen: &[u8], entry: &Entry) -> Result<Refreshed, Error> {
        if let Some(already) = self.fresh(admitted, seen).await? {
            return Ok(already);
        }
        let key = &admitted.credential.key;
        tracing::info!(
            session = key.public(),
            provider = entry.provider,
            tenant = self.settings.tenant_name,
            caller = entry.caller,
            request_id = entry.request_id,
            "the provider refused the refresh token: the session ends"
        );
        let done = self.end_sessions(&[*key], Ending::Revoked).await;
        if let Some((ended, outcome)) = EndedSessions::of(&done) {
            let (at, action) = (self.ports.clock.now(), Action::RefreshRefused);
            let entry = Entry { at, action, outcome, ..entry.clone() };
            self.audit(entry.ending(ended.count, &ended.sessions));
        }
        done.map(|_| Refreshed::SessionGone)
    }

    /// For a session that has no refresh token.
    ///
    /// # Errors
    /// `ProviderRefused` when it has none any more, since the provider has refused it.
    pub(super) async fn check_not_refused(&self, key: &SessionKey) -> Result<(), Error> {
        let Lookup::Found(record) = self.look_up(key).await? else { return Ok(()) };
        let standing = self.vault.open_standing(key, &record.header.marks, &record.body)?;
        if standing.refresh_token == RefreshToken::Refused {
            return Err(Error::ProviderRefused("the provider has refused this session's refresh token before".into()));
        }
        Ok(())
    }
}
