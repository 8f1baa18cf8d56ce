//! Owns what a browser is told of a login: one table of failures, and the answers of a login that succeeded.
//! Does not know how a login goes.

use serde_json::json;

use super::answer::{HttpAnswer, Trouble};
use super::settings::{CallbackAnswer, RouteSet};
use super::{Authority, Call, SessionView};
use crate::session::csrf;
use crate::session::request::RequestContext;

/// Why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LoginFailure {
    /// The provider is missing or unknown.
    ProviderUnknown = 1,
    /// The return place is not allowed.
    RedirectNotAllowed = 2,
    /// A parameter came twice, is oversized or unreadable.
    RequestMalformed = 3,
    /// The state is missing, or not one of ours.
    StateInvalid = 4,
    /// The login was begun too long ago, or is no longer there.
    Expired = 5,
    /// The login was begun in another browser.
    OtherBrowser = 6,
    /// The login is complete already.
    AlreadyComplete = 7,
    /// The authority was interrupted while it completed the login.
    Interrupted = 8,
    /// The user or the provider refused.
    AccessDenied = 9,
    /// The provider answered with an error, or with something that is not an answer.
    ProviderError = 10,
    /// The provider can't be reached.
    ProviderUnavailable = 11,
    /// What the provider said about the user did not pass the checks.
    IdentityRejected = 12,
    /// The user's sessions were ended while the login was under way.
    RevokedMeanwhile = 13,
    /// The user holds as many sessions as one user may.
    TooManySessions = 14,
    /// An admin has disabled the user.
    UserDisabled = 15,
    /// The user gave it up.
    Cancelled = 16,
    /// The tenant is missing or unknown.
    TenantUnknown = 17,
    /// A login that was to show nothing needs the user: nobody is logged in at the provider.
    LoginRequired = 18,
    /// The same: the provider has something to show.
    InteractionRequired = 19,
    /// The same: the user has to consent.
    ConsentRequired = 20,
    /// The same: the user has to choose an account.
    AccountSelectionRequired = 21,
    /// The login is not what was asked for.
    AuthenticationUnmet = 22,
    /// As many logins of the tenant are under way as may be.
    TooManyLogins = 23,
    /// The tenant has as many living sessions as it may.
    TenantFull = 24,
    /// The provider did not take the code.
    CodeRefused = 25,
}

impl LoginFailure {
    /// Every failure, in the order of their numbers.
    pub const ALL: [Self; 25] = [
        Self::ProviderUnknown,
        Self::RedirectNotAllowed,
        Self::RequestMalformed,
        Self::StateInvalid,
        Self::Expired,
        Self::OtherBrowser,
        Self::AlreadyComplete,
        Self::Interrupted,
        Self::AccessDenied,
        Self::ProviderError,
        Self::ProviderUnavailable,
        Self::IdentityRejected,
        Self::RevokedMeanwhile,
        Self::TooManySessions,
        Self::UserDisabled,
        Self::Cancelled,
        Self::TenantUnknown,
        Self::LoginRequired,
        Self::InteractionRequired,
        Self::ConsentRequired,
        Self::AccountSelectionRequired,
        Self::AuthenticationUnmet,
        Self::TooManyLogins,
        Self::TenantFull,
        Self::CodeRefused,
    ];

