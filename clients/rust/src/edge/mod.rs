//! Owns the edge: the routes that log people in and out, mounted in an application or served by themselves. Decides
//! nothing: it passes on what came and copies what comes back.

mod door;
mod layer;
mod route;
mod routes;
mod serve;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::gate::Gate;
use crate::settings::Settings;
use crate::v1;
use crate::v1::RouteSet;
pub use layer::EdgeLayer;
use route::Route;
pub use serve::ServeLimits;

/// Where the edge's routes are mounted, and which of them; and what a served edge puts up with.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// What stands before the paths of the contract: empty, or a path such as `/app`. It has to be the authority's.
    pub mount_prefix: String,
    /// The route sets to mount. A mounted set answers once the authority says that it is on.
    pub route_sets: Vec<RouteSet>,
    /// For [`Edge::serve`]; an application that serves the routes itself has limits of its own.
    pub limits: ServeLimits,
}

/// Every route set that this edge can serve: for an edge with nothing beside it, where the authority alone says which are on.
pub const ROUTE_SETS: [RouteSet; 4] = [RouteSet::Web, RouteSet::Api, RouteSet::Spa, RouteSet::Proxy];

impl Default for EdgeOptions {
    fn default() -> Self {
        Self { mount_prefix: String::new(), route_sets: vec![RouteSet::Web], limits: ServeLimits::default() }
    }
}

/// The mount prefix is not empty and not a plain path like `/app`.
#[derive(thiserror::Error)]
#[error("the mount prefix has to be empty or a path like /app, without a slash at its end, not \"{0}\"")]
pub struct MountPrefixError(String);

/// As people read it: a `main` that gives an error back shows no more of it than this.
impl fmt::Debug for MountPrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The routes that log people in and out.
#[derive(Clone, Debug)]
pub struct Edge {
    gate: Gate,
    options: Arc<EdgeOptions>,
}

impl Edge {
    /// Begins to ask the authority for the settings. Until they have come the routes answer 503. Call it inside a Tokio
    /// runtime.
    ///
    /// # Errors
    /// When the mount prefix can't be one.
    pub fn new(client: Client, options: EdgeOptions) -> Result<Self, MountPrefixError> {
        if !is_mount_prefix(&options.mount_prefix) {
            return Err(MountPrefixError(options.mount_prefix));
        }
        let options = Arc::new(options);
        let mounted = Arc::clone(&options);
        Ok(Self { gate: Gate::with_watcher(client, move |settings| check_callbacks(&mounted, settings)), options })
    }

    /// The edge's client and settings, for sessions on the application's own routes.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The routes, to be merged into an application's router; a path of a set that is off is 404. Serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, so that the authority learns the peer's address.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.mounted().fold(Router::new(), |router, (path, route)| {
            let gate = self.gate.clone();
            let answer =
                move |request: Request| async move { routes::answer(&gate, route, request).await.map(Body::from) };
            router.route(&path, any(answer))
        })
    }

    /// The routes as a layer before an application of any framework that speaks tower: `application.layer(edge.layer())`.
    /// Where the authority says that a route set is off, its paths are the application's own.
    #[must_use]
    pub fn layer(&self) -> EdgeLayer {
        EdgeLayer::new(self.gate.clone(), self.mounted().collect())
    }

    /// The routes that are mounted, by their whole paths.
    fn mounted(&self) -> impl Iterator<Item = (String, Route)> {
        let sets = self.options.route_sets.iter().map(|set| match set {
            RouteSet::Unspecified | RouteSet::Web => RouteSet::Web,
            RouteSet::Api => RouteSet::Api,
            RouteSet::Spa => RouteSet::Spa,
            RouteSet::Proxy => RouteSet::Proxy,
        });
        let is_mounted = move |route: &Route| sets.clone().any(|set| set == route.set());
        let prefix = &self.options.mount_prefix;
        Route::ALL.into_iter().filter(is_mounted).map(move |route| (format!("{prefix}{}", route.path()), route))
    }

    /// Serves the routes, and `pages` beside them, until `shutdown`; then lets running requests finish. What browsers may
    /// take of it is bounded: see [`ServeLimits`].
    pub async fn serve(&self, pages: Router, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        serve::serve(pages.layer(self.layer()), listener, self.options.limits, shutdown).await;
    }
}

fn is_mount_prefix(prefix: &str) -> bool {
    let plain = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    prefix.is_empty() || prefix.strip_prefix('/').is_some_and(|path| path.split('/').all(plain))
}

/// A browser that comes back from a provider to a path that is not ours ends in an unknown page: say so at start.
fn check_callbacks(options: &EdgeOptions, settings: &Settings) {
    let ours = format!("{}{}", options.mount_prefix, Route::Callback.path());
    if let Some(configured) = other_callback(&ours, &settings.callbacks) {
        tracing::error!(
            ours,
            configured,
            "providers send browsers back to another path than this edge's callback: logins will fail. Give this edge \
             and the authority the same mount prefix"
        );
    }
}

/// A callback address of our route set, when there are some and none has our path.
fn other_callback<'a>(ours: &str, addresses: &'a [v1::CallbackAddress]) -> Option<&'a str> {
    let is_ours = |url: &str| url.parse::<http::Uri>().is_ok_and(|uri| uri.path() == ours);
    let mut of_set = addresses.iter().filter(|address| address.route_set() == Route::Callback.set());
    let first = of_set.next()?;
    (!is_ours(&first.url) && !of_set.any(|address| is_ours(&address.url))).then_some(&first.url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_prefix_is_a_plain_path() {
        assert!(["", "/app", "/a/b-c_d.e~f"].into_iter().all(is_mount_prefix));
        assert!(
            !["/", "app", "/app/", "//a", "/{id}", "/a b", "/a?b", "/*rest", "/ä"].into_iter().any(is_mount_prefix)
        );
    }

    #[test]
    fn a_callback_elsewhere_is_noticed() {
        let address = |url: &str| v1::CallbackAddress {
            route_set: RouteSet::Web.into(),
            provider: "google".into(),
            url: url.into(),
        };
        let plain = address("http://localhost:8000/auth/web/callback");
        let app = address("https://a.example/app/auth/web/callback");
        assert_eq!(other_callback("/auth/web/callback", &[app.clone(), plain.clone()]), None);
        assert_eq!(other_callback("/auth/web/callback", &[]), None);
        assert_eq!(other_callback("/auth/web/callback", std::slice::from_ref(&app)), Some(app.url.as_str()));
        assert_eq!(other_callback("/app/auth/web/callback", std::slice::from_ref(&plain)), Some(plain.url.as_str()));
    }
}
