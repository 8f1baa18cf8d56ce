//! Owns the server that is measured: a whole authority with one session in it, as `gatelodge serve` runs it.
//! Does not know what it is compared with.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gatelodge::app::keeper::keeping;
use gatelodge::app::settings::settings;
use gatelodge::app::store_clock::StoreClock;
use gatelodge::app::world::{RuntimeTasks, SystemClock, SystemEntropy};
use gatelodge::authority::ports::{
    AnswerStore, AuditStore, CallerKeyStore, Creation, EventLog, LoginStore, LogoutStore, MintKeyStore, RateStore,
    SessionStore, UserStore,
};
use gatelodge::authority::settings::Settings;
use gatelodge::authority::tenants::{Tenancy, Tenant, Tenants};
use gatelodge::authority::{Authority, Memory, Ports};
use gatelodge::config::Config;
use gatelodge::config::sessions::Fingerprint;
use gatelodge::crypto::ApiKey;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::rpc::callers::{Caller, Callers};
use gatelodge::rpc::policy::{self, Role};
use gatelodge::rpc::server::{ServerSettings, serve};
use gatelodge::rpc::tasks::Tasks;
use gatelodge::session::key::TenantNumber;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::telemetry::Telemetry;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::Result;
use crate::counted::Counted;
use crate::protocol::{Kind, Order, Ready};
use crate::{redis_store, session};

/// An authority, ready to serve.
pub struct Ours {
    pub ready: Ready,
    tenancy: Tenancy,
    /// The session's authority, which keeps up with the store for all.
    authority: Authority,
    callers: Callers,
    settings: ServerSettings,
    /// Where the embedded store's file is.
    _folder: TempDir,
}

impl Ours {
    /// Joins the parts, and makes the session.
    pub async fn new(order: &Order, calls: &Arc<AtomicU64>, telemetry: &Telemetry) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let Stores { sessions, logins, logouts, answers, callers, users, mint_keys, rates, audit, events } =
            stores(order, &folder, calls).await?;
        let vault = session::vault(session::TENANT);
        let user = if order.all_on { session::entitled(0) } else { session::user(0) };
        let (new, credential) = session::make(&vault, user, Some(&session::tokens()));
        if !matches!(sessions.create(new).await?, Creation::Created(_)) {
            return Err("the store refuses the session".into());
        }
        let credential = credential.text(&vault.credential).expose().to_owned();
        let none = Registry::new(Vec::new(), HttpSettings::default());
        let providers = Arc::new(none.map_err(|_| "a registry without providers has a fault")?);
        let (clock, wall) = (Arc::new(StoreClock::new(Arc::new(SystemClock))), Arc::new(SystemClock));
        clock.measure(sessions.as_ref()).await?;
        let (entropy, beside) = (Arc::new(SystemEntropy), Arc::new(RuntimeTasks::new(Tasks::default())));
        let observer = telemetry.work();
        let ports = Ports {
            sessions,
            logins,
            logouts,
            answers,
            callers,
            rates,
            users,
            mint_keys,
            audit,
            events,
            providers,
            clock,
            wall,
            entropy,
            beside,
            observer,
        };
        let ports = telemetry.before_store("redis")(ports);
        let settings = settings(&config(order.all_on))?;
        // Elsewhere the near cache would hide what a read costs.
        let cache = settings.cache.filter(|_| matches!(order.kind, Kind::Near | Kind::NearSeen));
        let settings = Settings { cache, ..settings };
        let memory = Memory::new(ports.entropy.as_ref(), cache);
        let tenant = |tenant, name: &str| {
            let settings = Settings { tenant, tenant_name: name.to_owned(), ..settings.clone() };
            Authority::with(ports.clone(), session::vault(tenant), settings, &memory)
        };
        let authority = tenant(session::TENANT, "default");
        let second =
            || Tenant { authority: tenant(TenantNumber(2), "second"), hosts: vec!["second.example.com".to_owned()] };
        let tenancy = Tenancy::new(authority.clone(), [], order.all_on.then(second));
        let key = ApiKey::generate(&session::random());
        let caller = Caller::new("the generator", Role::Edge);
        let callers = Callers::new([(*key.hash().as_bytes(), caller)]);
        let ready = Ready { api_key: key.expose().to_owned(), credential, ..Ready::default() };
        let settings = ServerSettings { observer: telemetry.calls(policy::methods()), ..ServerSettings::default() };
        Ok(Self { ready, tenancy, authority, callers, settings, _folder: folder })
    }

    /// Serves until `stop` completes.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) -> Result<()> {
        tokio::spawn(keeping(self.authority));
        Ok(serve(Tenants::new(self.tenancy), self.callers, self.settings, listener, stop).await?)
    }
}

/// The defaults with the client's fingerprint left alone, or compared with its network included. What is forged comes from
/// one client, more often than any may.
fn config(all_on: bool) -> Config {
    let mut config = Config::default();
    let security = &mut config.app.sessions.security;
    security.fingerprint = Some(if all_on { Fingerprint::Strict } else { Fingerprint::Off });
    security.fingerprint_ip_address = all_on;
    if !all_on {
        config.app.rates.bad_credentials.per_client = 0;
    }
    config
}

/// One store in all its parts.
struct Stores {
    sessions: Arc<dyn SessionStore>,
    logins: Arc<dyn LoginStore>,
    logouts: Arc<dyn LogoutStore>,
    answers: Arc<dyn AnswerStore>,
    callers: Arc<dyn CallerKeyStore>,
    users: Arc<dyn UserStore>,
    mint_keys: Arc<dyn MintKeyStore>,
    rates: Arc<dyn RateStore>,
    audit: Arc<dyn AuditStore>,
    events: Arc<dyn EventLog>,
}

impl Stores {
    fn of<S>(store: &Arc<S>) -> Self
    where
        S: SessionStore + LoginStore + LogoutStore + AnswerStore + CallerKeyStore + UserStore + MintKeyStore + 'static,
        S: RateStore + AuditStore + EventLog,
    {
        Self {
            sessions: store.clone(),
            logins: store.clone(),
            logouts: store.clone(),
            answers: store.clone(),
            callers: store.clone(),
            users: store.clone(),
            mint_keys: store.clone(),
            rates: store.clone(),
            audit: store.clone(),
            events: store.clone(),
        }
    }
}

async fn stores(order: &Order, folder: &TempDir, calls: &Arc<AtomicU64>) -> Result<Stores> {
    if let Some(address) = &order.redis {
        return Ok(Stores::of(&redis_store::connect(address).await?));
    }
    let store = EmbeddedStore::open(Some(&folder.path().join("sessions.redb")), Arc::new(SystemClock))?;
    let stores = Stores::of(&store);
    if order.kind == Kind::Counted {
        let counted = Arc::new(Counted::new(store, Arc::clone(calls)));
        return Ok(Stores { sessions: counted.clone(), logins: counted, ..stores });
    }
    Ok(stores)
}
