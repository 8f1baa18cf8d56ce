//! Owns the one way out: every call is bounded in time and size, follows no redirect, and goes only to addresses
//! that were checked. The only place that knows the crate `reqwest`. Does not know what is asked or answered.

mod address;
mod answer;
mod guard;
mod trust;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::redirect;
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

pub use answer::Answer;
pub use guard::{Exception, Guard, NOT_PUBLIC};
pub use trust::Trust;

use self::guard::{Resolver, Way};
use super::fault::Fault;
use crate::authority::error::Foreign;
use crate::authority::observer::{Outgoing, ProviderObserver};
use crate::authority::provider_health::LastAsked;
use crate::crypto::Secret;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The limits of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// How long setting up a connection may take, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// How long a whole call may take, from the first byte sent to the last one read.
    pub total_timeout: Duration,
    /// The longest document (metadata, key set) that is read, in bytes. One is fetched at a time.
    pub max_document: usize,
    /// The longest other answer that is read, in bytes. Many are under way at a time: a hundred of them stay
    /// within 16 MiB (security.md 41).
    pub max_answer: usize,
    /// The longest header that is accepted, names and values together, in bytes.
    pub max_header: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
            max_document: 1024 * 1024,
            max_answer: 128 * 1024,
            max_header: 32 * 1024,
        }
    }
}

/// The HTTP client of one provider.
///
/// It keeps two pools of connections: one whose addresses are all public, and one for the issuer's own origin where
/// the settings allow an exception. So a name that suddenly points inwards is refused where it is resolved, and no
/// connection that was opened under the exception ever serves another origin.
pub struct Http {
    guard: Guard,
    outward: Pool,
    own: Pool,
    settings: HttpSettings,
    last: Mutex<Option<(Instant, bool)>>,
    observer: Option<Arc<dyn ProviderObserver>>,
}

/// What a request shows in its headers.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The whole Authorization header.
    pub authorization: Option<Secret>,
    /// The proof of possession (RFC 9449, 4.1).
    pub proof: Option<Secret>,
}

impl Shown {
    /// An access token that is good in anybody's hands (RFC 6750, 2.1).
    #[must_use]
    pub fn bearer(token: &Secret) -> Self {
        Self { authorization: Some(Secret::new(format!("Bearer {}", token.expose()))), proof: None }
    }

    /// An access token that is bound to a key (RFC 9449, 7.1), and the proof.
    #[must_use]
    pub fn bound(token: &Secret, proof: Secret) -> Self {
        Self { authorization: Some(Secret::new(format!("DPoP {}", token.expose()))), proof: Some(proof) }
    }

    fn in_headers_of(&self, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, Fault> {
        let headers = [(AUTHORIZATION, &self.authorization), (DPOP, &self.proof)];
        headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
            .try_fold(request, |request, (name, value)| Ok(request.header(name, sensitive(value.expose())?)))
    }
}

/// Set up when it is first used: reading the machine's trusted certificates would delay the start.
type Pool =
    LazyLock<Result<reqwest::Client, Arc<Fault>>, Box<dyn FnOnce() -> Result<reqwest::Client, Arc<Fault>> + Send>>;

impl Http {
    /// A client that goes where `guard` allows, to servers whose certificates `trust` accepts.
    #[must_use]
    pub fn new(guard: Guard, trust: &Trust, settings: HttpSettings) -> Self {
        let lonely = guard.is_for_development();
        let pool = |way| -> Pool {
            let trust = trust.clone();
            LazyLock::new(Box::new(move || {
                // A machine without trusted certificates can still develop by plain http: then it trusts nobody.
                match trust.apply(builder(way, &settings)).build() {
                    Err(_) if lonely => builder(way, &settings).tls_certs_only([]).build(),
                    built => built,
                }
                .map_err(|error| Arc::new(Fault::Setup(Foreign::new(error, None))))
            }))
        };
        let (outward, own) = (pool(Way::Outward), pool(Way::Own));
        Self { guard, outward, own, settings, last: Mutex::default(), observer: None }
    }

