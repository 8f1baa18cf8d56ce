//! Owns what an admin ends in one call: a provider's, the tenant's or all sessions. Does not know how that is done.

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, preview_revoke_request};
use tonic::Code;

use super::serving::{Serving, by, validation};
use super::{failed, fields_of};
use crate::world::{Browser, Kept, World};

fn revoke(target: Target) -> v1::AdminServiceRevokeRequest {
    v1::AdminServiceRevokeRequest { target: Some(target), reason: "test".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_the_tenant_and_everything_are_previewed_and_ended() {
    for kept in [Kept::Memory, Kept::Redis] {
        let world = World::built(&["idp"], |_| (), kept.ready().await);
        let serving = Serving::of(&world).await;
        let (mut admin, mut sessions) = (serving.admin().await, serving.sessions().await);
        let targets =
            [Target::Provider("idp".into()), Target::Tenant(v1::WholeTenant {}), Target::Everything(v1::Everything {})];
        for target in targets {
            let mut browser = Browser::default();
            world.log_in(&mut browser, "ada").await.result.unwrap();
            let preview = match &target {
                Target::Provider(name) => preview_revoke_request::Target::Provider(name.clone()),
                Target::Tenant(all) => preview_revoke_request::Target::Tenant(*all),
                _ => preview_revoke_request::Target::Everything(v1::Everything {}),
            };
            let exact = !matches!(preview, preview_revoke_request::Target::Everything(_));
            let question = v1::PreviewRevokeRequest { target: Some(preview) };
            let answer = admin.preview_revoke(by(Role::Admin, question)).await.unwrap().into_inner();
            assert!(answer.count >= 1 && answer.exact == exact, "{kept:?} {answer:?}");
            world.clock.advance(std::time::Duration::from_millis(2));
            let answer = admin.revoke(by(Role::Admin, revoke(target))).await.unwrap().into_inner();
            assert_eq!(answer.revoked_count, 0);
            let answer = sessions.validate_session(by(Role::Edge, validation(&browser))).await.unwrap().into_inner();
            assert!(matches!(answer.outcome, Some(Outcome::Inactive(_))), "{kept:?} {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_known_is_refused_by_name() {
    let serving = Serving::of(&World::new()).await;
    let mut admin = serving.admin().await;
    for name in ["nope", ""] {
        let refused = admin.revoke(by(Role::Admin, revoke(Target::Provider(name.into())))).await;
        assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["provider"]);
        let target = Some(preview_revoke_request::Target::Provider(name.into()));
        let refused = admin.preview_revoke(by(Role::Admin, v1::PreviewRevokeRequest { target })).await;
        assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["provider"]);
    }
}
