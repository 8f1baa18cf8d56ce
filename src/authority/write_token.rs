//! Owns the writing of a token of our own: what it says of its session, and the signature. Does not know who may have one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::settings::MintSettings;
use super::{Authority, Error, SessionView, own_token};
use crate::crypto::Secret;
use crate::session::identity::Identity;
use crate::session::mint::{OF_SESSION, RIGHTS};
use crate::session::time::Timestamp;

/// What a token is to be, beside whose.
pub(super) struct Wanted<'a> {
    /// Whom it is for.
    pub audience: &'a str,
    /// How long it lives at most.
    pub lifetime: Duration,
    /// When it ends at the latest.
    pub until: Option<Timestamp>,
    /// Which claims of the identity it carries, by their names.
    pub claims: &'a [String],
    /// Claims of the application's own.
    pub application_claims: Map<String, Value>,
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
    /// Writes a token for a session. It ends with the session at the latest, and names it (`sid`).
    pub(super) async fn write_token(
        &self,
        mint: &MintSettings,
        session: SessionView,
        wanted: Wanted<'_>,
    ) -> Result<Minted, Error> {
        let keys = self.mint_keys(mint).await?;
        let key = keys.signing().ok_or_else(|| Error::Internal("there is no mint key".into()))?;
        let now = self.ports.clock.now();
        let session_end = session.times.absolute_end;
        let end = (now + wanted.lifetime).min(wanted.until.unwrap_or(session_end)).min(session_end);
        let claims = self.claims_of(mint, &session, wanted, now, end);
        let token = own_token::sign(key, &claims).ok_or_else(|| Error::Internal("signing failed".into()))?;
        Ok(Minted { token, end, session })
    }

    fn claims_of(
        &self,
        mint: &MintSettings,
        session: &SessionView,
        wanted: Wanted<'_>,
        now: Timestamp,
        end: Timestamp,
    ) -> Map<String, Value> {
        let identity = &session.standing.identity;
        let mut claims = wanted.application_claims;
        let chosen = wanted.claims.iter().filter_map(|name| Some((name.clone(), claim(identity, name)?)));
        claims.extend(chosen);
        let is_chosen = |name: &str| wanted.claims.iter().any(|chosen| chosen == name);
        let of_session = |name: &&str| is_chosen(name) && !rights(identity, name).is_empty();
        let of_session: Vec<_> = RIGHTS.into_iter().filter(of_session).collect();
        if !of_session.is_empty() {
            claims.insert(OF_SESSION.to_owned(), json!(of_session));
        }
        let own = [
            ("iss", json!(mint.issuer)),
            ("sub", json!(identity.user_id)),
            ("aud", json!(wanted.audience)),
            ("exp", json!(end.as_secs())),
            ("iat", json!(now.as_secs())),
            ("jti", json!(URL_SAFE_NO_PAD.encode(self.random::<16>()))),
            ("client_id", json!(CLIENT)),
            ("sid", json!(session.key.public())),
            ("tenant", json!(self.settings.tenant_name)),
        ];
        claims.extend(own.map(|(name, value)| (name.to_owned(), value)));
        claims
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
