//! Owns the one place where the parts meet: build store, providers, authority, servers; run; drain.
//! Does not decide anything that a part could decide.

pub mod census;
mod changes;
pub mod keeper;
mod live;
pub mod made;
pub mod parts;
mod plan;
mod providers;
mod redis_store;
pub mod release;
pub mod reload;
mod resealing;
pub mod settings;
pub mod store_clock;
mod tenancy;
mod watched;
pub mod world;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, ROUTE_SETS};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::authority::Ports;
use crate::authority::ports::{NumberTaken, StoreError};
use crate::authority::tenants::Tenants;
use crate::config::Config;
use crate::config::fault::Faults;
use crate::config::load::Loaded;
use crate::crypto::ApiKey;
use crate::rpc::callers::{Caller, Callers};
use crate::rpc::policy::{self, Role};
use crate::rpc::server::{self, ServeError, ServerSettings};
use crate::telemetry::{Telemetry, TelemetryError};
use live::{Live, MakePorts};
use reload::Source;
use store_clock::StoreClock;
use world::{RuntimeTasks, SystemClock, SystemEntropy};

/// Why the process could not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration can't be used.
    #[error("the configuration can't be used:\n{0}")]
    Config(#[from] Faults),
    /// The embedded store's file can't be used.
    #[error(transparent)]
    Embedded(#[from] crate::store::embedded::OpenError),
    /// The Redis store can't be used, as configured or as it is.
    #[error("the Redis store can't be used")]
    Redis(#[from] crate::store::redis::ConnectError),
    /// Metrics or traces can't be had as configured.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A tenant's number is another's in this store.
    #[error(transparent)]
    Number(#[from] NumberTaken),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address is taken or not ours.
    #[error("can't listen on {address}; change it with {key}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What changes it.
        key: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The gRPC server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The edge inside the process failed.
    #[error("the edge failed: {0}")]
    Edge(String),
}

/// Routes that stand beside those of the edge inside the process.
pub type Pages = axum::Router;

/// The parts, joined, and listening.
pub struct App {
    live: Arc<Live>,
    tenants: Tenants,
    callers: Callers,
    server: ServerSettings,
    listener: TcpListener,
    inner: Option<Inner>,
    clock: Arc<StoreClock>,
    /// What goes on beside the calls, until the end.
    beside: Vec<BoxFuture<'static, ()>>,
}

/// The edge inside the process, and the way to the authority that is its own.
struct Inner {
    listener: TcpListener,
    own_way: TcpListener,
    own_callers: Callers,
    edge: Edge,
}

/// Names what changes an address that is taken: a key of the configuration, or a flag.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// For the gRPC port.
    pub server: &'static str,
    /// For the edge's port.
    pub edge: &'static str,
}

impl Default for Names {
    fn default() -> Self {
        Self { server: "server.listen", edge: "edge.listen" }
    }
}

/// Binds an address, or says which flag or key changes it.
///
/// # Errors
/// When it is taken or not ours.
pub async fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Listen { address, key, source })
}

