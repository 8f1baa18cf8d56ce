//! Owns ends that count when replicas have them (`store.redis.wait_replicas`): answered then, and where too few have them in
//! time in force all the same, with an answer that says so. Does not know how replicas are asked.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge::store::redis::Replicas;
use gatelodge_client::v1::{self, AuditAction, AuditOutcome, admin_service_revoke_request::Target};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::Authority;
use super::servers::{Servers, name_of};
use crate::audit::listed;
use crate::redis::{Cluster, Watched};
use crate::rpc::serving::by;
use crate::world::Browser;

const REPLICAS: Replicas = Replicas { count: 1, within: Duration::from_secs(2) };

impl Authority {
    async fn end(&self, target: Target) -> Result<u64, Status> {
        let request =
            v1::AdminServiceRevokeRequest { target: Some(target), reason: "test".into(), ..Default::default() };
        Ok(self.serving.admin().await.revoke(by(Role::Admin, request)).await?.into_inner().revoked_count)
    }
}

/// The kinds of ends, of this user.
fn ends(session: &str, user_id: &str) -> [Target; 3] {
    [Target::SessionId(session.to_owned()), Target::UserId(user_id.to_owned()), Target::Tenant(v1::WholeTenant {})]
}

async fn an_end_is_answered_when_replicas_have_it<S: Servers>() {
    let servers = tokio::task::spawn_blocking(S::start).await.unwrap();
    let authority = Authority::with(&servers, Some(REPLICAS)).await;
    authority.hears().await;
    let mut browser = Browser::default();
    let session = authority.world.log_in(&mut browser, "ada").await.result.unwrap().key;
    let name = name_of(&session);
    let (end, at) = (name.clone(), servers.holder(&name));
    assert!(servers.has_beside(at, &end), "the replica has it");
    for (number, target) in ends(&session.public(), "idp_ada").into_iter().enumerate() {
        assert_eq!(authority.end(target).await.unwrap(), u64::from(number == 0));
        // Without any waiting.
        assert!(!servers.has_beside(at, &end));
    }
}

async fn an_end_that_too_few_replicas_have_is_in_force_and_says_so<S: Servers>() {
    let mut servers = tokio::task::spawn_blocking(S::start).await.unwrap();
    let (one, two) = (Authority::with(&servers, Some(REPLICAS)).await, Authority::over(&servers).await);
    one.hears().await;
    two.hears().await;
    for number in 0..3 {
        let (mut browser, sub) = (Browser::default(), format!("user{number}"));
        let session = one.world.log_in(&mut browser, &sub).await.result.unwrap().key;
        assert!(two.says(&browser).await);
        let (at, name) = (servers.holder(&name_of(&session)), name_of(&session));
        let replicas: Vec<_> = (0..servers.all().len()).filter(|other| *other != at).collect();
        let idle: Vec<_> = replicas.into_iter().filter(|other| !servers.is_primary(*other)).collect();
        for replica in &idle {
            servers.all()[*replica].freeze(true);
        }
        let target = || ends(&session.public(), &format!("idp_{sub}"))[number].clone();
        let began = Instant::now();
        let refused = one.end(target()).await.unwrap_err();
        assert!(began.elapsed() >= REPLICAS.within, "{:?}", began.elapsed());
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(refused.message().contains("it has ended, and too few replicas"), "{refused:?}");
        assert_eq!(refused.get_error_details().error_info().unwrap().reason, "STORE_UNAVAILABLE");
        assert!(!one.says(&browser).await, "it is in force");
        let end = Instant::now() + super::PATIENCE;
        while two.says(&browser).await {
            assert!(Instant::now() < end, "the other is never told");
        }
        for replica in &idle {
            servers.all()[*replica].freeze(false);
        }
        servers.wait_until_replicated();
        assert_eq!(one.end(target()).await.unwrap(), 0, "asked again");
        // A mark leaves the records, and kills what they are of.
        assert!(number == 2 || !servers.has_beside(at, &name));
        let ends = v1::AuditFilter { actions: vec![AuditAction::RevokedByAdmin.into()], ..Default::default() };
        let entries = listed(&one.serving, ends, 2 * (number + 1)).await;
        let outcomes: Vec<_> = entries.iter().take(2).map(v1::AuditEntry::outcome).collect();
        assert_eq!(outcomes, [AuditOutcome::Done, AuditOutcome::Unreplicated], "what was asked again is the newer");
    }
}

macro_rules! both {
    ($($name:ident)*) => {
        mod cluster {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name::<super::Cluster>().await;
            })*
        }
        mod sentinel {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name::<super::Watched>().await;
            })*
        }
    };
}

both! {
    an_end_is_answered_when_replicas_have_it
    an_end_that_too_few_replicas_have_is_in_force_and_says_so
}
