//! Shows that a call that came again under its idempotency key is written down as one that was answered again. Does not know
//! how its answer is kept.

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::{self, AuditAction, AuditOutcome, admin_service_revoke_request};

use super::{ALL, listed, named, of};
use crate::rpc::once::{KEY, Pair, is_repeated, update};
use crate::world::{Kept, on_every_store};

on_every_store! { in several threads:
    a_call_that_is_answered_again_is_written_down_as_that
}

async fn a_call_that_is_answered_again_is_written_down_as_that(kept: Kept) {
    let pair = Pair::with(kept, |settings| settings.audit = Some(ALL)).await;
    let ada = pair.log_in("ada").await;
    for (serving, id) in [(&pair.one, "first"), (&pair.two, "again")] {
        let updated = serving.sessions().await.update_attributes(named(id, Role::Backend, update(&ada, b"1"))).await;
        assert_eq!(is_repeated(&updated.unwrap()), id == "again");
    }
    // One that failed for good is answered with that again.
    for id in ["stale", "stale-again"] {
        let stale = v1::UpdateAttributesRequest {
            expected_version: 7,
            idempotency_key: "another".into(),
            ..update(&ada, b"2")
        };
        pair.one.sessions().await.update_attributes(named(id, Role::Backend, stale)).await.unwrap_err();
    }
    let revoke = || v1::AdminServiceRevokeRequest {
        target: Some(admin_service_revoke_request::Target::UserId("idp_ada".into())),
        reason: "left".into(),
        idempotency_key: KEY.into(),
    };
    for (serving, id) in [(&pair.one, "end"), (&pair.one, "end-again")] {
        serving.admin().await.revoke(named(id, Role::Admin, revoke())).await.unwrap();
    }
    let mut entries = listed(&pair.two, of(&[AuditAction::AnsweredAgain]), 3).await;
    entries.sort_by_key(|entry| entry.request_id.clone());
    let told: Vec<_> =
        entries.iter().map(|entry| [&entry.request_id, &entry.detail, &entry.caller].map(String::as_str)).collect();
    assert_eq!(
        told,
        [
            ["again", "UpdateAttributes", "backend"],
            ["end-again", "AdminServiceRevoke", "admin"],
            ["stale-again", "UpdateAttributes", "backend"]
        ]
    );
    assert!(entries.iter().all(|entry| entry.outcome() == AuditOutcome::Repeated), "{entries:?}");
    let ended = listed(&pair.one, of(&[AuditAction::RevokedByAdmin]), 1).await;
    assert_eq!(ended.len(), 1, "what was done once is written down as done once");
    let session = &ended[0].ended_session_ids[0];
    assert_eq!([&entries[0], &entries[2]].map(|entry| &entry.session_id), [session; 2]);
    assert!(!format!("{entries:?}").contains("9b1e4a5c"), "a key opens the answer: it is nowhere");
}
