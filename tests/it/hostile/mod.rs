//! Owns our own hostile provider: a real OpenID provider in this process, with real keys, that can be told to
//! misbehave in every way that a test may want; and a canary that must never be called. Does not know what is tested.
//!
//! A case is a few lines: bend something, then say what refuses it.
//! ```text
//! let provider = Hostile::start().await;
//! provider.claims(|claims| drop(claims.remove("aud")));
//! provider.refuses("id_token.aud").await;
//! ```

pub mod client;
mod endpoints;
pub mod keys;
pub mod proofs;
mod switches;
mod tokens;
mod way;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatelodge::authority::provider::{Grant, IdentityProvider as _, ProviderError, Redemption};
use gatelodge::authority::trail::Trail;
use gatelodge::crypto::Secret;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{OidcProvider, OidcSettings};
use gatelodge::providers::registration::Registration;
use gatelodge::session::time::Timestamp;
use http::HeaderMap;
use tokio::net::{TcpListener, TcpStream};

pub use self::switches::{Answer, Body, Endpoint, Object, Signing};
use self::switches::{Switches, bent};
pub use self::way::Way;

/// Our client id at the provider.
pub const CLIENT_ID: &str = "gatelodge-test";
/// Our client secret: it must not turn up anywhere but at the token and revocation endpoints.
pub const CLIENT_SECRET: &str = "CANARY client secret + %";
/// The one user's subject.
pub const SUB: &str = "user-1";
/// Where browsers come back to.
pub const REDIRECT_URI: &str = "https://app.example/auth/web/callback";
/// What both sides take for now, in seconds.
pub const NOW: u64 = 1_800_000_000;

const NONCE: &str = "a nonce of this login";

/// The hostile provider, listening.
pub struct Hostile {
    inner: Arc<Inner>,
    canary: Arc<Mutex<usize>>,
    canary_address: String,
    http: HttpSettings,
}

struct Inner {
    issuer: String,
    switches: Mutex<Switches>,
    calls: Mutex<HashMap<Endpoint, Vec<Call>>>,
    codes: Mutex<HashMap<String, Code>>,
    issued: Mutex<usize>,
    /// Requests that were handed over, by the names that they were given.
    requests: Mutex<HashMap<String, String>>,
    /// The ids of assertions that came.
    assertions: Mutex<HashSet<String>>,
    certificates: Certificates,
    /// Whether each connection is for one call.
    closes: AtomicBool,
}

/// A call that the provider received.
#[derive(Clone, Debug)]
pub struct Call {
    /// The path.
    pub path: String,
    /// The body.
    pub form: String,
    /// The Authorization header.
    pub authorization: Option<String>,
    /// Which trace it belongs to.
    pub traceparent: Option<String>,
}

/// The certificates that were shown, by the port from which the connection comes on behind TLS.
type Certificates = Arc<Mutex<HashMap<u16, Vec<u8>>>>;

struct Code {
    nonce: String,
    challenge: Option<String>,
    place: String,
}

impl Inner {
    fn switches(&self) -> Switches {
        self.switches.lock().unwrap().clone()
    }

    fn note(&self, endpoint: Endpoint, path: &str, form: &[u8], headers: &HeaderMap) {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let form = String::from_utf8_lossy(form).into_owned();
        let (authorization, traceparent) = (header("authorization"), header("traceparent"));
        let call = Call { path: path.to_owned(), form, authorization, traceparent };
        self.calls.lock().unwrap().entry(endpoint).or_default().push(call);
    }

    fn issue(&self, code: Code) -> String {
        let name = format!("code-CANARY-{}", self.next());
        self.codes.lock().unwrap().insert(name.clone(), code);
        name
    }

    fn spend(&self, name: &str) -> Option<Code> {
        self.codes.lock().unwrap().remove(name)
    }

    fn next_access_token(&self) -> String {
        format!("at-CANARY-{}", self.next())
    }

    fn next(&self) -> usize {
        let mut issued = self.issued.lock().unwrap();
        *issued += 1;
        *issued
    }
}

