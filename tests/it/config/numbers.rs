//! Owns the promise that no tenant is ever given the number of another, on either store: from the file to a refused start,
//! to the way out. Does not know how a store remembers.

use std::path::Path;
use std::sync::Arc;

use gatelodge::app::release::{self, Released};
use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::app::{App, AppError, Names};
use gatelodge::authority::ports::{Creation, KeptMintKeys};
use gatelodge::config::Config;
use gatelodge::session::key::{TenantNumber, UserKey};
use gatelodge::session::record::Marks;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::store::redis::{RedisSettings, RedisStore};
use gatelodge::telemetry::Telemetry;

use super::load_sound;
use crate::redis::{Server, address};
use crate::store::bench::{LONG, Store, new_session, settings_for};
use crate::world::kept::fresh_prefix;

const TWO: TenantNumber = TenantNumber(2);

/// A store that outlives the processes over it.
enum Lasting {
    File(tempfile::TempDir),
    Redis { port: u16, prefix: String },
}

impl Lasting {
    fn both() -> [Self; 2] {
        let redis = Self::Redis { port: Server::shared().port, prefix: fresh_prefix() };
        [Self::File(tempfile::tempdir().unwrap()), redis]
    }

    fn config(&self, tenants: &str) -> Config {
        let store = match self {
            Self::File(folder) => format!("{{ embedded: {{ path: {} }} }}", path(folder.path())),
            Self::Redis { port, prefix } => {
                let url = address(*port);
                format!("{{ kind: redis, redis: {{ urls: [\"{url}\"], key_prefix: {prefix} }} }}")
            }
        };
        let yaml = format!("server: {{ listen: \"127.0.0.1:0\" }}\nstore: {store}\n{tenants}\n");
        load_sound(&yaml, &[]).unwrap().config
    }

    /// Starts, and stops again.
    async fn start(&self, tenants: &str) -> Result<(), String> {
        match App::build(&self.config(tenants), Vec::new(), false, Names::default(), &Telemetry::default()).await {
            Ok(_) => Ok(()),
            Err(AppError::Number(taken)) => Err(taken.to_string()),
            Err(AppError::Redis(unfit)) => Err(unfit.to_string()),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The store itself.
    async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::File(folder) => {
                let path = folder.path().join("sessions.redb");
                EmbeddedStore::open(Some(&path), Arc::new(SystemClock)).unwrap()
            }
            Self::Redis { port, prefix } => {
                let settings = RedisSettings { key_prefix: prefix.clone(), ..settings_for(*port) };
                RedisStore::connect(settings, Arc::new(SystemEntropy)).await.unwrap()
            }
        }
    }
}

fn path(folder: &Path) -> String {
    folder.join("sessions.redb").display().to_string()
}

fn tenant(name: &str, more: &str) -> String {
    format!(
        "tenants: {{ {name}: {{ number: 2, hosts: [two.example], \
         app: {{ redirects: {{ public_base_url: \"https://two.example\" }} }}{more} }} }}"
    )
}

// A tenant of another name under a number that was used would find the sessions and users that stand under it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_refused_to_a_tenant_of_another_name() {
    for lasting in Lasting::both() {
        lasting.start(&tenant("acme", "")).await.unwrap();
        lasting.start(&tenant("acme", "")).await.unwrap();
        let refused = lasting.start(&tenant("globex", "")).await.unwrap_err();
        for said in
            ["number 2 belongs to `acme`", "gives it to `globex`", "formerly: [acme]", "gatelodge tenants release 2"]
        {
            assert!(refused.contains(said), "{said}: {refused}");
        }
        let refused = lasting.start("tenant: { name: other }").await.unwrap_err();
        assert!(refused.contains("number 1 belongs to `default`"), "{refused}");
        // The same tenant under another name says so, and from then on it has that name alone.
        lasting.start(&tenant("acme-corp", ", formerly: [acme]")).await.unwrap();
        lasting.start(&tenant("acme-corp", "")).await.unwrap();
        assert!(lasting.start(&tenant("acme", "")).await.is_err());
        lasting.start("").await.unwrap();
        assert!(lasting.start(&tenant("globex", "")).await.is_err(), "also when it was taken out meanwhile");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_was_released_has_nothing_of_the_tenant_before() {
    for lasting in Lasting::both() {
        lasting.start(&tenant("acme", "")).await.unwrap();
        let (ada, elsewhere) =
            (UserKey::of(TWO, "https://idp", "ada"), UserKey::of(TenantNumber(1), "https://idp", "bob"));
        let mut sessions = Vec::new();
        {
            let store = lasting.open().await;
            for user in [&ada, &elsewhere] {
                let mut new = new_session(store.time().await.unwrap(), user);
                new.record.header.marks = Marks::default();
                new.profile = Some(b"sealed".to_vec());
                sessions.push(new.key);
                assert!(matches!(store.create(new).await.unwrap(), Creation::Created(_)));
            }
            let keys = KeptMintKeys { revision: 1, sealed: b"sealed".to_vec() };
            assert!(store.put_mint_keys(TWO, keys, LONG).await.unwrap());
        }
        let release = async |tenants: &str| release::release(&lasting.config(tenants), TWO).await.unwrap();
        assert_eq!(release(&tenant("acme", "")).await, Released::StillThere { name: "acme".into() });
        assert_eq!(release(&tenant("globex", "")).await, Released::Yes { name: "acme".into(), users: 1 });
        assert_eq!(release("").await, Released::Nobodys);
        lasting.start(&tenant("globex", "")).await.unwrap();
        let listed = release::tenants(&lasting.config("")).await.unwrap();
        assert_eq!(listed, [(TenantNumber(1), "default".to_owned()), (TWO, "globex".to_owned())]);

        let store = lasting.open().await;
        assert_eq!(store.walk(TWO, None, 10).await.unwrap().sessions.len(), 0, "dead");
        assert!(store.users(TWO, None, 10).await.unwrap().users.is_empty());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert_eq!(store.mint_keys(TWO).await.unwrap(), None);
        assert_eq!(store.walk(TenantNumber(1), None, 10).await.unwrap().sessions[0].0, sessions[1], "another's live");
        assert_eq!(store.users(TenantNumber(1), None, 10).await.unwrap().users.len(), 1);
    }
}

#[test]
fn a_former_name_is_no_tenants_of_now() {
    let yaml =
        "tenants: { acme: { number: 2, formerly: [default, globex] }, globex: { number: 3, formerly: [initech] } }";
    let faults: Vec<_> = super::faults(yaml, &[]).into_iter().filter(|fault| fault.contains("formerly")).collect();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("tenants.acme.formerly[0]: a tenant of this configuration has this name now"));
}
