//! Owns what Envoy is answered: the headers of a request that goes on, or the answer in its place. Does not know why.

use bytes::Bytes;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::question::Asked;
use super::wire::check_response::HttpResponse;
use super::wire::header_value_option::HeaderAppendAction;
use super::wire::{
    CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpStatus, OkHttpResponse, check_response,
};
use crate::authority::answer::{HttpAnswer, Trouble};
use crate::authority::behind_proxy::{claims_identity, identity_headers};
use crate::authority::validate_session::Active;
use crate::authority::{Authority, SessionView};

/// A living session: the request goes on with who is logged in, and without any credential.
pub(super) fn active(active: &Active, asked: &Asked<'_>, authority: &Authority) -> CheckResponse {
    let (session, tenant) = (&active.session, authority.tenant_name());
    let mut back: Vec<_> = active.set_cookies.iter().map(|cookie| add("set-cookie", cookie.clone())).collect();
    if let Some(token) = &active.csrf_token {
        let name = Bytes::copy_from_slice(authority.csrf_header().as_bytes());
        back.push(header(name, token.expose().to_owned(), HeaderAppendAction::OverwriteIfExistsOrAdd));
    }
    if !back.is_empty() {
        back.push(set("cache-control", Bytes::from_static(b"no-store")));
    }
    let (headers, metadata) = session.standing.shown.passed_on.get_or_init(|| passed_on(session, tenant));
    let written = |name: &[u8]| {
        identity_headers(session, tenant).iter().any(|(own, _)| own.as_bytes().eq_ignore_ascii_case(name))
    };
    let mut answer = goes_on(asked, authority, headers, written, back);
    answer.dynamic_metadata = metadata.clone();
    answer
}

/// Who is logged in, encoded once for all answers about a standing: an `OkHttpResponse` that says it, and a `Struct`.
fn passed_on(session: &SessionView, tenant: &str) -> (Bytes, Bytes) {
    let identity = identity_headers(session, tenant);
    let text = |text: &String| Value { kind: Some(Kind::StringValue(text.clone())) };
    let fields = identity.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    let headers = identity.into_iter().map(|(name, value)| set(name, value)).collect();
    let headers = OkHttpResponse { headers, response_headers_to_add: vec![varies()], ..OkHttpResponse::default() };
    (headers.encode_to_vec().into(), Struct { fields }.encode_to_vec().into())
}

/// Nobody is logged in, and nobody has to be.
pub(super) fn nobody(asked: &Asked<'_>, authority: &Authority) -> CheckResponse {
    goes_on(asked, authority, &[], |_| false, vec![varies()])
}

/// `identity`: what is said of who is logged in, encoded; `written` says whether that has a header of a name.
fn goes_on(
    asked: &Asked<'_>,
    authority: &Authority,
    identity: &[u8],
    written: impl Fn(&[u8]) -> bool,
    back: Vec<HeaderValueOption>,
) -> CheckResponse {
    let claimed = asked.names().filter(|name| claims_identity(name) && !written(name));
    let mut removed: Vec<_> = claimed.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    let mut headers = Vec::new();
    match others_cookies(asked, authority) {
        Some(cookies) if cookies.is_empty() => removed.push("cookie".to_owned()),
        Some(cookies) => headers.push(set("cookie", cookies)),
        None => (),
    }
    let rest = OkHttpResponse { headers, headers_to_remove: removed, response_headers_to_add: back };
    // Encoded messages one after the other are one message (Protocol Buffers, "Encoding", "Last One Wins").
    let ok = [identity, &rest.encode_to_vec()].concat();
    with_code(Code::Ok, HttpResponse::OkResponse(ok.into()))
}

/// The cookies that are not ours; `None` where none of ours came. A pair whose bytes are no UTF-8 is left out: Envoy writes
/// text alone.
fn others_cookies(asked: &Asked<'_>, authority: &Authority) -> Option<String> {
    let (mut others, mut is_own_there) = (String::new(), false);
    for (name, value) in asked.cookies() {
        if authority.is_own_cookie(name) {
            is_own_there = true;
        } else if let (Ok(name), Ok(value)) = (str::from_utf8(name), str::from_utf8(value)) {
            let parts = if others.is_empty() { [name, "=", value, ""] } else { ["; ", name, "=", value] };
            others.extend(parts);
        }
    }
    is_own_there.then_some(others)
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
        headers: fixed.chain(more).chain([set("vary", Bytes::from_static(b"Cookie"))]).chain(cookies).collect(),
        body: String::from_utf8_lossy(&answer.body).into_owned(),
    };
    with_code(code, HttpResponse::DeniedResponse(response))
}

fn with_code(code: Code, response: HttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(check_response::Status { code: code.into() }),
        http_response: Some(response),
        dynamic_metadata: Bytes::new(),
    }
}

/// Whether somebody is logged in is told by cookies.
fn varies() -> HeaderValueOption {
    add("vary", Bytes::from_static(b"Cookie"))
}

/// In place of those that are there.
fn set(name: &'static str, value: impl Into<Bytes>) -> HeaderValueOption {
    header(Bytes::from_static(name.as_bytes()), value, HeaderAppendAction::OverwriteIfExistsOrAdd)
}

/// Beside those that are there.
fn add(name: &'static str, value: impl Into<Bytes>) -> HeaderValueOption {
    header(Bytes::from_static(name.as_bytes()), value, HeaderAppendAction::AppendIfExistsOrAdd)
}

fn header(key: Bytes, value: impl Into<Bytes>, append_action: HeaderAppendAction) -> HeaderValueOption {
    let header = HeaderValue { key, value: value.into(), raw_value: Bytes::new() };
    HeaderValueOption { header: Some(header), append_action: append_action.into() }
}
