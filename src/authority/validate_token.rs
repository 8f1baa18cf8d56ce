//! Owns the use case ValidateToken: whose is a bearer token, and may this request go ahead? Does not know how it was
//! asked, nor how a provider's tokens are checked.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::access_token::{CheckedToken, TokenCheck, TokenFault, TokenVerdict};
use super::answer::HttpAnswer;
use super::check_own_token::is_readable;
use super::provider::IdentityProvider;
use super::{Authority, Call, Error, SessionView, spa_answer, token_answer};
use crate::crypto::Secret;
use crate::session::claimed_jwt::ClaimedJwt;
use crate::session::need::{Facts, Missing, Needs};
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The token, as it came after "Bearer".
    pub token: Secret,
    /// What the request needs beyond a good token.
    pub requirements: Requirements,
    /// The provider that issued it; empty to find out.
    pub provider: String,
    /// Whether it has to be one of the route set `spa`, and the answer to finish says who its user is.
    pub answer_user: bool,
    /// Whether the provider is asked again who the user is.
    pub refresh: bool,
    /// What the edge saw of the request, where one serves several tenants.
    pub context: Option<Box<RequestContext>>,
}

/// What a request needs beyond a good token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Whom the token must be for; empty for any of the configured audiences.
    pub audience: String,
    /// What is needed of whose it is.
    pub needs: Needs,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The token is good and every requirement is met.
    Active(Box<Active>),
    /// The token is not good.
    Inactive {
        /// Why.
        reason: TokenFault,
        /// What to answer.
        answer: HttpAnswer,
    },
    /// The token is good, but this request may not go ahead.
    Denied {
        /// What is missing.
        reason: Missing,
        /// What to answer.
        answer: HttpAnswer,
    },
}

/// A good token whose every requirement is met.
#[derive(Clone, Debug)]
pub struct Active {
    /// The token.
    pub token: CheckedToken,
    /// What kind it is.
    pub kind: TokenKind,
    /// The session of a token of our own.
    pub session: Option<SessionView>,
    /// All claims of a token of our own.
    pub own_claims: Map<String, Value>,
    /// What was judged.
    pub judged: Requirements,
    /// What to answer, where that was asked for.
    pub answer: Option<HttpAnswer>,
    /// When the provider said who the user is, where that was asked for.
    pub learned: Option<Timestamp>,
}

/// Who issued a token, and how that was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A provider; by its signature.
    Jwt,
    /// A provider; by asking it.
    Introspected,
    /// We; by our signature, and its session lives.
    Own,
}

/// A token that was found good, before any requirement.
pub(super) struct Good {
    pub(super) token: CheckedToken,
    pub(super) kind: TokenKind,
    pub(super) session: Option<SessionView>,
    pub(super) own_claims: Map<String, Value>,
}

impl Authority {
    /// Says whose a bearer token is, and whether this request may go ahead.
    ///
    /// # Errors
    /// When the authority can't say: it checks no tokens, the provider or the store is away. With `refresh`, when the provider
    /// offers no user info, or does not give it for this token.
    pub async fn validate_token(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let found = if question.answer_user {
            self.find_user_token(&question.token).await?
        } else {
            self.find_good(question).await?
        };
        let inactive = |reason| {
            let answer = if question.answer_user { spa_answer::no_user } else { token_answer::inactive };
            Ok(Outcome::Inactive { reason, answer: answer(reason, &call.request_id) })
        };
        let mut good = match found {
            Ok(good) => good,
            Err(reason) => return inactive(reason),
        };
        let audience = &question.requirements.audience;
        if !audience.is_empty() && !good.token.audiences.contains(audience) {
            return inactive(TokenFault::OtherAudience);
        }
        let mut learned = None;
        if question.refresh {
            match self.learn_user_of(&mut good, &question.token).await? {
                Ok(moment) => learned = moment,
                Err(reason) => return inactive(reason),
            }
        }
        // What a provider signed goes by the world's time, and what we keep by the store's.
        let now = if good.kind == TokenKind::Own { self.ports.clock.now() } else { self.ports.wall.now() };
        let CheckedToken { identity, permissions, .. } = &good.token;
        let facts = Facts { identity, permissions };
        let needs = &question.requirements.needs;
        if let Some(reason) = needs.missing(&facts, now) {
            let answer = token_answer::denied(&reason, &needs.login, &call.request_id);
            return Ok(Outcome::Denied { reason, answer });
        }
        let Good { token, kind, session, own_claims } = good;
        let judged = question.requirements.clone();
        let answer = question.answer_user.then(|| spa_answer::user_of(&token.identity));
        Ok(Outcome::Active(Box::new(Active { token, kind, session, own_claims, judged, answer, learned })))
    }

    async fn find_good(&self, question: &Question) -> Result<Result<Good, TokenFault>, Error> {
        let token = question.token.expose();
        let checking: Vec<_> = self.checking_providers();
        if checking.is_empty() && self.settings.mint.is_none() {
            return Err(Error::TokenCheckOff);
        }
        if let Err(fault) = is_readable(&question.token) {
            return Ok(Err(fault));
        }
        let named = |provider: &&Arc<dyn IdentityProvider>| provider.info().name == question.provider;
        if !question.provider.is_empty() && !checking.iter().any(|provider| named(&provider)) {
            let expected = "a provider whose access tokens are checked, or empty".to_owned();
            return Err(Error::InvalidField { field: "provider", expected });
        }
        let issuer = ClaimedJwt::read(token).map(|claimed| claimed.issuer);
        if let (Some(issuer), Some(mint)) = (&issuer, &self.settings.mint)
            && *issuer == mint.issuer
            && question.provider.is_empty()
        {
            return self.check_own(mint, &question.token).await;
        }
        let fits = |provider: &&Arc<dyn IdentityProvider>| match &issuer {
            Some(issuer) => provider.info().issuer.admits(issuer),
            None => provider.token_check() == TokenCheck::Introspection,
        };
        let mut fitting = checking.iter().filter(fits).filter(|one| question.provider.is_empty() || named(one));
        let Some(provider) = fitting.next() else {
            return Ok(Err(if issuer.is_some() { TokenFault::UnknownIssuer } else { TokenFault::Forged }));
        };
        if fitting.next().is_some() {
            // A token is shown to nobody but its issuer.
            let expected = "the provider that issued the token: several could have".to_owned();
            return Err(Error::InvalidField { field: "provider", expected });
        }
        let kind = if provider.token_check() == TokenCheck::Jwt { TokenKind::Jwt } else { TokenKind::Introspected };
        Ok(match provider.check_token(&question.token, self.ports.wall.now()).await? {
            TokenVerdict::Good(token) => Ok(Good { token: *token, kind, session: None, own_claims: Map::new() }),
            TokenVerdict::Bad(fault) => Err(fault),
        })
    }

    fn checking_providers(&self) -> Vec<Arc<dyn IdentityProvider>> {
        let all = self.ports.providers.all().into_iter();
        all.filter(|provider| provider.token_check() != TokenCheck::Off).collect()
    }
}
