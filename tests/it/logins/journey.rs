//! Owns a browser's way through a login at the hostile provider, and INV: what has to hold after every login that was
//! rejected (security.md, top). Does not know any case.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use gatelodge::authority::answer::HttpAnswer;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::ports::Clock as _;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::{list_audit, list_sessions};

use crate::audit;
use crate::hostile::{Endpoint, Hostile, SUB};
use crate::world::log::Log;
use crate::world::{Browser, Kept, World};

/// A browser, an authority over a store that knows one hostile provider, and what the authority logs.
pub struct Journey<'a> {
    pub hostile: &'a Hostile,
    pub world: World,
    kept: Kept,
    pub browser: Browser,
    pub log: Log,
    /// What must be seen nowhere.
    secrets: Vec<String>,
    _listening: tracing::subscriber::DefaultGuard,
}

/// How a login began.
pub enum Begun {
    /// The browser has come back, with this query.
    Back(Query),
    /// It never left.
    Not(HttpAnswer, LoginFailure),
}

/// Pairs of a query, in their order.
#[derive(Clone, Debug)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.unset(name);
        self.add(name, value);
    }

    pub fn unset(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub fn change(&mut self, name: &str, change: impl FnOnce(&str) -> String) {
        let changed = change(self.get(name).unwrap());
        self.set(name, changed);
    }

    /// The same pair once more.
    pub fn again(&mut self, name: &str) {
        let own = self.get(name).unwrap().to_owned();
        self.add(name, own);
    }

    pub fn text(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// The first answer to each failure: every later one has to be the same, whatever the provider did.
static UNIFORM: LazyLock<Mutex<HashMap<&'static str, HttpAnswer>>> = LazyLock::new(Mutex::default);

/// One case of the provider's tables as a whole login: it fails, and INV holds. What the provider says is the same to
/// every store, so one will do.
pub async fn refused(bend: fn(&Hostile) -> &Hostile, check: &str) {
    let hostile = Hostile::start().await;
    bend(&hostile);
    let mut journey = Journey::to(&hostile, Kept::Memory).await;
    let expected = match check {
        "unavailable" => LoginFailure::ProviderUnavailable,
        "failed" => LoginFailure::ProviderError,
        "invalid_grant" => LoginFailure::CodeRefused,
        "id_token.auth_time" if hostile.redemption().authenticated_after.is_some() => LoginFailure::AuthenticationUnmet,
        _ => LoginFailure::IdentityRejected,
    };
    match journey.begin().await {
        Begun::Not(answer, failure) => {
            assert_eq!(failure, LoginFailure::ProviderUnavailable);
            journey.inv(&answer, failure).await;
            assert_eq!(hostile.calls(Endpoint::Token), 0);
        }
        Begun::Back(query) => {
            journey.fails(&query.text(), expected).await;
            audit::explained::is_explained(&journey.world, check, expected).await;
            journey.fails(&query.text(), expected).await;
            let (sent, asked) = (hostile.calls(Endpoint::Token), hostile.calls(Endpoint::Userinfo));
            assert_eq!(sent, usize::from(check != "response.iss"), "the code was sent {sent} times");
            assert!(asked == 0 || check.starts_with("userinfo.") || check.starts_with("claims."), "{asked}");
        }
    }
}

impl<'a> Journey<'a> {
    pub async fn to(hostile: &'a Hostile, kept: Kept) -> Self {
        Self::with(hostile, kept, |_| ()).await
    }

    /// One whose authority has other settings.
    pub async fn with(hostile: &'a Hostile, kept: Kept, change: impl FnOnce(&mut Settings)) -> Self {
        let log = Log::default();
        let listening = log.listen();
        let put = kept.ready().await;
        let change = |settings: &mut Settings| {
            settings.audit = Some(audit::ALL);
            change(settings);
        };
        let world = World::built(&["unused"], change, |ports| {
            put(ports);
            ports.providers = Arc::new(hostile.registry());
        });
        let secrets = vec!["CANARY".to_owned(), "eyJ".to_owned(), "sess_".to_owned()];
        Self { hostile, world, kept, browser: Browser::default(), log, secrets, _listening: listening }
    }

    /// Lets time pass, for the authority and for what keeps its sessions.
    pub async fn pass(&self, length: Duration) {
        self.world.clock.advance(length);
        if self.kept == Kept::Redis {
            tokio::time::sleep(length).await;
        }
    }

    /// Begins a login, logs in at the provider, and comes back; with what the case has bent of a redemption.
    pub async fn begin(&mut self) -> Begun {
        let bent = self.hostile.redemption();
        let now = self.world.clock.now();
        let wish =
            bent.authenticated_after.map(|at| format!("max_age={}", now.since(at).as_secs())).unwrap_or_default();
        let started = self.world.start(&self.browser, &wish).await;
        if let Some(failure) = started.failure {
            return Begun::Not(started.answer, failure);
        }
        self.browser.keep(&started.answer.set_cookies);
        let asked = url::Url::parse(&started.answer.location.unwrap()).unwrap();
        let back = self.hostile.visit(asked.as_str()).unwrap();
        let mut query = Query(back.query_pairs().into_owned().collect());
        if bent.response_issuer.as_deref() != query.get("iss") {
            query.unset("iss");
            bent.response_issuer.into_iter().for_each(|issuer| query.add("iss", issuer));
        }
        let asked = Query(asked.query_pairs().into_owned().collect());
        self.hide(["state", "nonce", "code_challenge"].into_iter().filter_map(|name| asked.get(name)));
        self.hide(query.get("code"));
        let binding = self.browser.cookie("__Host-login").map(str::to_owned);
        self.hide(binding.as_deref());
        Begun::Back(query)
    }

    /// The same for a login that does begin.
    pub async fn back(&mut self) -> Query {
        match self.begin().await {
            Begun::Back(query) => query,
            Begun::Not(answer, failure) => panic!("{failure:?}: {answer:?}"),
        }
    }

    /// From now on these must be seen nowhere.
    pub fn hide<'s>(&mut self, secrets: impl IntoIterator<Item = &'s str>) {
        self.secrets.extend(secrets.into_iter().map(str::to_owned));
    }

    /// Delivers a callback that has to fail so, and INV holds.
    pub async fn fails(&mut self, query: &str, expected: LoginFailure) {
        let outcome = self.world.callback(&self.browser, query).await;
        assert_eq!(outcome.failure(), Some(expected), "{query}");
        self.inv(&outcome.answer, expected).await;
    }

    /// INV.
    pub async fn inv(&mut self, answer: &HttpAnswer, failure: LoginFailure) {
        assert_eq!(self.sessions("").await, 0, "a session was made");
        assert_eq!(self.sessions(&format!("hostile_{SUB}")).await, 0, "the user's index names a session");
        assert!(answer.set_cookies.is_empty(), "{answer:?}");
        let trouble = failure.trouble();
        assert_eq!((answer.status, answer.location.as_deref()), (trouble.status, None));
        // What can't be read says why, by names alone.
        if failure != LoginFailure::RequestMalformed {
            let first = UNIFORM.lock().unwrap().entry(trouble.reason).or_insert_with(|| answer.clone()).clone();
            assert_eq!(*answer, first, "the answer tells more than its failure");
        }
        let sent = self.hostile.received(Endpoint::Token);
        let sent: Vec<_> = sent.iter().filter_map(|call| parameter(&call.form, "code_verifier")).collect();
        self.hide(sent.iter().map(String::as_str));
        let told = format!("{answer:?} {}", String::from_utf8_lossy(&answer.body));
        let logged = self.log.text();
        assert!(logged.contains("a login failed") || logged.contains("no login began"), "{logged}");
        for secret in &self.secrets {
            assert!(!told.contains(secret), "{secret} was told: {told}");
            assert!(!logged.contains(secret), "{secret} was logged: {logged}");
        }
        let written = format!("{:?}", self.world.authority.list_audit(&all()).await.unwrap().entries);
        for secret in &self.secrets {
            assert!(!written.contains(secret), "{secret} was written down: {written}");
        }
        assert_eq!(self.hostile.canary_calls(), 0, "an address of the provider's choosing was called");
    }

    async fn sessions(&self, user_id: &str) -> usize {
        let filter = list_sessions::Filter { user_id: user_id.into(), ..Default::default() };
        let question = list_sessions::Question { filter, page_size: 10, ..Default::default() };
        match self.world.authority.list_sessions(&question).await {
            Ok(page) => page.sessions.len(),
            // An issuer template takes no user id of this form.
            Err(_) if !user_id.is_empty() => 0,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// All that was written down.
fn all() -> list_audit::Question {
    list_audit::Question { page_size: 200, ..Default::default() }
}

/// A parameter of a form.
pub fn parameter(form: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(form.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}
