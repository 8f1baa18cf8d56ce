//! Owns asking a provider again who the user of a bearer token is. Does not know how the token was checked.

use std::sync::Arc;

use super::access_token::{CheckedToken, TokenFault};
use super::provider::{ProviderError, UserInfoRequest};
use super::under_way::too_much;
use super::validate_token::{Good, TokenKind};
use super::{Authority, Error};
use crate::crypto::{Secret, digest};
use crate::session::identity::Identity;
use crate::session::time::Timestamp;

/// What asking the provider once brings to all of this process who wait for it: who it is, or that the token is not good.
pub(super) type SharedTokenUser = Result<Result<Identity, TokenFault>, Arc<Error>>;

impl Authority {
    /// Puts what the provider says now of a good token's user into it, and answers when that was said; `None` where the token
    /// speaks for nobody. What it permits it says itself, and how the user logged in: of that nothing changes.
    ///
    /// A session's tokens of the provider open with its credential alone, and so not with a token of our own: there it is
    /// what the session knows.
    pub(super) async fn learn_user_of(
        &self,
        good: &mut Good,
        token: &Secret,
    ) -> Result<Result<Option<Timestamp>, TokenFault>, Error> {
        if let Some(session) = &good.session {
            let standing = &session.standing;
            return Ok(Ok(Some(standing.user_info_time.unwrap_or(standing.created))));
        }
        if good.kind == TokenKind::Own || good.token.identity.sub.is_empty() {
            return Ok(Ok(None));
        }
        let said = match self.ask_user_of(&good.token, token).await? {
            Ok(said) => said,
            Err(fault) => return Ok(Err(fault)),
        };
        let identity = &mut good.token.identity;
        (identity.email, identity.email_verified) = (said.email, said.email_verified);
        (identity.name, identity.picture, identity.claims) = (said.name, said.picture, said.claims);
        Ok(Ok(Some(self.ports.wall.now())))
    }

    async fn ask_user_of(&self, checked: &CheckedToken, token: &Secret) -> Result<Result<Identity, TokenFault>, Error> {
        let provider = self.ports.providers.get(&checked.identity.provider).ok_or(Error::UserInfoUnsupported)?;
        let id = digest("gatelodge user of a token", &[provider.info().name.as_bytes(), token.expose().as_bytes()]);
        let (known, token, now) = (checked.identity.clone(), token.clone(), self.ports.wall.now());
        let run = |work| self.ports.beside.run(work);
        let asked = self.under_way.token_users.join(id, run, move || {
            Box::pin(async move {
                let (access_token, identity) = (&token, &known);
                let request = UserInfoRequest { access_token, is_bound: false, id_token: None, identity, now };
                match provider.user_info(&request).await {
                    Ok(found) => Ok(Ok(found.identity)),
                    // Whoever has issued it says that it is over.
                    Err(ProviderError::InvalidGrant(_)) => Ok(Err(TokenFault::Ended)),
                    Err(error) => Err(Arc::new(error.into())),
                }
            })
        });
        Ok(asked.await.ok_or_else(too_much)??)
    }
}
