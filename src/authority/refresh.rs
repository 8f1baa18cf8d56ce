//! Owns refreshing a session's tokens: one provider call under a lease, whose result all who wait for it get.
//! Does not know who wants them.

use std::sync::Arc;

use super::admit::Admitted;
use super::keep_tokens::Brought;
use super::not_refreshed::{NotRefreshed, TokenFate};
use super::note_sending::Noted;
use super::ports::{Lease, LeaseAttempt};
use super::provider::{IdentityProvider, ProviderError, RefreshRequest, Renewal};
use super::refresh_refused::Refusal;
use super::under_way::too_much;
use super::{Authority, Error};
use crate::session::audit::Entry;
use crate::session::key::SessionKey;
use crate::session::record::Tokens;
use crate::session::spent::Spent;

/// What became of a refresh.
#[derive(Clone)]
pub(super) enum Refreshed {
    /// New tokens, ours or those of whoever was faster.
    Tokens(Box<Tokens>),
    /// The session ended meanwhile.
    SessionGone,
}

/// What one refresh brings to all of this process who wait for it.
pub(super) type SharedRefresh = Result<Refreshed, Arc<Error>>;

/// How often to try for the lease before telling the caller to come back. Whoever waits for it is woken once by what its
/// holder notes, and once by what it brings.
pub(super) const ATTEMPTS: usize = 4;

impl Authority {
    /// Refreshes the tokens that were `seen` sealed. Tokens in the store that differ from them are somebody's fresh
    /// result, and are taken as they are. Runs to its end even when the caller goes away. What becomes of it is written down
    /// by this `entry`, where nobody was faster.
    pub(super) async fn refresh(&self, admitted: &Admitted, seen: Vec<u8>, entry: Entry) -> Result<Refreshed, Error> {
        if !self.settings.tokens.refresh {
            return Err(Error::NoRefreshToken);
        }
        if self.open_tokens(admitted, &seen)?.refresh.is_none() {
            self.check_not_refused(&admitted.credential.key).await?;
            return Err(Error::NoRefreshToken);
        }
        let (authority, admitted) = (self.clone(), admitted.clone());
        let run = |work| self.ports.beside.run(work);
        let refreshed = self.under_way.refreshes.join(admitted.credential.key, run, move || {
            Box::pin(async move { authority.refresh_alone(&admitted, &seen, &entry).await.map_err(Arc::new) })
        });
        Ok(refreshed.await.ok_or_else(too_much)??)
    }

    /// The one refresh of this process: waits for those of other replicas.
    async fn refresh_alone(&self, admitted: &Admitted, seen: &[u8], entry: &Entry) -> Result<Refreshed, Error> {
        let key = &admitted.credential.key;
        for _ in 0..ATTEMPTS {
            match self.ports.sessions.lease(key, self.settings.tokens.lease).await? {
                LeaseAttempt::Gone => return Ok(Refreshed::SessionGone),
                LeaseAttempt::Busy => self.ports.sessions.wait_for_lease(key, self.settings.tokens.wait).await?,
                LeaseAttempt::Taken(lease) => {
                    let refreshed = match self.fresh(admitted, seen).await {
                        Ok(None) => self.refresh_under(lease.as_ref(), admitted, seen, entry).await,
                        Ok(Some(already)) => Ok(already),
                        Err(error) => Err(error),
                    };
                    lease.release().await;
                    return refreshed;
                }
            }
            if let Some(already) = self.fresh(admitted, seen).await? {
                return Ok(already);
            }
        }
        Err(Error::RefreshInProgress)
    }

    /// What the store holds now, if it is no longer what was seen.
    ///
    /// # Errors
    /// `ProviderRefused` when what was seen was refused meanwhile.
    pub(super) async fn fresh(&self, admitted: &Admitted, seen: &[u8]) -> Result<Option<Refreshed>, Error> {
        match self.ports.sessions.tokens(&admitted.credential.key).await? {
            None => Ok(Some(Refreshed::SessionGone)),
            Some(sealed) if sealed == seen => Ok(None),
            Some(sealed) => {
                let tokens = self.open_tokens(admitted, &sealed)?;
                if tokens.refresh.is_none() {
                    self.check_not_refused(&admitted.credential.key).await?;
                }
                Ok(Some(Refreshed::Tokens(Box::new(tokens))))
            }
        }
    }

