//! Owns access tokens for other audiences: exchanged at the provider (RFC 8693) under the session's token lease, and
//! kept with its tokens until they end. Does not know who wants them.

use std::sync::Arc;
use std::time::Duration;

use super::admit::Admitted;
use super::get_access_token::AccessToken;
use super::keep_tokens::Brought;
use super::ports::{Lease, LeaseAttempt};
use super::provider::ExchangeRequest;
use super::refresh::{ATTEMPTS, Refreshed};
use super::under_way::too_much;
use super::{Authority, Call, Error};
use crate::session::audit::Entry;
use crate::session::record::{ExchangedToken, Tokens};
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// So many exchanged tokens are kept with a session; of more, the one that ends first goes.
const MOST_KEPT: usize = 8;

/// What became of an exchange.
#[derive(Clone)]
pub(super) enum Exchanged {
    /// The token.
    Token(AccessToken),
    /// The session ended meanwhile.
    SessionGone,
}

/// What one exchange brings to all of this process who wait for it.
pub(super) type SharedExchange = Result<Exchanged, Arc<Error>>;

impl Authority {
    /// An access token for `audience` that lives at least `minimum`, else the margin: one that is kept, or a new one.
    pub(super) async fn exchange(
        &self,
        admitted: &Admitted,
        audience: &str,
        minimum: Option<Duration>,
        call: &Call,
        context: Option<&RequestContext>,
    ) -> Result<Exchanged, Error> {
        let at_least = minimum.unwrap_or(self.settings.tokens.margin);
        if let Some(kept) = self.kept_exchange(admitted, audience, at_least).await? {
            return Ok(kept);
        }
        // It may have to refresh the tokens first.
        let entry = self.entry_of_refresh(admitted, call, context);
        let (authority, admitted, audience) = (self.clone(), admitted.clone(), audience.to_owned());
        let (key, run) = ((admitted.credential.key, audience.clone()), |work| self.ports.beside.run(work));
        let exchanged = self.under_way.exchanges.join(key, run, move || {
            Box::pin(
                async move { authority.exchange_alone(&admitted, &audience, at_least, &entry).await.map_err(Arc::new) },
            )
        });
        match exchanged.await.ok_or_else(too_much)?? {
            Exchanged::Token(token) if token.end.is_some_and(|end| end <= self.now_and(minimum)) => {
                Err(Error::AccessTokenExpired)
            }
            exchanged => Ok(exchanged),
        }
    }

    async fn exchange_alone(
        &self,
        admitted: &Admitted,
        audience: &str,
        at_least: Duration,
        entry: &Entry,
    ) -> Result<Exchanged, Error> {
        let key = &admitted.credential.key;
        for _ in 0..ATTEMPTS {
            match self.ports.sessions.lease(key, self.settings.tokens.lease).await? {
                LeaseAttempt::Gone => return Ok(Exchanged::SessionGone),
                LeaseAttempt::Busy => self.ports.sessions.wait_for_lease(key, self.settings.tokens.wait).await?,
                LeaseAttempt::Taken(lease) => {
                    let exchanged = match self.kept_exchange(admitted, audience, at_least).await {
                        Ok(None) => self.exchange_under(lease.as_ref(), admitted, audience, entry).await,
                        Ok(Some(kept)) => Ok(kept),
                        Err(error) => Err(error),
                    };
                    lease.release().await;
                    return exchanged;
                }
            }
            if let Some(kept) = self.kept_exchange(admitted, audience, at_least).await? {
                return Ok(kept);
            }
        }
        Err(Error::RefreshInProgress)
    }

    /// The token for this audience that the session has, if it lives long enough.
    async fn kept_exchange(
        &self,
        admitted: &Admitted,
        audience: &str,
        at_least: Duration,
    ) -> Result<Option<Exchanged>, Error> {
        let Some(sealed) = self.ports.sessions.tokens(&admitted.credential.key).await? else {
            return Err(Error::AccessTokenExpired);
        };
        let soonest = self.ports.clock.now() + at_least;
        let tokens = self.open_tokens(admitted, &sealed)?;
        let kept = tokens.exchanged.into_iter().find(|token| token.audience == audience && token.end > soonest);
        Ok(kept.map(|ExchangedToken { audience, access, is_bound, end, scopes }| {
            Exchanged::Token(AccessToken { value: access, is_bound, proof: None, end: Some(end), scopes, audience })
        }))
    }

