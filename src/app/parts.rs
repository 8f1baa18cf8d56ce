//! Owns how each part is built from the configuration. Does not know how the parts are joined.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::world::SystemEntropy;
use super::{AppError, providers, redis_store, settings, tenancy};
use crate::authority::ports::{
    AnswerStore, AuditStore, CallerKeyStore, Clock, Entropy as _, EventLog, LoginStore, LogoutStore, MintKeyStore,
    NamedTenant, RateStore, SessionStore, TenantStore, UserStore,
};
use crate::config::fault::{Fault, Faults};
use crate::config::store::Kind;
use crate::config::{self, Config};
use crate::crypto::{ApiKey, Secret};
use crate::rpc::callers::{Caller, Listed};
use crate::rpc::grpc_web::GrpcWebSettings;
use crate::rpc::policy::{self, Role};
use crate::rpc::server::ServerSettings;
use crate::rpc::tls::{Tls, TlsFault, TlsSettings};
use crate::store::embedded::EmbeddedStore;
use crate::store::redis::RedisStore;
use crate::telemetry::Telemetry;

/// A store, and what keeps it clean.
pub(super) struct Store {
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) logins: Arc<dyn LoginStore>,
    pub(super) logouts: Arc<dyn LogoutStore>,
    pub(super) answers: Arc<dyn AnswerStore>,
    pub(super) rates: Arc<dyn RateStore>,
    pub(super) events: Arc<dyn EventLog>,
    pub(super) users: Arc<dyn UserStore>,
    pub(super) mint_keys: Arc<dyn MintKeyStore>,
    pub(super) callers: Arc<dyn CallerKeyStore>,
    pub(super) audit: Arc<dyn AuditStore>,
    pub(super) tenants: Arc<dyn TenantStore>,
    pub(super) sweeping: BoxFuture<'static, ()>,
}

/// How often the embedded store forgets what has expired.
const SWEEP_EMBEDDED: Duration = Duration::from_secs(10);
/// How often an authority walks Redis's indexes for entries whose sessions have expired.
const SWEEP_REDIS: Duration = Duration::from_mins(10);

/// The store, in which the numbers of these tenants are their own.
///
/// # Errors
/// When it can't be used, or one of the numbers is another tenant's there.
pub(super) async fn store(
    config: &Config,
    clock: Arc<dyn Clock>,
    ephemeral: bool,
    tenants: Vec<NamedTenant>,
) -> Result<Store, AppError> {
    match config.store.kind {
        Kind::Embedded => {
            let path = config.store.embedded.path.as_path();
            let store = EmbeddedStore::open((!ephemeral).then_some(path), clock)?;
            store.claim(&tenants)??;
            let sweeping = Box::pin(store.sweeping(SWEEP_EMBEDDED));
            Ok(Store {
                sessions: store.clone(),
                logins: store.clone(),
                logouts: store.clone(),
                answers: store.clone(),
                rates: store.clone(),
                users: store.clone(),
                mint_keys: store.clone(),
                callers: store.clone(),
                audit: store.clone(),
                tenants: store.clone(),
                events: store,
                sweeping,
            })
        }
        Kind::Redis => {
            let settings = redis_store::settings(&config.store.redis, tenants)?;
            let store = RedisStore::connect(settings, Arc::new(SystemEntropy)).await?;
            let sweeping = Box::pin(store.sweeping(tenancy::numbers(config), SWEEP_REDIS));
            Ok(Store {
                sessions: store.clone(),
                logins: store.clone(),
                logouts: store.clone(),
                answers: store.clone(),
                rates: store.clone(),
                users: store.clone(),
                mint_keys: store.clone(),
                callers: store.clone(),
                audit: store.clone(),
                tenants: store.clone(),
                events: store,
                sweeping,
            })
        }
    }
}

/// What the store is called in metrics and traces (OpenTelemetry's `db.system.name`).
pub(super) const fn store_name(config: &Config) -> &'static str {
    match config.store.kind {
        Kind::Embedded => "gatelodge.embedded",
        Kind::Redis => "redis",
    }
}

/// What the parts would refuse of a configuration, as far as it can be said before a port or a connection is opened.
#[must_use]
pub fn faults(config: &Config) -> Vec<Fault> {
    let judged = [
        settings::settings(config).err(),
        providers::registry(config, &Telemetry::default()).err(),
        server(config).err(),
        listed(config).err(),
        redis_store::faults(config),
    ];
    judged.into_iter().flatten().flat_map(|faults| faults.0).collect()
}

