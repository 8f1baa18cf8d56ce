//! Shows that a call with an idempotency key is carried out once while the keys that name it come and go, on replicas
//! over one store that learn of them at different times. Does not know how answers are kept.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge::session::key_ring::RingKey;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::complete_callback_request::Response as Brought;
use gatelodge_client::v1::{self, AdminServiceRevokeRequest, AdminServiceRevokeResponse};
use serde_json::json;
use tonic::{Code, Response, Status};

use super::replicas::{DELAY, Replica, key, replicas};
use crate::rpc::failed;
use crate::rpc::once::is_repeated;
use crate::rpc::serving::{Serving, by, context, cookies};
use crate::world::faults::Fault;
use crate::world::replicas::until;
use crate::world::{Browser, FaultyStore, Kept, on_every_store};

on_every_store! { in several threads:
    a_repeat_is_found_while_keys_come_and_when_the_oldest_is_dropped
    of_twins_one_is_carried_out_where_one_replica_has_dropped_the_oldest_key
    a_session_is_collected_once_where_one_replica_has_learnt_of_another_key
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
    all[0].world.clock.advance(DELAY / 4);
    all[2].turn();
    assert!(!is_repeat(&all[2], "before the end").await);
    all[0].world.clock.advance(DELAY / 4);
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

// Whoever else has code, state and binding gets nothing.
async fn a_session_is_collected_once_where_one_replica_has_learnt_of_another_key(kept: Kept) {
    let mut all = replicas(kept, &[key("old", None)]).await;
    let later = key("new", Some(all[0].ports.clock.now() + DELAY));
    all[0].learn(&[key("old", None), later]);
    for [first, second] in [[0, 1], [1, 0]] {
        let door = Serving::of(&all[first].world).await;
        let mut logins = door.logins().await;
        let set = v1::RouteSet::Api as i32;
        let seen = |method, target| Some(context(method, target));
        let start = v1::StartLoginRequest {
            route_set: set,
            provider: "idp".into(),
            query: "frontend_redirect_uri=https%3A%2F%2Fspa.example.com%2Fin".into(),
            context: seen("GET", "/v1/auth/oidc/idp/start"),
            ..Default::default()
        };
        let started = logins.start_login(by(Role::Edge, start)).await.unwrap().into_inner().answer.unwrap();
        let mut browser = Browser::default();
        browser.keep(&started.set_cookies);
        assert_eq!(started.status, 302, "{started:?}");
        let to = url::Url::parse(&started.location).unwrap();
        let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let code = all[first].world.provider.code_for("ada");
        let asked = |response, context, key: &str| v1::CompleteCallbackRequest {
            route_set: set,
            provider: "idp".into(),
            response: Some(response),
            cookies: cookies(&browser),
            context,
            idempotency_header: key.to_owned().into(),
            ..Default::default()
        };
        let query = Brought::Query(format!("code={code}&state={state}").into());
        let back = asked(query, seen("GET", "/v1/auth/oidc/idp/callback"), "");
        let back = logins.complete_callback(by(Role::Edge, back)).await.unwrap().into_inner().answer.unwrap();
        assert_eq!(back.status, 302, "{back:?}");
        let collected = async |at: usize, key: &str| {
            let body = Brought::Json(json!({ "code": code, "state": state }).to_string().into());
            let mut request = asked(body, seen("POST", "/v1/auth/oidc/session"), key);
            request.provider.clear();
            let door = Serving::of(&all[at].world).await;
            let answer = door.logins().await.complete_callback(by(Role::Edge, request)).await.unwrap();
            answer.into_inner().answer.unwrap().status
        };
        assert_eq!((collected(first, "one").await, collected(second, "one").await), (201, 200), "{first} first");
        assert_eq!((collected(second, "two").await, collected(first, "two").await), (409, 409), "{first} first");
    }
}
