//! Owns `gatelodge dev`: authority, edge, development provider and demo page in one process, ready to try.
//! Does not know the command line.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use gatelodge_client::{Session, Timestamp};

use super::banner::Banner;
use super::demo::{self, DemoOptions, DemoProvider, DemoSession};
use super::provider::{DevProvider, DevProviderRefused, DevProviderSettings, PASSWORD, Told, USERNAMES};
use super::{DevelopmentOnly, keys};
use crate::app::world::{SystemClock, SystemEntropy};
use crate::app::{self as application, App, AppError, Names};
use crate::config::edge::RouteSet;
use crate::config::oidc::{AccessTokens, Oidc, Provider, TokenCheck};
use crate::config::period::Period;
use crate::config::store::Kind;
use crate::config::{Config, app};
use crate::crypto::Secret;
use crate::rpc::callers::Caller;
use crate::rpc::policy::Role;
use crate::store::embedded::OpenError;
use crate::telemetry::Telemetry;

/// What can be chosen for a development run.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// Where the authority listens.
    pub listen: SocketAddr,
    /// Where the edge with the demo page listens.
    pub edge_listen: SocketAddr,
    /// Where the development provider listens.
    pub provider_listen: SocketAddr,
    /// Whether sessions and keys are gone when it ends.
    pub ephemeral: bool,
    /// Where they are kept otherwise.
    pub folder: PathBuf,
    /// What else is configured: providers to offer beside the development provider, another store, other times.
    /// Addresses, and the folder of the embedded store, are those above.
    pub base: Config,
}

/// Why it did not run.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The authority or its edge did not.
    #[error(transparent)]
    App(#[from] AppError),
    /// The development provider did not.
    #[error(transparent)]
    Provider(#[from] DevProviderRefused),
    /// Anybody on the network could log in with a password that is printed in the documentation.
    #[error(
        "the development provider is for this machine alone: --provider-listen takes a loopback address and a port, such \
         as 127.0.0.1:8090"
    )]
    ProviderListen,
    /// Another process has the folder's sessions.
    #[error("another process uses the folder {}; give this one another with --folder, or use --ephemeral", .0.display())]
    FolderInUse(PathBuf),
    /// The folder can't be used.
    #[error("can't use the folder {folder}: {source}; change it with --folder, or use --ephemeral")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

const NAMES: Names = Names { server: "--listen", edge: "--edge-listen" };
const PROVIDER: &str = "dev";
const CLIENT_ID: &str = "gatelodge-dev";
const CLIENT_SECRET: &str = "not a secret: the provider is on this machine";