    /// The same, whose requests somebody sees.
    #[must_use]
    pub fn seen_by(mut self, observer: Option<Arc<dyn ProviderObserver>>) -> Self {
        self.observer = observer;
        self
    }

    /// When anything was last asked, if it was.
    pub fn last_asked(&self) -> Option<LastAsked> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|(when, answered)| LastAsked { answered, ago: when.elapsed() })
    }

    /// Which addresses this client may call.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Asks for a document that is kept.
    ///
    /// # Errors
    /// A [`Fault`]; any status is an answer.
    pub async fn document(&self, url: &Url) -> Result<Answer, Fault> {
        let request = self.client(url)?.get(url.clone()).header(ACCEPT, "application/json");
        self.send("GET", url, request, self.settings.max_document).await
    }

    /// Asks for what belongs to one user, never naming them in the address. `kinds` are the labels that the answer may have.
    ///
    /// # Errors
    /// A [`Fault`]; any status is an answer.
    pub async fn get(&self, url: &Url, shown: &Shown, kinds: &'static str) -> Result<Answer, Fault> {
        let request = self.client(url)?.get(url.clone()).header(ACCEPT, kinds);
        self.send("GET", url, shown.in_headers_of(request)?, self.settings.max_answer).await
    }

    /// Posts a form, once.
    ///
    /// # Errors
    /// A [`Fault`]; any status is an answer.
    pub async fn post(&self, url: &Url, form: String, shown: &Shown) -> Result<Answer, Fault> {
        let request = self
            .client(url)?
            .post(url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        self.send("POST", url, shown.in_headers_of(request)?, self.settings.max_answer).await
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Fault> {
        let pool = match self.guard.way(url)? {
            Way::Outward => &self.outward,
            Way::Own => &self.own,
        };
        pool.as_ref().map_err(|fault| Fault::NotSetUp(fault.clone()))
    }

    async fn send(
        &self,
        method: &'static str,
        url: &Url,
        request: reqwest::RequestBuilder,
        max_body: usize,
    ) -> Result<Answer, Fault> {
        let began = Instant::now();
        let Some(observer) = &self.observer else { return self.exchange(began, request, max_body).await };
        let Outgoing { span, traceparent } = observer.began(method, url.host_str().unwrap_or_default());
        let request = match traceparent {
            Some(trace) => request.header("traceparent", trace),
            None => request,
        };
        let outcome = self.exchange(began, request, max_body).instrument(span.clone()).await;
        observer.ended(
            method,
            outcome.as_ref().map(|answer| answer.status).map_err(Fault::name),
            began.elapsed(),
            &span,
        );
        outcome
    }

    async fn exchange(
        &self,
        began: Instant,
        request: reqwest::RequestBuilder,
        max_body: usize,
    ) -> Result<Answer, Fault> {
        let request = request.header(ACCEPT_ENCODING, "identity");
        let exchange = async {
            let response = request.send().await.map_err(trust::fault_of)?;
            Answer::read(response, self.settings.max_header, max_body).await
        };
        let in_time = tokio::time::timeout(self.settings.total_timeout, exchange).await;
        let outcome = in_time.unwrap_or(Err(Fault::Timeout));
        self.note(began, &outcome);
        outcome
    }

    /// Notes whether it answered. What was asked later counts, whatever is answered first.
    fn note(&self, asked: Instant, outcome: &Result<Answer, Fault>) {
        let answered = match outcome {
            Ok(answer) => answer.status < 500,
            Err(fault) => !fault.is_silence(),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|(when, _)| when <= asked) {
            *last = Some((asked, answered));
        }
    }
}

fn builder(way: Way, settings: &HttpSettings) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("gatelodge/", env!("CARGO_PKG_VERSION")))
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(8)
        .http2_max_header_list_size(u32::try_from(settings.max_header).unwrap_or(u32::MAX))
        .dns_resolver(Arc::new(Resolver::new(way)))
}

fn sensitive(value: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Fault::Invalid("a secret that fits no header"))?;
    value.set_sensitive(true);
    Ok(value)
}
