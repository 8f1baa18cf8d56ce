//! Owns the use case HandleBackchannelLogout: a provider says that a session has ended there, so it ends here. Does not
//! know how it was asked, nor what a logout token looks like.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;

use super::answer::{HttpAnswer, Trouble};
use super::carry_out_once::Carried;
use super::logout_notice::{LogoutNotice, WhatEnded};
use super::provider::{IdentityProvider, ProviderError};
use super::stream::EndedSessions;
use super::telling::Likely;
use super::{Authority, Call, Error};
use crate::crypto::Secret;
use crate::session::audit::{Action, Entry, Outcome as Audited};
use crate::session::claimed_jwt::ClaimedJwt;
use crate::session::identity::Identity;
use crate::session::key::{LogoutTokenKey, ProviderSessionKey, UserKey};
use crate::session::parameters::{Malformed, Parameters};
use crate::session::request::RequestContext;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The request's body, as it came.
    pub form: Bytes,
    /// What the edge saw of the request: it may say for which tenant it is, and nothing else.
    pub context: RequestContext,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer the provider.
    pub answer: HttpAnswer,
    /// How many living sessions this call ended.
    pub ended: u64,
}

/// Why a logout token is not carried out.
enum Refusal {
    /// There is none, or the request can't be read.
    Malformed(String),
    /// No provider that may send one would sign it: the check of that name says so.
    NobodysToken(&'static str),
    /// It did not pass the check of that name, at the provider of that name.
    Rejected(&'static str, String),
}

/// A token, and whose it says that it is. Nothing of it is believed yet.
struct Sent {
    token: Secret,
    /// The provider that verifies it.
    provider: Arc<dyn IdentityProvider>,
    /// The names of all providers that it may be of: one that was renamed has sessions under its former name too.
    names: Vec<String>,
}

impl Authority {
    /// Verifies a logout token, ends what it names, logins under way included, and notes that it was carried out. A user
    /// or session that is not known here is logged out already (OpenID Connect Back-Channel Logout 1.0, 2.7), and so is
    /// what a token names that was carried out before: it ends nothing that began since.
    ///
    /// # Errors
    /// When the store or the provider's keys can't be had, so that nobody can say: the same token can then come again.
    pub async fn handle_backchannel_logout(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let refused = |refusal| Ok(Outcome { answer: self.refuse_logout(call, refusal), ended: 0 });
        let sent = match self.sent_in(&question.form) {
            Ok(sent) => sent,
            Err(refusal) => return refused(refusal),
        };
        let provider = sent.provider.info().name.as_str();
        let notice = match sent.provider.read_logout_token(&sent.token, self.ports.wall.now()).await {
            Ok(notice) => notice,
            Err(ProviderError::Rejected(check)) => return refused(Refusal::Rejected(check, provider.to_owned())),
            Err(error) => return Err(error.into()),
        };
        let key = LogoutTokenKey::of(self.settings.tenant, provider, &notice.id);
        let work = || self.end_what_ended(&sent.names, &notice);
        let done = match self.carry_out_once(&key, notice.good_until, work).await {
            Ok(Carried::Now(ended)) => Ok(ended),
            Ok(Carried::Before) => {
                self.say_what_ended(call, provider, &notice, &EndedSessions::default(), Audited::Repeated);
                return Ok(carried_out(0));
            }
            Ok(Carried::StillAtWork) => return Ok(Outcome { answer: come_again(call), ended: 0 }),
            Err(error) => Err(error),
        };
        if let Some((ended, outcome)) = EndedSessions::of(&done) {
            self.say_what_ended(call, provider, &notice, ended, outcome);
        }
        Ok(carried_out(done?.count))
    }

    /// Whether a logout token that says this of itself may be for this tenant.
    pub(super) fn may_take_logout(&self, claimed: &ClaimedJwt) -> Option<Likely> {
        self.telling.senders_of(claimed).map(|(likely, _)| likely).next()
    }

    fn sent_in(&self, form: &[u8]) -> Result<Sent, Refusal> {
        let token = logout_token(form, self.settings.limits.body_bytes);
        let token = token.map_err(|cause| Refusal::Malformed(cause.to_string()))?;
        let token = token.ok_or_else(|| Refusal::Malformed("The parameter logout_token is missing".to_owned()))?;
        let claimed = ClaimedJwt::read(token.expose()).ok_or(Refusal::NobodysToken("logout_token.iss"))?;
        let senders = || self.telling.senders_of(&claimed).map(|(_, one)| one);
        if let Some(provider) = senders().next().cloned() {
            let names = senders().map(|one| one.info().name.clone()).collect();
            return Ok(Sent { token, provider, names });
        }
        let is_for_others = self.telling.has_sender(&claimed.issuer);
        Err(Refusal::NobodysToken(if is_for_others { "logout_token.aud" } else { "logout_token.iss" }))
    }

    async fn end_what_ended(&self, providers: &[String], notice: &LogoutNotice) -> Result<EndedSessions, Error> {
        let (tenant, moment) = (self.settings.tenant, notice.meant_until);
        let user = |sub: &str| UserKey::of(tenant, &notice.issuer, sub);
        let (sid, sub) = match &notice.ended {
            WhatEnded::User(sub) => return self.end_user_as_of(&user(sub), moment).await,
            WhatEnded::Session(sid, sub) => (sid, sub),
        };
        let is_meant = |identity: &Identity| {
            identity.issuer == notice.issuer && sub.as_ref().is_none_or(|sub| identity.sub == *sub)
        };
        let all: Vec<_> = providers.iter().map(|provider| ProviderSessionKey::of(tenant, provider, sid)).collect();
        let moment = self.by_our_time(moment);
        let mut nameless = Vec::new();
        if let Some(sub) = sub {
            for provider in providers {
                nameless.extend(self.nameless_of(&user(sub), provider, |standing| standing.created <= moment).await?);
            }
        }
        self.end_provider_sessions(&all, is_meant, &nameless).await
    }

    /// Whose sessions ended stands in the log as the hashes under which the store has them (security.md 111).
    fn say_what_ended(
        &self,
        call: &Call,
        provider: &str,
        notice: &LogoutNotice,
        ended: &EndedSessions,
        outcome: Audited,
    ) {
        let (tenant, count) = (self.settings.tenant, ended.count);
        let (sid, sub) = match &notice.ended {
            WhatEnded::User(sub) => (None, Some(sub)),
            WhatEnded::Session(sid, sub) => (Some(sid), sub.as_ref()),
        };
        let provider_session = sid.map(|sid| URL_SAFE_NO_PAD.encode(ProviderSessionKey::of(tenant, provider, sid).id));
        let user = sub.map(|sub| URL_SAFE_NO_PAD.encode(UserKey::of(tenant, &notice.issuer, sub).hash));
        tracing::info!(
            provider,
            count,
            jti = notice.id,
            provider_session,
            user,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a provider logged somebody out"
        );
        let user = sub.map(|sub| UserKey::of(tenant, &notice.issuer, sub)).or(ended.user);
        let entry = self.entry(Action::BackchannelLogout, call, None);
        let entry = Entry { outcome, session: ended.only(), user, provider: provider.to_owned(), ..entry };
        self.audit(entry.ending(count, &ended.sessions));
    }

    /// What the provider is told (2.8; RFC 6749, 5.2), and the log in more words. Whoever sends junk is not told which
    /// providers there are.
    fn refuse_logout(&self, call: &Call, refusal: Refusal) -> HttpAnswer {
        let no_good = || "The logout token was not accepted".to_owned();
        let (check, provider, reason, detail) = match refusal {
            Refusal::Malformed(detail) => ("", String::new(), "request_malformed", detail),
            Refusal::NobodysToken(check) => (check, String::new(), "logout_token_rejected", no_good()),
            Refusal::Rejected(check, provider) => (check, provider, "logout_token_rejected", no_good()),
        };
        let now = self.ports.clock.running();
        if let Some(unsaid) = self.refusals.say(self.settings.tenant, (reason, check), now) {
            tracing::warn!(
                check,
                reason,
                provider,
                unsaid,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "a logout that a provider sent was refused"
            );
            let entry = self.entry(Action::BackchannelLogout, call, None);
            let detail = format!("{unsaid} more were refused of late for the same reason, {reason} {check}");
            self.audit(Entry { outcome: Audited::Failed, reason: reason.to_owned(), detail, provider, ..entry });
        }
        let more = [("error", "invalid_request"), ("error_description", detail.as_str())];
        let trouble = Trouble { status: 400, reason, detail: detail.clone(), remedy: String::new() };
        HttpAnswer::error_with(&trouble, &call.request_id, &more)
    }
}

/// The token of a logout request; `None` where it brings none.
pub(super) fn logout_token(form: &[u8], limit: usize) -> Result<Option<Secret>, Malformed> {
    let form = Parameters::form(form, limit)?;
    Ok(form.get("logout_token").filter(|token| !token.is_empty()).map(Secret::new))
}

/// What a token names has ended, with so many sessions in this call.
fn carried_out(ended: u64) -> Outcome {
    Outcome { answer: HttpAnswer::json(200, &json!({})), ended }
}

/// Another copy of the token is being carried out, and takes its time.
fn come_again(call: &Call) -> HttpAnswer {
    let detail = "The same logout token is being carried out".to_owned();
    let trouble = Trouble { status: 503, reason: "logout_in_progress", detail, remedy: "Send it again".to_owned() };
    let mut answer = HttpAnswer::error(&trouble, &call.request_id);
    answer.headers.push(("retry-after", "1".to_owned()));
    answer
}