/// Runs until `stop` completes. `announce` gets the text to show once everything listens.
///
/// # Errors
/// When a port is taken, or the folder can't be used.
pub async fn run(
    only: &DevelopmentOnly,
    options: DevOptions,
    telemetry: &Telemetry,
    announce: impl FnOnce(&str),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DevError> {
    if !options.provider_listen.ip().is_loopback() || options.provider_listen.port() == 0 {
        return Err(DevError::ProviderListen);
    }
    let keys = if options.ephemeral { keys::fresh() } else { keep(&options.folder)? };
    let issuer = format!("http://{}", options.provider_listen);
    let config = config(&options, &issuer);
    let base = &config.app.redirects.public_base_url;
    // One for each tenant that the configuration has.
    let bases: Vec<_> = config.tenancies().map(|tenancy| tenancy.app.redirects.public_base_url).collect();
    let at = |path: &str| bases.iter().map(|base| format!("{base}{path}")).collect::<Vec<_>>();
    let front_ends = config
        .tenancies()
        .filter(|tenancy| tenancy.edge.routes.contains(&RouteSet::Spa))
        .map(|tenancy| tenancy.app.spa.page_at(&tenancy.app.redirects.public_base_url).replace("{provider}", PROVIDER));
    let provider = DevProvider::new(
        only,
        DevProviderSettings {
            issuer: issuer.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: Secret::new(CLIENT_SECRET),
            redirect_uris: at("/auth/web/callback")
                .into_iter()
                .chain(at(&format!("/v1/auth/oidc/{PROVIDER}/callback")))
                .chain(front_ends)
                .collect(),
            post_logout_redirect_uris: at("/auth/web/logged-out"),
            told: Some(Told { at: options.edge_listen, addresses: at("/auth/web/backchannel-logout") }),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        },
    )?;
    let provider_listener = application::bind(options.provider_listen, "--provider-listen").await?;
    let callers = keys.each().map(|(role, key)| (key.clone(), Caller::new(role.name(), role))).into();
    let app = App::build(&config, callers, options.ephemeral, NAMES, telemetry).await;
    let app = app.map_err(|error| match error {
        AppError::Embedded(OpenError::InUse { .. }) => DevError::FolderInUse(options.folder.clone()),
        other => other.into(),
    })?;
    let pages = app.edge().map(|edge| pages(edge.gate(), &config)).unwrap_or_default();
    let authority = options.listen.to_string();
    let store = store_in_words(&options, &config);
    let secret = |role| Secret::new(keys.of(role).expose());
    let edge = demo_page(options.edge_listen, base);
    let banner = Banner {
        edge: &edge,
        provider: &issuer,
        authority: &authority,
        store: &store,
        session_cookie: &config.app.sessions.cookie.name,
        edge_key: &secret(Role::Edge),
        backend_key: &secret(Role::Backend),
        admin_key: &secret(Role::Admin),
    };
    announce(&banner.to_string());
    let serving = tokio::spawn(async move { axum::serve(provider_listener, provider.router()).await });
    let ended = app.run(pages, stop).await;
    serving.abort();
    Ok(ended?)
}

/// Where the demo page is, in words. Another address or port of this machine leaves that of the configuration to a program of
/// the developer's own, where logins come back to.
fn demo_page(edge: SocketAddr, base: &str) -> String {
    let ip = edge.ip();
    let is_localhost = ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST || ip.is_unspecified();
    if is_localhost && base.ends_with(&format!(":{}", edge.port())) {
        return base.to_owned();
    }
    format!("http://{edge} (logins come back to {base}, which is your program's)")
}

fn keep(folder: &Path) -> Result<keys::Keys, DevError> {
    keys::kept(folder).map_err(|source| DevError::Folder { folder: folder.to_owned(), source })
}

fn store_in_words(options: &DevOptions, config: &Config) -> String {
    match config.store.kind {
        Kind::Redis => "in Redis".into(),
        Kind::Embedded if options.ephemeral => "in memory, gone when this ends".into(),
        Kind::Embedded => options.folder.display().to_string(),
    }
}

fn config(options: &DevOptions, issuer: &str) -> Config {
    let mut config = Config { development: true, ..options.base.clone() };
    let provider = Provider {
        issuer: Some(issuer.to_owned()),
        client_id: Some(CLIENT_ID.into()),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        display_name: Some("the development provider".into()),
        roles_claims: Some(vec!["roles".into()]),
        permissions_claims: Some(vec!["permissions".into()]),
        claims: ["given_name", "family_name"].map(str::to_owned).into(),
        // Its access tokens are for its own userinfo alone; here they stand in for those of an API.
        access_tokens: AccessTokens {
            check: TokenCheck::Jwt,
            audiences: vec![issuer.to_owned()],
            ..AccessTokens::default()
        },
        ..Provider::default()
    };
    let port = options.edge_listen.port();
    let local = |oidc: &mut Oidc, app: &mut app::App, host: String| {
        oidc.providers.insert(PROVIDER.into(), provider.clone());
        oidc.refresh_tokens.enabled = true;
        oidc.refresh_tokens.persist_in_session_store = true;
        // A proxy may stand before the edge: then the configuration says where browsers find it.
        if app.redirects.public_base_url == app::Redirects::default().public_base_url {
            app.redirects.public_base_url = format!("http://{host}:{port}");
        }
        app.sessions.idle_timeout.get_or_insert(Period::seconds(1800));
    };
    local(&mut config.oidc, &mut config.app, "localhost".to_owned());
    config.tenant.hosts.clear();
    for (name, tenant) in &mut config.tenants {
        // Every browser takes such a name for this machine's (RFC 6761, 6.3).
        local(&mut tenant.oidc, &mut tenant.app, format!("{name}.localhost"));
        tenant.hosts.clear();
    }
    config.store.embedded.path = options.folder.join("sessions.redb");
    config.server.listen = options.listen;
    config.edge.enabled = true;
    config.edge.listen = options.edge_listen;
    config
}

/// The demo page, its two routes behind a layer that validates, and a page behind one that asks for a strong login.
fn pages(gate: &gatelodge_client::Gate, config: &Config) -> Router {
    let offered = config.oidc.providers.iter().filter(|(_, provider)| provider.enabled);
    let remembered = &config.app.sessions.remember_me;
    let options = DemoOptions {
        providers: offered
            .map(|(name, provider)| DemoProvider {
                name: name.clone(),
                display_name: provider.display_name_of(name).to_owned(),
            })
            .collect(),
        authority: config.server.listen.to_string(),
        session_cookie: config.app.sessions.cookie.name.clone(),
        csrf_header: config.app.sessions.csrf_header.clone(),
        remember_seconds: remembered.enabled.then(|| Duration::from(remembered.max_age).as_secs()),
        test_users: USERNAMES.map(str::to_owned).into(),
        test_password: Some(PASSWORD.into()),
    };
    // Of the routes alone: what nobody has mounted is not asked about.
    let strong =
        demo::behind_strong_login().route_layer(from_fn(hand_over)).route_layer(gate.require().acr_values(["2"]));
    let session = demo::behind_session().route_layer(from_fn(hand_over)).route_layer(gate.require());
    demo::pages(&options).merge(session).merge(strong)
}

/// Hands the validated session to the demo in its own form.
async fn hand_over(session: Session, mut request: Request, next: Next) -> Response {
    let (identity, info) = (session.identity(), session.info());
    request.extensions_mut().insert(DemoSession {
        user_id: session.user_id().to_owned(),
        name: identity.name.clone(),
        email: identity.email.clone(),
        picture: identity.picture.clone(),
        provider: session.provider().to_owned(),
        session_id: info.session_id.clone(),
        created: millis(info.create_time),
        last_active: millis(info.last_active_time),
        idle_end: millis(info.idle_expire_time),
        absolute_end: millis(info.absolute_expire_time),
        remembered: info.remembered,
    });
    next.run(request).await
}

fn millis(moment: Option<Timestamp>) -> u64 {
    let moment = moment.unwrap_or_default();
    u64::try_from(moment.seconds * 1000 + i64::from(moment.nanos / 1_000_000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_page_is_where_its_edge_listens_and_logins_come_back_there_or_to_ones_own_program() {
        let page = |edge: &str, base: &str| demo_page(edge.parse().unwrap(), base);
        assert_eq!(page("127.0.0.1:8000", "http://localhost:8000"), "http://localhost:8000");
        assert_eq!(page("[::1]:8000", "http://localhost:8000"), "http://localhost:8000");
        for edge in ["127.0.0.2:8080", "127.0.0.1:8000"] {
            let said = page(edge, "http://localhost:8080");
            assert!(said.starts_with(&format!("http://{edge} ")) && said.contains("http://localhost:8080"), "{said}");
        }
    }
}
