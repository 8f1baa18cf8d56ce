//! Owns what an admin ends in one call: a provider's, the tenant's or all sessions; what is counted before, who lives on,
//! and what becomes of logins under way. Does not know how that is done.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, LoginFailure, preview_revoke_request};
use tonic::Code;

use super::serving::{Serving, by, context, cookies, validation};
use super::{failed, fields_of};
use crate::store::bench::{new_session, user};
use crate::world::{Browser, FakeProvider, Kept, Listed, World, state_of};

/// An authority that knows two providers.
struct Two {
    world: World,
    serving: Serving,
    providers: [Arc<FakeProvider>; 2],
}

impl Two {
    async fn over(kept: Kept) -> Self {
        let put = kept.ready().await;
        let providers = ["idp", "other"].map(|name| Arc::new(FakeProvider::new(name)));
        let listed = Listed(providers.to_vec());
        let world = World::built(
            &["idp"],
            |_| (),
            |ports| {
                put(ports);
                ports.providers = Arc::new(listed);
            },
        );
        Self { serving: Serving::of(&world).await, world, providers }
    }

    /// A browser that has been at the provider, and the query that it comes back with.
    async fn arriving(&self, provider: &FakeProvider, sub: &str) -> (Browser, String) {
        let mut browser = Browser::default();
        let started = self.world.start(&browser, &format!("provider={}", provider.info.name)).await;
        browser.keep(&started.answer.set_cookies);
        let query = format!("code={}&state={}", provider.code_for(sub), state_of(&started.answer));
        (browser, query)
    }

    async fn come_back(&self, (browser, query): &mut (Browser, String)) -> Completed {
        let request = v1::CompleteCallbackRequest {
            response: Some(Response::Query(query.clone().into())),
            cookies: cookies(browser),
            context: Some(context("GET", "/auth/web/callback")),
            ..Default::default()
        };
        let answer = self.serving.logins().await.complete_callback(by(Role::Edge, request)).await.unwrap().into_inner();
        browser.keep(&answer.answer.unwrap().set_cookies);
        answer.outcome.unwrap()
    }

    async fn log_in(&self, provider: usize, sub: &str) -> Browser {
        let mut arriving = self.arriving(&self.providers[provider], sub).await;
        let outcome = self.come_back(&mut arriving).await;
        assert!(matches!(outcome, Completed::Completed(_)), "{outcome:?}");
        arriving.0
    }

    async fn is_active(&self, browser: &Browser) -> bool {
        let answer = self.serving.sessions().await.validate_session(by(Role::Edge, validation(browser))).await;
        matches!(answer.unwrap().into_inner().outcome, Some(Outcome::Active(_)))
    }

    /// How many `target` would end, and whether that is exact.
    async fn preview(&self, target: preview_revoke_request::Target) -> (u64, bool) {
        let question = v1::PreviewRevokeRequest { target: Some(target) };
        let answer = self.serving.admin().await.preview_revoke(by(Role::Admin, question)).await.unwrap().into_inner();
        (answer.count, answer.exact)
    }

    async fn revoke(&self, target: Target) -> u64 {
        let request =
            v1::AdminServiceRevokeRequest { target: Some(target), reason: "test".into(), ..Default::default() };
        self.serving.admin().await.revoke(by(Role::Admin, request)).await.unwrap().into_inner().revoked_count
    }
}

fn provider(name: &str) -> preview_revoke_request::Target {
    preview_revoke_request::Target::Provider(name.to_owned())
}

