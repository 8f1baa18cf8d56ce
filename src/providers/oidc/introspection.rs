//! Owns asking the provider about a token (RFC 7662): one call for all who ask about the same token at once, its answer
//! kept no longer than the settings, the provider and the token itself let it. Does not know who presents the token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::OidcProvider;
use super::access_token::is_other;
use crate::authority::access_token::{TokenFault, TokenVerdict};
use crate::authority::flights::Flights;
use crate::authority::provider::ProviderError;
use crate::crypto::{Digest, Secret, digest};
use crate::providers::fault::Fault;
use crate::session::time::Timestamp;

/// A refusal is kept no longer than this: the token may have been issued a moment ago, at another node of the provider.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// So many answers are kept at most.
const MOST: usize = 8192;

type Asked = Result<Answered, Arc<Fault>>;

/// The answers of one provider entry. Nothing here is shared with another (security.md 47).
pub(super) struct Introspections {
    kept: Mutex<HashMap<Digest, Kept>>,
    under_way: Arc<Flights<Digest, Asked>>,
}

struct Kept {
    verdict: TokenVerdict,
    until: Instant,
}

#[derive(Clone)]
struct Answered {
    verdict: TokenVerdict,
    /// How long it may be kept.
    good_for: Duration,
}

impl Introspections {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::default(), under_way: Flights::new() }
    }

    fn find(&self, token: &Digest) -> Option<TokenVerdict> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(token).filter(|kept| Instant::now() < kept.until).map(|kept| kept.verdict.clone())
    }

    fn keep(&self, token: Digest, answered: &Answered) {
        if answered.good_for.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, kept| now < kept.until);
        }
        if kept.len() < MOST {
            kept.insert(token, Kept { verdict: answered.verdict.clone(), until: now + answered.good_for });
        }
    }
}

impl OidcProvider {
    pub(super) async fn introspect(&self, token: &Secret, now: Timestamp) -> Result<TokenVerdict, ProviderError> {
        let id = digest("gatelodge introspected token", &[token.expose().as_bytes()]);
        if let Some(verdict) = self.introspections.find(&id) {
            return Ok(verdict);
        }
        let (provider, token) = (self.clone(), token.clone());
        let run = |work| {
            drop(tokio::spawn(work));
            true
        };
        let asked = self.introspections.under_way.join(id, run, move || {
            Box::pin(async move {
                let answered = provider.ask_about(&token, now).await?;
                provider.introspections.keep(id, &answered);
                Ok(answered)
            })
        });
        let begun = asked.await.ok_or_else(|| ProviderError::Unavailable("nobody asks it".into()))?;
        Ok(begun?.verdict)
    }

    async fn ask_about(&self, token: &Secret, now: Timestamp) -> Asked {
        let metadata = self.documents.metadata().await?;
        let missing = || Arc::new(Fault::Invalid("metadata: no introspection endpoint"));
        let endpoint = metadata.introspection.as_ref().ok_or_else(missing)?;
        let answer = self.client(&metadata, now).introspect(endpoint, token).await?;
        let told = answer.max_age.unwrap_or(Duration::MAX);
        let body = answer.document()?;
        let verdict = match body.get("active") {
            Some(Value::Bool(true)) => {
                // Providers answer for refresh tokens too; one that is presented here has been stolen or mistaken.
                let named = |name| body.get(name).and_then(Value::as_str);
                let bearer = named("token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
                if !bearer || ["typ", "token_use"].into_iter().filter_map(named).any(is_other) {
                    TokenVerdict::Bad(TokenFault::Forged)
                } else {
                    self.judge_access(&body, now).map_or_else(TokenVerdict::Bad, |good| TokenVerdict::Good(good.into()))
                }
            }
            Some(Value::Bool(false)) => TokenVerdict::Bad(TokenFault::Ended),
            _ => return Err(Arc::new(Fault::Invalid("introspection: active is no boolean"))),
        };
        let keep_for = self.settings.access_tokens.keep_answers_for;
        let good_for = match &verdict {
            TokenVerdict::Good(token) => keep_for.min(token.expires.map_or(Duration::MAX, |end| end.since(now))),
            TokenVerdict::Bad(_) => keep_for.min(REFUSED_FOR),
        };
        Ok(Answered { verdict, good_for: good_for.min(told) })
    }
}
