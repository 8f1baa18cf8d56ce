//! Owns asking userinfo (OpenID Connect Core, 5.3) for what the tokens do not say, and whether a signed answer is the
//! provider's own. Does not know what is kept of it.

use tokio::time::{Instant, timeout_at};

use super::claims::{self, Claims, date, optional};
use super::compact::Compact;
use super::metadata::Metadata;
use super::settings::Userinfo;
use super::signed::Signature;
use super::{OidcProvider, TokenKind, profile, rejected};
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::dpop::Proven;
use crate::providers::fault::Fault;
use crate::providers::http::{Answer, Shown};
use crate::providers::json::Object;
use crate::providers::kept::Purpose;
use crate::session::time::Timestamp;

/// What userinfo may be labelled as (Core, 5.3.2).
const KINDS: &str = "application/json, application/jwt";
/// Claims that ID tokens and logout tokens have, and userinfo never: neither is taken for it (security.md 25).
const OF_OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Whose userinfo is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub access: &'a Secret,
    /// Whether it is bound to our key.
    pub is_bound: bool,
    /// Who has issued the ID token, and has to have signed the answer if anybody has.
    pub issuer: &'a str,
    pub now: Timestamp,
}

impl OidcProvider {
    /// What userinfo adds, if it is to be asked; else nothing. What it says of another user, or nobody at the provider has
    /// signed, is never passed over.
    pub(super) async fn userinfo(
        &self,
        metadata: &Metadata,
        claims: &Claims,
        of_access: &Object,
        asked: Asked<'_>,
        deadline: Instant,
    ) -> Result<Object, ProviderError> {
        let is_required = match self.settings.userinfo {
            Userinfo::Never => return Ok(Object::new()),
            Userinfo::WhenNeeded if metadata.userinfo.is_none() || !self.lacks(claims, of_access) => {
                return Ok(Object::new());
            }
            Userinfo::WhenNeeded => false,
            Userinfo::Always => true,
        };
        match self.fetch_userinfo(metadata, asked, deadline).await {
            Ok(userinfo) => profile::same_user(&userinfo, &claims.issuer, &claims.sub).map(|()| userinfo),
            Err(error) if is_required || matches!(error, ProviderError::Rejected(_)) => Err(error),
            Err(error) => {
                let provider = &self.info.name;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(provider, error, "a login goes on without what userinfo would have said");
                Ok(Object::new())
            }
        }
    }

    /// Whether the tokens lack something that was asked for and that userinfo might have.
    fn lacks(&self, claims: &Claims, of_access: &Object) -> bool {
        let rights = &self.settings.registration.rights;
        profile::lacks(claims, &self.settings)
            || (rights.is_wanted && rights.lacks(&rights.find(&[&claims.all, of_access])))
    }

    /// Asks userinfo. The answer may be about anybody.
    pub(super) async fn fetch_userinfo(
        &self,
        metadata: &Metadata,
        asked: Asked<'_>,
        deadline: Instant,
    ) -> Result<Object, ProviderError> {
        let work = async { self.read_userinfo(metadata, &self.ask_userinfo(metadata, asked).await?, asked).await };
        timeout_at(deadline, work).await.unwrap_or_else(|_| Err(Fault::Timeout.into()))
    }

    /// What userinfo answers, whatever that is.
    pub(super) async fn ask_userinfo(&self, metadata: &Metadata, asked: Asked<'_>) -> Result<Answer, Fault> {
        let endpoint = metadata.userinfo.as_ref().ok_or(Fault::Invalid("metadata: no userinfo endpoint"))?;
        let Asked { access, is_bound, now, .. } = asked;
        match &self.proofs {
            _ if !is_bound => self.http.get(endpoint, &Shown::bearer(access), KINDS).await,
            None => Err(Fault::NotSigned("the key that the access token is bound to is gone")),
            Some(proofs) => {
                let proven = Proven { method: "GET", address: endpoint, token: Some(access), now };
                let ask = |proof| async { self.http.get(endpoint, &Shown::bound(access, proof), KINDS).await };
                proofs.ask(proven, |proof| Box::pin(ask(proof))).await
            }
        }
    }

    /// Reads what userinfo has answered: as its label says, signed or not.
    pub(super) async fn read_userinfo(
        &self,
        metadata: &Metadata,
        answer: &Answer,
        asked: Asked<'_>,
    ) -> Result<Object, ProviderError> {
        let Some(token) = answer.jwt().map(Secret::new) else { return Ok(answer.document()?) };
        let compact = Compact::parse(token.expose(), TokenKind::Userinfo)?;
        if !metadata.userinfo_algorithms.contains(&compact.algorithm) {
            return rejected("userinfo.alg");
        }
        self.judge_userinfo(&compact, asked)?;
        match self.signature(&token, &compact, asked.issuer, Purpose::Login).await? {
            Signature::Good => Ok(compact.claims),
            Signature::Bad | Signature::OfNoKnownKey => rejected("userinfo.signature"),
        }
    }

    /// For us, by the provider, and nothing else that it signs (Core, 5.3.2; security.md 48).
    fn judge_userinfo(&self, compact: &Compact, asked: Asked<'_>) -> Result<(), ProviderError> {
        let all = &compact.claims;
        if compact.kind.is_some() || OF_OTHER_KINDS.iter().any(|name| all.contains_key(*name)) {
            return rejected("userinfo.typ");
        }
        if all.get("iss").and_then(serde_json::Value::as_str) != Some(asked.issuer) {
            return rejected("userinfo.iss");
        }
        claims::audience(all, &self.settings.registration.client_id, TokenKind::Userinfo)?;
        let leeway = self.settings.clock_leeway;
        let Ok(end) = optional(all, "exp", date) else { return rejected("userinfo.exp") };
        if end.is_some_and(|end| asked.now >= end + leeway) {
            return rejected("userinfo.exp");
        }
        for name in ["iat", "nbf"] {
            let Ok(begin) = optional(all, name, date) else { return rejected("userinfo.iat") };
            if begin.is_some_and(|begin| begin > asked.now + leeway) {
                return rejected("userinfo.iat");
            }
        }
        Ok(())
    }
}
