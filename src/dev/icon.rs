//! Owns the icon of the development pages. Does not know the pages.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::get;

/// The icon, at the address that pages link to, and at the one that browsers ask for where nothing links to one.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let icon = async || {
        let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")];
        (headers, include_str!("icon.svg")).into_response()
    };
    Router::new().route("/icon.svg", get(icon)).route("/favicon.ico", get(icon))
}
