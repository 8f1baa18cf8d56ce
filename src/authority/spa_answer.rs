//! Owns what the route set `spa` answers beside a login's failures: the token that a login gives out with its user, and the
//! user of a token. Does not know how a login goes, or how a token is checked.

use serde_json::{Map, Value, json};

use super::access_token::TokenFault;
use super::answer::{HttpAnswer, Trouble};
use super::check_own_token::is_readable;
use super::settings::{MintSettings, SpaSettings};
use super::user_store::UserLookup;
use super::validate_token::Good;
use super::write_token::{Minted, Wanted};
use super::{Authority, Error, SessionView};
use crate::crypto::Secret;
use crate::session::identity::Identity;

impl Authority {
    /// What the route set `spa` goes by; `None` while it is off.
    pub(super) fn spa(&self) -> Option<(&SpaSettings, &MintSettings)> {
        self.settings.spa.as_ref().zip(self.settings.mint.as_ref())
    }

    /// What to answer a front end whose forwarded code made a session: a token that speaks for it, and whose it is.
    ///
    /// # Errors
    /// When the keys can't be had. The session is there by then: the same request again gets a token for it.
    pub(super) async fn authorized(&self, session: &SessionView) -> Result<(HttpAnswer, Minted), Error> {
        let (spa, mint) = self.spa().ok_or_else(spa_is_off)?;
        let wanted = Wanted {
            audience: &spa.audience,
            lifetime: spa.lifetimes.absolute,
            until: None,
            claims: &[],
            application_claims: Map::new(),
        };
        let minted = self.write_token(mint, session.clone(), wanted).await?;
        let body = json!({
            "access_token": minted.token.expose(),
            "token_type": "bearer",
            "user": user(&session.standing.identity),
        });
        Ok((HttpAnswer::json(200, &body), minted))
    }

    /// The good token of a user of this route set, or what is wrong with it. No provider is asked.
    pub(super) async fn find_user_token(&self, token: &Secret) -> Result<Result<Good, TokenFault>, Error> {
        if let Err(fault) = is_readable(token) {
            return Ok(Err(fault));
        }
        let Some((spa, mint)) = self.spa() else { return Ok(Err(TokenFault::OtherAudience)) };
        Ok(match self.check_own(mint, token).await? {
            Ok(good) if !good.token.audiences.contains(&spa.audience) => Err(TokenFault::OtherAudience),
            Err(TokenFault::Ended) if self.is_user_gone(mint, token).await? => Err(TokenFault::UserGone),
            found => found,
        })
    }

    /// Whether the user that our own token names is no longer there: an admin has deleted them.
    async fn is_user_gone(&self, mint: &MintSettings, token: &Secret) -> Result<bool, Error> {
        let claims = self.own_claims(mint, token).await?.unwrap_or_default();
        let user = claims.get("sub").and_then(Value::as_str).map(|sub| self.user_key(sub));
        let Some(Ok(user)) = user else { return Ok(false) };
        Ok(!matches!(self.ports.users.user(&user).await?, UserLookup::Found(_)))
    }
}

/// 200: who that is.
pub(super) fn user_of(identity: &Identity) -> HttpAnswer {
    HttpAnswer::json(200, &user(identity))
}

/// There is nobody to tell of: 401, the same for every token that does not do; 404 where its user is gone.
pub(super) fn no_user(fault: TokenFault, request_id: &str) -> HttpAnswer {
    let (status, reason, detail, remedy) = match fault {
        TokenFault::UserGone => (404, "user_not_found", "User not found", "Log in again."),
        TokenFault::Missing => (401, "not_signed_in", BAD, SEND),
        _ => (401, "invalid_token", BAD, SEND),
    };
    let trouble = Trouble { status, reason, detail: detail.to_owned(), remedy: remedy.to_owned() };
    let mut answer = HttpAnswer::error(&trouble, request_id);
    if status == 401 {
        answer.headers.push(("www-authenticate", "Bearer".to_owned()));
    }
    answer
}

const BAD: &str = "Could not validate credentials";
const SEND: &str = "Log in, and send the token: Authorization: Bearer <token>.";

pub(super) fn spa_is_off() -> Error {
    let expected = "the route set spa, which is off: put it into edge.routes".to_owned();
    Error::InvalidField { field: "route_set", expected }
}

/// The user as front ends of this route set know one; null is what the provider has not said.
fn user(identity: &Identity) -> Value {
    let claim = |name: &str| identity.claims.get(name).filter(|value| value.is_string());
    json!({
        "id": identity.user_id,
        "login": claim("login"),
        "name": identity.name,
        "company": claim("company"),
        "location": claim("location"),
        "email": identity.email,
        "picture": identity.picture,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // contract.md 9: the texts and the challenge are those of the system that this set replaces.
    #[test]
    fn every_token_that_does_not_do_gets_the_same_challenge() {
        for fault in [TokenFault::Missing, TokenFault::Forged, TokenFault::Expired, TokenFault::Ended] {
            let answer = no_user(fault, "id");
            assert_eq!(answer.status, 401, "{fault:?}");
            assert!(answer.headers.contains(&("www-authenticate", "Bearer".to_owned())), "{fault:?}");
            assert!(String::from_utf8(answer.body).unwrap().contains("\"Could not validate credentials\""));
        }
        let gone = no_user(TokenFault::UserGone, "id");
        assert!(gone.status == 404 && gone.headers.iter().all(|(name, _)| *name != "www-authenticate"));
        assert!(String::from_utf8(gone.body).unwrap().contains("\"User not found\""));
    }
}
