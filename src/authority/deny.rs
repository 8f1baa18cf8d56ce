//! Owns what is answered to a living session's request that may not go ahead: what is missing, what to do about it, and the
//! login that would help. Does not know how a request is judged.

use bytes::Bytes;

use super::admit::Admitted;
use super::answer::{HttpAnswer, Trouble};
use super::validate_session::{Denied, DeniedReason, Question};
use super::{Authority, Call};
use crate::session::need::{LoginNeeds, Missing};
use crate::session::request::RequestContext;
use crate::session::step_up::StepUp;

impl Authority {
    pub(super) fn denied(&self, admitted: Admitted, reason: DeniedReason, question: &Question, call: &Call) -> Denied {
        let needs = &question.requirements.needs.login;
        let login_query = match &reason {
            DeniedReason::Missing(missing) if is_mended_by_login(missing) => {
                self.login_query(&admitted, needs, missing)
            }
            _ => String::new(),
        };
        let trouble = self.denial(&reason);
        let answer = question.presented.context.as_ref().map(|context| {
            let make = |context: &RequestContext| self.denied_answer(&trouble, &login_query, context, call);
            in_the_form(question.answer_json, context, make)
        });
        let generation = admitted.record.header.generation;
        let session = self.view(admitted.credential.key, admitted.standing, admitted.times, generation);
        Denied { reason, remedy: trouble.remedy, login_query, answer, session }
    }

    /// The query that begins a login which meets all that is needed of one, bound to this session for as long as a login
    /// may take.
    fn login_query(&self, admitted: &Admitted, needs: &LoginNeeds, missing: &Missing) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", &admitted.standing.identity.provider);
        if let Some(age) = needs.max_age {
            query.append_pair("max_age", &age.as_secs().to_string());
        }
        if !needs.acr_values.is_empty() {
            query.append_pair("acr_values", &needs.acr_values.join(" "));
        }
        // No parameter asks for methods, so all that can be asked for is another login.
        if matches!(missing, Missing::Amr(_)) {
            query.append_pair("prompt", "login");
        }
        let step_up = StepUp {
            session: admitted.credential.key,
            generation: admitted.credential.generation,
            needs: needs.clone(),
            expires: self.ports.clock.now() + self.settings.logins.ttl,
        };
        query.append_pair("step_up", self.vault.seal_step_up(self.nonce(), self.random(), &step_up).expose());
        query.finish()
    }

    /// A page's way to what needs another login leads through that login, once: whoever comes back from one that failed
    /// gets a page, or browser and provider would send each other on for ever.
    fn denied_answer(&self, trouble: &Trouble, login_query: &str, context: &RequestContext, call: &Call) -> HttpAnswer {
        if login_query.is_empty() {
            return HttpAnswer::error(trouble, &call.request_id);
        }
        if !context.is_navigation() || !context.is_safe() {
            let path = format!("{}/auth/web/login?{login_query}", self.settings.mount_prefix);
            return HttpAnswer::error_with(trouble, &call.request_id, &[("login_path", &path)]);
        }
        match without_failure(&context.target) {
            None => HttpAnswer::redirect(302, self.login_address(context, login_query)),
            Some(target) => {
                let context = RequestContext { target, ..context.clone() };
                let again = (self.login_address(&context, login_query), "Log in again".to_owned());
                HttpAnswer::trouble(trouble, true, &[again], &call.request_id)
            }
        }
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

/// Whether a login can mend it. What the user may do is the provider's to change, and so is whether it has verified an
/// address; a login only learns of it.
const fn is_mended_by_login(missing: &Missing) -> bool {
    matches!(missing, Missing::Acr(_) | Missing::Amr(_) | Missing::FreshLogin)
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

/// The target without what a failed login has put there; `None` when it has not.
fn without_failure(target: &[u8]) -> Option<Bytes> {
    let at = target.iter().position(|byte| *byte == b'?')?;
    let (path, query) = target.split_at_checked(at)?;
    let pairs = || query.get(1..).unwrap_or_default().split(|byte| *byte == b'&');
    if !pairs().any(|pair| pair.starts_with(b"error=")) {
        return None;
    }
    let own: Vec<_> =
        pairs().filter(|pair| !pair.starts_with(b"error=") && !pair.starts_with(b"request_id=")).collect();
    Some(if own.is_empty() { path.to_vec() } else { [path, b"?", &own.join(&b'&')].concat() }.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_back_from_a_failed_login_is_known_by_the_query() {
        let table = [
            ("/pay", None),
            ("/pay?x=error=1", None),
            ("/pay?errors=1", None),
            ("/pay?error=login_required&request_id=1", Some("/pay")),
            ("/pay?a=1&error=x&b=2&request_id=1", Some("/pay?a=1&b=2")),
        ];
        for (target, expected) in table {
            let found = without_failure(target.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{target}");
        }
    }
}
