//! Owns how an HTTP request becomes what the authority is asked about: bytes as they came, cut where the settings say.
//! Judges none of it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, OriginalUri};
use bytes::{Bytes, BytesMut};
use http::header::{self, AsHeaderName, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Extensions, Uri};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::chance;
use crate::settings::Settings;
use crate::v1;

/// Every value that came under a session cookie name.
pub(crate) fn session_cookies(parts: &Parts, settings: &Settings) -> Vec<v1::Cookie> {
    cookies_named(&parts.headers, &settings.session_cookies, settings)
}

/// Every value that came under a session or binding cookie name.
pub(crate) fn login_cookies(parts: &Parts, settings: &Settings) -> Vec<v1::Cookie> {
    let mut cookies = session_cookies(parts, settings);
    cookies.extend(cookies_named(&parts.headers, &settings.binding_cookies, settings));
    cookies
}

/// The Cookie header is cut at each `;` and at the first `=` of a pair, and read no further: a value keeps its quotes,
/// its escapes and its bytes that are not UTF-8 (RFC 6265, 5.4; security.md 63).
fn cookies_named(headers: &HeaderMap, names: &[String], settings: &Settings) -> Vec<v1::Cookie> {
    let limits = &settings.limits;
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let cookies = pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        let name = names.iter().find(|known| known.as_bytes() == name)?;
        let value = value.get(1..).unwrap_or_default();
        Some(v1::Cookie { name: name.clone(), value: cut(value, limits.cookie_bytes.saturating_add(1)) })
    });
    cookies.take(limits.cookies).collect()
}

/// The query without its `?`.
pub(crate) fn query(parts: &Parts, settings: &Settings) -> Bytes {
    let query = parts.uri.query().unwrap_or_default();
    cut(query.as_bytes(), settings.limits.query_bytes.saturating_add(1))
}

/// A header that a route takes beside the context, cut as the context's are to one byte more.
pub(crate) fn header_of(parts: &Parts, name: &'static str, settings: &Settings) -> Option<Bytes> {
    joined(&parts.headers, name, settings.limits.header_bytes.saturating_add(1))
}

/// What came as a request's body.
pub(crate) enum Sent {
    /// A form; empty for a body of a kind that stays unread.
    Form(Bytes),
    /// JSON.
    Json(Bytes),
}

/// Why there is no body, though there should be one.
pub(crate) enum NoBody {
    /// The browser broke off.
    Broken,
    /// It did not come in time.
    Late,
}

/// However slowly a body comes, it has come after this.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The body, when it is a form; cut to one byte more than the authority reads, as the query is. The body of anything
/// else stays unread.
pub(crate) async fn form(parts: &Parts, body: Body, settings: &Settings) -> Result<Bytes, NoBody> {
    if is_of_kind(&parts.headers, b"application/x-www-form-urlencoded") {
        return whole(body, settings).await;
    }
    Ok(Bytes::new())
}

/// As [`form`], and JSON too.
pub(crate) async fn sent(parts: &Parts, body: Body, settings: &Settings) -> Result<Sent, NoBody> {
    if is_of_kind(&parts.headers, b"application/json") {
        return whole(body, settings).await.map(Sent::Json);
    }
    form(parts, body, settings).await.map(Sent::Form)
}

async fn whole(body: Body, settings: &Settings) -> Result<Bytes, NoBody> {
    let reading = read(body, settings.limits.body_bytes.saturating_add(1));
    timeout(BODY_WITHIN, reading).await.map_err(|_| NoBody::Late)?.ok_or(NoBody::Broken)
}

/// Whether the one Content-Type is this, its parameters aside.
fn is_of_kind(headers: &HeaderMap, wanted: &[u8]) -> bool {
    let mut labels = headers.get_all(header::CONTENT_TYPE).into_iter();
    let Some(label) = labels.next().filter(|_| labels.next().is_none()) else { return false };
    let kind = label.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(wanted)
}

async fn read(mut body: Body, longest: usize) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    while whole.len() < longest
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame.ok()?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    whole.truncate(longest);
    Some(whole.freeze())
}

