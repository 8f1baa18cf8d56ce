//! Owns the typed client: one lazy connection, and every call of the contract. Does not know HTTP or browsers.

mod admin;
mod call;
mod caller;
mod changing;
mod checks;
pub mod error;
mod kept;
mod login;
pub mod options;
mod proxies;
mod sessions;
pub(crate) mod tokens;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

pub use admin::AdminCalls;
use call::Manner;
use caller::Caller;
use checks::Checks;
use error::Error;
use kept::Kept;
pub use login::LoginCalls;
use options::{ADDRESS, ClientOptions, OptionsError};
pub use sessions::{Checked, SessionCalls};
pub use tokens::{TokenCalls, TokenVerdict};

/// Asks an authority. Cheap to clone: all clones share one connection.
///
/// Every call has a deadline (2 s; 8 s for what ends sessions; 10 s where a provider may have to be asked; 20 s for a
/// login's end), which the authority is told. Calls that are safe to repeat are repeated within it while the authority is
/// unavailable: a logout once, and every call once at most while the authority can't be reached at all.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    request_id: Option<MetadataValue<Ascii>>,
    deadline: Option<Duration>,
}

struct Shared {
    channel: Channel,
    address: String,
    caller: Caller,
    /// How many answers may be kept.
    keep_answers: usize,
    /// Whether the authority has ever answered.
    known: AtomicBool,
    /// Answers that may be given again; `None` where none are kept.
    kept: Option<Arc<Kept>>,
    /// `None` where each check is to be a call of its own.
    checks: Option<Arc<Checks>>,
}

impl Client {
    /// Gets ready to ask an authority. The connection is made at the first call and again whenever it is lost, so an
    /// authority that is away now is no error here. Call it inside a Tokio runtime.
    ///
    /// # Errors
    /// When the options can't be used: see [`OptionsError`].
    pub fn connect(options: &ClientOptions) -> Result<Self, OptionsError> {
        let (channel, address) = (options.endpoint()?.connect_lazy(), options.address.clone());
        let shared = Shared {
            channel,
            address,
            caller: Caller::of(options)?,
            keep_answers: options.keep_answers,
            known: AtomicBool::new(false),
            kept: keeping(options.keep_answers),
            checks: options.check_stream.then(Arc::default),
        };
        if options.is_in_clear() {
            tracing::warn!(
                address = shared.address,
                "{ADDRESS} is plaintext to another machine: the API key and people's cookies cross the network in clear. \
                 Use https://, or make sure that something else encrypts the way"
            );
        }
        Ok(Self { shared: Arc::new(shared), request_id: None, deadline: None })
    }

    /// A client over the same connection whose calls are for this tenant, by its name or number: for a caller whose key is
    /// for several. It keeps answers of its own, so make it once for each tenant and clone it. One that no header can hold
    /// is left out.
    #[must_use]
    pub fn for_tenant(&self, name: &str) -> Self {
        let Some(caller) = self.shared.caller.for_tenant(name) else { return self.clone() };
        let shared = Shared {
            channel: self.shared.channel.clone(),
            address: self.shared.address.clone(),
            caller,
            keep_answers: self.shared.keep_answers,
            known: AtomicBool::new(self.shared.known.load(Ordering::Relaxed)),
            kept: keeping(self.shared.keep_answers),
            checks: self.shared.checks.is_some().then(Arc::default),
        };
        Self { shared: Arc::new(shared), ..self.clone() }
    }

    /// A client whose calls go to whatever the channel leads to.
    #[cfg(feature = "testing")]
    pub(crate) fn over(channel: Channel, keep_answers: usize) -> Self {
        let (address, caller, known) = ("memory".to_owned(), Caller::default(), AtomicBool::new(false));
        let kept = keeping(keep_answers);
        let shared = Shared { channel, address, caller, keep_answers, known, kept, checks: None };
        Self { shared: Arc::new(shared), request_id: None, deadline: None }
    }

    /// The same client, whose calls carry this request id into the authority's log. One that no header can hold is
    /// left out.
    #[must_use]
    pub fn for_request(&self, request_id: &str) -> Self {
        Self { request_id: request_id.parse().ok(), ..self.clone() }
    }

    /// The same client, whose calls may take this long.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The calls of an edge: logins and logouts.
    #[must_use]
    pub fn login(&self) -> LoginCalls<'_> {
        LoginCalls(self)
    }

    /// The calls about a presented session.
    #[must_use]
    pub fn sessions(&self) -> SessionCalls<'_> {
        SessionCalls(self)
    }

    /// The calls about bearer tokens.
    #[must_use]
    pub fn tokens(&self) -> TokenCalls<'_> {
        TokenCalls(self)
    }

    /// The calls of an admin.
    #[must_use]
    pub fn admin(&self) -> AdminCalls<'_> {
        AdminCalls(self)
    }

    /// Whether a service (empty for all) is serving now, as `grpc.health.v1` says. Needs no key.
    ///
    /// # Errors
    /// When the authority can't be reached or has no such service.
    pub async fn is_serving(&self, service: &str) -> Result<bool, Error> {
        let question = HealthCheckRequest { service: service.to_owned() };
        let answer = self.call(Manner::PROBE, question, |channel, question| async move {
            HealthClient::new(channel).check(question).await
        });
        Ok(answer.await?.status() == ServingStatus::Serving)
    }
}

fn keeping(most: usize) -> Option<Arc<Kept>> {
    (most > 0).then(|| Arc::new(Kept::new(most)))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.shared.address).finish_non_exhaustive()
    }
}
