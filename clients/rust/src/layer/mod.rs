//! Owns sessions for an application's own routes: a tower layer for any framework, axum's extractors, and layers for bearer
//! tokens and for gRPC beside it. Does not know logins.

mod asking;
mod extract;
pub mod grpc;
mod guarded;
mod nobody;
mod service;
pub mod token;

use http::StatusCode;
use http::request::Parts;

use crate::answer::{Answer, Asker, Delivery};
use crate::cors;
use crate::gate::Gate;
use crate::presented;
use crate::requirements::Requirements;
use crate::session::Session;
use crate::v1;
use crate::verdict::Verdict;
use asking::asking;
pub use extract::NoSession;
pub use guarded::{Guard, Guarded};
use nobody::Nobody;
pub use service::WithSession;

/// Validates the session of every request before the application sees it.
///
/// - A living session is in the request's extensions as [`Session`]. Its cookies go out with the response, and so does its
///   new CSRF token where the credential was rotated.
/// - A request that the session may not make (CSRF, origin, a requirement) gets the authority's answer; the
///   application never sees it.
/// - Without a session the application goes ahead, unless the layer comes from [`Gate::require`]: then the browser gets
///   the authority's answer, 401 JSON or a redirect to the login. An extractor [`Session`] does the same.
/// - When the authority can't say, the browser gets 503 and keeps its cookies.
///
/// One layer per route is enough and costs one call; of two, the inner asks again with its own requirements.
///
/// A preflight carries no cookies. A layer of [`Gate::require`] answers it itself, as the edge's own routes do; any other
/// lets it through without a session. CORS of an application's own goes outside of the layer.
///
/// The layer takes requests with any body, and makes its own answers in any body that can be made of bytes (axum's,
/// `Full<Bytes>`). The peer's address is that of axum's `ConnectInfo<SocketAddr>` or a `SocketAddr` among the extensions.
#[derive(Clone, Debug)]
pub struct SessionLayer {
    gate: Gate,
    is_required: bool,
    requirements: Requirements,
}

asking!(SessionLayer, "sessions");

impl SessionLayer {
    pub(crate) fn new(gate: Gate, is_required: bool) -> Self {
        Self { gate, is_required, requirements: Requirements::new() }
    }

    /// Asks for a CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE.
    #[must_use]
    pub fn csrf_required(mut self) -> Self {
        self.requirements = self.requirements.csrf_required();
        self
    }

    /// Asks for no CSRF token and judges no origin, for routes that are guarded in another way.
    #[must_use]
    pub fn csrf_not_required(mut self) -> Self {
        self.requirements = self.requirements.csrf_not_required();
        self
    }

    /// What is left to do about a request: serve it (with this on the response), or answer for it.
    async fn admit(&self, parts: &mut Parts) -> Result<Delivery, Answer> {
        let asker = Asker::new(&parts.method, presented::request_id(&parts.headers));
        let Some(settings) = self.gate.settings(presented::host(parts).as_deref()) else {
            return Err(asker.unavailable(None));
        };
        let question = v1::ValidateSessionRequest {
            cookies: presented::session_cookies(parts, &settings),
            context: Some(presented::context(parts, &settings)),
            requirements: Some(self.requirements.clone().into()),
            can_set_cookies: true,
            ..v1::ValidateSessionRequest::default()
        };
        let client = self.gate.client().for_request(&asker.request_id);
        let checked = client.sessions().check(question).await.map_err(|error| asker.failed(&error))?;
        self.gate.saw_version(&checked.settings_version);
        parts.extensions.remove::<Session>();
        match checked.verdict {
            Verdict::Active(session) => {
                let delivery = Delivery::of(&session, &settings).map_err(|error| asker.failed(&error))?;
                parts.extensions.insert(session);
                Ok(delivery)
            }
            Verdict::Inactive(inactive) => {
                let nobody = Nobody::found(asker, *inactive);
                if self.is_required {
                    return Err(nobody.answer());
                }
                nobody.put_into(&mut parts.extensions);
                Ok(Delivery::default())
            }
            Verdict::Denied(denied) => Err(match denied.answer {
                Some(answer) => asker.copy(Some(answer)),
                None => asker.error(StatusCode::FORBIDDEN, "FORBIDDEN", "This session may not make this request."),
            }),
        }
    }

    /// What is to be answered to a preflight: where a session is required, none gets to the application. Where it is not,
    /// the application sees nobody.
    fn preflight(&self, parts: &mut Parts) -> Option<Answer> {
        let asker = Asker::new(&parts.method, presented::request_id(&parts.headers));
        let answer = match self.gate.settings(presented::host(parts).as_deref()) {
            Some(settings) => {
                let mut answer = cors::preflight(&asker, &parts.headers, &settings.cors);
                cors::share(&parts.headers, &settings.cors, answer.headers_mut());
                answer
            }
            None => asker.unavailable(None),
        };
        if self.is_required {
            return Some(answer);
        }
        parts.extensions.remove::<Session>();
        Nobody::asks_ahead(answer).put_into(&mut parts.extensions);
        None
    }
}
