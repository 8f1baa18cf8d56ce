//! Owns how the edge's routes, and guards of other routes, answer requests from other origins (Fetch, "CORS protocol").
//! Goes by the settings alone, and guards nothing: what an origin may do is the authority's to judge.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::answer::{Answer, Asker, vary_by};
use crate::settings::Cors;

/// Whether a browser asks by this what its page may send: no cookies come with it.
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    let asks = parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    parts.method == Method::OPTIONS && asks && parts.headers.contains_key(header::ORIGIN)
}

/// Answers OPTIONS; what a preflight may know is added for an allowed origin alone.
pub(crate) fn preflight(asker: &Asker, request: &HeaderMap, cors: &Cors) -> Answer {
    let mut response = asker.empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    if allowed_origin(request, cors).is_some() && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        let mut put = |name: HeaderName, value: &Option<HeaderValue>| {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        };
        put(header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allowed_methods);
        put(header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allowed_headers);
        put(header::ACCESS_CONTROL_MAX_AGE, &cors.max_age);
    }
    response
}

/// Lets an allowed origin read the answer. Caches have to know that others may not.
pub(crate) fn share(request: &HeaderMap, cors: &Cors, response: &mut HeaderMap) {
    vary_by(response, "Origin");
    let Some(origin) = allowed_origin(request, cors) else { return };
    response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if let Some(exposed) = &cors.exposed_headers {
        response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
    }
}

/// The request's origin, if it came once and equals an allowed one byte for byte (security.md 72).
fn allowed_origin<'a>(request: &'a HeaderMap, cors: &Cors) -> Option<&'a HeaderValue> {
    let mut origins = request.get_all(header::ORIGIN).into_iter();
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    cors.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then_some(origin)
}

/// The value of Allow for a route that takes these methods.
pub(crate) fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<_> = methods.iter().map(Method::as_str).chain(["OPTIONS"]).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}
