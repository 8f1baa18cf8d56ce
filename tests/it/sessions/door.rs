//! Owns a browser and its edge before a served authority, with the store behind it and its log. Does not know a case.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::ports::{EventLog, Lookup, SessionStore, Written};
use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::{SessionKey, TenantNumber};
use gatelodge::session::record::Record;
use gatelodge_client::v1;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;
use tonic::transport::Channel;

use crate::rpc::serving::{Serving, by, context, cookies};
use crate::world::log::Log;
use crate::world::{Browser, FaultyStore, Kept, World};

pub const COOKIE: &str = "__Host-session";
/// What helps against whatever is wrong with a CSRF token.
pub const TOKENLESS: &str = "Fetch a fresh token from /auth/me and send it in the x-csrf-token header.";
/// A credential is replaced after an hour of use, and the one before has half a minute.
pub const AFTER: Duration = Duration::from_hours(1);
pub const GRACE: Duration = Duration::from_secs(30);

/// A browser, an edge, and an authority over a store.
pub struct Door {
    pub world: World,
    pub store: Arc<dyn SessionStore>,
    pub events: Arc<dyn EventLog>,
    pub sessions: SessionServiceClient<Channel>,
    pub browser: Browser,
    pub log: Log,
    pub faults: Arc<FaultyStore>,
    pub serving: Serving,
    _listening: tracing::subscriber::DefaultGuard,
}

impl Door {
    /// Somebody has logged in, with sessions that live for a day.
    pub async fn open(kept: Kept, change: impl FnOnce(&mut Settings)) -> Self {
        let mut door = Self::closed(kept, change).await;
        let mut browser = Browser::default();
        door.world.log_in(&mut browser, "ada").await;
        door.browser = browser;
        door
    }

    /// Nobody has logged in.
    pub async fn closed(kept: Kept, change: impl FnOnce(&mut Settings)) -> Self {
        let (put, mut store, mut events, mut faults) = (kept.ready().await, None, None, None);
        let world = World::built(
            &["idp"],
            |settings| {
                settings.lifetimes.idle = Duration::from_hours(12);
                settings.lifetimes.absolute = Duration::from_hours(24);
                // A refresh beside an answer writes whenever it likes; these tests look at what an answer writes.
                settings.tokens.refresh = false;
                change(settings);
            },
            |ports| {
                put(ports);
                faults = Some(FaultyStore::before(ports));
                store = Some(Arc::clone(&ports.sessions));
                events = Some(Arc::clone(&ports.events));
            },
        );
        let log = Log::default();
        let listening = log.listen();
        let serving = Serving::of(&world).await;
        let sessions = serving.sessions().await;
        Self {
            world,
            store: store.unwrap(),
            events: events.unwrap(),
            sessions,
            browser: Browser::default(),
            log,
            faults: faults.unwrap(),
            serving,
            _listening: listening,
        }
    }

    /// Another authority takes over, over the same store and keys, with a shorter absolute limit.
    pub async fn shorten(&mut self, absolute: Duration) {
        let store = Arc::clone(&self.store);
        let world = World::built(
            &["idp"],
            |settings| {
                settings.lifetimes.idle = Duration::from_hours(6).min(absolute);
                settings.lifetimes.absolute = absolute;
            },
            |ports| ports.sessions = store,
        );
        self.serving = Serving::of(&world).await;
        self.sessions = self.serving.sessions().await;
        self.world = world;
    }

    /// One with rotation, whose credential is due to be replaced.
    pub async fn due(kept: Kept) -> Self {
        let mut door = Self::open(kept, rotating).await;
        active(door.ask(&door.browser.clone(), |_| ()).await);
        door.world.clock.advance(AFTER);
        door
    }

    /// What a page's fetch gets, as its edge asks: it can deliver cookies unless `change` says otherwise.
    pub async fn ask(
        &mut self,
        browser: &Browser,
        change: impl FnOnce(&mut v1::ValidateSessionRequest),
    ) -> v1::validate_session_response::Outcome {
        let mut question = v1::ValidateSessionRequest {
            cookies: cookies(browser),
            context: Some(context("GET", "/")),
            can_set_cookies: true,
            ..Default::default()
        };
        change(&mut question);
        self.sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner().outcome.unwrap()
    }

    /// What a fetch that changes something gets.
    pub async fn post(&mut self, browser: &Browser, token: &str) -> Outcome {
        self.ask(browser, |question| {
            question.can_set_cookies = false;
            let context = question.context.as_mut().unwrap();
            (context.method, context.csrf_token) = ("POST".into(), Some(token.to_owned().into()));
        })
        .await
    }

    /// A due credential is replaced: the browser with its successor, and the CSRF token that came with it.
    pub async fn rotated(&mut self) -> (Browser, String) {
        let mut next = self.browser.clone();
        let active = active(self.ask(&next, |_| ()).await);
        assert_eq!(active.set_cookies.len(), 1, "a successor");
        next.keep(&active.set_cookies);
        assert_ne!(next.cookie(COOKIE), self.browser.cookie(COOKIE));
        (next, active.csrf_token)
    }

    /// The session's key, from what an answer shows.
    pub fn key(session: &v1::SessionInfo) -> SessionKey {
        SessionKey::from_public(TenantNumber(1), &session.session_id).unwrap()
    }

    pub async fn record(&self, key: &SessionKey) -> Record {
        match self.store.read(key).await.unwrap() {
            Lookup::Found(record) => record,
            Lookup::Gone(why) => panic!("gone: {why:?}"),
        }
    }

    /// The store forgets what was written since `old`, as a replica does that is promoted too early.
    pub async fn fail_over_to(&self, key: &SessionKey, old: &Record) {
        let mut record = old.clone();
        record.header.revision = self.record(key).await.header.revision + 1;
        assert_eq!(self.store.rewrite(key, record).await.unwrap(), Written::Yes);
    }
}

/// Settings with rotation by age.
pub fn rotating(settings: &mut Settings) {
    (settings.rotation.after, settings.rotation.grace) = (Some(AFTER), GRACE);
}

#[track_caller]
pub fn active(outcome: Outcome) -> v1::ActiveSession {
    match outcome {
        Outcome::Active(active) => active,
        other => panic!("not active: {other:?}"),
    }
}

#[track_caller]
pub fn denied(outcome: Outcome) -> v1::DeniedReason {
    match outcome {
        Outcome::Denied(denied) => denied.reason(),
        other => panic!("not denied: {other:?}"),
    }
}

/// Denied for its CSRF token: why. A browser is told what helps, and not which fault it is.
#[track_caller]
pub fn denied_its_token(outcome: Outcome) -> v1::DeniedReason {
    let Outcome::Denied(denied) = outcome else { panic!("not denied: {outcome:?}") };
    let answer = denied.answer.as_ref().unwrap();
    let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(body["request_id"].take().is_string());
    let expected = serde_json::json!({
        "detail": "CSRF token mismatch", "reason": "csrf_mismatch", "remedy": TOKENLESS, "request_id": null
    });
    assert_eq!((denied.remedy.as_str(), answer.status, body), (TOKENLESS, 403, expected), "{:?}", denied.reason());
    denied.reason()
}

#[track_caller]
pub fn inactive(outcome: Outcome) -> v1::InactiveReason {
    match outcome {
        Outcome::Inactive(inactive) => inactive.reason(),
        other => panic!("not inactive: {other:?}"),
    }
}
