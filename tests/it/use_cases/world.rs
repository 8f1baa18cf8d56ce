//! Owns a world without a network: a fake clock, seeded chance, a scripted provider, the embedded store in memory.
//! Does not know what is tested in it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use gatelodge::authority::ports::{Beside, Clock, Entropy, Providers};
use gatelodge::authority::provider::{
    AuthorizationRequest, EndSession, Grant, IdentityProvider, ProviderError, ProviderInfo, Redemption, RefreshRequest,
};
use gatelodge::authority::settings::{
    CallbackAnswer, CookieSettings, CsrfSettings, Limits, LoginSettings, Settings, TokenSettings,
};
use gatelodge::authority::{Authority, Call, Ports, Presented, complete_callback, start_login, validate_session};
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::session::client::TrustedProxies;
use gatelodge::session::fingerprint::FingerprintMode;
use gatelodge::session::identity::{Identity, IssuerRule};
use gatelodge::session::key::TenantNumber;
use gatelodge::session::origin::Origin;
use gatelodge::session::place::Places;
use gatelodge::session::record::Tokens;
use gatelodge::session::request::{PresentedCookie, RequestContext};
use gatelodge::session::time::{Lifetimes, Timestamp};
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::vault::Vault;

pub const ISSUER: &str = "https://idp.example";

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct FakeClock(AtomicU64);

