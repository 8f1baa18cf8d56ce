//! Owns the use case HandleFrontchannelLogout: a page of the provider's logout has the browser say that a session has ended
//! there, so it ends here. Does not know how it was asked.

use bytes::Bytes;
use url::Url;

use super::answer::{HttpAnswer, Trouble};
use super::handle_backchannel_logout::Outcome;
use super::stream::EndedSessions;
use super::telling::Likely;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry};
use crate::session::identity::Identity;
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
    /// The first provider of that issuer, by its name.
    provider: String,
    /// One for each provider of that issuer.
    of: Vec<ProviderSessionKey>,
}

/// What a request says of itself.
pub(super) struct ClaimedSession {
    issuer: String,
    sid: String,
}

/// A longer id than a token may name (OpenID Connect Core, 2) names no session.
const LONGEST: usize = 255;

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
                let now = self.ports.clock.running();
                if let Some(unsaid) = self.refusals.say(self.settings.tenant, (trouble.reason, "front channel"), now) {
                    tracing::warn!(
                        reason = trouble.reason,
                        unsaid,
                        tenant = self.settings.tenant_name,
                        caller = call.caller(),
                        request_id = call.request_id,
                        "a front-channel logout was refused"
                    );
                }
                let page = question.context.is_navigation();
                return Ok(Outcome { answer: HttpAnswer::trouble(&trouble, page, &[], &call.request_id), ended: 0 });
            }
        };
        let mut known = Vec::new();
        for of in named.of {
            // Anybody can send this: what is not known here is neither noted nor told. So a login that the provider let begin
            // before its own logout goes on.
            if !self.ports.sessions.joined(&of).await?.is_empty() {
                known.push(of);
            }
        }
        let is_meant = |identity: &Identity| identity.issuer == named.issuer;
        let done = self.end_provider_sessions(&known, is_meant, &[]).await;
        if let Some((ended, outcome)) = EndedSessions::of(&done) {
            tracing::info!(
                issuer = named.issuer,
                count = ended.count,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "a provider's page logged somebody out"
            );
            let entry = self.entry(Action::FrontchannelLogout, call, Some(&question.context));
            let provider = named.provider;
            let entry = Entry { outcome, session: ended.only(), user: ended.user, provider, ..entry };
            self.audit(entry.ending(ended.count, &ended.sessions));
        }
        let ended = done?.count;
        let framing = Url::parse(&named.issuer).ok().and_then(|url| Origin::of(&url));
        Ok(Outcome { answer: HttpAnswer::framed("Logged out", framing.as_ref().map(Origin::as_str)), ended })
    }

    /// Whether a front-channel logout may be for this tenant.
    pub(super) fn may_take_frontchannel_logout(&self, claimed: &ClaimedSession) -> Option<Likely> {
        self.telling.pages_of(&claimed.issuer).map(|(likely, _)| likely).next()
    }

    fn session_named(&self, query: &[u8]) -> Result<Named, Trouble> {
        let trouble = |reason, detail: String| Trouble { status: 400, reason, detail, remedy: String::new() };
        let malformed = |detail| trouble("request_malformed", detail);
        let query =
            Parameters::form(query, self.settings.limits.query_bytes).map_err(|cause| malformed(cause.to_string()))?;
        let missing = || malformed("The parameters iss and sid are needed".to_owned());
        let ClaimedSession { issuer, sid } = ClaimedSession::read(&query).ok_or_else(missing)?;
        let key = |name: &str| ProviderSessionKey::of(self.settings.tenant, name, &sid);
        let names: Vec<_> = self.telling.pages_of(&issuer).map(|(_, one)| one.info().name.clone()).collect();
        let Some(provider) = names.first().cloned() else {
            return Err(trouble("provider_unknown", "No provider of this issuer may log out in this way".to_owned()));
        };
        Ok(Named { issuer, provider, of: names.iter().map(|name| key(name)).collect() })
    }
}

impl ClaimedSession {
    /// What a query names; `None` where it does not name both, or names what no provider would.
    pub(super) fn read(query: &Parameters) -> Option<Self> {
        let is_name = |value: &&str| !value.is_empty() && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let given = |name| query.get(name).filter(is_name);
        let (issuer, sid) = (given("iss")?, given("sid").filter(|sid| sid.len() <= LONGEST)?);
        Some(Self { issuer: issuer.to_owned(), sid: sid.to_owned() })
    }
}