    /// Asks the provider, with an access token that lives, and keeps what it gives. The caller holds the lease.
    async fn exchange_under(
        &self,
        lease: &dyn Lease,
        admitted: &Admitted,
        audience: &str,
        entry: &Entry,
    ) -> Result<Exchanged, Error> {
        let Some((seen, mut tokens)) = self.tokens_under(lease, admitted, entry).await? else {
            return Ok(Exchanged::SessionGone);
        };
        let provider = &admitted.standing.identity.provider;
        let provider = self.ports.providers.get(provider).ok_or(Error::ExchangeUnsupported)?;
        let asked = self.asked();
        let access_token = tokens.access.clone().ok_or(Error::AccessTokenExpired)?;
        if !lease.is_held() {
            return Err(Error::RefreshInProgress);
        }
        let mut got = provider
            .exchange(&ExchangeRequest { access_token, audience: audience.to_owned(), now: asked.wall })
            .await?;
        got.end = got.end.map(|end| asked.end_in_store_time(end));
        let (value, scopes, audience) = (got.access.clone(), got.scopes.clone(), audience.to_owned());
        let is_bound = got.is_bound;
        let token = AccessToken { value, is_bound, proof: None, end: got.end, scopes, audience: audience.clone() };
        if let Some(end) = got.end {
            let new = ExchangedToken { audience, access: got.access, is_bound, end, scopes: got.scopes };
            add(&mut tokens.exchanged, new, self.ports.clock.now());
            // One that can't be kept is good all the same.
            if let Ok(Refreshed::SessionGone) =
                self.keep_tokens(lease.fence(), admitted, &seen, &tokens, Brought::Exchange).await
            {
                return Ok(Exchanged::SessionGone);
            }
        }
        Ok(Exchanged::Token(token))
    }

    /// The tokens as they are sealed and opened, the access token alive: refreshed under the same lease if it is not.
    async fn tokens_under(
        &self,
        lease: &dyn Lease,
        admitted: &Admitted,
        entry: &Entry,
    ) -> Result<Option<(Vec<u8>, Tokens)>, Error> {
        let key = &admitted.credential.key;
        let Some(sealed) = self.ports.sessions.tokens(key).await? else { return Ok(None) };
        let tokens = self.open_tokens(admitted, &sealed)?;
        if self.lives_for(&tokens, Duration::ZERO) {
            return Ok(Some((sealed, tokens)));
        }
        if !self.settings.tokens.refresh || tokens.refresh.is_none() {
            return Err(Error::AccessTokenExpired);
        }
        if let Refreshed::SessionGone = self.refresh_under(lease, admitted, &sealed, entry).await? {
            return Ok(None);
        }
        let Some(sealed) = self.ports.sessions.tokens(key).await? else { return Ok(None) };
        let tokens = self.open_tokens(admitted, &sealed)?;
        Ok(Some((sealed, tokens)))
    }

    fn now_and(&self, length: Option<Duration>) -> Timestamp {
        self.ports.clock.now() + length.unwrap_or_default()
    }
}

/// Puts a token in the place of the one for its audience, and forgets what has ended.
fn add(kept: &mut Vec<ExchangedToken>, new: ExchangedToken, now: Timestamp) {
    kept.retain(|token| token.end > now && token.audience != new.audience);
    if kept.len() >= MOST_KEPT
        && let Some((first, _)) = kept.iter().enumerate().min_by_key(|(_, token)| token.end)
    {
        kept.remove(first);
    }
    kept.push(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    fn token(audience: &str, end: u64) -> ExchangedToken {
        let (audience, access) = (audience.to_owned(), Secret::new("t"));
        ExchangedToken { audience, access, is_bound: false, end: Timestamp::from_secs(end), scopes: Vec::new() }
    }

    #[test]
    fn a_bounded_number_is_kept_and_each_audience_once() {
        let mut kept = Vec::new();
        for number in 0..20 {
            add(&mut kept, token(&format!("api-{number}"), 100 + number), Timestamp::from_secs(50));
        }
        add(&mut kept, token("api-19", 500), Timestamp::from_secs(50));
        assert_eq!(kept.len(), MOST_KEPT);
        assert!(kept.iter().all(|token| token.end >= Timestamp::from_secs(112)), "those that end first have gone");
        assert_eq!(kept.iter().filter(|token| token.audience == "api-19").count(), 1);
        add(&mut kept, token("late", 600), Timestamp::from_secs(550));
        assert_eq!(kept, [token("late", 600)], "what has ended is forgotten");
    }
}
