//! Shows that ending a whole tenant, all that a provider's logins made, or everything costs the same however many sessions
//! there are: the same calls of the store and the log, and the same commands of a Redis server. Does not know the steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use gatelodge::authority::Ports;
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::session::mark::ProviderTag;

use crate::redis::Server;
use crate::store::bench::{CREATED, TENANT, new_session, user};
use crate::world::kept::put_all;
use crate::world::{Browser, FaultyStore, World, connected_to};

/// What ending so many sessions costs, for each target: calls of the store, and commands of the server if there is one.
async fn costs(sessions: usize, server: Option<&Server>) -> Vec<BTreeMap<String, usize>> {
    let redis = match server {
        Some(server) => Some(connected_to(server).await),
        None => None,
    };
    let (mut faulty, mut kept) = (None, None);
    let put = |ports: &mut Ports| {
        if let Some(store) = &redis {
            put_all(ports, store);
        }
        kept = Some(Arc::clone(&ports.sessions));
        faulty = Some(FaultyStore::before_all(ports));
    };
    let world = World::built(&["idp"], |_| (), put);
    let (store, kept) = (faulty.unwrap(), kept.unwrap());
    let asked = || {
        let calls = store.asked().into_iter().map(|(call, count)| (format!("port {call}"), count));
        calls.chain(server.into_iter().flat_map(commands)).collect::<BTreeMap<_, _>>()
    };
    let mut costs = Vec::new();
    for target in [Target::Provider("idp".into()), Target::Tenant, Target::Everything] {
        let (now, marks) = (kept.time().await.unwrap(), kept.marks(TENANT).await.unwrap());
        let mut browser = Browser::default();
        world.log_in(&mut browser, "ada").await.result.unwrap();
        let create = |_| async {
            let mut new = new_session(now, &user());
            new.record.header.marks = marks.at_birth(ProviderTag::of("idp"));
            assert_eq!(kept.create(new).await.unwrap(), CREATED);
        };
        stream::iter(1..sessions).map(create).buffer_unordered(256).for_each(|()| async {}).await;
        let before = asked();
        world.authority.revoke_as_admin(&World::call(), &target, "test").await.unwrap();
        let mut cost = asked();
        cost.retain(|what, count| {
            *count -= before.get(what).copied().unwrap_or_default();
            *count > 0
        });
        costs.push(cost);
        let ended = world.validate(browser.fetch("GET", "/")).await;
        assert!(matches!(ended, Outcome::Inactive(_)), "{ended:?}");
        // Marks are of the clock's moment.
        world.clock.advance(std::time::Duration::from_millis(2));
    }
    costs
}

/// How many commands of each kind the server has run.
fn commands(server: &Server) -> Vec<(String, usize)> {
    let info: String = redis::cmd("INFO").arg("commandstats").query(&mut server.admin()).unwrap();
    let read = |line: &str| {
        let (command, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((command.to_owned(), figures.split(',').next()?.parse().unwrap()))
    };
    // This one is asked now and then, whoever calls.
    info.lines().filter_map(read).filter(|(command, _)| command != "info").collect()
}

async fn the_costs_are_the_same(server: Option<&Server>) {
    // Something is done once, by whoever comes first.
    costs(1, server).await;
    let one = costs(1, server).await;
    assert!(one.iter().all(|cost| cost["port raise"] == 1 && cost["port announce"] == 1), "{one:?}");
    for sessions in [100, 2_000] {
        assert_eq!(one, costs(sessions, server).await, "{sessions} sessions");
    }
}

#[tokio::test]
async fn ending_a_whole_tenant_costs_the_same_however_many_sessions_it_has_in_memory() {
    the_costs_are_the_same(None).await;
}

#[tokio::test]
async fn ending_a_whole_tenant_costs_the_same_however_many_sessions_it_has_in_redis() {
    let server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    the_costs_are_the_same(Some(&server)).await;
}
