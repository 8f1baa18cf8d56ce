//! Owns the use case MintToken: a small token of our own, from a living session. Does not know how it was asked.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::admit::{Admitted, SessionView};
use super::admit_to_use::Refusal;
use super::settings::MintSettings;
use super::validate_session::{Denied, Inactive};
use super::{Authority, Call, Error, Presented, own_token};
use crate::crypto::Secret;
use crate::session::identity::Identity;
use crate::session::mint::{OF_SESSION, RIGHTS, refuse_claims};
use crate::session::time::Timestamp;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What came.
    pub presented: Presented,
    /// Whom the token is for.
    pub audience: String,
    /// How long it lives; `None` for the lifetime of the configuration.
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

/// A token of our own.
#[derive(Clone, Debug)]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// When it ends.
    pub end: Timestamp,
    /// The session that it speaks for.
    pub session: SessionView,
}

/// The client that our own tokens are given to, as RFC 9068 wants one named: the authority asks on the session's behalf.
const CLIENT: &str = "gatelodge";

impl Authority {
    /// Mints a token from the presented session. It ends with the session at the latest, and names it (`sid`).
    ///
    /// # Errors
    /// When minting is off, the audience is not among those of the configuration, or the store can't say.
    pub async fn mint_token(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let mint = self.settings.mint.as_ref().ok_or(Error::MintingOff)?;
        if !mint.audiences.contains(&question.audience) {
            return Err(Error::AudienceRefused);
        }
        let invalid = |field, expected| Err(Error::InvalidField { field, expected });
        let lifetime = question.lifetime.unwrap_or(mint.lifetime);
        if lifetime > mint.max_lifetime {
            return invalid("lifetime", format!("at most {} seconds", mint.max_lifetime.as_secs()));
        }
        if let Some(expected) = refuse_claims(&question.application_claims) {
            return invalid("application_claims", expected);
        }
        let is_twice = |name: &&str| question.application_claims.contains_key(*name) && question.chooses(name);
        if let Some(name) = RIGHTS.into_iter().find(is_twice) {
            return invalid("application_claims", format!("no {name:?} beside the session's, which `claims` names"));
        }
        let admitted = match self.admit_to_use(call, &question.presented).await? {
            Ok(admitted) => admitted,
            Err(Refusal::Inactive(inactive)) => return Ok(Outcome::Inactive(inactive)),
            Err(Refusal::Denied(denied)) => return Ok(Outcome::Denied(denied)),
        };
        let keys = self.mint_keys(mint).await?;
        let key = keys.signing().ok_or_else(|| Error::Internal("there is no mint key".into()))?;
        let now = self.ports.clock.now();
        let end = (now + lifetime).min(admitted.times.absolute_end);
        let claims = self.claims_of(mint, &admitted, question, now, end);
        let token = own_token::sign(key, &claims).ok_or_else(|| Error::Internal("signing failed".into()))?;
        let (key, generation) = (admitted.credential.key, admitted.credential.generation);
        let session = self.view(key, admitted.standing, admitted.times, generation);
        Ok(Outcome::Minted(Box::new(Minted { token, end, session })))
    }

    fn claims_of(
        &self,
        mint: &MintSettings,
        admitted: &Admitted,
        question: &Question,
        now: Timestamp,
        end: Timestamp,
    ) -> Map<String, Value> {
        let identity = &admitted.standing.identity;
        let mut claims = question.application_claims.clone();
        let chosen = question.claims.iter().filter_map(|name| Some((name.clone(), claim(identity, name)?)));
        claims.extend(chosen);
        let of_session = |name: &&str| question.chooses(name) && !rights(identity, name).is_empty();
        let of_session: Vec<_> = RIGHTS.into_iter().filter(of_session).collect();
        if !of_session.is_empty() {
            claims.insert(OF_SESSION.to_owned(), json!(of_session));
        }
        let own = [
            ("iss", json!(mint.issuer)),
            ("sub", json!(identity.user_id)),
            ("aud", json!(question.audience)),
            ("exp", json!(end.as_secs())),
            ("iat", json!(now.as_secs())),
            ("jti", json!(URL_SAFE_NO_PAD.encode(self.random::<16>()))),
            ("client_id", json!(CLIENT)),
            ("sid", json!(admitted.credential.key.public())),
            ("tenant", json!(self.settings.tenant_name)),
        ];
        claims.extend(own.map(|(name, value)| (name.to_owned(), value)));
        claims
    }
}

impl Question {
    fn chooses(&self, claim: &str) -> bool {
        self.claims.iter().any(|name| name == claim)
    }
}

/// Those of the session under the name of [`RIGHTS`].
fn rights<'a>(identity: &'a Identity, name: &str) -> &'a [String] {
    match name {
        "roles" => &identity.roles,
        "permissions" => &identity.permissions,
        _ => &[],
    }
}

/// A claim of the identity by its name; `None` for one that it lacks, or that is not a claim about the user.
fn claim(identity: &Identity, name: &str) -> Option<Value> {
    match name {
        "email" => identity.email.as_ref().map(|email| json!(email)),
        "email_verified" => identity.email.as_ref().map(|_| json!(identity.email_verified)),
        "name" => identity.name.as_ref().map(|name| json!(name)),
        "picture" => identity.picture.as_ref().map(|picture| json!(picture)),
        "provider" => Some(json!(identity.provider)),
        "scope" => Some(json!(identity.scopes.join(" "))),
        "auth_time" => identity.auth_time.map(|at| json!(at.as_secs())),
        "acr" => identity.acr.as_ref().map(|acr| json!(acr)),
        "roles" | "permissions" if !rights(identity, name).is_empty() => Some(json!(rights(identity, name))),
        "amr" => (!identity.amr.is_empty()).then(|| json!(identity.amr)),
        other => identity.claims.get(other).cloned(),
    }
}
