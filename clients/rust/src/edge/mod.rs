//! Owns the edge: the routes that log people in and out, mounted in an application or served by themselves. Decides
//! nothing: it passes on what came and copies what comes back.

mod cors;
mod routes;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::gate::Gate;
use crate::settings::Settings;
use crate::v1::RouteSet;
use routes::Route;

/// Where the edge's routes are mounted, and which of them.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// What stands before the paths of the contract: empty, or a path such as `/app`. It has to be the authority's.
    pub mount_prefix: String,
    /// The route sets to mount. A mounted set answers once the authority says that it is on.
    pub route_sets: Vec<RouteSet>,
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self { mount_prefix: String::new(), route_sets: vec![RouteSet::Web] }
    }
}

/// The mount prefix is not empty and not a plain path like `/app`.
#[derive(Debug, thiserror::Error)]
#[error("the mount prefix has to be empty or a path like /app, without a slash at its end, not \"{0}\"")]
pub struct MountPrefixError(String);

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

    /// The routes, to be merged into an application's router. Serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, so that the authority learns the peer's address.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let mounted = self.options.route_sets.iter().map(|set| match set {
            RouteSet::Unspecified | RouteSet::Web => RouteSet::Web,
        });
        let routes = Route::ALL.into_iter().filter(|route| mounted.clone().any(|set| set == route.set()));
        routes.fold(Router::new(), |router, route| {
            let gate = self.gate.clone();
            let answer = move |request: Request| async move { routes::answer(&gate, route, request).await };
            router.route(&format!("{}{}", self.options.mount_prefix, route.path()), any(answer))
        })
    }

    /// Serves the routes and nothing else until `shutdown`, then lets running requests finish.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let service = self.router::<()>().into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(shutdown).await
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
    let expected = format!("{}{}", options.mount_prefix, Route::Callback.path());
    let of_ours = settings.callbacks.iter().filter(|address| address.route_set() == Route::Callback.set());
    let paths: Vec<_> = of_ours.map(|address| path_of(&address.url)).collect();
    if !paths.is_empty() && !paths.contains(&Some(expected.clone())) {
        let configured: Vec<_> = settings.callbacks.iter().map(|address| address.url.as_str()).collect();
        tracing::error!(
            ours = expected,
            ?configured,
            "providers send browsers back to another path than this edge's callback: logins will fail. Give this edge \
             and the authority the same mount prefix"
        );
    }
}

fn path_of(url: &str) -> Option<String> {
    url.parse::<http::Uri>().ok().map(|uri| uri.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::is_mount_prefix;

    #[test]
    fn a_mount_prefix_is_a_plain_path() {
        assert!(["", "/app", "/a/b-c_d.e~f"].into_iter().all(is_mount_prefix));
        assert!(
            !["/", "app", "/app/", "//a", "/{id}", "/a b", "/a?b", "/*rest", "/ä"].into_iter().any(is_mount_prefix)
        );
    }
}
