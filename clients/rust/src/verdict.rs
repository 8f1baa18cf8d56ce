//! Owns how an answer of `ValidateSession` is read. Does not know how it becomes HTTP.

use crate::client::error::Error;
use crate::requirements::are_judged;
use crate::session::Session;
use crate::v1;
use crate::v1::validate_session_response::Outcome;

/// A definite answer about a presented session.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The session lives and every requirement is met.
    Active(Session),
    /// There is no living session. A reason that this client does not know changes nothing.
    Inactive(Box<v1::InactiveSession>),
    /// The session lives, but this request may not go ahead. Treat an unknown reason as 403.
    Denied(Box<v1::DeniedSession>),
}

/// What was asked for, to be found again among what was judged.
pub(crate) struct Asked<'a> {
    requirements: Option<&'a v1::Requirements>,
    /// Whether a CSRF token is needed.
    pub(crate) csrf: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(question: &'a v1::ValidateSessionRequest) -> Self {
        let requirements = question.requirements.as_ref();
        let unsafe_method =
            |context: &v1::RequestContext| !matches!(context.method.as_ref(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE");
        let csrf = match requirements.map_or(v1::CsrfRequirement::Unspecified, v1::Requirements::csrf) {
            v1::CsrfRequirement::Required => true,
            v1::CsrfRequirement::NotRequired => false,
            v1::CsrfRequirement::Unspecified => question.context.as_ref().is_some_and(unsafe_method),
        };
        Self { requirements, csrf }
    }

    /// **Invariant:** an older authority ignores a requirement that it does not know, and its "active" is then no yes;
    /// a newer one may give an outcome that is not known here, which is neither yes nor no.
    pub(crate) fn read(&self, outcome: Option<Outcome>) -> Result<Verdict, Error> {
        match outcome {
            Some(Outcome::Active(active)) => {
                let session = Session::new(active)?;
                if self.is_judged(session.judged()) {
                    return Ok(Verdict::Active(session));
                }
                Err(Error::could_not_say("the authority did not judge all that was asked: it may be older than us"))
            }
            Some(Outcome::Inactive(inactive)) => Ok(Verdict::Inactive(inactive.into())),
            Some(Outcome::Denied(denied)) => Ok(Verdict::Denied(denied.into())),
            None => Err(Error::could_not_say("the authority gave an outcome that is not known here: it may be newer")),
        }
    }

    fn is_judged(&self, judged: &v1::JudgedRequirements) -> bool {
        let asked = self.requirements;
        (judged.csrf || !self.csrf) && asked.is_none_or(|asked| are_judged(asked, judged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Option<&'static str>, requirements: v1::Requirements) -> v1::ValidateSessionRequest {
        let context = method.map(|method| v1::RequestContext { method: method.into(), ..Default::default() });
        v1::ValidateSessionRequest { context, requirements: Some(requirements), ..Default::default() }
    }

    // contract.md 3: what was asked for and is not among what was judged makes a yes worthless.
    #[test]
    fn a_requirement_that_was_not_judged_is_no_yes() {
        use v1::CsrfRequirement::{NotRequired, Required, Unspecified};
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let csrf = |csrf: v1::CsrfRequirement| v1::Requirements { csrf: csrf.into(), ..Default::default() };
        let scopes = v1::Requirements { scopes: vec!["a".into(), "b".into()], ..Default::default() };
        let age = v1::Requirements { max_login_age: seconds(300), ..Default::default() };
        let judged = v1::JudgedRequirements {
            csrf: true,
            scopes: vec!["b".into(), "a".into()],
            max_login_age: seconds(300),
            ..Default::default()
        };
        let nothing = v1::JudgedRequirements::default();
        let one_scope = v1::JudgedRequirements { scopes: vec!["a".into()], ..Default::default() };
        let older = v1::JudgedRequirements { max_login_age: seconds(301), ..Default::default() };
        let table = [
            (asked(Some("GET"), scopes.clone()), &judged, true),
            (asked(Some("GET"), scopes.clone()), &nothing, false),
            (asked(Some("GET"), scopes), &one_scope, false),
            (asked(Some("GET"), age.clone()), &judged, true),
            (asked(Some("GET"), age.clone()), &nothing, false),
            (asked(Some("GET"), age), &older, false),
            (asked(Some("GET"), csrf(Unspecified)), &nothing, true),
            (asked(None, csrf(Unspecified)), &nothing, true),
            (asked(Some("POST"), csrf(Unspecified)), &nothing, false),
            (asked(Some("QUERY"), csrf(Unspecified)), &nothing, false),
            (asked(Some("POST"), csrf(Unspecified)), &judged, true),
            (asked(Some("POST"), csrf(NotRequired)), &nothing, true),
            (asked(Some("GET"), csrf(Required)), &nothing, false),
        ];
        for (at, (asked, judged, yes)) in table.iter().enumerate() {
            assert_eq!(Asked::of(asked).is_judged(judged), *yes, "row {at}");
        }
    }
}