    /// Asks the provider, and keeps what it gives. The caller holds the lease, and has seen the tokens under it.
    pub(super) async fn refresh_under(
        &self,
        lease: &dyn Lease,
        admitted: &Admitted,
        seen: &[u8],
        entry: &Entry,
    ) -> Result<Refreshed, Error> {
        let old = self.open_tokens(admitted, seen)?;
        let (key, identity) = (&admitted.credential.key, &admitted.standing.identity);
        let provider = self.ports.providers.get(&identity.provider).ok_or(Error::NoRefreshToken)?;
        let asked = self.asked();
        let request = RefreshRequest {
            refresh_token: old.refresh.clone().ok_or(Error::NoRefreshToken)?,
            issuer: identity.issuer.clone(),
            sub: identity.sub.clone(),
            auth_time: identity.auth_time.map(|at| asked.past_in_world_time(at)),
            id_token: old.id.clone(),
            access_token: old.access.clone(),
            has_rights: !identity.roles.is_empty() || !identity.permissions.is_empty(),
            now: asked.wall,
        };
        let noted = self.note_sending(lease, key, seen).await?;
        if noted == Noted::SessionGone {
            return Ok(Refreshed::SessionGone);
        }
        if !lease.is_held() {
            self.not_sent(lease, key, seen, noted).await;
            return Err(Error::RefreshInProgress);
        }
        let spent = Spent::of(key, &request.refresh_token);
        let answer = send(provider.as_ref(), &request, lease).await;
        self.show_refresh(&identity.provider, answer.as_ref().err().map(|failed| &failed.error));
        match answer {
            Ok(Renewal { tokens, rights }) => {
                let is_rotated = tokens.refresh.as_ref().is_some_and(|new| *new != request.refresh_token);
                if is_rotated {
                    // Known before anything is kept: it is spent whatever becomes of that.
                    self.stream.note_spent(key, spent);
                }
                let tokens = merge(old, asked.in_store_time(tokens));
                let brought = Brought::Refresh { rights: &rights, spent: is_rotated.then_some(spent) };
                let refreshed = self.keep_tokens(lease.fence(), admitted, seen, &tokens, brought).await?;
                if matches!(refreshed, Refreshed::Tokens(_)) && self.settings.audit.is_some_and(|audit| audit.refreshes)
                {
                    self.audit(Entry { at: self.ports.clock.now(), ..entry.clone() });
                }
                Ok(refreshed)
            }
            Err(NotRefreshed { error: error @ ProviderError::InvalidGrant(_), token }) => {
                let may_be_spent = noted == Noted::Before
                    || token == TokenFate::MayBeSpent
                    || self.stream.may_be_spent(key, spent, self.ports.clock.running());
                self.refused(Refusal { lease, admitted, seen, tokens: old, may_be_spent, entry }, error).await
            }
            Err(NotRefreshed { error, token }) => {
                if token == TokenFate::AsItWas {
                    self.not_sent(lease, key, seen, noted).await;
                }
                Err(error.into())
            }
        }
    }

    /// The refresh token is as it was before this caller came.
    async fn not_sent(&self, lease: &dyn Lease, key: &SessionKey, seen: &[u8], noted: Noted) {
        if noted == Noted::Now {
            self.take_back_note(lease, key, seen).await;
        }
    }
}

/// Sends a refresh token, and once more, at once, when the connection broke before the answer came. A provider that
/// rotates refresh tokens may have spent it: many let the same one be used again for a moment (Okta's grace period, the
/// leeway of Auth0 and Cognito, Keycloak's "Refresh Token Max Reuse"; RFC 9700, 4.14.2), and the others leave nothing to
/// lose. Every session has tokens of its own, so no other one is touched.
/// Whatever is said of a token that was sent twice, the first time may have spent it.
async fn send(
    provider: &dyn IdentityProvider,
    request: &RefreshRequest,
    lease: &dyn Lease,
) -> Result<Renewal, NotRefreshed> {
    match provider.refresh(request).await {
        Err(NotRefreshed { error: ProviderError::Lost(cause), .. }) if lease.is_held() => {
            tracing::warn!(
                provider = provider.info().name,
                error = &*cause as &dyn std::error::Error,
                "the answer to a refresh was lost; the same token is sent once more"
            );
            let again = provider.refresh(request).await;
            again.map_err(|NotRefreshed { error, .. }| NotRefreshed::may_be_spent(error))
        }
        answer => answer,
    }
}

/// What the provider left out stays as it was (RFC 6749, 6).
fn merge(old: Tokens, new: Tokens) -> Tokens {
    Tokens {
        is_bound: if new.access.is_some() { new.is_bound } else { old.is_bound },
        access: new.access.or(old.access),
        access_end: new.access_end,
        scopes: if new.scopes.is_empty() { old.scopes } else { new.scopes },
        refresh: new.refresh.or(old.refresh),
        id: new.id.or(old.id),
        exchanged: old.exchanged,
    }
}
