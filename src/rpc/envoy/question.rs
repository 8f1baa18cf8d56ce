//! Owns reading what Envoy asks: headers, cookies, and what a route wants, as a question to ValidateSession. Does not know
//! the answer.

use bytes::Bytes;

use super::wire::attribute_context::http_request::HeadersEntry;
use super::wire::{CheckRequest, HeaderValue};
use crate::authority::Error;
use crate::rpc::{fields, v1};

/// What the keys begin with by which a route says what it wants; others are somebody else's.
const OURS: &str = "gatelodge.";

/// What Envoy asks about.
pub(super) struct Asked {
    pub(super) method: Bytes,
    pub(super) target: Bytes,
    pub(super) host: Option<Bytes>,
    pub(super) peer: Option<Bytes>,
    /// Names in lower case, in the order in which they came.
    pub(super) headers: Vec<(Bytes, Bytes)>,
    /// The request is one that whoever asks says it was asked itself.
    pub(super) is_forwarded: bool,
    wants: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn read(request: CheckRequest) -> Self {
        let attributes = request.attributes.unwrap_or_default();
        let http = attributes.request.and_then(|request| request.http).unwrap_or_default();
        let line = |HeaderValue { key, value, raw_value }| {
            (in_lower_case(key), if raw_value.is_empty() { value } else { raw_value })
        };
        let entry = |HeadersEntry { key, value }| (in_lower_case(key), value);
        let headers = match http.header_map {
            Some(lines) => lines.headers.into_iter().map(line).collect(),
            None => http.headers.into_iter().map(entry).collect(),
        };
        let address = attributes.source.and_then(|peer| peer.address?.socket_address).map(|socket| socket.address);
        let maybe = |text: Bytes| (!text.is_empty()).then_some(text);
        let wants = attributes.context_extensions.into_iter();
        Self {
            method: http.method,
            target: http.path,
            host: maybe(http.host),
            peer: address.and_then(maybe),
            headers,
            is_forwarded: false,
            wants: wants.filter_map(|(key, value)| Some((key.strip_prefix(OURS)?.to_owned(), value))).collect(),
        }
    }

