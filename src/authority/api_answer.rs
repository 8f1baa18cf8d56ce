//! Owns what the route set `api` answers, where it is not as `web` does: the way on to the front end, the session that it
//! collects, what it has to send, and the statuses of failed logins. Does not know how a login goes, or what is kept of it.

use serde_json::json;

use super::answer::{HttpAnswer, Trouble};
use super::callback::Callback;
use super::login_answer::{LoginFailure, Refusal, with_parameters};
use super::{Authority, Error, SessionView};
use crate::crypto::Secret;
use crate::session::csrf;
use crate::session::login::PendingLogin;
use crate::session::parameters::{Malformed, Parameters};

/// The parameter that says where the front end is.
pub(super) const FRONT_END: &str = "frontend_redirect_uri";

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

impl Authority {
    /// The way on from a callback whose session waits to be collected.
    pub(super) fn to_collect(&self, return_to: Option<&str>) -> HttpAnswer {
        HttpAnswer::redirect(302, return_to.unwrap_or(&self.settings.places.after_login))
    }

    /// 201: the session, its cookie, and whose it is.
    pub(super) fn collected(&self, cookie: String, session: &SessionView) -> HttpAnswer {
        let token = csrf::issue(&session.key, session.generation, self.ports.clock.now(), &self.vault.csrf);
        let body = json!({
            "tenant": self.settings.tenant_name,
            "user": session.user(),
            "session": {
                "session_id": session.key.public(),
                "created_at": session.times.created.as_secs(),
                "last_active_at": session.times.last_active.as_secs(),
                "idle_expires_at": session.idle_end.as_secs(),
                "expires_at": session.times.absolute_end.as_secs(),
            },
            "csrf_token": token.expose(),
        });
        let mut answer = HttpAnswer::json(201, &body);
        answer.set_cookies.push(cookie);
        answer
    }

    /// Nobody said where the front end is, with the places that it may be at.
    pub(super) fn front_end_missing(&self) -> Refusal {
        let detail = format!("The parameter {FRONT_END} is missing");
        let remedy =
            format!("Say where your front end takes the code. Allowed: {}.", self.settings.places.allowed_list());
        refusal("frontend_redirect_uri_missing", detail, remedy)
    }
}

impl Callback {
    /// Whether it brings a provider's answer, and neither a choice nor the wish for what there is.
    pub(super) fn is_first(&self) -> bool {
        self.choice.is_none() && self.collects.is_none()
    }

    /// Whether its path names the provider of the login, or none.
    pub(super) fn is_of(&self, login: &PendingLogin) -> bool {
        self.provider.is_empty() || self.provider == login.provider
    }

    /// Has the front end get the code and the state, which it sends to collect the session; beside an error too, so that one
    /// that looks for nothing else is told when it tries.
    pub(super) fn bring_on(&self, answer: &mut HttpAnswer) {
        if let Some(place) = &mut answer.location {
            let given = |name: &'static str| Some((name, self.parameters.get(name)?));
            *place = with_parameters(place, &[given("code"), given("state")].into_iter().flatten().collect::<Vec<_>>());
        }
    }
}

/// The idempotency key of whoever collects a session.
pub(super) fn read_key(header: &[u8]) -> Result<Secret, Refusal> {
    if header.is_empty() {
        let detail = "The header Idempotency-Key is missing".to_owned();
        let remedy =
            "Send one of your own choice with each session that you collect, and the same one when you repeat it.";
        return Err(refusal("idempotency_key_missing", detail, remedy.to_owned()));
    }
    usable_key(header).map(Secret::new).ok_or_else(|| {
        let remedy = format!("Send text of at most {LONGEST_KEY} characters, such as a UUID.");
        refusal("idempotency_key_invalid", "The header Idempotency-Key is too long, or no text".to_owned(), remedy)
    })
}

/// An Idempotency-Key header that does.
#[must_use]
pub fn usable_key(header: &[u8]) -> Option<&str> {
    std::str::from_utf8(header).ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
}

/// What collects a session has to say which.
pub(super) fn check_collection(parameters: &Parameters) -> Result<(), Refusal> {
    let missing = ["code", "state"].into_iter().find(|name| parameters.get(name).is_none_or(str::is_empty));
    missing.map_or(Ok(()), |name| Err(malformed(format!("The member {name} is missing"))))
}

/// What came can't be read as what collects a session.
pub(super) fn unreadable_collection(cause: &Malformed) -> Refusal {
    malformed(match cause {
        Malformed::Unreadable => "The body is no JSON object of texts".to_owned(),
        other => other.to_string(),
    })
}

fn malformed(detail: String) -> Refusal {
    let remedy = "Send {\"code\": \"...\", \"state\": \"...\"} as your page got them.";
    refusal("request_malformed", detail, remedy.to_owned())
}

fn refusal(reason: &'static str, detail: String, remedy: String) -> Refusal {
    Refusal { failure: LoginFailure::RequestMalformed, trouble: Trouble { status: 400, reason, detail, remedy } }
}

/// Gives a failed login the status that this set's front ends know: 404 for an unknown provider, 401 wherever somebody was
/// not authenticated (contract.md, 9).
pub(super) fn restate(answer: &mut HttpAnswer, failure: LoginFailure) {
    use LoginFailure::{AccessDenied, AuthenticationUnmet, Cancelled, OtherBrowser, ProviderUnknown, RevokedMeanwhile};
    if answer.status >= 400 {
        answer.status = match failure {
            ProviderUnknown => 404,
            OtherBrowser | AccessDenied | AuthenticationUnmet | Cancelled | RevokedMeanwhile => 401,
            _ => answer.status,
        };
    }
}

pub(super) fn api_is_off() -> Error {
    let expected = "the route set api, which is off: put it into edge.routes".to_owned();
    Error::InvalidField { field: "route_set", expected }
}

/// 401: the X-API-Key of a request is no caller's who may ask for it, or `is_missing`.
#[must_use]
pub fn key_refused(is_missing: bool, request_id: &str) -> HttpAnswer {
    let (reason, detail) = if is_missing {
        ("api_key_missing", "The header X-API-Key is missing")
    } else {
        ("api_key_invalid", "The header X-API-Key holds no valid API key")
    };
    let remedy = "Send the API key of a caller with the role backend or edge that may call SessionService/RefreshTokens (`rpcs`).";
    let trouble = Trouble { status: 401, reason, detail: detail.to_owned(), remedy: remedy.to_owned() };
    HttpAnswer::error(&trouble, request_id)
}
