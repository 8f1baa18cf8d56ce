//! Owns what must hold when an answer is lost on the way and the same call is sent again, over a single server and a
//! cluster. Does not know the scripts.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::ports::{
    Creation, LeaseAttempt, LoginEnd, LoginStore as _, LoginTaken, Lookup, OpenLogin, SessionStore as _,
};
use gatelodge::crypto::Secret;
use gatelodge::session::key::LoginKey;
use gatelodge::store::redis::{RedisSettings, RedisStore};
use tokio::net::TcpListener;

use super::bench::{self, BINDING, LONG, SHORT, TENANT, fresh, new_session, settings_for, user};
use crate::redis::{Lossy, Server, address};

/// A store, the way to its server, and the server.
struct Behind {
    store: Arc<RedisStore>,
    way: Lossy,
    _server: Server,
}

impl Behind {
    async fn single() -> Self {
        let server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
        let way = Lossy::before(server.port).await;
        Self { store: bench::connect(settings_for(way.port)).await.unwrap(), way, _server: server }
    }

    /// A cluster of one node, which tells its clients the way's address for its own.
    async fn cluster() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let start = move || {
            let bus = crate::redis::free_port().to_string();
            let server = Server::start(
                &[
                    ["--cluster-enabled", "yes", "--cluster-port", &bus].as_slice(),
                    &["--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", &port],
                ]
                .concat(),
            );
            let mut add = redis::cmd("CLUSTER");
            add.arg("ADDSLOTSRANGE").arg(0).arg(16383).exec(&mut server.admin()).unwrap();
            let whole = || -> String { redis::cmd("CLUSTER").arg("INFO").query(&mut server.admin()).unwrap() };
            while !whole().contains("cluster_state:ok") {
                std::thread::sleep(Duration::from_millis(20));
            }
            server
        };
        let server = tokio::task::spawn_blocking(start).await.unwrap();
        let way = Lossy::on(listener, server.port, Duration::ZERO);
        let urls = vec![Secret::new(address(way.port))];
        let settings = RedisSettings { urls, cluster: true, ..settings_for(way.port) };
        Self { store: bench::connect(settings).await.unwrap(), way, _server: server }
    }

    async fn login(&self) -> LoginKey {
        let key = LoginKey::of(TENANT, &fresh());
        self.store
            .open(&key, OpenLogin { sealed: b"sealed".to_vec(), binding: BINDING, most: None }, LONG)
            .await
            .unwrap();
        key
    }

    async fn take(&self, key: &LoginKey) -> LoginTaken {
        self.store.take(key, &[[1; 16], BINDING], LONG).await.unwrap()
    }

    /// Does something whose answer is lost.
    async fn losing<T>(&self, call: impl Future<Output = T>) -> T {
        self.way.lose_next_answer();
        let outcome = call.await;
        assert!(self.way.has_lost(), "no answer was lost");
        outcome
    }
}

// security.md 4: a state is good once; who has it is who took it, whatever became of the answer.
async fn a_login_whose_taking_was_lost_is_this_callers(behind: &Behind) {
    let warm = behind.login().await;
    behind.take(&warm).await;
    let key = behind.login().await;
    let taken = behind.losing(behind.take(&key)).await;
    let LoginTaken::Taken { sealed, remaining, .. } = taken else { panic!("{taken:?}") };
    assert_eq!(sealed, b"sealed");
    assert!(remaining <= LONG && remaining > LONG / 2, "{remaining:?}");
    assert_eq!(behind.take(&key).await, LoginTaken::Busy);
    let end = LoginEnd::Done(b"answer".to_vec());
    assert!(behind.losing(behind.store.finish(&key, end, LONG)).await.unwrap());
    assert_eq!(behind.take(&key).await, LoginTaken::Done(b"answer".to_vec()));
}

async fn a_lease_whose_taking_was_lost_is_this_callers(behind: &Behind) {
    let user = user();
    let new = new_session(behind.store.time().await.unwrap(), &user);
    let key = new.key;
    assert!(matches!(behind.store.create(new).await.unwrap(), Creation::Created(_)));
    let lease = async || behind.store.lease(&key, SHORT * 4).await.unwrap();
    let LeaseAttempt::Taken(warm) = lease().await else { panic!("not taken") };
    warm.release().await;
    let LeaseAttempt::Taken(held) = behind.losing(lease()).await else { panic!("not taken") };
    let Lookup::Found(record) = behind.store.read(&key).await.unwrap() else { panic!("gone") };
    assert_eq!((held.fence(), record.header.fence), (2, 2));
    assert!(matches!(lease().await, LeaseAttempt::Busy));
    // It is renewed and given back as any other.
    tokio::time::sleep(SHORT * 6).await;
    assert!(held.is_held());
    held.release().await;
    assert!(matches!(lease().await, LeaseAttempt::Taken(_)));
}

async fn a_creation_whose_answer_was_lost_is_created(behind: &Behind) {
    let user = user();
    let now = behind.store.time().await.unwrap();
    assert!(matches!(behind.store.create(new_session(now, &user)).await.unwrap(), Creation::Created(_)));
    let created = behind.losing(behind.store.create(new_session(now, &user))).await;
    assert!(matches!(created.unwrap(), Creation::Created(_)));
    assert_eq!(behind.store.sessions_of(&user).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_costs_nothing_at_a_single_server() {
    let behind = Behind::single().await;
    a_login_whose_taking_was_lost_is_this_callers(&behind).await;
    a_lease_whose_taking_was_lost_is_this_callers(&behind).await;
    a_creation_whose_answer_was_lost_is_created(&behind).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_costs_nothing_in_a_cluster() {
    let behind = Behind::cluster().await;
    a_login_whose_taking_was_lost_is_this_callers(&behind).await;
    a_lease_whose_taking_was_lost_is_this_callers(&behind).await;
    a_creation_whose_answer_was_lost_is_created(&behind).await;
}
