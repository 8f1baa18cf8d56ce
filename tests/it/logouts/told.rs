//! Owns an authority that hostile providers tell of their logouts, over gRPC, with browsers that are logged in there; and
//! what has to hold after each logout that was refused. Does not know a case.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::Ports;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::crypto::Secret;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::rpc::policy::Role;
use gatelodge::session::time::Timestamp;
use gatelodge_client::v1;
use gatelodge_client::v1::login_service_client::LoginServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::hostile::{Hostile, NOW, reason_of};
use crate::rpc::serving::{Serving, by, context};
use crate::world::log::Log;
use crate::world::{Browser, FaultyStore, Kept, World};

/// What tells one moment from the next.
const SHORT: Duration = Duration::from_millis(2);

/// An authority, and the edge that brings it logouts.
pub struct Told {
    pub world: World,
    pub store: Arc<FaultyStore>,
    pub log: Log,
    ports: Ports,
    logins: LoginServiceClient<Channel>,
    _serving: Serving,
    _listening: tracing::subscriber::DefaultGuard,
}

impl Told {
    pub async fn by(hostile: &Hostile, kept: Kept) -> Self {
        Self::by_all(&[hostile], kept).await
    }

    /// One that knows several providers, each by a name of its own.
    pub async fn by_all(hostile: &[&Hostile], kept: Kept) -> Self {
        let settings = hostile.iter().map(|one| one.settings().into()).collect();
        let registry = Registry::new(settings, HttpSettings::default()).unwrap();
        Self::through(registry, kept.ready().await).await
    }

    /// Another over the same store, which knows these providers: after the settings have changed.
    pub async fn again(&self, registry: Registry) -> Self {
        let former = self.ports.clone();
        Self::through(registry, |ports| *ports = former).await
    }

    async fn through(registry: Registry, put: impl FnOnce(&mut Ports)) -> Self {
        let log = Log::default();
        let listening = log.listen();
        let (mut store, mut kept) = (None, None);
        let world = World::built(
            &["unused"],
            |_| (),
            |ports| {
                put(ports);
                kept = Some(ports.clone());
                ports.providers = Arc::new(registry);
                store = Some(FaultyStore::before_all(ports));
            },
        );
        let serving = Serving::of(&world).await;
        let (logins, ports) = (serving.logins().await, kept.unwrap());
        Self { world, store: store.unwrap(), log, ports, logins, _serving: serving, _listening: listening }
    }

    /// A browser that has logged in at the provider.
    pub async fn log_in(&self, hostile: &Hostile) -> Browser {
        let (browser, failure) = self.try_to_log_in(hostile, async || ()).await;
        assert_eq!(failure, None);
        browser
    }

    /// The same, and what happens while the browser is on its way back.
    pub async fn try_to_log_in(
        &self,
        hostile: &Hostile,
        meanwhile: impl AsyncFnOnce(),
    ) -> (Browser, Option<LoginFailure>) {
        // An end counts for every login that began no later, by the store's clock.
        self.world.clock.advance(SHORT);
        tokio::time::sleep(SHORT).await;
        let mut browser = Browser::default();
        let name = hostile.settings().registration.name;
        let started = self.world.start(&browser, &format!("provider={name}")).await;
        browser.keep(&started.answer.set_cookies);
        let back = hostile.visit(&started.answer.location.unwrap()).unwrap();
        meanwhile().await;
        let done = self.world.callback(&browser, back.query().unwrap()).await;
        browser.keep(&done.answer.set_cookies);
        (browser, done.failure())
    }

    pub async fn lives(&self, browser: &Browser) -> bool {
        matches!(self.world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_))
    }

    /// What a provider's server gets for this form.
    pub async fn post(&self, form: &str) -> Result<v1::HandleBackchannelLogoutResponse, Status> {
        let question = v1::HandleBackchannelLogoutRequest {
            form: form.to_owned().into(),
            context: Some(context("POST", "/auth/web/backchannel-logout")),
            ..Default::default()
        };
        Ok(self.logins.clone().handle_backchannel_logout(by(Role::Edge, question)).await?.into_inner())
    }

    /// What it gets for this token: the status, and how many sessions ended.
    pub async fn tell(&self, token: &str) -> (u32, u32) {
        let told = self.post(&format!("logout_token={token}")).await.unwrap();
        let answer = told.answer.unwrap();
        assert!(answer.headers.iter().any(|header| header.name == "cache-control" && header.value == "no-store"));
        assert!(answer.set_cookies.is_empty() && answer.location.is_empty(), "{answer:?}");
        (answer.status, told.revoked_count)
    }

    /// What a page in a frame gets for this query.
    pub async fn frame(&self, query: &str) -> v1::HandleFrontchannelLogoutResponse {
        let question = v1::HandleFrontchannelLogoutRequest {
            query: query.to_owned().into(),
            context: Some(context("GET", "/auth/web/frontchannel-logout")),
            ..Default::default()
        };
        self.logins.clone().handle_frontchannel_logout(by(Role::Edge, question)).await.unwrap().into_inner()
    }
}

/// A case of the table: what `bend` does to a good logout token makes the check of this name refuse it, nothing has ended,
/// nothing was kept or told of it, and a good one then does its work (security.md 89).
pub async fn refused(bend: fn(&Hostile) -> &Hostile, check: &str) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    let token = bend(&hostile).logout_token();
    let read = hostile.provider().read_logout_token(&Secret::new(token.as_str()), Timestamp::from_secs(NOW)).await;
    assert_eq!(reason_of(&read), check, "{read:?}");
    let answer = told.post(&format!("logout_token={token}")).await.unwrap().answer.unwrap();
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    let read: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (answer.status, &read["error"], &read["reason"]),
        (400, &"invalid_request".into(), &"logout_token_rejected".into())
    );
    assert!(told.lives(&browser).await, "a session ended");
    assert_eq!(
        told.store.count("claim_token")
            + told.store.count("spend")
            + told.store.count("end_joined")
            + told.store.count("end_user"),
        0
    );
    let logged = told.log.text();
    let line = logged.lines().find(|line| line.contains("a logout that a provider sent was refused")).unwrap();
    assert!(line.contains(&format!("check=\"{check}\"")) && line.contains("tenant=\"default\""), "{line}");
    assert!(!logged.contains("CANARY") && !logged.contains("eyJ") && !body.contains("CANARY"), "{body} {logged}");
    assert_eq!(hostile.canary_calls(), 0, "an address of the token's choosing was called");
    assert_eq!(told.tell(&hostile.behave().logout_token()).await, (200, 1));
    assert!(!told.lives(&browser).await);
}