impl App {
    /// Joins the parts as configured, and binds the ports. `more` callers stand beside those of the configuration;
    /// `telemetry` sees what they do.
    ///
    /// # Errors
    /// When a part can't be built or a port is taken. A store or provider that is away is no reason.
    pub async fn build(
        config: &Config,
        more: Vec<(ApiKey, Caller)>,
        ephemeral: bool,
        names: Names,
        telemetry: &Telemetry,
    ) -> Result<Self, AppError> {
        let blueprints = tenancy::blueprints(config, telemetry, |_| None)?;
        let server = ServerSettings { observer: telemetry.calls(policy::methods()), ..parts::server(config)? };
        parts::listed(config)?;
        let listener = bind(config.server.listen, names.server).await?;
        let store = parts::store(config, Arc::new(SystemClock), ephemeral, tenancy::named(config)).await?;
        let clock = Arc::new(StoreClock::new(Arc::new(SystemClock)));
        if let Err(error) = clock.measure(store.sessions.as_ref()).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "the store's time can't be measured yet; the machine's clock stands in");
        }
        let sweeping = store.sweeping;
        let following = Box::pin(clock.following(store.sessions.clone()));
        let (observer, before_store) = (telemetry.work(), telemetry.before_store(parts::store_name(config)));
        let tasks = server.tasks.clone();
        let ports = {
            let clock = clock.clone();
            move |providers| Ports {
                sessions: store.sessions.clone(),
                logins: store.logins.clone(),
                logouts: store.logouts.clone(),
                answers: store.answers.clone(),
                rates: store.rates.clone(),
                users: store.users.clone(),
                events: store.events.clone(),
                mint_keys: store.mint_keys.clone(),
                callers: store.callers.clone(),
                audit: store.audit.clone(),
                providers,
                clock: clock.clone(),
                wall: Arc::new(SystemClock),
                entropy: Arc::new(SystemEntropy),
                // Each tenant has room of its own: what waits for the providers of one leaves that of the others free.
                beside: Arc::new(RuntimeTasks::new(tasks.clone())),
                observer: observer.clone(),
            }
        };
        let ports: MakePorts = Box::new(move |providers| before_store(ports(providers)));
        let more = parts::more_callers(more);
        let live = Live::begin(config, blueprints, ports, more, telemetry.clone(), clock.clone(), server.tls.clone())?;
        let (tenants, callers) = (live.tenants().clone(), live.callers().clone());
        // One of them keeps the memory that all share.
        let keeping = tenants.now().authorities().next().cloned().map(keeper::keeping);
        let inner = if config.edge.enabled { Some(Inner::build(config, names).await?) } else { None };
        let mut beside: Vec<BoxFuture<_>> = vec![sweeping, following];
        beside.extend([Box::pin(live.clone().resealing()) as BoxFuture<_>, Box::pin(live.clone().turning())]);
        beside.extend(keeping.map(|keeping| Box::pin(keeping) as BoxFuture<_>));
        beside.extend(watched::beside(config, telemetry, &live, &clock, &server.tasks).await?);
        Ok(Self { live, tenants, callers, server, listener, inner, clock, beside })
    }

    /// Reads the configuration again from `source` when the process is told to (SIGHUP), and when a file that it was read
    /// from changes; `loaded` is what this was built of. To be called on the async runtime.
    #[must_use]
    pub fn reloading(mut self, loaded: Loaded, source: Source) -> Self {
        self.live.was_read(&loaded);
        self.beside.push(Box::pin(reload::keeping(Arc::clone(&self.live), source, loaded, reload::asked())));
        self
    }

    /// The edge inside the process, to put more routes beside its own.
    #[must_use]
    pub fn edge(&self) -> Option<&Edge> {
        self.inner.as_ref().map(|inner| &inner.edge)
    }

    /// The clock that sessions are judged by; it knows how far this machine's is off.
    #[must_use]
    pub const fn clock(&self) -> &Arc<StoreClock> {
        &self.clock
    }

    /// Serves until `stop` completes, then drains: running calls, and work that has to come to its end, have the time of
    /// `server.shutdown_grace` together. `pages` stand beside the routes of the edge inside the process.
    ///
    /// # Errors
    /// When a server fails.
    pub async fn run(self, pages: Pages, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), AppError> {
        let (stopping, stopped) = watch::channel(None);
        tokio::spawn(async move {
            stop.await;
            stopping.send_replace(Some(Instant::now()));
        });
        let until = |mut stopped: watch::Receiver<Option<Instant>>| async move {
            // An error here means that nobody can ask to stop any more: the same.
            let _ = stopped.wait_for(Option::is_some).await;
        };
        let mut beside = JoinSet::new();
        self.beside.into_iter().for_each(|work| drop(beside.spawn(work)));
        let (tenants, ended) = (self.tenants.clone(), self.tenants.clone());
        let (drain, tasks) = (self.server.drain, self.server.tasks.clone());
        let over = |stopped| async move {
            until(stopped).await;
            tokio::time::sleep(drain).await;
        };
        let own_settings = ServerSettings { tls: None, ..self.server.clone() };
        let serving = async {
            let stop = until(stopped.clone());
            Ok(server::serve(self.tenants, self.callers, self.server, self.listener, stop).await?)
        };
        let result = match self.inner {
            None => serving.await,
            Some(inner) => {
                // It ends after the edge, whose running requests still ask it.
                let (edge_ends, edge_ended) = watch::channel(None);
                let own = async {
                    let stop = until(edge_ended);
                    let serving = server::serve(tenants, inner.own_callers, own_settings, inner.own_way, stop);
                    tokio::select! {
                        ended = serving => Ok(ended?),
                        () = over(stopped.clone()) => {
                            tracing::warn!(tasks = tasks.count(), "cut off: the edge's calls took too long to end");
                            Ok(())
                        }
                    }
                };
                let edge = async {
                    tokio::select! {
                        () = inner.edge.serve(pages, inner.listener, until(stopped.clone())) => {}
                        () = over(stopped.clone()) => {}
                    }
                    edge_ends.send_replace(Some(Instant::now()));
                    Ok(())
                };
                tokio::try_join!(serving, own, edge).map(|((), (), ())| ())
            }
        };
        let asked_at = stopped.borrow().unwrap_or_else(Instant::now);
        keeper::stop(beside, ended.now().authorities().next(), asked_at + drain).await;
        result
    }
}

impl Inner {
    /// The edge asks over a port of its own on loopback, with a key that nobody else knows, whatever TLS the public
    /// gRPC port asks for.
    async fn build(config: &Config, names: Names) -> Result<Self, AppError> {
        let listener = bind(config.edge.listen, names.edge).await?;
        let own_way = bind(SocketAddr::from(([127, 0, 0, 1], 0)), names.edge).await?;
        let failed = |error: &dyn std::fmt::Display| AppError::Edge(error.to_string());
        let address = own_way.local_addr().map_err(|error| failed(&error))?;
        let key = parts::fresh_key();
        let caller = Caller::new("edge inside", Role::Edge);
        let own_callers = Callers::new([(*key.hash().as_bytes(), caller)]);
        let options = ClientOptions::new(format!("http://{address}"), key.expose());
        let client = Client::connect(&options).map_err(|error| failed(&error))?;
        let mount_prefix = config.edge.mount_prefix.clone();
        let options = EdgeOptions { mount_prefix, route_sets: ROUTE_SETS.into(), ..EdgeOptions::default() };
        let edge = Edge::new(client, options).map_err(|error| failed(&error))?;
        Ok(Self { listener, own_way, own_callers, edge })
    }
}

/// Completes when the process is asked to end: SIGTERM, or Ctrl-C.
pub async fn asked_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
    tracing::info!("asked to stop");
}
