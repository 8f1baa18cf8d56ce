//! Owns the door for proxies: what nginx, Caddy or Traefik ask before they let a request through, passed on as it came.
//! Judges nothing: the authority reads what the proxy says of the request, and whether to believe it.

mod answer;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;

use crate::answer::{Answer, Asker};
use crate::client::Client;
use crate::client::error::Error;
use crate::envoy::attribute_context::{HttpRequest, Peer, Request};
use crate::envoy::{Address, AttributeContext, CheckRequest, HeaderMap, HeaderValue, SocketAddress};
use crate::presented::{host, peer};

/// What the authority's names of what a route wants begin with.
const WANTED: &str = "gatelodge.";
/// Says in what form the proxy takes an answer; all else in the query is what the route wants.
const FORM: &str = "answer";

/// In what form a proxy takes an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It hands the browser whatever is no 2xx: Caddy, Traefik.
    Copied,
    /// It knows 2xx, 401 and 403: nginx. Where the browser is to be led elsewhere that is 401.
    Status,
    /// It has been told no, and asks what to hand the browser.
    Refusal,
}

/// Answers a proxy.
pub(super) async fn verify(client: &Client, parts: &Parts, asker: &Asker) -> Result<Answer, Error> {
    let (form, wants) = match read(parts.uri.query().unwrap_or_default()) {
        Ok(read) => read,
        Err(fault) => {
            tracing::warn!(fault, request_id = asker.request_id, "a proxy's question can't be read");
            return Ok(asker.error(StatusCode::BAD_REQUEST, "REQUEST_MALFORMED", fault));
        }
    };
    let said = client.check_for_proxy(question(parts, wants)).await?;
    Ok(answer::answer(said, form, parts, asker))
}

/// What the proxy's configuration put into the query.
fn read(query: &str) -> Result<(Form, HashMap<String, String>), &'static str> {
    let mut form = Form::Copied;
    // The request to judge is the one that the proxy tells of, whatever the query says.
    let mut wants = HashMap::from([(format!("{WANTED}request"), "forwarded".to_owned())]);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == FORM {
            form = match &*value {
                "copied" => Form::Copied,
                "status" => Form::Status,
                "refusal" => Form::Refusal,
                _ => return Err("The parameter answer is copied, status or refusal."),
            };
            continue;
        }
        match wants.entry(format!("{WANTED}{name}")) {
            Entry::Vacant(free) => free.insert(value.into_owned()),
            Entry::Occupied(_) => return Err("Each parameter stands once; a list has spaces (%20) between its words."),
        };
    }
    Ok((form, wants))
}

fn question(parts: &Parts, wants: HashMap<String, String>) -> CheckRequest {
    let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| HeaderValue {
        key: name.as_str().to_owned(),
        raw_value: Bytes::copy_from_slice(value.as_bytes()),
        ..HeaderValue::default()
    };
    let http = HttpRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        host: host(parts).map(text).unwrap_or_default(),
        header_map: Some(HeaderMap { headers: parts.headers.iter().map(line).collect() }),
        ..HttpRequest::default()
    };
    let socket_address = peer(parts).map(|address| SocketAddress { address: text(address) });
    let attributes = AttributeContext {
        source: Some(Peer { address: Some(Address { socket_address }) }),
        request: Some(Request { http: Some(http) }),
        context_extensions: wants,
    };
    CheckRequest { attributes: Some(attributes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_what_the_route_wants_and_how_the_proxy_is_answered() {
        let (form, wants) = read("roles=admin%20owner&answer=status&session=optional").unwrap();
        assert_eq!(form, Form::Status);
        let wanted = |name: &str| wants.get(name).map(String::as_str);
        assert_eq!(wanted("gatelodge.roles"), Some("admin owner"));
        assert_eq!((wanted("gatelodge.session"), wanted("gatelodge.request")), (Some("optional"), Some("forwarded")));
        assert_eq!(read("").unwrap().0, Form::Copied);
        for unread in ["roles=admin&roles=", "request=this", "answer=yes", "answer="] {
            assert!(read(unread).is_err(), "{unread}");
        }
    }
}
