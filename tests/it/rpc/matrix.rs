//! Owns the golden matrix: every method that is served, and what each kind of caller gets (security.md 96, 98).
//! Does not know the policy table; it asks. `UPDATE=1` writes the matrix anew, for a person to read.

use std::fmt::Write as _;

use ::bytes::Bytes;
use gatelodge::rpc::callers::Caller;
use gatelodge::rpc::policy::{Role, Rpcs};
use gatelodge::rpc::v1::DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;

use super::serving::{ROLES, Serving, key, raw};
use crate::world::World;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/rpc/matrix.golden");

/// Every method of every service that is described, and some that are not.
fn methods() -> Vec<String> {
    let sets = [
        DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let mut methods = Vec::new();
    for file in sets.into_iter().flat_map(|set| FileDescriptorSet::decode(set).unwrap().file) {
        for service in &file.service {
            let of = |method: &prost_types::MethodDescriptorProto| {
                format!("/{}.{}/{}", file.package(), service.name(), method.name())
            };
            methods.extend(service.method.iter().map(of));
        }
    }
    methods.sort();
    methods.dedup();
    methods.extend(["/gatelodge.v1.AdminService/NoSuchMethod", "/no.such.Service/Method", "/"].map(str::to_owned));
    methods
}

#[tokio::test]
async fn every_method_lets_in_whom_the_matrix_says_and_nobody_else() {
    let world = World::new();
    let backend = key(Role::Backend);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let usual = gatelodge::crypto::ApiKey::generate(&[98; 32]).expose().to_owned();
    let callers = ROLES.map(|role| (key(role), Caller::new(role.name(), role)));
    let given_nothing = Caller { rpcs: Rpcs::Usual, ..Caller::new("usual", Role::Backend) };
    let callers = callers.into_iter().chain([(usual.clone(), given_nothing)]);
    let serving = Serving::to(listener, world.authority.clone(), callers, |_| ());
    let channel = serving.channel().await;
    let bad = gatelodge::crypto::ApiKey::generate(&[99; 32]).expose().to_owned();
    let (edge, admin) = (key(Role::Edge), key(Role::Admin));
    let callers: [(&str, Option<&str>); 6] = [
        ("no key", None),
        ("bad key", Some(&bad)),
        ("edge", Some(&edge)),
        ("backend", Some(&usual)),
        ("backend, all", Some(&backend)),
        ("admin", Some(&admin)),
    ];
    let mut matrix = format!("{:<66}", "an empty message from");
    for (name, _) in callers {
        let _ = write!(matrix, "{name:<19}");
    }
    for method in methods() {
        let _ = write!(matrix, "\n{method:<66}");
        for (_, own) in callers {
            let verdict = match raw(&channel, &method, own, Bytes::new()).await {
                Ok(_) => "ok".to_owned(),
                Err(status) => {
                    super::reason(&status);
                    format!("{:?}", status.code())
                }
            };
            let _ = write!(matrix, "{verdict:<19}");
        }
    }
    let lines: Vec<_> = matrix.lines().map(str::trim_end).collect();
    let matrix = lines.join("\n") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(GOLDEN, &matrix).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    assert_eq!(matrix, golden, "who may call what has changed; UPDATE=1 writes it down, and somebody has to read it");
}

// Least privilege, said apart from the golden file so that no update can lose it (security.md 98).
#[tokio::test]
async fn a_backend_starts_no_login_and_an_admin_reads_no_token() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let channel = serving.channel().await;
    let forbidden = [
        (Role::Backend, "/gatelodge.v1.LoginService/StartLogin"),
        (Role::Backend, "/gatelodge.v1.LoginService/CompleteCallback"),
        (Role::Backend, "/gatelodge.v1.AdminService/ListSessions"),
        (Role::Edge, "/gatelodge.v1.SessionService/GetAccessToken"),
        (Role::Edge, "/gatelodge.v1.AdminService/Revoke"),
        (Role::Admin, "/gatelodge.v1.SessionService/GetAccessToken"),
        (Role::Admin, "/gatelodge.v1.SessionService/ValidateSession"),
    ];
    for (role, method) in forbidden {
        let outcome = raw(&channel, method, Some(&key(role)), Bytes::new()).await;
        super::failed(outcome, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    }
}