impl Hostile {
    /// Starts a provider and its canary, each on a port of its own; they end with the test's runtime.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        Self::listening(listener, issuer, Certificates::default()).await
    }

    /// The same behind TLS, at `https://localhost`.
    pub async fn start_under_tls(config: rustls::ServerConfig) -> Self {
        let (plain, outer) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (inside, port) = (plain.local_addr().unwrap(), outer.local_addr().unwrap().port());
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let certificates = Certificates::default();
        let shown = certificates.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = outer.accept().await {
                let (acceptor, shown) = (acceptor.clone(), shown.clone());
                tokio::spawn(async move {
                    let mut plain = TcpStream::connect(inside).await.unwrap();
                    // Whoever refuses the certificate breaks off.
                    let Ok(mut secure) = acceptor.accept(stream).await else { return };
                    if let Some([own, ..]) = secure.get_ref().1.peer_certificates() {
                        shown.lock().unwrap().insert(plain.local_addr().unwrap().port(), own.to_vec());
                    }
                    let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
                });
            }
        });
        Self::listening(plain, format!("https://localhost:{port}"), certificates).await
    }

    /// The same at the end of a way that can be closed. Each connection is for one call, so that none is left that could be
    /// found broken later.
    pub async fn start_behind_a_way() -> (Self, Way) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Way::to(listener.local_addr().unwrap()).await;
        let hostile = Self::listening(listener, format!("http://{}", way.address()), Certificates::default()).await;
        hostile.inner.closes.store(true, Ordering::SeqCst);
        (hostile, way)
    }

    async fn listening(listener: TcpListener, issuer: String, certificates: Certificates) -> Self {
        let inner = Arc::new(Inner {
            issuer,
            switches: Mutex::new(Switches::new(NOW)),
            calls: Mutex::default(),
            codes: Mutex::default(),
            issued: Mutex::default(),
            requests: Mutex::default(),
            assertions: Mutex::default(),
            certificates,
            closes: AtomicBool::default(),
        });
        let router = axum::Router::new().fallback(endpoints::answer).with_state(inner.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let canary_address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
        let canary = Arc::new(Mutex::new(0));
        let count = canary.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                *count.lock().unwrap() += 1;
            }
        });
        let http = HttpSettings { total_timeout: Duration::from_secs(5), ..HttpSettings::default() };
        Self { inner, canary, canary_address, http }
    }

    /// The issuer: its own origin.
    pub fn issuer(&self) -> String {
        self.inner.issuer.clone()
    }

    /// `host:port` of a listener that nothing may connect to.
    pub fn canary(&self) -> &str {
        &self.canary_address
    }

    /// How often something connected to the canary.
    pub fn canary_calls(&self) -> usize {
        *self.canary.lock().unwrap()
    }

    /// How often an endpoint was called.
    pub fn calls(&self, endpoint: Endpoint) -> usize {
        self.received(endpoint).len()
    }

    /// The calls that an endpoint received.
    pub fn received(&self, endpoint: Endpoint) -> Vec<Call> {
        self.inner.calls.lock().unwrap().get(&endpoint).cloned().unwrap_or_default()
    }

    /// A code for a login with this nonce, without a browser; its PKCE challenge is not looked at.
    pub fn issue_code(&self, nonce: &str) -> String {
        self.inner.issue(Code::unchallenged(nonce))
    }

    /// A new logout token, as it has been bent.
    pub fn logout_token(&self) -> String {
        let id = format!("logout-CANARY-{}", self.inner.next());
        tokens::logout_token(&self.inner.issuer, &id, &self.inner.switches())
    }

    /// What a browser does with an authorization address: the user logs in, and the browser is sent back. Answers
    /// where to, or the status of an error page.
    pub fn visit(&self, authorization_url: &str) -> Result<url::Url, u16> {
        let url = url::Url::parse(authorization_url).unwrap();
        self.inner.note(Endpoint::Authorize, url.path(), url.query().unwrap_or_default().as_bytes(), &HeaderMap::new());
        let answer = endpoints::authorize(&self.inner, url.query().unwrap_or_default());
        let location = answer.headers.iter().find(|(name, _)| *name == "location").map(|(_, place)| place);
        location.map(|place| url::Url::parse(place).unwrap()).ok_or(answer.status)
    }

    /// The same where the answer comes as a form that the browser posts: the form.
    pub fn visit_for_a_form(&self, authorization_url: &str) -> Result<String, u16> {
        let url = url::Url::parse(authorization_url).unwrap();
        let answer = endpoints::authorize(&self.inner, url.query().unwrap_or_default());
        let form = answer.headers.into_iter().find(|(name, _)| *name == endpoints::POSTED).map(|(_, form)| form);
        form.ok_or(answer.status)
    }

    /// The claims of a proof for a request to somebody else, if it is right.
    pub fn proven(&self, method: &str, address: &str, proof: &Secret, token: &Secret) -> Option<serde_json::Value> {
        let (proof, token) = (Some(proof.expose()), Some(token.expose()));
        proofs::read(&self.inner, self.inner.switches().bound_to?, &proofs::Presented { method, address, proof, token })
    }

    /// Makes every call end after this long.
    pub fn limit_calls_to(&mut self, limit: Duration) {
        self.http.total_timeout = limit;
    }

    /// Settings that fit this provider.
    pub fn settings(&self) -> OidcSettings {
        let settings = OidcSettings::new(Registration {
            development: true,
            keep_refresh_token: true,
            ..Registration::new("hostile", &self.issuer(), CLIENT_ID, Secret::new(CLIENT_SECRET))
        });
        bent(settings, &self.inner.switches().settings)
    }

    /// A client of this provider, with nothing cached.
    pub fn provider(&self) -> OidcProvider {
        OidcProvider::new(self.settings(), self.http).unwrap()
    }

    /// This provider as the authority knows it, with nothing cached.
    pub fn registry(&self) -> Registry {
        Registry::new(vec![self.settings().into()], self.http).unwrap()
    }

    /// A redemption that is right in every way, as far as it has not been bent.
    pub fn redemption(&self) -> Redemption {
        let redemption = Redemption {
            code: Secret::new(self.issue_code(NONCE)),
            code_verifier: Secret::new("a verifier of at least 43 characters, as it happens"),
            nonce: NONCE.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            response_issuer: Some(self.issuer()),
            response_user: None,
            authenticated_after: None,
            now: Timestamp::from_secs(NOW),
            within: Duration::from_secs(15),
            trail: Trail::default(),
        };
        bent(redemption, &self.inner.switches().redemption)
    }

    /// Redeems a new code with a new client.
    pub async fn log_in(&self) -> Result<Grant, ProviderError> {
        self.provider().redeem(&self.redemption()).await
    }

    /// INV at the level of the provider (security.md, top): the login fails for the reason named, nothing was sent
    /// that should not have been, and nothing was sent twice.
    ///
    /// `reason` is the name of the check, or `unavailable`, `invalid_grant` or `failed`.
    pub async fn refuses(&self, reason: &str) {
        let outcome = self.log_in().await;
        assert_eq!(reason_of(&outcome), reason, "{outcome:?}");
        let sent = self.calls(Endpoint::Token);
        if reason == "response.iss" {
            assert_eq!(sent, 0, "the code was sent before the issuer was checked");
        }
        assert!(sent <= 1, "the code was sent {sent} times");
        if !reason.starts_with("userinfo.") && !reason.starts_with("claims.") {
            assert_eq!(self.calls(Endpoint::Userinfo), 0, "the access token was used before the ID token was verified");
        }
        assert_eq!(self.canary_calls(), 0, "an address of the provider's choosing was called");
    }

    /// The same, and the code was not sent at all.
    pub async fn refuses_unsent(&self, reason: &str) {
        self.refuses(reason).await;
        assert_eq!(self.calls(Endpoint::Token), 0, "the code was sent");
    }
}

/// How an outcome reads in a table of cases.
pub fn reason_of<T>(outcome: &Result<T, ProviderError>) -> &'static str {
    match outcome {
        Ok(_) => "accepted",
        Err(ProviderError::Rejected(check)) => check,
        Err(ProviderError::Unavailable(_)) => "unavailable",
        Err(ProviderError::Lost(_)) => "lost",
        Err(ProviderError::Unsupported(_)) => "unsupported",
        Err(ProviderError::AudienceRefused(_)) => "audience",
        Err(ProviderError::RequestRefused(_)) => "request_refused",
        Err(ProviderError::InvalidGrant(_)) => "invalid_grant",
        Err(ProviderError::Failed(_)) => "failed",
    }
}
