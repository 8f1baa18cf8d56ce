//! Owns how each part is built from the configuration. Does not know how the parts are joined.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use url::Url;

use super::world::SystemEntropy;
use super::{AppError, settings, tenancy};
use crate::authority::access_token::TokenCheck;
use crate::authority::logout_notice::LogoutChannels;
use crate::authority::ports::{
    Clock, Entropy as _, EventLog, LoginStore, LogoutStore, MintKeyStore, NamedTenant, SessionStore, TenantStore,
    UserStore,
};
use crate::config::fault::{Fault, Faults};
use crate::config::store::Kind;
use crate::config::{self, Config};
use crate::crypto::{ApiKey, Secret};
use crate::providers::Registry;
use crate::providers::http::HttpSettings;
use crate::providers::oauth2::{Dialect, Mapping, OAuth2Settings};
use crate::providers::oidc::{AccessTokenSettings, LogoutSettings, OidcSettings, Userinfo};
use crate::providers::registration::{Registration, SettingsFault};
use crate::providers::registry::ProviderSettings;
use crate::providers::rights::RightsMapping;
use crate::providers::token_endpoint::ClientAuth;
use crate::rpc::callers::{Caller, Callers};
use crate::rpc::policy::Role;
use crate::rpc::server::{ServerSettings, TlsFault, TlsSettings};
use crate::store::embedded::EmbeddedStore;
use crate::store::redis::{RedisSettings, RedisStore};

/// A store, and what keeps it clean.
pub(super) struct Store {
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) logins: Arc<dyn LoginStore>,
    pub(super) logouts: Arc<dyn LogoutStore>,
    pub(super) events: Arc<dyn EventLog>,
    pub(super) users: Arc<dyn UserStore>,
    pub(super) mint_keys: Arc<dyn MintKeyStore>,
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
                users: store.clone(),
                mint_keys: store.clone(),
                tenants: store.clone(),
                events: store,
                sweeping,
            })
        }
        Kind::Redis => {
            let redis = &config.store.redis;
            let settings = RedisSettings {
                urls: redis.urls.iter().map(|url| with_credentials(url.secret(), redis)).collect(),
                cluster: redis.cluster,
                key_prefix: redis.key_prefix.clone(),
                connect_timeout: redis.connect_timeout.get(),
                response_timeout: redis.command_timeout.get(),
                allow_eviction: redis.allow_eviction,
                tenants,
            };
            let store = RedisStore::connect(settings, Arc::new(SystemEntropy)).await?;
            let sweeping = Box::pin(store.sweeping(tenancy::numbers(config), SWEEP_REDIS));
            Ok(Store {
                sessions: store.clone(),
                logins: store.clone(),
                logouts: store.clone(),
                users: store.clone(),
                mint_keys: store.clone(),
                tenants: store.clone(),
                events: store,
                sweeping,
            })
        }
    }
}

/// A node's address with the user name and password that are configured for every node. What is no address is left
/// for the store to refuse.
fn with_credentials(address: &Secret, redis: &config::store::Redis) -> Secret {
    let Ok(mut url) = Url::parse(address.expose()) else { return address.clone() };
    let named = redis.username.as_deref().is_none_or(|name| url.set_username(name).is_ok());
    let opened = redis.password.as_ref().is_none_or(|password| url.set_password(Some(password.expose())).is_ok());
    if named && opened { Secret::new(url) } else { address.clone() }
}

/// What the parts would refuse of a configuration, as far as it can be said before a port or a connection is opened.
#[must_use]
pub fn faults(config: &Config) -> Vec<Fault> {
    let judged = [settings::settings(config).err(), providers(config).err(), server(config).err()];
    judged.into_iter().flatten().flat_map(|faults| faults.0).collect()
}

/// The providers that are enabled, in the order of their names; of the others the issuers, for the sake of sessions that
/// live on.
pub(super) fn providers(config: &Config) -> Result<Registry, Faults> {
    let enabled = config.oidc.providers.iter().filter(|(_, provider)| provider.enabled);
    let mut faults = Vec::new();
    let settings = enabled
        .filter_map(|(name, provider)| settings_of(config, name, provider).map_err(|fault| faults.push(fault)).ok());
    let settings = settings.collect();
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let others = config.oidc.providers.iter().filter(|(_, provider)| !provider.enabled);
    let others = others.filter_map(|(name, provider)| Some((name.as_str(), provider.issuer_of(name)?)));
    Registry::new(settings, HttpSettings::default()).map(|registry| registry.with_others(others)).map_err(|faults| {
        let fault = |SettingsFault { provider, key, fault }: SettingsFault| match key {
            "name" => Fault::of(format!("oidc.providers.{provider}"), fault),
            key => Fault::of(format!("oidc.providers.{provider}.{key}"), fault),
        };
        Faults(faults.into_iter().map(fault).collect())
    })
}

fn settings_of(config: &Config, name: &str, provider: &config::oidc::Provider) -> Result<ProviderSettings, Fault> {
    let registration = registration(config, name, provider)?;
    Ok(match provider.kind_of(name) {
        config::oidc::Kind::Oidc => oidc(registration, name, provider).into(),
        config::oidc::Kind::OAuth2 => oauth2(registration, name, provider).into(),
    })
}

