//! Shows that a call with an idempotency key is carried out once while the keys that name it come and go, on replicas
//! over one store that learn of them at different times. Does not know how answers are kept.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge::session::key_ring::RingKey;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::{AdminServiceRevokeRequest, AdminServiceRevokeResponse};
use tonic::{Code, Response, Status};

use super::replicas::{DELAY, Replica, key, replicas};
use crate::rpc::failed;
use crate::rpc::once::is_repeated;
use crate::rpc::serving::{Serving, by};
use crate::world::faults::Fault;
use crate::world::replicas::until;
use crate::world::{FaultyStore, Kept, on_every_store};

on_every_store! { in several threads:
    a_repeat_is_found_while_keys_come_and_when_the_oldest_is_dropped
    of_twins_one_is_carried_out_where_one_replica_has_dropped_the_oldest_key
}

async fn revoke(
    at: &Replica,
    idempotency_key: &str,
    user: &str,
) -> Result<Response<AdminServiceRevokeResponse>, Status> {
    let request = AdminServiceRevokeRequest {
        target: Some(Target::UserId(user.into())),
        reason: String::new(),
        idempotency_key: idempotency_key.into(),
    };
    Serving::of(&at.world).await.admin().await.revoke(by(Role::Admin, request)).await
}

async fn a_repeat_is_found_while_keys_come_and_when_the_oldest_is_dropped(kept: Kept) {
    let mut all = replicas(kept, &[key("old", None)]).await;
    let now = all[0].ports.clock.now();
    let keys = [RingKey { retire_after: Some(now + DELAY), ..key("old", None) }, key("new", Some(now + DELAY / 2))];
    let is_repeat = async |at: &Replica, name| is_repeated(&revoke(at, name, "idp_ada").await.unwrap());
    // One learns of the next key before the others: either finds what the other has answered.
    all[0].learn(&keys);
    for (name, [first, second]) in [("early", [0, 1]), ("late", [1, 0])] {
        assert!(!is_repeat(&all[first], name).await && is_repeat(&all[second], name).await, "{name}");
    }
    for replica in &mut all {
        replica.learn(&keys);
    }
    assert!(!is_repeat(&all[1], "before its date").await);
    all[0].world.clock.advance(DELAY / 2);
    all.iter_mut().for_each(Replica::turn);
    assert!(!is_repeat(&all[1], "after its date").await);
    all[0].world.clock.advance(DELAY / 2 - Duration::from_secs(1));
    all[2].turn();
    assert!(!is_repeat(&all[2], "before the end").await);
    all[0].world.clock.advance(Duration::from_secs(1));
    // The first has not noticed yet.
    all[1].turn();
    for name in ["after its date", "before the end"] {
        for replica in &all {
            assert!(is_repeat(replica, name).await, "{name}");
            failed(revoke(replica, name, "idp_bob").await, Code::FailedPrecondition, "IDEMPOTENCY_KEY_REUSED");
        }
    }
}

async fn of_twins_one_is_carried_out_where_one_replica_has_dropped_the_oldest_key(kept: Kept) {
    for [first, second] in [[0, 1], [1, 0]] {
        let mut all = replicas(kept, &[key("old", None), key("new", None)]).await;
        let store = FaultyStore::before(&mut all[first].ports);
        all[0].turn();
        all[1].learn(&[key("new", None)]);
        store.set(Fault::HoldsBefore("end_user"));
        let runner = revoke(&all[first], "one", "idp_ada");
        let twin = async {
            until(|| store.count("end_user") == 1).await;
            let let_go = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                store.set(None);
            };
            tokio::join!(revoke(&all[second], "one", "idp_ada"), let_go).0
        };
        let (runner, twin) = tokio::join!(runner, twin);
        assert!(!is_repeated(&runner.unwrap()) && is_repeated(&twin.unwrap()), "{first} first");
    }
}
