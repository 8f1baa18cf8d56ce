//! Owns gRPC-Web: the same calls from a page, over HTTP/1.1 too. Does not know a call, nor who may make it.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, header};
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};
use tower_http::cors::CorsLayer;

/// Whose pages may call.
#[derive(Clone, Debug, Default)]
pub struct GrpcWebSettings {
    /// Their origins, exact. What is no browser sends none, and needs none.
    pub allowed_origins: Vec<String>,
}

/// What the clients of browsers send and read beside the message.
const SENT: [HeaderName; 7] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-tenant-id"),
    HeaderName::from_static("x-user-agent"),
];
const READ: [HeaderName; 5] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static("x-request-id"),
    header::RETRY_AFTER,
];
const PREFLIGHT_IS_GOOD_FOR: Duration = Duration::from_hours(1);

/// Stands before the gate: a preflight is answered here, and whatever goes on is a call like every other. Cookies are
/// nothing to it (the key is a header), so no page is allowed credentials.
pub(super) fn layer(settings: &GrpcWebSettings) -> Stack<GrpcWebLayer, Stack<CorsLayer, Identity>> {
    let origins = settings.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let cors = CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::POST])
        .allow_headers(SENT)
        .expose_headers(READ)
        .max_age(PREFLIGHT_IS_GOOD_FOR);
    ServiceBuilder::new().layer(cors).layer(GrpcWebLayer::new()).into_inner()
}
