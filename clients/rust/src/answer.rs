//! Owns how an answer becomes an HTTP response: the authority's copied, or one of the edge's few own. Decides no status
//! and writes no cookie.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;

use crate::client::error::Error;
use crate::session::Session;
use crate::settings::Settings;
use crate::v1;

/// A finished answer. Its body becomes whatever the application's framework has for one.
pub(crate) type Answer = http::Response<Bytes>;

/// Marks an answer that says nothing of the session: no cookie goes out with it, whoever has one to deliver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CouldNotSay;

/// One request that is being answered: what each answer to it needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// The id that error bodies and the authority's log share.
    pub(crate) request_id: String,
    /// The answer goes without its body.
    pub(crate) is_head: bool,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    detail: &'a str,
    reason: &'a str,
    request_id: &'a str,
}

/// The authority's answer holds something that is no HTTP answer.
#[derive(Debug)]
struct Uncopyable(&'static str);

impl Asker {
    pub(crate) fn new(method: &Method, request_id: String) -> Self {
        Self { request_id, is_head: *method == Method::HEAD }
    }

    /// Copies a finished answer, or none of it: part of one may be a login without its cookie.
    pub(crate) fn copy(&self, answer: Option<v1::HttpAnswer>) -> Answer {
        let copied = answer.ok_or(Uncopyable("there is none")).and_then(|answer| self.response(answer));
        copied.unwrap_or_else(|Uncopyable(what)| {
            tracing::error!(request_id = self.request_id, what, "the authority's answer can't be passed on");
            self.unavailable(None)
        })
    }

    fn response(&self, answer: v1::HttpAnswer) -> Result<Answer, Uncopyable> {
        let mut headers = HeaderMap::new();
        for v1::HttpHeader { name, value } in &answer.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Uncopyable("a header's name"))?;
            if frames_the_message(&name) {
                return Err(Uncopyable("a header that belongs to the connection"));
            }
            headers.append(name, value_of(value, "a header's value")?);
        }
        for cookie in cookie_headers(&answer.set_cookies).ok_or(Uncopyable("a cookie"))? {
            headers.append(header::SET_COOKIE, cookie);
        }
        if !answer.location.is_empty() {
            headers.insert(header::LOCATION, value_of(&answer.location, "the location")?);
        }
        if !answer.content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, value_of(&answer.content_type, "the content type")?);
        }
        let status = u16::try_from(answer.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.filter(|status| (200..600).contains(&status.as_u16())).ok_or(Uncopyable("the status"))?;
        Ok(self.finish(status, headers, answer.body))
    }

    /// One of the edge's own error answers. Like every answer, it is nobody else's to keep.
    pub(crate) fn error(&self, status: StatusCode, reason: &str, detail: &str) -> Answer {
        self.json(status, &ErrorBody { detail, reason, request_id: &self.request_id })
    }

    pub(crate) fn json(&self, status: StatusCode, body: &impl Serialize) -> Answer {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.finish(status, headers, body.into())
    }

    /// An answer without a body.
    pub(crate) fn empty(&self, status: StatusCode) -> Answer {
        self.finish(status, HeaderMap::new(), Bytes::new())
    }

    /// "Could not say": 503, with the browser's cookies left alone.
    pub(crate) fn unavailable(&self, cause: Option<&Error>) -> Answer {
        let whole_seconds = |wait: Duration| wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        let wait = cause.and_then(Error::retry_after).map_or(1, whole_seconds).max(1);
        let detail = "The service can't check your session right now. Try again in a moment.";
        let mut response = self.error(StatusCode::SERVICE_UNAVAILABLE, "AUTHORITY_UNAVAILABLE", detail);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        response.extensions_mut().insert(CouldNotSay);
        response
    }

    /// Says in the log why there was no answer, and answers as the authority wishes, or "could not say".
    pub(crate) fn failed(&self, error: &Error) -> Answer {
        if let Some(answer) = error.answer() {
            tracing::debug!(%error, request_id = self.request_id, "the authority answers for its provider's trouble");
            return self.copy(Some(answer.clone()));
        }
        if let Some(setting) = error.setting() {
            tracing::error!(%error, "the authority does not let this edge ask: check {setting}");
        } else {
            tracing::warn!(%error, request_id = self.request_id, "the authority could not say");
        }
        self.unavailable(Some(error))
    }

    fn finish(&self, status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Answer {
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
        ] {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        vary_by(&mut headers, "Cookie");
        let body = if self.is_head {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            Bytes::new()
        } else {
            body
        };
        let mut response = Answer::new(body);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response
    }
}

/// Says that an answer depends on this header of the request, once: an outer guard may have said so, or the authority.
pub(crate) fn vary_by(headers: &mut HeaderMap, name: &'static str) {
    let lines = headers.get_all(header::VARY).into_iter().filter_map(|line| line.to_str().ok());
    if !lines.flat_map(|line| line.split(',')).any(|said| said.trim().eq_ignore_ascii_case(name)) {
        headers.append(header::VARY, HeaderValue::from_static(name));
    }
}

/// What a living session has for its browser, beside any answer.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    cookies: Vec<HeaderValue>,
    csrf_token: Option<(HeaderName, HeaderValue)>,
}

impl Delivery {
    /// The cookies and the CSRF token that came with the session.
    pub(crate) fn of(session: &Session, settings: &Settings) -> Result<Self, Error> {
        let unusable = || Error::could_not_say("the authority's cookie or token is no header value");
        let cookies = cookie_headers(session.set_cookies()).ok_or_else(unusable)?;
        let csrf_token = match (&settings.csrf_header, session.csrf_token()) {
            (Some(name), Some(token)) => Some((name.clone(), HeaderValue::from_str(token).map_err(|_| unusable())?)),
            _ => None,
        };
        Ok(Self { cookies, csrf_token })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cookies.is_empty() && self.csrf_token.is_none()
    }

    /// Adds them to an answer, and keeps caches from handing them to others (security.md 66).
    pub(crate) fn add_to(self, headers: &mut HeaderMap) {
        if !self.is_empty() {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        for cookie in self.cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        if let Some((name, token)) = self.csrf_token {
            headers.insert(name, token);
        }
    }
}

/// Set-Cookie values as headers; `None` when one of them can't be one.
fn cookie_headers(set_cookies: &[String]) -> Option<Vec<HeaderValue>> {
    set_cookies.iter().map(|cookie| HeaderValue::from_str(cookie).ok()).collect()
}

fn value_of(value: &str, what: &'static str) -> Result<HeaderValue, Uncopyable> {
    HeaderValue::from_str(value).map_err(|_| Uncopyable(what))
}

fn frames_the_message(name: &HeaderName) -> bool {
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER, header::UPGRADE]
        .contains(name)
}