    /// The names of all headers that came.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().map(|(name, _)| &name[..])
    }

    /// The lines of a header, joined as HTTP has it; `None` where it did not come.
    pub(super) fn header(&self, name: &str) -> Option<Bytes> {
        let mut lines = self.each(name);
        let first = lines.next()?;
        match lines.next() {
            None => Some(first.clone()),
            Some(_) => Some(joined(&self.lines(name))),
        }
    }

    fn each(&self, name: &str) -> impl Iterator<Item = &Bytes> {
        self.headers.iter().filter(move |(header, _)| header == name).map(|(_, value)| value)
    }

    pub(super) fn lines(&self, name: &str) -> Vec<Bytes> {
        self.each(name).cloned().collect()
    }

    pub(super) fn request_id(&self) -> Option<String> {
        String::from_utf8(self.header("x-request-id")?.into()).ok()
    }

    /// Every pair of the Cookie headers, byte for byte; what has no `=` is none.
    pub(super) fn cookies(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.each("cookie").flat_map(|line| pairs(line))
    }

    /// Whether a route lets nobody through who is not logged in.
    ///
    /// # Errors
    /// A word that is not one of the two.
    pub(super) fn needs_session(&self) -> Result<bool, Error> {
        match self.want("session") {
            None | Some("required") => Ok(true),
            Some("optional") => Ok(false),
            Some(_) => Err(fields::invalid("attributes.context_extensions[gatelodge.session]", "required or optional")),
        }
    }

    pub(super) fn want(&self, key: &str) -> Option<&str> {
        self.wants.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The question, but for what depends on the tenant.
    ///
    /// # Errors
    /// What a route wants that can't be read.
    pub(super) fn question(&self) -> Result<v1::ValidateSessionRequest, Error> {
        let mut cookies = Vec::new();
        let mut context = v1::RequestContext {
            method: self.method.clone(),
            target: self.target.clone(),
            host: self.host.clone(),
            peer_address: self.peer.clone(),
            ..v1::RequestContext::default()
        };
        for (name, line) in &self.headers {
            let text = match &name[..] {
                b"cookie" => {
                    cookies.extend(pairs(line).filter_map(|(name, value)| {
                        let name = str::from_utf8(name).ok()?.to_owned();
                        Some(v1::Cookie { name, value: line.slice_ref(value) })
                    }));
                    continue;
                }
                b"x-forwarded-for" => {
                    context.x_forwarded_for.push(line.clone());
                    continue;
                }
                b"forwarded" => {
                    context.forwarded.push(line.clone());
                    continue;
                }
                b"user-agent" => &mut context.user_agent,
                b"accept-language" => &mut context.accept_language,
                b"accept" => &mut context.accept,
                b"content-type" => &mut context.content_type,
                b"upgrade" => &mut context.upgrade,
                b"origin" => &mut context.origin,
                b"sec-fetch-site" => &mut context.sec_fetch_site,
                b"sec-fetch-mode" => &mut context.sec_fetch_mode,
                b"sec-fetch-dest" => &mut context.sec_fetch_dest,
                b"x-requested-with" => &mut context.x_requested_with,
                b"x-tenant-id" => &mut context.x_tenant_id,
                _ => continue,
            };
            *text = Some(match text.take() {
                None => line.clone(),
                Some(before) => joined(&[before, line.clone()]),
            });
        }
        Ok(v1::ValidateSessionRequest {
            cookies,
            context: Some(context.into()),
            requirements: Some(self.requirements()?),
            can_set_cookies: true,
            ..v1::ValidateSessionRequest::default()
        })
    }

    fn requirements(&self) -> Result<v1::Requirements, Error> {
        let mut needs = v1::Requirements::default();
        for (key, value) in &self.wants {
            let words = || value.split_ascii_whitespace().map(str::to_owned).collect();
            match key.as_str() {
                "session" | "request" => (),
                "csrf" => needs.csrf = csrf(value)?.into(),
                "scopes" => needs.scopes = words(),
                "any_scopes" => needs.any_scopes = words(),
                "permissions" => needs.permissions = words(),
                "any_permissions" => needs.any_permissions = words(),
                "roles" => needs.roles = words(),
                "acr_values" => needs.acr_values = words(),
                "amr_values" => needs.amr_values = words(),
                "email_verified" => needs.email_verified = flag(value)?,
                "max_login_age" => needs.max_login_age = Some(seconds(value)?),
                _ => return Err(unknown(key)),
            }
        }
        Ok(needs)
    }
}

/// The lines of a header as one (RFC 9110, 5.3).
fn joined(lines: &[Bytes]) -> Bytes {
    lines.join(&b", "[..]).into()
}

/// As HTTP/2 has names, so that nothing is copied.
fn in_lower_case(name: Bytes) -> Bytes {
    if name.iter().any(u8::is_ascii_uppercase) { name.to_ascii_lowercase().into() } else { name }
}

/// The pairs of a Cookie header.
fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|byte| *byte == b';').filter_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((pair.get(..at)?, pair.get(at + 1..)?))
    })
}

fn unknown(key: &str) -> Error {
    let expected = "no gatelodge.KEY but session, csrf, scopes, any_scopes, permissions, any_permissions, roles, acr_values, \
                    amr_values, email_verified, max_login_age, request";
    fields::invalid("attributes.context_extensions", format!("{expected}; there is gatelodge.{}", key.escape_debug()))
}

fn csrf(value: &str) -> Result<v1::CsrfRequirement, Error> {
    match value {
        "by_method" => Ok(v1::CsrfRequirement::Unspecified),
        "required" => Ok(v1::CsrfRequirement::Required),
        "not_required" => Ok(v1::CsrfRequirement::NotRequired),
        _ => {
            let expected = "by_method, required or not_required";
            Err(fields::invalid("attributes.context_extensions[gatelodge.csrf]", expected))
        }
    }
}

fn flag(value: &str) -> Result<bool, Error> {
    let read = || value.parse().ok();
    read().ok_or_else(|| fields::invalid("attributes.context_extensions[gatelodge.email_verified]", "true or false"))
}

/// A length of time as protobuf's JSON has it, in whole seconds: `300s`.
fn seconds(value: &str) -> Result<prost_types::Duration, Error> {
    let read = || Some(prost_types::Duration { seconds: value.strip_suffix('s')?.parse().ok()?, nanos: 0 });
    let expected = "whole seconds, such as 300s";
    read().ok_or_else(|| fields::invalid("attributes.context_extensions[gatelodge.max_login_age]", expected))
}
