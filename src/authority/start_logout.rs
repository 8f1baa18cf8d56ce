//! Owns the use case StartLogout: the session is dead here before the browser goes to the provider's logout.
//! Does not know how it was asked.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::admit::Admitted;
use super::answer::{HttpAnswer, Trouble};
use super::end::{Ended, Reach};
use super::login_answer::Refusal;
use super::provider::EndSession;
use super::stream::EndedSessions;
use super::validate_session::{CsrfRequirement, DeniedReason, Requirements};
use super::{Authority, Call, Error, Presented};
use crate::session::audit::{Action, Entry};
use crate::session::cookie;
use crate::session::origin::{self, OriginJudgement};
use crate::session::parameters::Parameters;
use crate::session::record::Tokens;
use crate::session::request::RequestContext;
use crate::vault::LogoutState;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The logout request's query, as it came.
    pub query: Bytes,
    /// The body, where it is a form; else empty.
    pub form: Bytes,
    /// What came.
    pub presented: Presented,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer the browser.
    pub answer: HttpAnswer,
    /// How many living sessions this call ended.
    pub ended: u64,
}

/// What a logout request asks for, read and allowed.
struct Wish {
    return_to: Option<String>,
    reach: Reach,
}

/// How long the provider's own logout may take a person.
const STATE_LIFE: Duration = Duration::from_hours(1);

/// How long a logout waits to learn where the provider's own is, which is nearly always known.
const PROVIDER_WITHIN: Duration = Duration::from_secs(1);

const DONE: &str = "Logged out successfully";

impl Authority {
    /// Ends the browser's session and clears its cookie. The origin is judged first, session or not: a form on another
    /// site comes without the cookie (SameSite=Lax), and would still have it cleared. A living session also needs its
    /// token. Of a browser that presents several sessions, all end; with `everywhere`, all of their users.
    ///
    /// # Errors
    /// When the store can't say: then the cookie is kept.
    pub async fn start_logout(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        let mut context = question.presented.context.as_deref().cloned().unwrap_or_default();
        let page = context.is_navigation();
        let refused = |trouble: &Trouble| {
            let answer = HttpAnswer::trouble(trouble, page, &[], &call.request_id);
            Outcome { answer, ended: 0 }
        };
        let Wish { return_to, reach } = match self.read_logout(&question.query) {
            Ok(wish) => wish,
            Err(Refusal { trouble, .. }) => return Ok(refused(&trouble)),
        };
        context.csrf_token = match self.token_in(&question.form) {
            Ok(token) => context.csrf_token.or(token),
            Err(Refusal { trouble, .. }) => return Ok(refused(&trouble)),
        };
        let own = &self.settings.public_base_url;
        if origin::judge(&context, own, &self.settings.csrf.allowed_origins) == OriginJudgement::Refused {
            return Ok(refused(&self.denial(&DeniedReason::OriginRefused)));
        }
        let living = self.admit_to_end(call, &question.presented).await?;
        let needed = Requirements { csrf: CsrfRequirement::Required, ..Requirements::default() };
        let judged = living.iter().map(|admitted| self.judge_request(admitted, &needed, Some(&context)));
        if let Some(Err(reason)) = judged.reduce(Result::or) {
            return Ok(refused(&self.denial(&reason)));
        }
        let note = |admitted: &Admitted, ended: &EndedSessions, outcome| {
            let EndedSessions { count, sessions, user } = ended;
            tracing::info!(
                session = admitted.credential.key.public(),
                count,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "a session was logged out"
            );
            let session = Some(admitted.credential.key);
            let provider = admitted.standing.identity.provider.clone();
            let entry = self.entry(Action::LoggedOut, call, Some(&context));
            self.audit(Entry { outcome, session, user: *user, provider, ..entry }.ending(*count, sessions));
        };
        let all = self.end_presented(&living, reach, note).await?;
        let ended = all.iter().map(|one| one.ended.count).sum();
        let mut url = None;
        for (admitted, Ended { tokens, .. }) in living.iter().zip(all) {
            if url.is_none() {
                url = self.logout_url(&admitted.standing.identity.provider, tokens, return_to.clone()).await;
            }
        }
        let answer = self.logged_out(url, return_to.as_deref(), &question.presented, &context);
        Ok(Outcome { answer, ended })
    }

    fn read_logout(&self, query: &[u8]) -> Result<Wish, Refusal> {
        let query = Parameters::form(query, self.settings.limits.query_bytes)
            .map_err(|cause| Refusal::malformed_logout(cause.to_string()))?;
        let asked = query.get("redirect_uri").filter(|asked| !asked.is_empty());
        let return_to = self.wanted_place(asked, "redirect_uri")?;
        let reach = match query.get("everywhere").unwrap_or_default() {
            "" | "false" | "0" | "off" => Reach::Session,
            "true" | "1" | "on" => Reach::User,
            _ => return Err(Refusal::malformed_logout("The parameter everywhere is neither true nor false")),
        };
        Ok(Wish { return_to, reach })
    }

    /// The token of a form that can set no header.
    fn token_in(&self, form: &[u8]) -> Result<Option<Bytes>, Refusal> {
        let form = Parameters::form(form, self.settings.limits.body_bytes)
            .map_err(|cause| Refusal::malformed_logout(cause.to_string()))?;
        Ok(form.get("csrf_token").map(|token| Bytes::copy_from_slice(token.as_bytes())))
    }

    /// The provider's logout (OpenID Connect RP-Initiated Logout, 2); `None` where it has none or is away.
    async fn logout_url(&self, provider: &str, tokens: Tokens, return_to: Option<String>) -> Option<String> {
        let provider = self.ports.providers.get(provider)?;
        let expires = self.ports.clock.now() + STATE_LIFE;
        let state = LogoutState { tenant: self.settings.tenant, expires, return_to };
        let request = EndSession {
            id_token_hint: tokens.id,
            state: self.vault.seal_logout(self.nonce(), self.random(), &state),
            post_logout_redirect_uri: self.settings.logged_out_address(),
            within: PROVIDER_WITHIN,
        };
        match provider.end_session_url(&request).await {
            Ok(url) => url,
            Err(error) => {
                let name = &provider.info().name;
                tracing::warn!(
                    provider = name,
                    error = &error as &dyn std::error::Error,
                    "the provider's logout is not known"
                );
                None
            }
        }
    }

    /// A fetch gets JSON; a form navigation goes on to the provider's logout or the landing place.
    fn logged_out(
        &self,
        url: Option<String>,
        return_to: Option<&str>,
        presented: &Presented,
        context: &RequestContext,
    ) -> HttpAnswer {
        let mut answer = if context.is_navigation() {
            let landing = return_to.unwrap_or(&self.settings.places.after_logout);
            HttpAnswer::redirect(303, url.as_deref().unwrap_or(landing))
        } else {
            let body = url.map_or_else(|| json!({"message": DONE}), |url| json!({"message": DONE, "logout_url": url}));
            HttpAnswer::json(200, &body)
        };
        let names = self.settings.session_cookie_names();
        let came = |name: &String| presented.cookies.iter().any(|cookie| cookie.name == *name);
        let came = names.iter().filter(|name| came(name));
        answer.set_cookies = came.map(|name| cookie::clear(name, self.settings.is_secure())).collect();
        answer
    }
}
