//! Owns a running development provider, a clock to turn, browsers and a client to speak with it.
//! Does not know what is tested.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatelodge::authority::ports::{Clock, Entropy};
use gatelodge::crypto::Secret;
use gatelodge::dev::DevelopmentOnly;
use gatelodge::dev::provider::{DevProvider, DevProviderSettings, Told};
use gatelodge::session::time::Timestamp;
use reqwest::{Client, Method, RequestBuilder, redirect};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded::{Serializer, byte_serialize};

pub const CALLBACK: &str = "http://localhost:8000/auth/web/callback";
pub const LOGGED_OUT: &str = "http://localhost:8000/auth/web/logged-out";
pub const CLIENT: (&str, &str) = ("demo client", "s3cret:with+signs%");
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rules.~_";
pub const USER: &str = "testuser1@example.com";
pub const PASSWORD: &str = "password123";

#[derive(Default)]
pub struct TurnableClock(AtomicU64);

impl Clock for TurnableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_700_000_000) + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A provider that listens; it ends with this value.
pub struct World {
    pub issuer: String,
    pub client: Client,
    clock: Arc<TurnableClock>,
    server: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub fn settings(issuer: &str, clock: Arc<dyn Clock>) -> DevProviderSettings {
    DevProviderSettings {
        issuer: issuer.to_owned(),
        client_id: CLIENT.0.to_owned(),
        client_secret: Secret::new(CLIENT.1),
        redirect_uris: vec![CALLBACK.to_owned()],
        post_logout_redirect_uris: vec![LOGGED_OUT.to_owned()],
        told: None,
        clock,
        entropy: Arc::new(SystemEntropy),
    }
}

impl World {
    pub async fn start() -> Self {
        Self::telling(None).await
    }

    /// One whose provider tells a client of its logouts.
    pub async fn telling(told: Option<Told>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(TurnableClock::default());
        let settings = settings(&issuer, Arc::clone(&clock) as Arc<dyn Clock>);
        let settings = DevProviderSettings { told, ..settings };
        let provider = DevProvider::new(&DevelopmentOnly::in_gatelodge_dev(), settings).unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, provider.router()).await.unwrap() });
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { issuer, client, clock, server }
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn browser(&self) -> Browser {
        Browser { client: self.client.clone(), cookies: HashMap::new() }
    }

    /// An authorization request that is right, but for `changes`; a value of "" leaves its parameter out.
    pub fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", CLIENT.0),
            ("redirect_uri", CALLBACK),
            ("scope", "openid email profile"),
            ("state", "the state"),
            ("nonce", "the nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        format!("{}/authorize?{}", self.issuer, form(&parameters))
    }

    /// Asks for a token with the client's right credentials.
    pub async fn token(&self, parameters: &[(&str, &str)]) -> Answer {
        self.post_as_client("/token", parameters).await
    }

    pub async fn redeem(&self, code: &str) -> Answer {
        self.token(&redemption(code, VERIFIER)).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    pub async fn post_as_client(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let basic = STANDARD.encode(format!("{}:{}", part(CLIENT.0), part(CLIENT.1)));
        let request = self.client.post(format!("{}{path}", self.issuer));
        answer(posting(request.header("authorization", format!("Basic {basic}")), parameters)).await
    }

    pub async fn userinfo(&self, access_token: &str) -> Answer {
        let request = self.client.get(format!("{}/userinfo", self.issuer));
        answer(request.header("authorization", format!("Bearer {access_token}"))).await
    }

    /// Logs in with a new browser, and redeems the code.
    pub async fn tokens(&self) -> Value {
        let code = self.browser().log_in(self, &[]).await;
        self.redeem(&code).await.json()
    }
}

pub fn redemption<'a>(code: &'a str, verifier: &'a str) -> [(&'a str, &'a str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", verifier)]
}

/// A browser: it keeps cookies, and follows nothing by itself.
pub struct Browser {
    client: Client,
    pub cookies: HashMap<String, String>,
}

impl Browser {
    pub async fn get(&mut self, url: &str) -> Answer {
        self.send(self.client.request(Method::GET, url)).await
    }

    pub async fn post(&mut self, url: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(posting(self.client.post(url), parameters)).await
    }

    /// Fills in the login page `page`.
    pub async fn submit(&mut self, world: &World, page: &Answer, username: &str, password: &str) -> Answer {
        let form = page.hidden("form");
        let typed = [("form", form.as_str()), ("username", username), ("password", password)];
        self.post(&format!("{}/login", world.issuer), &typed).await
    }

    /// Logs in from the authorization request on; the code.
    pub async fn log_in(&mut self, world: &World, changes: &[(&str, &str)]) -> String {
        let page = self.get(&world.authorize_url(changes)).await;
        let back = self.submit(world, &page, USER, PASSWORD).await;
        back.returned("code")
    }

    async fn send(&mut self, request: RequestBuilder) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = answer(request.header("cookie", cookies.join("; "))).await;
        for line in &answer.set_cookies {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub set_cookies: Vec<String>,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of an OAuth error, with its status.
    pub fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// A parameter of the address that the browser is sent to; "" when it is not there.
    pub fn returned(&self, name: &str) -> String {
        let location = self.location.as_ref().unwrap_or_else(|| panic!("no redirect: {self:?}"));
        let url = url::Url::parse(location).unwrap();
        url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> String {
        let before = format!(r#"name="{name}" value=""#);
        let after = self.body.split_once(&before).unwrap_or_else(|| panic!("no field {name}: {self:?}")).1;
        after.split('"').next().unwrap().to_owned()
    }
}

/// The claims of a JWT, unchecked.
pub fn claims(jwt: &Value) -> Value {
    let part = jwt.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn form(parameters: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(parameters).finish()
}

pub fn posting(request: RequestBuilder, parameters: &[(&str, &str)]) -> RequestBuilder {
    request.header("content-type", "application/x-www-form-urlencoded").body(form(parameters))
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = response.headers();
    Answer {
        status: response.status().as_u16(),
        location: headers.get("location").map(text),
        set_cookies: headers.get_all("set-cookie").iter().map(text).collect(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: response.text().await.unwrap(),
    }
}
