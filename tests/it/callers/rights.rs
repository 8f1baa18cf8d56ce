//! What a key may do, and what may be made with it. Does not know how keys are kept.

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::{self, CallerRole};
use tonic::Code;

use super::{calls, wanted, with};
use crate::rpc::serving::{Serving, by};
use crate::rpc::{failed, fields_of};
use crate::tenants::town::{self, Town};
use crate::world::{Kept, World};

async fn create(at: &Serving, key: &str, wanted: v1::CreateCallerKeyRequest) -> v1::CreateCallerKeyResponse {
    at.admin().await.create_caller_key(with(key, wanted)).await.unwrap().into_inner()
}

// What the issue asks of bad input: a key without a right says which right.
#[tokio::test]
async fn a_refusal_says_which_right_the_key_lacks() {
    let door = Serving::of(&World::new()).await;
    let admin = crate::rpc::serving::key(Role::Admin);
    let rpcs = vec!["SessionService/ValidateSession".into(), "gatelodge.v1.TokenService/GetJwks".into()];
    let made = create(&door, &admin, v1::CreateCallerKeyRequest { rpcs, ..wanted("ci", CallerRole::Backend) }).await;
    assert_eq!(made.key.unwrap().rpcs, ["SessionService/ValidateSession", "TokenService/GetJwks"]);
    let key = made.api_key;
    calls(&door, &key).await.unwrap();
    let revoking = door.sessions().await.revoke(with(&key, v1::SessionServiceRevokeRequest::default())).await;
    let refused = failed(revoking, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    let expected = "this API key may call SessionService/ValidateSession, TokenService/GetJwks alone; \
                    SessionService/Revoke is not in its `rpcs`";
    assert_eq!(refused.message(), expected);
    let listing = door.admin().await.list_sessions(with(&key, v1::ListSessionsRequest::default())).await;
    let refused = failed(listing, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    assert_eq!(refused.message(), "this API key has the role backend; the method needs admin");
}

// security.md 98: a backend that was given nothing checks who somebody is, and does nothing else.
#[tokio::test]
async fn a_backend_without_a_list_checks_alone_and_is_given_more_by_name() {
    let door = Serving::of(&World::new()).await;
    let admin = crate::rpc::serving::key(Role::Admin);
    let made = async |name: &str, rpcs: &[&str]| {
        let rpcs = rpcs.iter().map(|rpc| (*rpc).to_owned()).collect();
        let made = v1::CreateCallerKeyRequest { rpcs, ..wanted(name, CallerRole::Backend) };
        let made = create(&door, &admin, made).await;
        (made.key.unwrap().rpcs, made.api_key)
    };
    let revoke = async |key: &str| {
        let question = v1::SessionServiceRevokeRequest::default();
        door.sessions().await.revoke(with(key, question)).await.map(drop).map_err(|status| status.code())
    };
    let ((none, usual), (all, whole)) = (made("usual", &[]).await, made("whole", &["*"]).await);
    assert_eq!((none, all), (vec![], vec!["*".to_owned()]));
    calls(&door, &usual).await.unwrap();
    door.tokens().await.get_jwks(with(&usual, v1::GetJwksRequest::default())).await.unwrap();
    let refused = door.sessions().await.get_attributes(with(&usual, v1::GetAttributesRequest::default())).await;
    let refused = failed(refused, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    let expected = "this API key may call what every backend may (SessionService/ValidateSession, \
                    SessionService/CheckSessions, SessionService/WatchSessions, SessionService/GetUserInfo, \
                    TokenService/ValidateToken); SessionService/GetAttributes is not in its `rpcs`";
    assert_eq!(refused.message(), expected);
    assert_eq!(revoke(&usual).await, Err(Code::PermissionDenied));
    let (_, listed) = made("listed", &["SessionService/Revoke"]).await;
    for key in [whole, listed] {
        assert_ne!(revoke(&key).await, Err(Code::PermissionDenied));
    }
}

#[tokio::test]
async fn a_field_that_is_not_right_is_named_and_nothing_is_made() {
    let door = Serving::of(&World::new()).await;
    let good = wanted("ci", CallerRole::Backend);
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let table = [
        ("name", v1::CreateCallerKeyRequest { name: String::new(), ..good.clone() }),
        ("name", v1::CreateCallerKeyRequest { name: "two words".into(), ..good.clone() }),
        ("name", v1::CreateCallerKeyRequest { name: "x".repeat(65), ..good.clone() }),
        ("role", v1::CreateCallerKeyRequest { role: 0, ..good.clone() }),
        ("role", v1::CreateCallerKeyRequest { role: 99, ..good.clone() }),
        ("rpcs", v1::CreateCallerKeyRequest { rpcs: vec!["AdminService/Revoke".into()], ..good.clone() }),
        ("rpcs", v1::CreateCallerKeyRequest { rpcs: vec!["Nothing".into()], ..good.clone() }),
        ("rpcs", v1::CreateCallerKeyRequest { rpcs: vec!["*".into(), "TokenService/GetJwks".into()], ..good.clone() }),
        ("tenants", v1::CreateCallerKeyRequest { tenants: vec!["nobody".into()], ..good.clone() }),
        ("lifetime", v1::CreateCallerKeyRequest { lifetime: seconds(59), ..good.clone() }),
        ("lifetime", v1::CreateCallerKeyRequest { lifetime: seconds(10 * 366 * 86_400), ..good.clone() }),
        ("reason", v1::CreateCallerKeyRequest { reason: "x".repeat(201), ..good.clone() }),
    ];
    for (field, wrong) in table {
        let made = door.admin().await.create_caller_key(by(Role::Admin, wrong)).await;
        assert_eq!(fields_of(&failed(made, Code::InvalidArgument, "INVALID_FIELD")), [field]);
    }
    for id in ["", "ci", "key_AAAA"] {
        let request = v1::RevokeCallerKeyRequest { key_id: id.into(), ..Default::default() };
        let revoked = door.admin().await.revoke_caller_key(by(Role::Admin, request)).await;
        assert_eq!(fields_of(&failed(revoked, Code::InvalidArgument, "INVALID_FIELD")), ["key_id"]);
    }
    assert_eq!(super::listed(&door).await, []);
}

// security.md 98: no key gives more than its maker has; the rule is shown where it stands.
#[tokio::test]
async fn a_key_makes_none_that_may_do_more_or_lives_longer() {
    let door = Serving::of(&World::new()).await;
    let admin = crate::rpc::serving::key(Role::Admin);
    let rpcs: Vec<String> = vec!["AdminService/CreateCallerKey".into(), "AdminService/ListUsers".into()];
    let lifetime = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
    let wanted_maker =
        v1::CreateCallerKeyRequest { rpcs: rpcs.clone(), lifetime, ..wanted("maker", CallerRole::Admin) };
    let maker = create(&door, &admin, wanted_maker).await;
    let key = maker.api_key;
    let longer = Some(prost_types::Duration { seconds: 3601, nanos: 0 });
    let wrong = [
        wanted("more", CallerRole::Admin),
        wanted("more", CallerRole::Backend),
        v1::CreateCallerKeyRequest { rpcs: vec!["*".into()], ..wanted("more", CallerRole::Admin) },
        v1::CreateCallerKeyRequest { rpcs: vec!["AdminService/Revoke".into()], ..wanted("more", CallerRole::Admin) },
        v1::CreateCallerKeyRequest { rpcs: rpcs.clone(), lifetime: longer, ..wanted("more", CallerRole::Admin) },
    ];
    for wrong in wrong {
        let made = door.admin().await.create_caller_key(with(&key, wrong)).await;
        let refused = failed(made, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
        assert!(refused.message().starts_with("nobody makes an API key that gives more"), "{}", refused.message());
    }
    let less = v1::CreateCallerKeyRequest { rpcs: vec![rpcs[1].clone()], ..wanted("less", CallerRole::Admin) };
    let less = create(&door, &key, less).await.key.unwrap();
    assert_eq!((less.created_by.as_str(), less.expire_time), ("default/maker", maker.key.unwrap().expire_time));
}

// security.md 102: one tenant can't see, guess or revoke another's, nor make one for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_each_tenants_own() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::over(kept).await;
        let mut admin = town.serving.admin().await;
        let backend = |name: &str| wanted(name, CallerRole::Backend);
        let acme = admin.create_caller_key(town::by(Role::Admin, 1, backend("ci"))).await.unwrap().into_inner();
        let globex = admin.create_caller_key(town::by(Role::Admin, 2, backend("ci"))).await.unwrap().into_inner();
        let (key, other) = (acme.key.unwrap(), globex.key.unwrap());
        assert_eq!((key.caller.as_str(), other.caller.as_str()), ("acme/ci", "globex/ci"));
        let listed = async |whose: Option<usize>| {
            let request = town::by(Role::Admin, whose, v1::ListCallerKeysRequest {});
            let keys = town.serving.admin().await.list_caller_keys(request).await.unwrap().into_inner().keys;
            keys.into_iter().map(|key| key.caller).collect::<Vec<_>>()
        };
        assert_eq!(listed(Some(1)).await, ["acme/ci"]);
        let foreign = v1::RevokeCallerKeyRequest { key_id: other.key_id, ..Default::default() };
        let revoked = admin.revoke_caller_key(town::by(Role::Admin, 1, foreign)).await.unwrap().into_inner();
        assert!(!revoked.revoked);
        calls(&town.serving, &globex.api_key).await.unwrap();
        // The key is for its tenant alone.
        let mut named = with(&acme.api_key, crate::rpc::serving::validation(&crate::world::Browser::default()));
        named.metadata_mut().insert("x-tenant-id", "globex".parse().unwrap());
        failed(town.serving.sessions().await.validate_session(named).await, Code::PermissionDenied, "TENANT_UNKNOWN");
        // For several only whoever is for all makes one.
        let several = |tenants: &[&str]| v1::CreateCallerKeyRequest {
            tenants: tenants.iter().map(|name| (*name).to_owned()).collect(),
            ..backend("wide")
        };
        let of_some = town::naming(Role::Admin, town::OTHERS, "acme", several(&["acme"]));
        for asked in [town::by(Role::Admin, 1, several(&["acme"])), of_some] {
            failed(admin.create_caller_key(asked).await, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
        }
        let made = admin.create_caller_key(town::by(Role::Admin, None, several(&["acme", "globex"]))).await;
        let wide = made.unwrap().into_inner().key.unwrap();
        assert_eq!((wide.caller.as_str(), wide.tenants), ("*/wide", vec!["acme".to_owned(), "globex".to_owned()]));
        assert_eq!(
            (listed(Some(1)).await, listed(None).await),
            (vec!["acme/ci".to_owned()], vec!["*/wide".to_owned()])
        );
        let theirs = v1::RevokeCallerKeyRequest { key_id: wide.key_id, ..Default::default() };
        assert!(!admin.revoke_caller_key(town::by(Role::Admin, 1, theirs.clone())).await.unwrap().into_inner().revoked);
        assert!(admin.revoke_caller_key(town::by(Role::Admin, None, theirs)).await.unwrap().into_inner().revoked);
    }
}
