//! Owns the use case CompleteLogout: the way back from the provider's logout. Does not know how it was asked.

use bytes::Bytes;

use super::answer::HttpAnswer;
use super::login_answer::LoginFailure;
use super::{Authority, Call, Presented};
use crate::session::parameters::Parameters;
use crate::session::request::RequestContext;
use crate::vault::LogoutState;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The query, as it came.
    pub query: Bytes,
    /// What came.
    pub presented: Presented,
}

impl Authority {
    /// Sends the browser on to the place that its logout asked for. A state that is not ours leads nowhere.
    #[must_use]
    pub fn complete_logout(&self, call: &Call, question: &Question) -> HttpAnswer {
        let query = Parameters::form(&question.query, self.settings.limits.query_bytes).unwrap_or_default();
        let state = query.get("state").and_then(|text| self.vault.open_logout(text));
        let good = |state: &LogoutState| state.tenant == self.settings.tenant && self.ports.clock.now() < state.expires;
        if let Some(state) = state.filter(good) {
            let landing = || self.settings.places.after_logout.clone();
            return HttpAnswer::redirect(302, state.return_to.unwrap_or_else(landing));
        }
        let mut trouble = LoginFailure::StateInvalid.trouble();
        "You are logged out. This page was reached without a logout begun here.".clone_into(&mut trouble.remedy);
        let page = question.presented.context.as_deref().is_some_and(RequestContext::is_navigation);
        let home = [(self.settings.places.after_logout.clone(), "Go on".to_owned())];
        HttpAnswer::trouble(&trouble, page, &home, &call.request_id)
    }
}
