//! Owns the use case MintToken: a small token of our own, from a living session or from a token of our own that is good.
//! Does not know how it was asked.

use std::time::Duration;

use serde_json::{Map, Value};

use super::access_token::TokenFault;
use super::admit_to_use::Refusal;
use super::settings::MintSettings;
use super::validate_session::{Denied, Inactive};
pub use super::write_token::Minted;
use super::write_token::Wanted;
use super::{Authority, Call, Error, Presented, SessionView};
use crate::crypto::Secret;
use crate::session::admission::InactiveReason;
use crate::session::audit::Action;
use crate::session::mint::{RIGHTS, refuse_claims};
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What came.
    pub presented: Presented,
    /// A token of our own, in place of a session's cookie.
    pub token: Option<Secret>,
    /// Whom the token is for; empty beside a token: whom that one is for.
    pub audience: String,
    /// How long it lives; `None` for the lifetime of the configuration, and beside a token for what is left of that one.
    pub lifetime: Option<Duration>,
    /// Which claims of the identity it carries, by their names.
    pub claims: Vec<String>,
    /// Claims of the application's own.
    pub application_claims: Map<String, Value>,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The token.
    Minted(Box<Minted>),
    /// There is no living session.
    Inactive(Inactive),
    /// The session lives, but this request may not go ahead.
    Denied(Box<Denied>),
}

impl Authority {
    /// Mints a token from the presented session, or from the token that speaks for one.
    ///
    /// # Errors
    /// When minting is off, the audience is not among those of the configuration, or the store can't say.
    pub async fn mint_token(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let mint = self.settings.mint.as_ref().ok_or(Error::MintingOff)?;
        let is_given = !question.audience.is_empty() || question.token.is_none();
        if is_given && !mint.audiences.contains(&question.audience) {
            return Err(Error::AudienceRefused);
        }
        let invalid = |field, expected| Err(Error::InvalidField { field, expected });
        let usual = if question.token.is_some() { mint.max_lifetime } else { mint.lifetime };
        let lifetime = question.lifetime.unwrap_or(usual);
        if lifetime > mint.max_lifetime {
            return invalid("lifetime", format!("at most {} seconds", mint.max_lifetime.as_secs()));
        }
        if let Some(expected) = refuse_claims(&question.application_claims) {
            return invalid("application_claims", expected);
        }
        let chooses = |name: &str| question.claims.iter().any(|chosen| chosen == name);
        let is_twice = |name: &&str| question.application_claims.contains_key(*name) && chooses(name);
        if let Some(name) = RIGHTS.into_iter().find(is_twice) {
            return invalid("application_claims", format!("no {name:?} beside the session's, which `claims` names"));
        }
        if question.token.is_some() && !question.presented.cookies.is_empty() {
            return invalid("token", "a token or cookies, not both".to_owned());
        }
        let Backed { session, until, audience } = match self.backed(call, mint, question).await? {
            Ok(found) => found,
            Err(Refusal::Inactive(inactive)) => return Ok(Outcome::Inactive(inactive)),
            Err(Refusal::Denied(denied)) => return Ok(Outcome::Denied(denied)),
        };
        let wanted = Wanted {
            audience: if is_given { &question.audience } else { &audience },
            lifetime,
            until,
            claims: &question.claims,
            application_claims: question.application_claims.clone(),
        };
        let (key, user) = (session.key, self.user_of(&session.standing.identity));
        let minted = self.write_token(mint, session, wanted).await?;
        self.audit_token(Action::TokenMinted, call, key, user);
        Ok(Outcome::Minted(Box::new(minted)))
    }

    async fn backed(
        &self,
        call: &Call,
        mint: &MintSettings,
        question: &Question,
    ) -> Result<Result<Backed, Refusal>, Error> {
        if let Some(token) = &question.token {
            let context = question.presented.context.as_deref();
            let inactive = |reason| Refusal::Inactive(self.inactive(reason, context, true, call));
            let good = match self.check_own(mint, token).await? {
                Ok(good) => good,
                Err(fault) => return Ok(Err(inactive(as_of_session(fault)))),
            };
            let audience = good.token.audiences.into_iter().next().unwrap_or_default();
            let until = good.token.expires;
            let found = good.session.map(|session| Backed { session, until, audience });
            return Ok(found.ok_or_else(|| inactive(InactiveReason::Ended)));
        }
        Ok(self.admit_to_use(call, &question.presented).await?.map(|admitted| {
            let (key, generation) = (admitted.credential.key, admitted.credential.generation);
            let session = self.view(key, admitted.standing, admitted.times, generation);
            Backed { session, until: None, audience: String::new() }
        }))
    }
}

/// What stands behind a token that is to be minted.
struct Backed {
    session: SessionView,
    /// When what was presented ends: one token is no way to a longer one.
    until: Option<Timestamp>,
    /// Whom the token was for that was presented.
    audience: String,
}

/// What a token's fault says of the session that it would speak for.
const fn as_of_session(fault: TokenFault) -> InactiveReason {
    match fault {
        TokenFault::Missing => InactiveReason::None,
        TokenFault::Expired => InactiveReason::Expired,
        TokenFault::Ended | TokenFault::UserGone => InactiveReason::Ended,
        TokenFault::Forged | TokenFault::UnknownIssuer | TokenFault::OtherAudience | TokenFault::NotYetValid => {
            InactiveReason::Forged
        }
    }
}
