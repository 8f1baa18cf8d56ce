//! Owns the use case GetUserInfo: who the session's user is, as it is known or as the provider says now.
//! Does not know how it was asked.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admit::{Admitted, SessionView};
use super::admit_to_use::Refusal;
use super::answer::HttpAnswer;
use super::open_standing::OpenStanding;
use super::provider::{Rights, UserInfo, UserInfoRequest};
use super::refresh::Refreshed;
use super::under_way::too_much;
use super::validate_session::{Denied, Inactive};
use super::{Authority, Call, Error, Presented};
use crate::session::admission::InactiveReason;
use crate::session::record::{Standing, Tokens};
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Who it is.
    Found {
        /// The session.
        session: Box<SessionView>,
        /// When the provider said so.
        learned: Timestamp,
        /// What to answer a browser; `None` without a context.
        answer: Option<HttpAnswer>,
    },
    /// There is no living session.
    Inactive(Inactive),
    /// The session lives, but this request may not go ahead.
    Denied(Box<Denied>),
}

/// What asking the provider once brings to all of this process who wait for it: the standing now, `None` for gone.
pub(super) type SharedUserInfo = Result<Option<Arc<OpenStanding>>, Arc<Error>>;

impl Authority {
    /// Answers who the session's user is. With `refresh` the provider is asked again, once for all who ask at the same
    /// time, and the session goes by what it says from then on.
    ///
    /// # Errors
    /// When the provider is asked, and refuses, is away, or offers no user info; when the store can't say.
    pub async fn get_user_info(&self, call: &Call, presented: &Presented, refresh: bool) -> Result<Outcome, Error> {
        let context = presented.context.as_deref();
        let gone = || Outcome::Inactive(self.inactive(InactiveReason::Revoked, context, true, call));
        let mut admitted = match self.admit_to_use(call, presented).await? {
            Ok(admitted) => admitted,
            Err(Refusal::Inactive(inactive)) => return Ok(Outcome::Inactive(inactive)),
            Err(Refusal::Denied(denied)) => return Ok(Outcome::Denied(denied)),
        };
        if refresh {
            match self.ask_user_info(&admitted, call, context).await? {
                Some(standing) => admitted.standing = standing,
                None => return Ok(gone()),
            }
        }
        let learned = admitted.standing.user_info_time.unwrap_or(admitted.standing.created);
        let answer = context.map(|_| HttpAnswer::json(200, &user_info(&admitted.standing)));
        let (key, generation) = (admitted.credential.key, admitted.credential.generation);
        let session = Box::new(self.view(key, admitted.standing, admitted.times, generation));
        Ok(Outcome::Found { session, learned, answer })
    }

    async fn ask_user_info(
        &self,
        admitted: &Admitted,
        call: &Call,
        context: Option<&RequestContext>,
    ) -> Result<Option<Arc<OpenStanding>>, Error> {
        let tokens = match self.living_tokens(admitted, None, call, context).await? {
            Refreshed::Tokens(tokens) => *tokens,
            Refreshed::SessionGone => return Ok(None),
        };
        let (authority, asked) = (self.clone(), admitted.clone());
        let run = |work| self.ports.beside.run(work);
        let asked = self.under_way.user_infos.join(admitted.credential.key, run, move || {
            Box::pin(async move { authority.ask_user_info_alone(&asked, tokens).await.map_err(Arc::new) })
        });
        Ok(asked.await.ok_or_else(too_much)??)
    }

    async fn ask_user_info_alone(
        &self,
        admitted: &Admitted,
        tokens: Tokens,
    ) -> Result<Option<Arc<OpenStanding>>, Error> {
        let identity = &admitted.standing.identity;
        let provider = self.ports.providers.get(&identity.provider).ok_or(Error::UserInfoUnsupported)?;
        let access = tokens.access.ok_or(Error::AccessTokenExpired)?;
        let now = self.ports.clock.now();
        let request = UserInfoRequest {
            access_token: &access,
            is_bound: tokens.is_bound,
            id_token: tokens.id.as_ref(),
            identity,
            now: self.ports.wall.now(),
        };
        let UserInfo { identity: said, rights } = provider.user_info(&request).await?;
        let changed = self.change_standing(&admitted.credential.key, |standing| {
            let identity = &mut standing.identity;
            (identity.email, identity.email_verified) = (said.email.clone(), said.email_verified);
            (identity.name, identity.picture) = (said.name.clone(), said.picture.clone());
            identity.claims.clone_from(&said.claims);
            // The session may have got others meanwhile.
            Rights { scopes: None, ..rights.clone() }.give(identity, &[]);
            standing.user_info_time = Some(now);
        });
        Ok(changed.await?.map(Into::into))
    }
}

/// The fields by which a front end knows its user, and the claims that the configuration lets through.
fn user_info(standing: &Standing) -> Value {
    let identity = &standing.identity;
    json!({
        "user_id": identity.user_id,
        "provider": identity.provider,
        "sub": identity.sub,
        "email": identity.email,
        "email_verified": identity.email_verified,
        "name": identity.name,
        "picture": identity.picture,
        "roles": identity.roles,
        "permissions": identity.permissions,
        "claims": identity.claims,
    })
}
