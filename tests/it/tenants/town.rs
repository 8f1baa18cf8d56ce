//! Owns three tenants over one store, each with a provider of its own that calls itself the same, and callers' keys for
//! each of them and for all. Does not know what is tested.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatelodge::app::keeper::keeping;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::tenants::{Scope, Tenancy, Tenant, Tenants};
use gatelodge::authority::{Authority, Memory, Ports};
use gatelodge::crypto::{ApiKey, KeyRing, Secret};
use gatelodge::rpc::callers::Caller;
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::ServerSettings;
use gatelodge::session::key::TenantNumber;
use gatelodge::session::origin::Origin;
use gatelodge::vault::Vault;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::Request;

use super::alike::{Attended, Counting};
use crate::audit;
use crate::rpc::serving::{ROLES, Serving};
use crate::world::replicas::until;
use crate::world::{Browser, FakeProvider, FaultyStore, Kept, Listed, World, settings};

/// The tenants by their names; the place is the index, and the number one more.
pub const NAMES: [&str; 3] = ["default", "acme", "globex"];

/// Whose key is for all but the default tenant.
pub const OTHERS: usize = 7;

pub struct Town {
    pub worlds: [World; 3],
    pub tenants: Tenants,
    pub serving: Serving,
    /// What all of them are kept in.
    pub store: Arc<FaultyStore>,
    /// What is told of them all.
    pub log: Arc<Counting>,
    pub beside: Arc<Attended>,
    /// The calls of the contract that were compared.
    pub compared: Mutex<BTreeSet<&'static str>>,
    keeper: JoinHandle<()>,
}

/// The key of a role for one tenant, or for all.
pub fn key(role: Role, whose: Option<usize>) -> String {
    let whose = u8::try_from(whose.map_or(0, |at| at + 1)).unwrap();
    ApiKey::generate(&[100 + role as u8 * 10 + whose; 32]).expose().to_owned()
}

/// A request with the key of a role for one tenant, or for all.
pub fn by<T>(role: Role, whose: impl Into<Option<usize>>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {}", key(role, whose.into())).parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request.metadata_mut().insert("x-request-id", "one-for-all".parse().unwrap());
    request
}

/// The same, naming a tenant in its metadata.
pub fn naming<T>(role: Role, whose: impl Into<Option<usize>>, name: &str, message: T) -> Request<T> {
    let mut request = by(role, whose, message);
    request.metadata_mut().insert("x-tenant-id", name.parse().unwrap());
    request
}

pub fn number(at: usize) -> TenantNumber {
    TenantNumber(u32::try_from(at + 1).unwrap())
}

/// Where browsers reach each tenant.
pub fn base(at: usize) -> Origin {
    Origin::new(["https://app.example.com", "https://acme.example.com", "https://globex.example.com"][at]).unwrap()
}

impl Town {
    pub async fn over(kept: Kept) -> Self {
        Self::with(kept, |_, _| ()).await
    }

    /// A town whose tenants' settings differ.
    pub async fn with(kept: Kept, change: impl Fn(usize, &mut Settings)) -> Self {
        Self::served(kept, change, |_| ()).await
    }

    /// The same, behind a server whose settings differ.
    pub async fn served(
        kept: Kept,
        change: impl Fn(usize, &mut Settings),
        server: impl FnOnce(&mut ServerSettings),
    ) -> Self {
        let (first, mut ports) = World::kept_in(kept).await;
        let memory = Memory::new(ports.entropy.as_ref(), settings().cache);
        let world = |at: usize, ports: &Ports| {
            let mut settings = Settings { tenant: number(at), tenant_name: NAMES[at].into(), ..settings() };
            settings.audit = Some(audit::ALL);
            (settings.public_base_url, settings.places.own) = (base(at), base(at));
            change(at, &mut settings);
            Self::world(at, settings, ports, &memory, &first)
        };
        // What it asks now and then is not counted.
        let keeper = tokio::spawn(keeping(world(0, &ports).authority));
        let store = FaultyStore::before(&mut ports);
        let log = Arc::new(Counting { log: ports.events, told: AtomicUsize::default() });
        let beside = Arc::new(Attended::default());
        (ports.events, ports.beside) = (log.clone(), beside.clone());
        let worlds = [0, 1, 2].map(|at| world(at, &ports));
        let tenants = Tenants::new(tenancy(&worlds));
        let bound = |role: Role, at| {
            let caller = Caller { tenants: Scope::one(number(at)), ..Caller::new("bound", role) };
            (key(role, Some(at)), caller)
        };
        let callers = ROLES.into_iter().flat_map(|role| {
            let own = [0, 1, 2].map(|at| bound(role, at));
            let others = Caller { tenants: Scope::Of([number(1), number(2)].into()), ..Caller::new("others", role) };
            let unbound = Caller::new("unbound", role);
            own.into_iter().chain([(key(role, None), unbound), (key(role, Some(OTHERS)), others)])
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = Serving::to(listener, tenants.clone(), callers, server);
        until(|| worlds[2].authority.hears_everything()).await;
        Self { worlds, tenants, serving, store, log, beside, compared: Mutex::default(), keeper }
    }

    /// One authority, with keys that every tenant inherits from the same secrets.
    fn world(at: usize, settings: Settings, ports: &Ports, memory: &Memory, first: &World) -> World {
        let clock = Arc::clone(&first.clock);
        let provider = Arc::new(FakeProvider::new("idp"));
        let ring = |text: &str| KeyRing::new(Secret::new(text), []);
        let vault = Vault::of(number(at), &ring("session ring"), &ring("csrf ring"));
        let ports = Ports { providers: Arc::new(Listed(vec![Arc::clone(&provider)])), ..ports.clone() };
        World { authority: Authority::with(ports, vault, settings, memory), clock, provider }
    }

    /// Somebody logs in with a tenant.
    pub async fn log_in(&self, at: usize, sub: &str) -> (Browser, String) {
        // What ended a user's sessions a moment ago is not to end this one.
        self.worlds[at].clock.advance(Duration::from_millis(2));
        let mut browser = Browser::default();
        let session = self.worlds[at].log_in(&mut browser, sub).await.result.unwrap().key.public();
        (browser, session)
    }

    /// How many sessions of a tenant live.
    pub async fn living(&self, at: usize) -> usize {
        let question = gatelodge::authority::list_sessions::Question { page_size: 200, ..Default::default() };
        self.worlds[at].authority.list_sessions(&question).await.unwrap().sessions.len()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// All of them, each at the host of its base URL.
pub fn tenancy(worlds: &[World; 3]) -> Tenancy {
    let [default, others @ ..] = worlds;
    let others = others.each_ref().map(|world| Tenant { authority: world.authority.clone(), hosts: Vec::new() });
    Tenancy::new(default.authority.clone(), [], others)
}
