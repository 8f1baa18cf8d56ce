//! Owns what is answered to a living session's request that may not go ahead: what is missing, what to do about it, and the
//! login that would help. Does not know how a request is judged.

use super::admit::Admitted;
use super::answer::{HttpAnswer, Trouble};
use super::came_back::{has_failed_to_log_in, without_failure};
use super::validate_session::{Denied, DeniedReason, Question};
use super::{Authority, Call};
use crate::session::identity::Identity;
use crate::session::need::{Facts, LoginNeeds, Missing};
use crate::session::request::RequestContext;
use crate::session::step_up::StepUp;

impl Authority {
    pub(super) fn denied(&self, admitted: Admitted, reason: DeniedReason, question: &Question, call: &Call) -> Denied {
        let context = question.presented.context.as_deref();
        let has_tried = self.has_just_stepped_up(&admitted.standing) || context.is_some_and(has_failed_to_log_in);
        let login_query = match &reason {
            DeniedReason::Missing(missing) if self.is_mended_by_login(missing, &admitted.standing.identity) => {
                self.login_query(&admitted, &question.requirements.needs.login, has_tried)
            }
            _ => String::new(),
        };
        let trouble = self.denial(&reason);
        let answer = context.map(|context| {
            let make = |context: &RequestContext| self.denied_answer(&trouble, &login_query, has_tried, context, call);
            in_the_form(question.answer_json, context, make)
        });
        let generation = admitted.record.header.generation;
        let session = self.view(admitted.credential.key, admitted.standing, admitted.times, generation);
        Denied { reason, remedy: trouble.remedy, login_query, answer, session }
    }

    /// Whether a login can mend it, at a provider that can say so. What the user may do is the provider's to change, and so
    /// is whether it has verified an address; a login only learns of it.
    fn is_mended_by_login(&self, missing: &Missing, identity: &Identity) -> bool {
        let tells = || self.ports.providers.get(&identity.provider).is_some_and(|own| own.info().tells_of_logins);
        matches!(missing, Missing::Acr(_) | Missing::Amr(_) | Missing::FreshLogin) && tells()
    }

    /// The query that begins a login which meets all that is needed of one, bound to this session for as long as a login
    /// may take. Where a login was no help, the next one shows the user a page at least.
    fn login_query(&self, admitted: &Admitted, needs: &LoginNeeds, has_tried: bool) -> String {
        let (identity, now) = (&admitted.standing.identity, self.ports.clock.now());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", &identity.provider);
        if let Some(age) = needs.max_age {
            query.append_pair("max_age", &age.as_secs().to_string());
        }
        if !needs.acr_values.is_empty() {
            query.append_pair("acr_values", &needs.acr_values.join(" "));
        }
        let prompts = has_tried || needs.ask_anew(&Facts::from(identity), now);
        if prompts {
            query.append_pair("prompt", "login");
        }
        let step_up = StepUp {
            session: admitted.credential.key,
            generation: admitted.credential.generation,
            needs: needs.clone(),
            prompts,
            expires: now + self.settings.logins.ttl,
        };
        query.append_pair("step_up", self.vault.seal_step_up(self.nonce(), self.random(), &step_up).expose());
        query.finish()
    }

    /// A page's way to what needs another login leads through that login, once: whoever has just come back from one gets a
    /// page, or browser and provider would send each other on for ever.
    fn denied_answer(
        &self,
        trouble: &Trouble,
        login_query: &str,
        has_tried: bool,
        context: &RequestContext,
        call: &Call,
    ) -> HttpAnswer {
        if login_query.is_empty() {
            return HttpAnswer::error(trouble, &call.request_id);
        }
        if !context.is_navigation() || !context.is_safe() {
            let path = format!("{}/auth/web/login?{login_query}", self.settings.mount_prefix);
            return HttpAnswer::error_with(trouble, &call.request_id, &[("login_path", &path)]);
        }
        if !has_tried {
            return HttpAnswer::redirect(302, self.login_address(context, login_query));
        }
        let again = (self.login_address(&without_failure(context), login_query), "Log in again".to_owned());
        HttpAnswer::trouble(trouble, true, &[again], &call.request_id)
    }

    /// The words for a denial. Which fault the CSRF token has is for callers; a browser learns the remedy.
    pub(super) fn denial(&self, reason: &DeniedReason) -> Trouble {
        let (reason, detail, remedy) = match reason {
            DeniedReason::Csrf(_) => {
                let (header, prefix) = (&self.settings.csrf.header, &self.settings.mount_prefix);
                let fresh = format!("Fetch a fresh token from {prefix}/auth/me and send it in the {header} header.");
                ("csrf_mismatch", "CSRF token mismatch".to_owned(), fresh)
            }
            DeniedReason::OriginRefused => (
                "origin_refused",
                "Requests from this origin are not allowed".to_owned(),
                "Send the request from the site itself, or add the origin to app.cors.allowed_origins.".to_owned(),
            ),
            DeniedReason::Missing(missing) => words(missing),
        };
        Trouble { status: 403, reason, detail, remedy }
    }
}

fn words(missing: &Missing) -> (&'static str, String, String) {
    let ask = "Ask whoever runs this application for it, then log in again.";
    let (reason, detail, remedy) = match missing {
        Missing::Scopes(missing) => (
            "scope_missing",
            format!("Missing scope: {}", missing.join(" ")),
            "Log in with an account or application that is granted the scope.",
        ),
        Missing::Permissions(missing) => {
            ("permission_missing", format!("Missing permission: {}", missing.join(" ")), ask)
        }
        Missing::Roles(missing) => ("role_missing", format!("Missing role: {}", missing.join(" ")), ask),
        Missing::VerifiedEmail => (
            "email_not_verified",
            "A verified email address is needed".to_owned(),
            "Verify your email address where you log in, then log in again.",
        ),
        Missing::Acr(_) => (
            "acr_missing",
            "A stronger login is needed".to_owned(),
            "Log in again in the way that is asked for, then repeat the request.",
        ),
        Missing::Amr(missing) => (
            "amr_missing",
            format!("A login is needed that uses {}", missing.join(" and ")),
            "Log in again in the way that is asked for, then repeat the request.",
        ),
        Missing::FreshLogin => {
            ("login_too_old", "A fresh login is needed".to_owned(), "Log in again, then repeat the request.")
        }
    };
    (reason, detail, remedy.to_owned())
}

/// An answer as if the request were a fetch, where the route says that it answers JSON.
pub(super) fn in_the_form(
    json: bool,
    context: &RequestContext,
    make: impl Fn(&RequestContext) -> HttpAnswer,
) -> HttpAnswer {
    if !json {
        return make(context);
    }
    let fetch = RequestContext { method: context.method.clone(), ..RequestContext::default() };
    make(&fetch)
}
