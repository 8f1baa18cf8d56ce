//! Owns the promise that no tenant reaches another: every RPC of the contract is tried by each tenant's callers on what is
//! each other's (security.md 102, 104), and is told no more of it than of what nobody has. Does not know the single calls.

use std::collections::BTreeSet;

use gatelodge::authority::validate_session::Outcome;
use gatelodge::rpc::v1::DESCRIPTOR_SET;
use prost::Message as _;

use super::town::{NAMES, Town};
use super::{admin, logins, sessions};
use crate::world::Kept;

/// Two tenants: the first has the keys, and tries what the second has.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub town: &'a Town,
    pub a: usize,
    pub b: usize,
}

/// What a call of the contract tried, by its name.
pub type Tried = Vec<&'static str>;

/// Whose questions name nothing that could be another's.
const NAMING_NOTHING: [&str; 3] =
    ["AdminService.ListCallerKeys", "SessionService.WatchSessions", "TokenService.GetJwks"];

/// Every RPC of the contract.
fn methods() -> BTreeSet<String> {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
    let services = set.file.iter().filter(|file| file.package() == "gatelodge.v1").flat_map(|file| &file.service);
    let of = |service: &prost_types::ServiceDescriptorProto| {
        let name = service.name().to_owned();
        service.method.iter().map(move |method| format!("{name}.{}", method.name())).collect::<Vec<_>>()
    };
    services.flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rpc_of_any_tenant_reaches_another() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::over(kept).await;
        let mut tried = BTreeSet::new();
        for a in 0..NAMES.len() {
            for b in (0..NAMES.len()).filter(|b| *b != a) {
                let pair = Pair { town: &town, a, b };
                // The same provider's name, issuer and subject: only the tenant tells them apart.
                let (theirs, id) = town.log_in(b, "ada").await;
                tried.extend(sessions::try_all(pair, &theirs, &id).await);
                tried.extend(logins::try_all(pair, &theirs).await);
                tried.extend(admin::try_all(pair, &theirs, &id).await);
                let asked = town.worlds[b].validate(theirs.get("/")).await;
                assert!(matches!(asked, Outcome::Active(_)), "{kept:?} {a} {b}: {asked:?}");
            }
        }
        let compared = town.compared.lock().unwrap().iter().copied().chain(NAMING_NOTHING).collect();
        assert_eq!(tried, compared, "what is theirs is not compared with what nobody has");
        let tried: BTreeSet<String> = tried.into_iter().map(str::to_owned).collect();
        assert_eq!(tried, methods(), "a call of the contract is not tried between tenants");
    }
}