/// What the authority has to know of the request beside its cookies.
pub(crate) fn context(parts: &Parts, settings: &Settings) -> v1::RequestContext {
    let longest = settings.limits.header_bytes;
    let headers = &parts.headers;
    let one = |name: &'static str| joined(headers, name, longest);
    // A router that is nested sees its own part of the path only; the browser's is kept beside it.
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    v1::RequestContext {
        method: cut(parts.method.as_str().as_bytes(), longest),
        target: cut(target.as_bytes(), longest),
        host: host(parts).map(|host| cut(&host, longest)),
        peer_address: peer(parts),
        x_forwarded_for: lines(headers, "x-forwarded-for", longest),
        forwarded: lines(headers, "forwarded", longest),
        user_agent: one("user-agent"),
        accept_language: one("accept-language"),
        accept: one("accept"),
        content_type: one("content-type"),
        upgrade: one("upgrade"),
        origin: one("origin"),
        sec_fetch_site: one("sec-fetch-site"),
        sec_fetch_mode: one("sec-fetch-mode"),
        sec_fetch_dest: one("sec-fetch-dest"),
        x_requested_with: one("x-requested-with"),
        csrf_token: settings.csrf_header.as_ref().and_then(|name| joined(headers, name, longest)),
        x_tenant_id: one("x-tenant-id"),
        place: settings.place_header.as_ref().and_then(|name| joined(headers, name, longest)),
    }
}

/// The address of whoever is connected.
pub(crate) fn peer(parts: &Parts) -> Option<Bytes> {
    let extensions = &parts.extensions;
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer);
    let peer = connected.or_else(|| extensions.get::<SocketAddr>())?;
    Some(peer.ip().to_canonical().to_string().into())
}

/// The host that a request is for, as it came.
pub(crate) fn host(parts: &Parts) -> Option<Bytes> {
    host_of(&parts.uri, &parts.headers, &parts.extensions)
}

/// As [`host`], of a request that is still whole.
pub(crate) fn host_of(uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Option<Bytes> {
    let uri = extensions.get::<OriginalUri>().map_or(uri, |original| &original.0);
    let authority = || uri.authority().map(|authority| Bytes::copy_from_slice(authority.as_str().as_bytes()));
    joined(headers, header::HOST, usize::MAX).or_else(authority)
}

/// What came after `Bearer`, the scheme without case (RFC 6750, 2.1). Of several headers it is not known which one counts,
/// so none does: the token is empty.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<Bytes> {
    let mut lines = headers.get_all(header::AUTHORIZATION).into_iter();
    let line = lines.next()?.as_bytes();
    if lines.next().is_some() {
        return Some(Bytes::new());
    }
    let (scheme, token) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
    scheme.eq_ignore_ascii_case(b"bearer").then(|| Bytes::copy_from_slice(token.trim_ascii()))
}

/// The id that joins the browser's answer with the authority's log: the one that came if it is plain, else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    const LONGEST: usize = 64;
    let plain = |id: &&str| {
        !id.is_empty() && id.len() <= LONGEST && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(plain);
    given.map_or_else(|| format!("{:016x}{:016x}", chance::number(), chance::number()), str::to_owned)
}

fn joined(headers: &HeaderMap, name: impl AsHeaderName, longest: usize) -> Option<Bytes> {
    let mut lines = headers.get_all(name).into_iter();
    let mut whole = BytesMut::from(lines.next()?.as_bytes());
    for line in lines {
        whole.extend_from_slice(b", ");
        whole.extend_from_slice(line.as_bytes());
    }
    whole.truncate(longest);
    Some(whole.freeze())
}

/// The end of a header that proxies append to, line by line: of the last lines one byte more than the authority reads.
fn lines(headers: &HeaderMap, name: &str, longest: usize) -> Vec<Bytes> {
    const MOST: usize = 64;
    let all: Vec<_> = headers.get_all(name).into_iter().map(HeaderValue::as_bytes).collect();
    let mut room = longest.saturating_add(1);
    let mut end = Vec::new();
    for line in all.into_iter().rev().take(MOST) {
        if room == 0 {
            break;
        }
        let kept = line.get(line.len().saturating_sub(room)..).unwrap_or_default();
        room -= kept.len();
        end.push(Bytes::copy_from_slice(kept));
    }
    end.reverse();
    end
}

fn cut(bytes: &[u8], longest: usize) -> Bytes {
    Bytes::copy_from_slice(bytes.get(..longest).unwrap_or(bytes))
}
