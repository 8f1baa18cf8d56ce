//! Owns the check of a token of our own: signed by us, for one of our audiences, not over, and its session lives.
//! Does not know who presents it.

use serde_json::{Map, Value};

use super::access_token::{CheckedToken, TokenFault};
use super::ports::Lookup;
use super::settings::MintSettings;
use super::validate_token::{Good, TokenKind};
use super::{Authority, Error, own_token};
use crate::crypto::Secret;
use crate::session::identity::Identity;
use crate::session::key::SessionKey;
use crate::session::mint::OF_SESSION;
use crate::session::time::Timestamp;

/// Longer texts are no tokens: they fit no header.
const LONGEST: usize = 16 * 1024;

/// Whether a text can be a token at all.
pub(super) fn is_readable(token: &Secret) -> Result<(), TokenFault> {
    let token = token.expose();
    if token.is_empty() {
        return Err(TokenFault::Missing);
    }
    let is_text = token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_text.then_some(()).ok_or(TokenFault::Forged)
}

impl Authority {
    /// The claims of a token that we have signed.
    pub(super) async fn own_claims(
        &self,
        mint: &MintSettings,
        token: &Secret,
    ) -> Result<Option<Map<String, Value>>, Error> {
        let Some(id) = own_token::key_id(token) else { return Ok(None) };
        let keys = self.mint_keys_with(mint, &id).await?;
        Ok(own_token::open(&keys, token))
    }

    /// Reads the session too: a token dies with it where we are asked.
    pub(super) async fn check_own(
        &self,
        mint: &MintSettings,
        token: &Secret,
    ) -> Result<Result<Good, TokenFault>, Error> {
        let Some(claims) = self.own_claims(mint, token).await? else { return Ok(Err(TokenFault::Forged)) };
        let text = |name| claims.get(name).and_then(Value::as_str);
        let moment = |name| claims.get(name).and_then(Value::as_u64).map(Timestamp::from_secs);
        let (Some(audience), Some(end), Some(session)) = (text("aud"), moment("exp"), text("sid")) else {
            return Ok(Err(TokenFault::Forged));
        };
        let key = SessionKey::from_public(self.settings.tenant, session);
        let (Some(key), true) = (key, text("tenant") == Some(&self.settings.tenant_name)) else {
            return Ok(Err(TokenFault::Forged));
        };
        if !mint.audiences.iter().any(|own| own == audience) {
            return Ok(Err(TokenFault::OtherAudience));
        }
        if self.ports.clock.now() >= end {
            return Ok(Err(TokenFault::Expired));
        }
        let Lookup::Found(record) = self.look_up(&key).await? else { return Ok(Err(TokenFault::Ended)) };
        let Some(session) = self.open_living(key, &record)? else { return Ok(Err(TokenFault::Ended)) };
        let identity = &session.standing.identity;
        let token = CheckedToken {
            client_id: text("client_id").unwrap_or_default().to_owned(),
            audiences: vec![audience.to_owned()],
            permissions: joined(&identity.permissions, application_permissions(&claims)),
            issued: moment("iat"),
            expires: Some(end),
            identity: Identity {
                scopes: text("scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
                ..identity.clone()
            },
        };
        Ok(Ok(Good { token, kind: TokenKind::Own, session: Some(session), own_claims: claims }))
    }
}

/// Those that the application put into the token. The session's may have been taken away since: they are in the session.
fn application_permissions(claims: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let list = |name| claims.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let are_the_sessions = list(OF_SESSION).any(|right| right == "permissions");
    list("permissions").filter(move |_| !are_the_sessions)
}

/// All of them, each once.
fn joined<'a>(of_session: &[String], more: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all = of_session.to_vec();
    for one in more {
        if !all.iter().any(|other| other == one) {
            all.push(one.to_owned());
        }
    }
    all
}