fn registration(config: &Config, name: &str, provider: &config::oidc::Provider) -> Result<Registration, Fault> {
    let issuer = provider.issuer_of(name).unwrap_or_default();
    let client_id = provider.client_id.as_deref().unwrap_or_default();
    let base = Registration::new(name, issuer, client_id, provider.client_secret.clone().unwrap_or_default());
    let refresh = &config.oidc.refresh_tokens;
    let ca =
        provider.ca_file.as_deref().map(|path| file(format!("oidc.providers.{name}.ca_file"), path)).transpose()?;
    Ok(Registration {
        display_name: provider.display_name_of(name).to_owned(),
        client_auth: match provider.client_auth {
            config::oidc::ClientAuth::Auto => ClientAuth::Auto,
            config::oidc::ClientAuth::ClientSecretBasic => ClientAuth::Basic,
            config::oidc::ClientAuth::ClientSecretPost => ClientAuth::Post,
        },
        scopes: provider.scopes_of(name),
        claims: provider.claims_of(name),
        rights: RightsMapping {
            scopes: provider.further_scopes_claims(),
            roles: provider.roles_claims_of(name),
            permissions: provider.permissions_claims_of(name),
            is_wanted: [&provider.roles_claims, &provider.permissions_claims, &provider.scopes_claims]
                .iter()
                .any(|own| own.is_some()),
        },
        extra_parameters: provider.extra_parameters.clone(),
        keep_refresh_token: refresh.enabled && refresh.persist_in_session_store,
        development: config.development,
        ca,
        allow_private_network: provider.allow_private_network,
        ..base
    })
}

fn oidc(registration: Registration, name: &str, provider: &config::oidc::Provider) -> OidcSettings {
    OidcSettings {
        read_access_token: provider.reads_access_token(name),
        userinfo: match provider.userinfo {
            config::oidc::Userinfo::Never => Userinfo::Never,
            config::oidc::Userinfo::WhenNeeded => Userinfo::WhenNeeded,
            config::oidc::Userinfo::Always => Userinfo::Always,
        },
        clock_leeway: provider.clock_leeway.get(),
        signing_algs: provider.signing_algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
        access_tokens: AccessTokenSettings {
            check: match provider.access_tokens.check {
                config::oidc::TokenCheck::Off => TokenCheck::Off,
                config::oidc::TokenCheck::Jwt => TokenCheck::Jwt,
                config::oidc::TokenCheck::Introspection => TokenCheck::Introspection,
            },
            audiences: provider.access_tokens.audiences.clone(),
            permissions_claim: provider.access_tokens.permissions_claim.clone(),
            keep_answers_for: provider.access_tokens.keep_answers_for.get(),
        },
        logout: LogoutSettings {
            channels: LogoutChannels { back: provider.logout.backchannel, front: provider.logout.frontchannel },
            untyped_tokens: provider.logout.untyped_tokens,
        },
        exchange_audiences: provider.token_exchange.enabled.then(|| provider.token_exchange.audiences.clone()),
        ..OidcSettings::new(registration)
    }
}

fn oauth2(registration: Registration, name: &str, provider: &config::oidc::Provider) -> OAuth2Settings {
    match provider.preset_of(name) {
        Some(config::oidc::Preset::GitHub) => return OAuth2Settings::github(registration),
        Some(config::oidc::Preset::Discord) => return OAuth2Settings::discord(registration),
        _ => {}
    }
    let own = provider.oauth2.clone();
    let config::oidc::OAuth2Claims { sub, email, email_verified, name, picture } = own.claims;
    OAuth2Settings {
        registration,
        dialect: Dialect::Plain,
        authorization_endpoint: own.authorization_endpoint.unwrap_or_default(),
        token_endpoint: own.token_endpoint.unwrap_or_default(),
        profile_endpoint: own.profile_endpoint.unwrap_or_default(),
        emails_endpoint: None,
        revocation_endpoint: own.revocation_endpoint,
        response_issuer: own.response_issuer,
        mapping: Mapping { sub, email, email_verified, name, picture },
    }
}

/// The callers of the configuration, and `more`.
pub(super) fn callers(config: &Config, more: Vec<(ApiKey, Caller)>) -> Callers {
    let configured = config.callers.iter().map(|caller| {
        let role = match caller.role {
            config::callers::Role::Edge => Role::Edge,
            config::callers::Role::Backend => Role::Backend,
            config::callers::Role::Admin => Role::Admin,
        };
        (
            *caller.key_hash.as_bytes(),
            Caller { tenants: tenancy::scope(config, &caller.tenants), ..Caller::new(&caller.name, role) },
        )
    });
    Callers::new(configured.chain(more.into_iter().map(|(key, caller)| (*key.hash().as_bytes(), caller))))
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
        ..ServerSettings::default()
    })
}

fn tls(tls: &config::server::Tls) -> Result<Option<TlsSettings>, Faults> {
    let (Some(certificate), Some(key)) = (&tls.cert_file, &tls.key_file) else { return Ok(None) };
    let mut faults = Vec::new();
    let mut read =
        |key: &str, path: &Path| file(format!("server.tls.{key}"), path).map_err(|fault| faults.push(fault)).ok();
    let (certificate, key) = (read("cert_file", certificate), read("key_file", key));
    let client_ca = tls.client_ca_file.as_deref().and_then(|path| read("client_ca_file", path));
    let (Some(certificate), Some(key), true) = (certificate, key, faults.is_empty()) else {
        return Err(Faults(faults));
    };
    let key = Secret::new(String::from_utf8_lossy(&key).into_owned());
    let settings = TlsSettings { certificate, key, client_ca };
    match settings.fault() {
        None => Ok(Some(settings)),
        Some(TlsFault::Identity) => {
            let message = "this and `key_file` are no PEM certificate chain and the key that belongs to it";
            Err(Fault::of("server.tls.cert_file", message).into())
        }
        Some(TlsFault::ClientCa) => Err(Fault::of("server.tls.client_ca_file", "has no PEM certificate").into()),
    }
}

fn file(key: String, path: &Path) -> Result<Vec<u8>, Fault> {
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
