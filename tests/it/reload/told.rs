//! Shows that who keeps answers is told when a key of a running process is gone, by that process and by others over the same
//! store. Does not know how they are told.

use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge_client::v1::{self, SessionEventKind as Kind};
use gatelodge_client::{Client, ClientOptions, Verdict};
use tokio::time::{sleep, timeout};

use super::served::{Served, hostile, provider};
use crate::redis::{Server, address, free_port};
use crate::world::kept::fresh_prefix;
use crate::world::{Browser, Kept, on_every_store};

on_every_store! { in several threads:
    a_client_believes_nothing_of_a_key_that_is_gone
}

const LATER: &str = "a key for a test that is there for some time";

/// One process of the embedded store, two of Redis; without the key if it `is_gone`.
struct Town {
    all: Vec<Served>,
    hostile: crate::hostile::Hostile,
    more: String,
    key: ApiKey,
}

impl Town {
    async fn over(kept: Kept) -> Self {
        let (hostile, port, key) = (hostile().await, free_port(), ApiKey::generate(&[7; 32]));
        let (processes, store) = match kept {
            Kept::Memory => (1, "store: { kind: embedded }".to_owned()),
            Kept::Redis => {
                let redis = tokio::task::spawn_blocking(Server::shared).await.unwrap();
                let (url, prefix) = (address(redis.port), fresh_prefix());
                (2, format!("store: {{ kind: redis, redis: {{ urls: ['{url}'], key_prefix: {prefix} }} }}"))
            }
        };
        let more = format!(
            "oidc: {{ providers: {{ {} }} }}\n{store}\ncallers: [{{ name: shop, role: edge, key_hash: '{}' }}]\n",
            provider("one", &hostile),
            key.hash(),
        );
        let mut town = Self { all: Vec::new(), hostile, more, key };
        for _ in 0..processes {
            town.all.push(Served::with(&town.configuration(LATER, "x-csrf"), Some(port)).await);
        }
        town
    }

    fn configuration(&self, key: &str, header: &str) -> String {
        let keys = if key.is_empty() {
            String::new()
        } else {
            format!("{{ secret: '{key}', active_from: 2026-01-01T00:00:00Z }}")
        };
        format!(
            "{}app: {{ redirects: {{ public_base_url: BASE }}, sessions: {{ csrf_header: {header}, rings: {{ session: [{keys}] }} }} }}\n",
            self.more
        )
    }

    fn client(&self, at: usize) -> Client {
        Client::connect(&ClientOptions::new(self.all[at].address(), self.key.expose())).unwrap()
    }

    /// Lets a process have another configuration, at once.
    async fn load(&self, at: usize, key: &str, header: &str, times: usize) {
        self.all[at].write(&self.configuration(key, header));
        self.all[at].hang_up();
        self.all[at].says("the configuration was loaded anew", times).await;
    }
}

async fn is_active(client: &Client, browser: &Browser) -> bool {
    let cookie = |(name, value): &(String, String)| v1::Cookie { name: name.clone(), value: value.clone().into() };
    let cookies = browser.cookies.iter().map(cookie).collect();
    let question = v1::ValidateSessionRequest { cookies, ..Default::default() };
    matches!(client.sessions().check(question).await.unwrap().verdict, Verdict::Active(_))
}

// store.md 1: whatever is kept is dropped when a key retires; a client may watch one replica and ask another.
async fn a_client_believes_nothing_of_a_key_that_is_gone(kept: Kept) {
    let town = Town::over(kept).await;
    let last = town.all.len() - 1;
    // Both ask and watch the last process; the first one changes first.
    let (client, watcher) = (town.client(last), town.client(last));
    let ada = town.all[0].log_in("one", &town.hostile).await;
    let question = v1::WatchSessionsRequest { kinds: vec![Kind::KeysRotated.into()], ..Default::default() };
    let mut watch = watcher.sessions().watch_sessions(question).await.unwrap();
    let mut told = async |within| {
        let told = timeout(within, async { while watch.message().await.unwrap().unwrap().events.is_empty() {} });
        told.await.is_ok()
    };
    for at in 0..=last {
        town.load(at, LATER, "x-other", 1).await;
    }
    assert!(!told(Duration::from_secs(1)).await, "no key does anything else");
    for at in 0..=last {
        // The first answers come before it watches; what it knows then it would believe for five seconds.
        for _ in 0..20 {
            assert!(is_active(&client, &ada).await, "its own process has the key");
            sleep(Duration::from_millis(10)).await;
        }
        town.load(at, "", "x-other", 2).await;
        assert!(told(Duration::from_secs(2)).await, "{at} tells that a key is gone");
    }
    let refused = timeout(Duration::from_secs(1), async { while is_active(&client, &ada).await {} });
    refused.await.expect("it is not believed until it lapses");
}