    /// The failure that a store remembers under this number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        Self::ALL.into_iter().find(|failure| *failure as u8 == number).unwrap_or(Self::Expired)
    }

    /// The public reason: what a return place gets as `error`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        self.row().1
    }

    /// Status, public reason, sentence and remedy. The public reason is also what a return place gets as `error`.
    const fn row(self) -> (u16, &'static str, &'static str, &'static str) {
        match self {
            Self::ProviderUnknown => (400, "provider_unknown", "Unknown or missing provider", "Choose how to log in."),
            Self::RedirectNotAllowed => {
                (400, "redirect_not_allowed", "This redirect_uri is not allowed", "Use one of the allowed places.")
            }
            Self::RequestMalformed => (400, "request_malformed", "The request can't be read", "Begin the login again."),
            Self::StateInvalid => (
                400,
                "state_invalid",
                "Invalid state parameter",
                "This login was not begun here, or its address was changed on the way. Begin the login again.",
            ),
            Self::Expired => (400, "login_expired", "This login took too long", "Begin the login again."),
            Self::OtherBrowser => (
                400,
                "other_browser",
                "Invalid state parameter: the login was begun in another browser, or at another address of this site",
                "Begin the login again in this browser, at the address that it is at now, and allow it to keep cookies.",
            ),
            Self::AlreadyComplete => {
                (409, "already_complete", "This login is already complete", "Go back to the application.")
            }
            Self::Interrupted => (503, "login_interrupted", "The login was interrupted", "Begin the login again."),
            Self::AccessDenied => {
                (403, "access_denied", "The login was refused at the provider", "Try again, or log in in another way.")
            }
            Self::ProviderError => {
                (502, "provider_error", "The provider answered with an error", "Try again in a while.")
            }
            Self::ProviderUnavailable => {
                (503, "provider_unavailable", "The provider can't be reached", "Try again in a while.")
            }
            Self::IdentityRejected => {
                (401, "identity_rejected", "The provider's answer did not pass the checks", "Begin the login again.")
            }
            Self::RevokedMeanwhile => {
                (403, "revoked_meanwhile", "Your sessions were ended during this login", "Begin the login again.")
            }
            Self::TooManySessions => {
                (403, "too_many_sessions", "You are logged in in too many places", "Log out somewhere else first.")
            }
            Self::UserDisabled => {
                (403, "user_disabled", "This account is disabled", "Ask whoever runs this application.")
            }
            Self::Cancelled => (403, "login_cancelled", "You did not log in", "Begin the login again."),
            Self::TenantUnknown => (
                400,
                "tenant_unknown",
                "Unknown or missing tenant",
                "Begin the login at the application's own address, or name the tenant.",
            ),
            Self::LoginRequired => (401, "login_required", "You are not logged in at the provider", "Log in."),
            Self::InteractionRequired => {
                (401, "interaction_required", "The provider has something to show you first", "Log in.")
            }
            Self::ConsentRequired => (401, "consent_required", "The provider needs your consent first", "Log in."),
            Self::AccountSelectionRequired => {
                (401, "account_selection_required", "The provider needs you to choose an account first", "Log in.")
            }
            Self::AuthenticationUnmet => (
                403,
                "authentication_unmet",
                "The login is not as strong or as fresh as was asked for",
                "Log in again in the way that is asked for.",
            ),
            Self::TooManyLogins => {
                (503, "too_many_logins", "Too many people are logging in right now", "Try again in a while.")
            }
            Self::TenantFull => {
                (503, "tenant_full", "Too many people are logged in right now", "Try again in a while.")
            }
            Self::CodeRefused => {
                (401, "code_refused", "The provider did not accept this login's code", "Begin the login again.")
            }
        }
    }

    /// The words for it.
    #[must_use]
    pub fn trouble(self) -> Trouble {
        let (status, reason, detail, remedy) = self.row();
        Trouble { status, reason, detail: detail.to_owned(), remedy: remedy.to_owned() }
    }
}

/// A failed login in the words for it, which may say more than the failure does.
pub(super) struct Refusal {
    pub(super) failure: LoginFailure,
    pub(super) trouble: Trouble,
}

impl From<LoginFailure> for Refusal {
    fn from(failure: LoginFailure) -> Self {
        Self { failure, trouble: failure.trouble() }
    }
}

impl Refusal {
    /// A request that can't be read, and what is wrong with it. Of what came, nothing but a parameter's name is told.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        let mut refusal = Self::from(LoginFailure::RequestMalformed);
        refusal.trouble.detail = detail.into();
        refusal
    }

    /// The same for a logout.
    pub(super) fn malformed_logout(detail: impl Into<String>) -> Self {
        let mut refusal = Self::malformed(detail);
        "Send the logout again.".clone_into(&mut refusal.trouble.remedy);
        refusal
    }
}

impl Authority {
    /// What to answer when a login failed: a known return place gets the public reason as `error`; else, or where a
    /// fetch wants JSON, the words themselves, with a way to try again.
    pub(super) fn failed_login(
        &self,
        trouble: &Trouble,
        return_to: Option<&str>,
        context: &RequestContext,
        call: &Call,
    ) -> HttpAnswer {
        let place = return_to.or(self.settings.places.on_error.as_deref());
        if let Some(place) = place
            && self.settings.callback_answer == CallbackAnswer::Redirect
            && !context.wants_json()
        {
            let address = with_parameters(place, &[("error", trouble.reason), ("request_id", &call.request_id)]);
            return HttpAnswer::redirect(302, address);
        }
        self.login_trouble(trouble, context, call)
    }