/// The callers of the configuration.
pub(super) fn callers(config: &Config) -> impl Iterator<Item = Listed> {
    config.callers.iter().map(|caller| {
        let role = role_of(caller.role);
        // What is no list, `listed` has refused before.
        let rpcs = policy::listed(&caller.rpcs, role).unwrap_or_default();
        Listed {
            caller: Caller {
                tenants: tenancy::scope(config, &caller.tenants),
                rpcs,
                ..Caller::new(&caller.name, role)
            },
            key: caller.key_hash.map(|hash| *hash.as_bytes()),
            identities: caller.identities.clone(),
        }
    })
}

/// Those that stand beside the ones of the configuration.
pub(super) fn more_callers(more: Vec<(ApiKey, Caller)>) -> Vec<Listed> {
    let listed = |(key, caller): (ApiKey, Caller)| {
        let key = Some(*key.hash().as_bytes());
        Listed { caller, key, identities: Vec::new() }
    };
    more.into_iter().map(listed).collect()
}

const fn role_of(role: config::callers::Role) -> Role {
    match role {
        config::callers::Role::Edge => Role::Edge,
        config::callers::Role::Backend => Role::Backend,
        config::callers::Role::Admin => Role::Admin,
    }
}

/// What callers list that there is not, or that their role may not call.
pub(super) fn listed(config: &Config) -> Result<(), Faults> {
    let mut faults = Vec::new();
    for (at, caller) in config.callers.iter().enumerate() {
        let role = role_of(caller.role);
        for place in policy::listed(&caller.rpcs, role).err().unwrap_or_default() {
            let message = format!(
                "no RPC that the role {} may call; expected one such as `SessionService/ValidateSession`, or `*` alone",
                role.name()
            );
            faults.push(Fault::of(format!("callers[{at}].rpcs[{place}]"), message));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
}

/// The gRPC server's settings, its TLS files read and tried.
pub(super) fn server(config: &Config) -> Result<ServerSettings, Faults> {
    let server = &config.server;
    Ok(ServerSettings {
        tls: tls(&server.tls)?,
        max_message_bytes: server.limits.max_message_bytes,
        max_in_flight: server.limits.max_in_flight,
        drain: server.shutdown_grace.get(),
        max_connection_age: server.max_connection_age.get(),
        grpc_web: server.grpc_web.enabled.then(|| grpc_web(&server.grpc_web)),
        ..ServerSettings::default()
    })
}

fn grpc_web(settings: &config::server::GrpcWeb) -> GrpcWebSettings {
    let allowed_origins = settings.allowed_origins.iter().map(|origin| origin.0.clone());
    GrpcWebSettings { allowed_origins: allowed_origins.collect() }
}

/// TLS of the gRPC port, its files read and tried; `None` where it is off.
pub(super) fn tls(tls: &config::server::Tls) -> Result<Option<Tls>, Faults> {
    let (Some(certificate), Some(key)) = (&tls.cert_file, &tls.key_file) else { return Ok(None) };
    let mut faults = Vec::new();
    let mut read =
        |key: &str, path: &Path| file(format!("server.tls.{key}"), path).map_err(|fault| faults.push(fault)).ok();
    let (certificate, key) = (read("cert_file", certificate), read("key_file", key));
    let client_ca = tls.client_ca_file.as_deref().and_then(|path| read("client_ca_file", path));
    let client_crl = tls.client_crl_file.as_deref().and_then(|path| read("client_crl_file", path));
    let (Some(certificate), Some(key), true) = (certificate, key, faults.is_empty()) else {
        return Err(Faults(faults));
    };
    let key = Secret::new(String::from_utf8_lossy(&key).into_owned());
    Tls::new(&TlsSettings { certificate, key, client_ca, client_crl }).map(Some).map_err(|fault| {
        let (key, path) = match fault {
            TlsFault::Certificate => ("cert_file", &tls.cert_file),
            TlsFault::Key | TlsFault::Identity => ("key_file", &tls.key_file),
            TlsFault::ClientCa => ("client_ca_file", &tls.client_ca_file),
            TlsFault::ClientCrl => ("client_crl_file", &tls.client_crl_file),
        };
        let path = path.as_deref().unwrap_or(Path::new(""));
        Fault::of(format!("server.tls.{key}"), format!("{} {fault}", path.display())).into()
    })
}

pub(super) fn file(key: String, path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| Fault::of(key, format!("can't read {}: {error}", path.display())))
}

/// A new API key.
#[must_use]
pub fn fresh_key() -> ApiKey {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    ApiKey::generate(&bytes)
}

pub(super) fn no_secrets() -> Faults {
    Fault::of("app.sessions.signing_secret", "no secret is set; see SESSION_SIGNING_SECRET and CSRF_SIGNING_SECRET")
        .into()
}