impl FakeClock {
    pub fn advance(&self, length: Duration) {
        self.0.fetch_add(u64::try_from(length.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that never repeat, and are the same in every run.
#[derive(Default)]
pub struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        for (block, chunk) in (0_u64..).zip(bytes.chunks_mut(32)) {
            let hash = gatelodge::crypto::digest("test entropy", &[&number.to_be_bytes(), &block.to_be_bytes()]);
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// Tasks of the test's runtime.
pub struct Spawned;

impl Beside for Spawned {
    fn run(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }
}

/// A provider that does as it is told, and counts what it is asked.
pub struct FakeProvider {
    pub info: ProviderInfo,
    pub clock: Arc<FakeClock>,
    pub codes: Mutex<HashMap<String, String>>,
    pub refusal: Mutex<Option<fn() -> ProviderError>>,
    pub redeemed: AtomicUsize,
    pub refreshed: AtomicUsize,
    pub revoked: Mutex<Vec<String>>,
    pub slow: Mutex<Option<Duration>>,
    pub scopes: Mutex<Vec<String>>,
}

impl FakeProvider {
    pub fn new(name: &str, clock: Arc<FakeClock>) -> Self {
        Self {
            info: ProviderInfo {
                name: name.into(),
                display_name: name.to_uppercase(),
                issuer: IssuerRule::new(ISSUER),
            },
            clock,
            codes: Mutex::default(),
            refusal: Mutex::default(),
            redeemed: AtomicUsize::default(),
            refreshed: AtomicUsize::default(),
            revoked: Mutex::default(),
            slow: Mutex::default(),
            scopes: Mutex::new(vec!["openid".into(), "email".into()]),
        }
    }

    /// A code that stands for the user `sub`.
    pub fn code_for(&self, sub: &str) -> String {
        let mut codes = self.codes.lock().unwrap();
        let code = format!("code-{}", codes.len());
        codes.insert(code.clone(), sub.to_owned());
        code
    }

    fn tokens(&self, number: usize) -> Tokens {
        Tokens {
            access: Some(Secret::new(format!("access-{number}"))),
            access_end: Some(self.clock.now() + Duration::from_mins(5)),
            scopes: self.scopes.lock().unwrap().clone(),
            refresh: Some(Secret::new(format!("refresh-{number}"))),
            id: Some(Secret::new("e30.e30.c2ln")),
        }
    }

    async fn pause(&self) {
        let slow = *self.slow.lock().unwrap();
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
    }

    fn refuse(&self) -> Result<(), ProviderError> {
        self.refusal.lock().unwrap().map_or(Ok(()), |refusal| Err(refusal()))
    }
}

#[async_trait]
impl IdentityProvider for FakeProvider {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, ProviderError> {
        self.refuse()?;
        Ok(format!("{ISSUER}/authorize?state={}&nonce={}", request.state.expose(), request.nonce))
    }

    async fn redeem(&self, redemption: &Redemption) -> Result<Grant, ProviderError> {
        let number = self.redeemed.fetch_add(1, Ordering::SeqCst);
        self.pause().await;
        self.refuse()?;
        let sub = self.codes.lock().unwrap().remove(redemption.code.expose());
        let sub = sub.ok_or_else(|| ProviderError::InvalidGrant("no such code".into()))?;
        let identity = Identity {
            user_id: self.info.issuer.user_id(&self.info.name, ISSUER, &sub),
            provider: self.info.name.clone(),
            issuer: ISSUER.into(),
            email: Some(format!("{sub}@example.com")),
            sub,
            email_verified: true,
            name: Some("Some One".into()),
            picture: None,
            claims: serde_json::Map::new(),
            scopes: self.scopes.lock().unwrap().clone(),
            auth_time: self.clock.now(),
            acr: None,
            amr: Vec::new(),
        };
        Ok(Grant { identity, provider_session: None, tokens: self.tokens(number) })
    }

    async fn refresh(&self, _: &RefreshRequest) -> Result<Tokens, ProviderError> {
        let number = 100 + self.refreshed.fetch_add(1, Ordering::SeqCst);
        self.pause().await;
        self.refuse()?;
        Ok(self.tokens(number))
    }

    async fn revoke(&self, token: &Secret) -> Result<(), ProviderError> {
        self.revoked.lock().unwrap().push(token.expose().to_owned());
        Ok(())
    }

    async fn end_session_url(&self, request: &EndSession) -> Result<Option<String>, ProviderError> {
        Ok(Some(format!("{ISSUER}/end?state={}", request.state.expose())))
    }
}

struct Listed(Vec<Arc<FakeProvider>>);

impl Providers for Listed {
    fn all(&self) -> Vec<Arc<dyn IdentityProvider>> {
        self.0.iter().map(|provider| Arc::clone(provider) as Arc<dyn IdentityProvider>).collect()
    }
}

/// The world, and what a browser in it holds.
pub struct World {
    pub authority: Authority,
    pub clock: Arc<FakeClock>,
    pub provider: Arc<FakeProvider>,
}

pub fn settings() -> Settings {
    let base = Origin::new("https://app.example.com").unwrap();
    Settings {
        tenant: TenantNumber(1),
        tenant_name: "default".into(),
        public_base_url: base.clone(),
        mount_prefix: String::new(),
        cookies: CookieSettings {
            session: "session".into(),
            former: vec!["old_session".into()],
            binding: "login".into(),
        },
        lifetimes: Lifetimes {
            idle: Duration::from_hours(1),
            absolute: Duration::from_hours(8),
            touch_interval: Duration::from_mins(1),
        },
        csrf: CsrfSettings {
            header: "x-csrf-token".into(),
            max_age: Duration::from_hours(12),
            allowed_origins: vec![Origin::new("https://spa.example.com").unwrap()],
        },
        fingerprint: FingerprintMode::Strict,
        trusted_proxies: TrustedProxies::default(),
        places: Places {
            own: base,
            allowed: vec!["https://spa.example.com/*".into()],
            with_user: vec!["https://spa.example.com/auth-callback".into()],
            after_login: "/home".into(),
            after_logout: "/bye".into(),
            on_error: None,
        },
        callback_answer: CallbackAnswer::Redirect,
        logins: LoginSettings {
            ttl: Duration::from_mins(10),
            lease: Duration::from_secs(30),
            keep_answer_for: Duration::from_mins(1),
        },
        tokens: TokenSettings {
            refresh: true,
            margin: Duration::from_secs(30),
            lease: Duration::from_secs(5),
            wait: Duration::from_secs(10),
        },
        sessions_per_user: 1000,
        remember_ended_for: Duration::from_mins(10),
        limits: Limits::default(),
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A world whose settings differ.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_providers(&["idp"], change)
    }

    pub fn with_providers(names: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(FakeClock(AtomicU64::new(1_800_000_000_000)));
        let providers: Vec<_> =
            names.iter().map(|name| Arc::new(FakeProvider::new(name, Arc::clone(&clock)))).collect();
        let provider = Arc::clone(&providers[0]);
        let store = EmbeddedStore::open(None, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let mut settings = settings();
        change(&mut settings);
        let ports = Ports {
            sessions: store.clone(),
            logins: store.clone(),
            providers: Arc::new(Listed(providers)),
            clock: clock.clone(),
            entropy: Arc::new(Counted::default()),
            beside: Arc::new(Spawned),
        };
        let ring = |text: &str| KeyRing::new(Secret::new(text), []);
        let authority = Authority::new(ports, Vault::new(&ring("session ring"), &ring("csrf ring")), settings);
        Self { authority, clock, provider }
    }

    pub fn call() -> Call {
        Call { request_id: "test".into() }
    }

    /// Begins a login and answers its outcome.
    pub async fn start(&self, browser: &Browser, query: &str) -> start_login::Outcome {
        let question = start_login::Question {
            query: Bytes::copy_from_slice(query.as_bytes()),
            presented: browser.get("/auth/web/login"),
            ..Default::default()
        };
        self.authority.start_login(&Self::call(), question).await.unwrap()
    }

    /// Delivers a callback.
    pub async fn callback(&self, browser: &Browser, query: &str) -> complete_callback::Outcome {
        let response = complete_callback::Response::Query(Bytes::copy_from_slice(query.as_bytes()));
        let question = complete_callback::Question { response, presented: browser.get("/auth/web/callback") };
        self.authority.complete_callback(&Self::call(), question).await.unwrap()
    }

    /// Logs a browser in as `sub`.
    pub async fn log_in(&self, browser: &mut Browser, sub: &str) -> complete_callback::Outcome {
        let started = self.start(browser, "").await;
        browser.keep(&started.answer.set_cookies);
        let code = self.provider.code_for(sub);
        let outcome = self.callback(browser, &format!("code={code}&state={}", state_of(&started.answer))).await;
        browser.keep(&outcome.answer.set_cookies);
        outcome
    }

    /// Asks who is behind a request.
    pub async fn validate(&self, presented: Presented) -> validate_session::Outcome {
        let question = validate_session::Question { presented, touch: true, ..Default::default() };
        self.authority.validate_session(&Self::call(), question).await.unwrap()
    }
}

/// The state in an answer that sends the browser to the provider.
pub fn state_of(answer: &gatelodge::authority::answer::HttpAnswer) -> String {
    let location = answer.location.clone().unwrap();
    let url = url::Url::parse(&location).unwrap();
    url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

/// What a browser keeps and says of itself.
#[derive(Clone, Debug)]
pub struct Browser {
    pub cookies: Vec<(String, String)>,
    pub user_agent: String,
}

impl Default for Browser {
    fn default() -> Self {
        Self { cookies: Vec::new(), user_agent: "Browser/1".into() }
    }
}

impl Browser {
    /// Follows Set-Cookie values as a browser does.
    pub fn keep(&mut self, set_cookies: &[String]) {
        for cookie in set_cookies {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(own, _)| own != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.into(), value.into()));
            }
        }
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn request(&self, method: &str, target: &str) -> Presented {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let cookie = |(name, value): &(String, String)| PresentedCookie { name: name.clone(), value: bytes(value) };
        let context = RequestContext {
            method: bytes(method),
            target: bytes(target),
            user_agent: Some(bytes(&self.user_agent)),
            accept_language: Some(bytes("en")),
            peer_address: Some(bytes("192.0.2.7")),
            ..RequestContext::default()
        };
        Presented { cookies: self.cookies.iter().map(cookie).collect(), context: Some(context) }
    }

    /// A page's way to another page.
    pub fn get(&self, target: &str) -> Presented {
        self.with("GET", target, |context| context.sec_fetch_mode = Some(Bytes::from_static(b"navigate")))
    }

    /// A script's fetch.
    pub fn fetch(&self, method: &str, target: &str) -> Presented {
        self.with(method, target, |context| context.sec_fetch_mode = Some(Bytes::from_static(b"cors")))
    }

    pub fn with(&self, method: &str, target: &str, change: impl FnOnce(&mut RequestContext)) -> Presented {
        let mut presented = self.request(method, target);
        change(presented.context.as_mut().unwrap());
        presented
    }
}
