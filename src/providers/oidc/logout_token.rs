//! Owns the check of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6): form, kind, claims, signature. No other
//! kind of token is taken for one (security.md 25, 89). Does not know which tokens came before, nor our sessions.

use serde_json::Value;

use super::claims::{self, identifier, optional};
use super::compact::Compact;
use super::signed::Signature;
use super::{OidcProvider, TokenKind, rejected};
use crate::authority::logout_notice::{LogoutNotice, WhatEnded};
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::fault::Fault;
use crate::providers::json::Object;
use crate::providers::kept::Purpose;
use crate::session::time::Timestamp;

/// The `typ` of a logout token (2.4).
const KIND: [&str; 2] = ["logout+jwt", "application/logout+jwt"];
/// The member of `events` that makes a token one of these.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl OidcProvider {
    pub(super) async fn check_logout_token(
        &self,
        token: &Secret,
        now: Timestamp,
    ) -> Result<LogoutNotice, ProviderError> {
        let compact = Compact::parse(token.expose(), TokenKind::Logout)?;
        // What is cheap to refuse is refused before anybody is asked or any key is touched: whoever finds the address can
        // send this.
        self.kind(compact.kind.as_deref())?;
        let notice = self.judge_logout(&compact.claims, now)?;
        if !self.documents.metadata().await?.algorithms.contains(&compact.algorithm) {
            return rejected("logout_token.alg");
        }
        match self.signature(token, &compact, &notice.issuer, Purpose::Logout).await? {
            Signature::Good => Ok(notice),
            Signature::Bad => rejected("logout_token.signature"),
            // A refusal is final to whoever sends it, and the key may be a new one.
            Signature::OfNoKnownKey => Err(Fault::AskedJustNow.into()),
        }
    }

    fn kind(&self, kind: Option<&str>) -> Result<(), ProviderError> {
        let fits = match kind {
            Some(kind) => KIND.iter().any(|own| own.eq_ignore_ascii_case(kind)),
            None => self.settings.logout.untyped_tokens,
        };
        if fits { Ok(()) } else { rejected("logout_token.typ") }
    }

    fn judge_logout(&self, all: &Object, now: Timestamp) -> Result<LogoutNotice, ProviderError> {
        let issuer = claims::issuer(all, &self.info.issuer, TokenKind::Logout)?;
        claims::audience(all, &self.settings.registration.client_id, TokenKind::Logout)?;
        let (leeway, max_age) = (self.settings.clock_leeway, self.settings.max_id_token_age);
        let (since, end) = claims::validity(all, now, leeway, max_age, TokenKind::Logout)?;
        if !all.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
            return rejected("logout_token.events");
        }
        // So that no logout token can be an ID token, whoever checks that.
        if all.contains_key("nonce") {
            return rejected("logout_token.nonce");
        }
        let Some(id) = all.get("jti").and_then(identifier) else { return rejected("logout_token.jti") };
        let Ok(sub) = optional(all, "sub", identifier) else { return rejected("logout_token.sub") };
        let Ok(sid) = optional(all, "sid", identifier) else { return rejected("logout_token.sid") };
        let ended = match (sid, sub) {
            (Some(sid), sub) => WhatEnded::Session(sid, sub),
            (None, Some(sub)) => WhatEnded::User(sub),
            (None, None) => return rejected("logout_token.sub"),
        };
        let good_until = end.min(since + max_age) + leeway;
        Ok(LogoutNotice { id, issuer, ended, meant_until: since + leeway, good_until })
    }
}
