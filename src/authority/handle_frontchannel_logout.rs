//! Owns the use case HandleFrontchannelLogout: a page of the provider's logout has the browser say that a session has ended
//! there, so it ends here. Does not know how it was asked.

use bytes::Bytes;
use url::Url;

use super::answer::{HttpAnswer, Trouble};
use super::handle_backchannel_logout::Outcome;
use super::{Authority, Call, Error};
use crate::session::key::ProviderSessionKey;
use crate::session::origin::Origin;
use crate::session::parameters::Parameters;
use crate::session::request::RequestContext;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The request's query, as it came.
    pub query: Bytes,
    /// What the edge saw of the request.
    pub context: RequestContext,
}

/// The session that a request names.
struct Named {
    issuer: String,
    of: ProviderSessionKey,
}

impl Authority {
    /// Ends the sessions that belong to one of a provider's own, which issuer and id there name together (OpenID Connect
    /// Front-Channel Logout 1.0, 3). No cookie is needed: a browser sends none to a page in a frame of another site. The id
    /// is all that says who asks, so it has to come; and the provider alone may show the answer in a frame.
    ///
    /// # Errors
    /// When the store can't say; asking again is safe.
    pub async fn handle_frontchannel_logout(&self, call: &Call, question: &Question) -> Result<Outcome, Error> {
        let named = match self.session_named(&question.query) {
            Ok(named) => named,
            Err(trouble) => {
                tracing::warn!(
                    reason = trouble.reason,
                    request_id = call.request_id,
                    "a front-channel logout was refused"
                );
                let page = question.context.is_navigation();
                return Ok(Outcome { answer: HttpAnswer::trouble(&trouble, page, &[], &call.request_id), ended: 0 });
            }
        };
        // Anybody can send this: what is not known here is neither noted nor told.
        let ended = if self.ports.sessions.joined(&named.of).await?.is_empty() {
            0
        } else {
            self.end_provider_session_of(&named.of, |identity| identity.issuer == named.issuer).await?
        };
        tracing::info!(
            issuer = named.issuer,
            count = ended,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a provider's page logged somebody out"
        );
        let framing = Url::parse(&named.issuer).ok().and_then(|url| Origin::of(&url));
        Ok(Outcome { answer: HttpAnswer::framed("Logged out", framing.as_ref().map(Origin::as_str)), ended })
    }

    /// Whether a front-channel logout may be for this tenant.
    pub(super) fn may_take_frontchannel_logout(&self, query: &[u8]) -> bool {
        self.session_named(query).is_ok()
    }

    fn session_named(&self, query: &[u8]) -> Result<Named, Trouble> {
        let trouble = |reason, detail: String| Trouble { status: 400, reason, detail, remedy: String::new() };
        let malformed = |detail| trouble("request_malformed", detail);
        let query =
            Parameters::form(query, self.settings.limits.query_bytes).map_err(|cause| malformed(cause.to_string()))?;
        let given = |name| query.get(name).filter(|value| !value.is_empty());
        let (Some(issuer), Some(sid)) = (given("iss"), given("sid")) else {
            return Err(malformed("The parameters iss and sid are needed".to_owned()));
        };
        let mut all = self.ports.providers.all().into_iter();
        let provider = all.find(|one| one.logout_channels().front && one.info().issuer.admits(issuer));
        let unknown = || trouble("provider_unknown", "No provider of this issuer may log out in this way".to_owned());
        let name = &provider.as_ref().ok_or_else(unknown)?.info().name;
        Ok(Named { issuer: issuer.to_owned(), of: ProviderSessionKey::of(self.settings.tenant, name, sid) })
    }
}