    /// A return place that is not allowed, with those that are; and how to write it, where that may be all that is wrong.
    pub(super) fn place_refused(&self, parameter: &str, asked: &str) -> Refusal {
        let mut refusal = Refusal::from(LoginFailure::RedirectNotAllowed);
        refusal.trouble.detail = format!("This {parameter} is not allowed");
        let encode = if asked.bytes().all(|byte| byte.is_ascii_graphic()) {
            ""
        } else {
            " It holds a space or another character that no address holds: percent-encode it (a space is %20)."
        };
        let remedy = &mut refusal.trouble.remedy;
        *remedy = format!("{remedy}{encode} Allowed: {}.", self.settings.places.allowed_list());
        refusal
    }

    /// The words of a login's trouble, with a link to each provider to try again.
    pub(super) fn login_trouble(&self, trouble: &Trouble, context: &RequestContext, call: &Call) -> HttpAnswer {
        let home = (trouble.reason == LoginFailure::AlreadyComplete.trouble().reason)
            .then(|| (self.settings.places.after_login.clone(), "Go on".to_owned()));
        let links: Vec<_> = home.map_or_else(|| self.provider_links().collect(), |home| vec![home]);
        HttpAnswer::trouble(trouble, context.is_navigation(), &links, &call.request_id)
    }

    fn provider_links(&self) -> impl Iterator<Item = (String, String)> {
        let is_on = self.settings.route_sets.contains(&RouteSet::Web);
        let providers = if is_on { self.ports.providers.all() } else { Vec::new() };
        providers.into_iter().map(|provider| {
            let info = provider.info();
            (self.login_path(&info.name), format!("Log in with {}", info.display_name))
        })
    }

    /// The path that begins a login with a provider.
    pub(super) fn login_path(&self, provider: &str) -> String {
        format!("{}/auth/web/login?provider={provider}", self.settings.mount_prefix)
    }

    /// What to answer when a login made a session: the cookie, and the way on.
    pub(super) fn completed_login(&self, cookie: String, session: &SessionView, return_to: Option<&str>) -> HttpAnswer {
        let user = session.user();
        let issue = || csrf::issue(&session.key, session.generation, self.ports.clock.now(), &self.vault.csrf);
        let place = return_to.unwrap_or(&self.settings.places.after_login);
        let mut answer = match self.settings.callback_answer {
            CallbackAnswer::Json => HttpAnswer::json(200, &json!({"user": user, "csrf_token": issue().expose()})),
            CallbackAnswer::Redirect if self.settings.places.gets_user(place) => {
                let parameters = [("user", user.to_string()), ("csrf_token", issue().expose().to_owned())];
                let parameters = parameters.each_ref().map(|(name, value)| (*name, value.as_str()));
                HttpAnswer::redirect(302, with_parameters(place, &parameters))
            }
            CallbackAnswer::Redirect => HttpAnswer::redirect(302, place),
        };
        answer.set_cookies.push(cookie);
        answer
    }
}

impl SessionView {
    /// The four fields by which a front end knows its user.
    pub(super) fn user(&self) -> serde_json::Value {
        let identity = &self.standing.identity;
        json!({
            "user_id": identity.user_id,
            "email": identity.email,
            "name": identity.name,
            "provider": identity.provider,
        })
    }
}

/// A place with further parameters in its query, before its fragment.
pub(super) fn with_parameters(place: &str, parameters: &[(&str, &str)]) -> String {
    let (bare, fragment) = place.split_once('#').map_or((place, None), |(bare, fragment)| (bare, Some(fragment)));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let joint = if bare.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{bare}{joint}{}{fragment}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_before_the_fragment_and_can_end_nothing() {
        assert_eq!(with_parameters("/x#y", &[("error", "a b&c")]), "/x?error=a+b%26c#y");
        assert_eq!(with_parameters("/x?y=1", &[("e", "\r\n")]), "/x?y=1&e=%0D%0A");
    }

    #[test]
    fn every_failure_is_remembered_under_its_own_number() {
        for failure in LoginFailure::ALL {
            assert_eq!(LoginFailure::from_number(failure as u8), failure);
        }
    }
}
