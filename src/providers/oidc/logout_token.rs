//! Owns the check of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6): form, kind, claims, signature. No other
//! kind of token is taken for one (security.md 25, 89). Does not know which tokens came before, nor our sessions.

use serde_json::Value;

use super::claims::{self, identifier, optional};
use super::compact::Compact;
use super::{OidcProvider, rejected};
use crate::authority::logout_notice::{LogoutNotice, WhatEnded};
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::json::Object;
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
        let metadata = self.documents.metadata().await?;
        let compact = Compact::open(token.expose(), &metadata.algorithms).map_err(of_this_kind)?;
        // What is cheap to refuse is refused before any key is touched: whoever finds the address can send this.
        self.kind(compact.kind.as_deref())?;
        let notice = self.judge_logout(&compact.claims, now).map_err(of_this_kind)?;
        if self.has_signed(token, &compact, &notice.issuer).await? {
            Ok(notice)
        } else {
            rejected("logout_token.signature")
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
        let issuer = claims::issuer(all, &self.info.issuer)?;
        claims::audience(all, &self.settings.registration.client_id)?;
        let (since, end) = claims::validity(all, now, self.settings.clock_leeway, self.settings.max_id_token_age)?;
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
        let good_until = end.min(since + self.settings.max_id_token_age) + self.settings.clock_leeway;
        Ok(LogoutNotice { id, issuer, ended, good_until })
    }
}

/// The same refusal by the name that it has for a logout token, where the check is one of ID tokens too.
fn of_this_kind(error: ProviderError) -> ProviderError {
    const SHARED: [&str; 16] = [
        "logout_token.size",
        "logout_token.encrypted",
        "logout_token.segments",
        "logout_token.encoding",
        "logout_token.header",
        "logout_token.payload",
        "logout_token.alg",
        "logout_token.kid",
        "logout_token.typ",
        "logout_token.iss",
        "logout_token.tid",
        "logout_token.aud",
        "logout_token.azp",
        "logout_token.exp",
        "logout_token.iat",
        "logout_token.nbf",
    ];
    let ProviderError::Rejected(check) = error else { return error };
    let Some(shared) = check.strip_prefix("id_token.") else { return error };
    let named = |own: &&str| own.strip_prefix("logout_token.") == Some(shared);
    ProviderError::Rejected(SHARED.into_iter().find(named).unwrap_or("logout_token"))
}