const TENANT: preview_revoke_request::Target = preview_revoke_request::Target::Tenant(v1::WholeTenant {});
const EVERYTHING: preview_revoke_request::Target = preview_revoke_request::Target::Everything(v1::Everything {});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_the_tenant_or_everything_would_end_is_counted_and_ended_and_nothing_else() {
    for kept in [Kept::Memory, Kept::Redis] {
        let targets =
            [Target::Provider("idp".into()), Target::Tenant(v1::WholeTenant {}), Target::Everything(v1::Everything {})];
        for target in targets {
            let two = Two::over(kept).await;
            let meant = [two.log_in(0, "ada").await, two.log_in(0, "ada").await];
            let another = two.log_in(1, "bob").await;
            let mut under_way = two.arriving(&two.providers[0], "ada").await;
            let mut elsewhere = two.arriving(&two.providers[1], "bob").await;
            assert_eq!(two.preview(provider("idp")).await, (2, true), "{kept:?}");
            assert_eq!(two.preview(provider("other")).await, (1, true), "{kept:?}");
            assert_eq!(two.preview(TENANT).await, (3, true), "{kept:?}");
            assert_eq!(two.preview(EVERYTHING).await, (3, false), "{kept:?}");
            let of_user = preview_revoke_request::Target::UserId("idp_ada".into());
            assert_eq!(two.preview(of_user).await, (2, true), "{kept:?}");

            two.world.clock.advance(Duration::from_millis(2));
            assert_eq!(two.revoke(target.clone()).await, 0, "{kept:?}: nobody counts what a mark ends");
            let of_provider = matches!(target, Target::Provider(_));
            for browser in &meant {
                assert!(!two.is_active(browser).await, "{kept:?} {target:?}");
            }
            assert_eq!(two.is_active(&another).await, of_provider, "{kept:?} {target:?}: another provider's");
            assert_eq!(two.preview(provider("idp")).await, (0, true), "{kept:?} {target:?}");
            assert_eq!(two.preview(TENANT).await, (u64::from(of_provider), true), "{kept:?} {target:?}");

            // A login that began before makes no session; one at another provider does, where that was not meant.
            let refused = Completed::Failure(LoginFailure::RevokedMeanwhile.into());
            assert_eq!(two.come_back(&mut under_way).await, refused, "{kept:?} {target:?}");
            let outcome = two.come_back(&mut elsewhere).await;
            assert_eq!(matches!(outcome, Completed::Completed(_)), of_provider, "{kept:?} {target:?}: {outcome:?}");
            two.world.clock.advance(Duration::from_millis(2));
            let after = [two.log_in(0, "ada").await, two.log_in(1, "bob").await];
            for browser in &after {
                assert!(two.is_active(browser).await, "{kept:?} {target:?}: what comes after lives");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_more_than_ten_thousand_sessions_a_preview_says_how_many_there_are_at_most() {
    for kept in [Kept::Memory, Kept::Redis] {
        let (put, mut sessions) = (kept.ready().await, None);
        let world = World::built(
            &["idp"],
            |_| (),
            |ports| {
                put(ports);
                sessions = Some(ports.sessions.clone());
            },
        );
        let (sessions, serving) = (sessions.unwrap(), Serving::of(&world).await);
        let now = sessions.time().await.unwrap();
        let create = |_| async { sessions.create(new_session(now, &user())).await.unwrap() };
        stream::iter(0..10_001).map(create).buffer_unordered(128).for_each(|_| async {}).await;
        let two = Two { world, serving, providers: ["idp", "other"].map(|name| Arc::new(FakeProvider::new(name))) };
        for target in [provider("idp"), TENANT, EVERYTHING] {
            assert_eq!(two.preview(target.clone()).await, (10_001, false), "{kept:?} {target:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_known_is_refused_by_name() {
    let serving = Serving::of(&World::new()).await;
    let mut admin = serving.admin().await;
    for name in ["nope", ""] {
        let target = Some(Target::Provider(name.into()));
        let refused = admin.revoke(by(
            Role::Admin,
            v1::AdminServiceRevokeRequest { target, reason: "test".into(), ..Default::default() },
        ));
        assert_eq!(fields_of(&failed(refused.await, Code::InvalidArgument, "INVALID_FIELD")), ["provider"]);
        let target = Some(provider(name));
        let refused = admin.preview_revoke(by(Role::Admin, v1::PreviewRevokeRequest { target })).await;
        assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["provider"]);
    }
}
