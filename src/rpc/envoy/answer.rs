//! Owns what Envoy is answered: the headers of a request that goes on, or the answer in its place. Does not know why.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::question::Asked;
use super::v3::check_response::HttpResponse;
use super::v3::header_value_option::HeaderAppendAction;
use super::v3::{
    CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpStatus, OkHttpResponse, check_response,
};
use crate::authority::Authority;
use crate::authority::answer::{HttpAnswer, Trouble};
use crate::authority::behind_proxy::{claims_identity, identity_headers};
use crate::authority::validate_session::Active;

/// A living session: the request goes on with who is logged in, and without any credential.
pub(super) fn active(active: &Active, asked: &Asked, authority: &Authority) -> CheckResponse {
    let identity = identity_headers(&active.session, authority.tenant_name());
    let text = |text: &String| Value { kind: Some(Kind::StringValue(text.clone())) };
    let fields = identity.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    let mut back = vec![add("vary", "Cookie".to_owned())];
    back.extend(active.set_cookies.iter().map(|cookie| add("set-cookie", cookie.clone())));
    if let Some(token) = &active.csrf_token {
        back.push(set(authority.csrf_header(), token.expose().to_owned()));
    }
    if !active.set_cookies.is_empty() || active.csrf_token.is_some() {
        back.push(set("cache-control", "no-store".to_owned()));
    }
    let mut answer = goes_on(asked, authority, identity, back);
    answer.dynamic_metadata = Some(Struct { fields });
    answer
}

/// Nobody is logged in, and nobody has to be.
pub(super) fn nobody(asked: &Asked, authority: &Authority) -> CheckResponse {
    goes_on(asked, authority, Vec::new(), vec![add("vary", "Cookie".to_owned())])
}

fn goes_on(
    asked: &Asked,
    authority: &Authority,
    identity: Vec<(&'static str, String)>,
    back: Vec<HeaderValueOption>,
) -> CheckResponse {
    let written: BTreeSet<_> = identity.iter().map(|(name, _)| *name).collect();
    let claimed = asked.names().filter(|name| claims_identity(name) && !written.contains(name));
    let mut removed: Vec<_> = claimed.map(str::to_owned).collect();
    let mut headers: Vec<_> = identity.into_iter().map(|(name, value)| set(name, value)).collect();
    match others_cookies(asked, authority) {
        Some(cookies) if cookies.is_empty() => removed.push("cookie".to_owned()),
        Some(cookies) => headers.push(set("cookie", cookies)),
        None => (),
    }
    let ok = OkHttpResponse { headers, headers_to_remove: removed, response_headers_to_add: back };
    with_code(Code::Ok, HttpResponse::OkResponse(ok))
}

/// The cookies that are not ours; `None` where none of ours came. A pair whose bytes are no UTF-8 is left out: Envoy writes
/// text alone.
fn others_cookies(asked: &Asked, authority: &Authority) -> Option<String> {
    let (own, others): (Vec<_>, Vec<_>) = asked.cookies().partition(|(name, _)| authority.is_own_cookie(name));
    if own.is_empty() {
        return None;
    }
    let pair = |(name, value): (Bytes, Bytes)| String::from_utf8([&name[..], b"=", &value[..]].concat()).ok();
    Some(others.into_iter().filter_map(pair).collect::<Vec<_>>().join("; "))
}

/// No session, or one that this request may not use: the authority's own answer.
pub(super) fn refused(answer: Option<HttpAnswer>, request_id: &str) -> CheckResponse {
    // There is always one, since there is always a context.
    answer.map_or_else(|| unavailable(1, request_id), |answer| denied(Code::PermissionDenied, answer))
}

/// Nobody can say: nothing goes on, and nobody is logged out (clients/README.md, "Could not say").
pub(super) fn could_not_say(status: &Status, request_id: &str) -> CheckResponse {
    let delay = status.get_error_details().retry_info().and_then(|retry| retry.retry_delay);
    let seconds = delay.map_or(1, |delay| delay.as_secs() + u64::from(delay.subsec_nanos() > 0));
    unavailable(seconds.max(1), request_id)
}

fn unavailable(seconds: u64, request_id: &str) -> CheckResponse {
    let trouble = Trouble {
        status: 503,
        reason: "AUTHORITY_UNAVAILABLE",
        detail: "The session can't be checked right now.".to_owned(),
        remedy: "Try again in a moment.".to_owned(),
    };
    let mut answer = HttpAnswer::error(&trouble, request_id);
    answer.headers.push(("retry-after", seconds.to_string()));
    denied(Code::Unavailable, answer)
}

fn denied(code: Code, answer: HttpAnswer) -> CheckResponse {
    let fixed = answer.headers.into_iter().map(|(name, value)| set(name, value));
    let more = [("location", answer.location), ("content-type", answer.content_type.map(str::to_owned))];
    let more = more.into_iter().filter_map(|(name, value)| Some(set(name, value?)));
    let cookies = answer.set_cookies.into_iter().map(|cookie| add("set-cookie", cookie));
    let response = DeniedHttpResponse {
        status: Some(HttpStatus { code: i32::from(answer.status) }),
        headers: fixed.chain(more).chain([set("vary", "Cookie".to_owned())]).chain(cookies).collect(),
        body: String::from_utf8_lossy(&answer.body).into_owned(),
    };
    with_code(code, HttpResponse::DeniedResponse(response))
}

fn with_code(code: Code, response: HttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(check_response::Status { code: code.into() }),
        http_response: Some(response),
        dynamic_metadata: None,
    }
}

/// In place of those that are there.
fn set(name: &str, value: String) -> HeaderValueOption {
    header(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd)
}

/// Beside those that are there.
fn add(name: &str, value: String) -> HeaderValueOption {
    header(name, value, HeaderAppendAction::AppendIfExistsOrAdd)
}

fn header(name: &str, value: String, append_action: HeaderAppendAction) -> HeaderValueOption {
    let header = HeaderValue { key: name.to_owned(), value, raw_value: Bytes::new() };
    HeaderValueOption { header: Some(header), append_action: append_action.into() }
}
