//! Owns reading what Envoy asks: headers, cookies, and what a route wants, as a question to ValidateSession. Does not know
//! the answer.

use bytes::Bytes;

use super::pieces::{NoMessage, pieces};
use super::wire::CheckRequest;
use super::wire::attribute_context::{ContextExtensionsEntry, Request};
use crate::authority::settings::Limits;
use crate::authority::validate_session::Question;
use crate::authority::{Error, Presented};
use crate::rpc::{fields, questions, v1};
use crate::session::request::{PresentedCookie, RequestContext};

/// What the keys begin with by which a route says what it wants; others are somebody else's.
const OURS: &str = "gatelodge.";

/// The longest name of a header that is part of a question.
const LONGEST_NAME: usize = "x-requested-with".len();

/// Most requests of a browser have no more.
const HEADERS: usize = 24;

/// What Envoy asks about: all that a browser sent lies in the message that came, and is copied nowhere.
pub(super) struct Envelope {
    http: Bytes,
    peer: Option<Bytes>,
    wants: Vec<(String, String)>,
}

/// The same, read.
pub(super) struct Asked<'a> {
    envelope: &'a Envelope,
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) host: Option<&'a [u8]>,
    /// In the order in which they came.
    headers: Vec<(&'a [u8], &'a [u8])>,
    /// The pairs of the Cookie headers.
    cookies: Vec<(&'a [u8], &'a [u8])>,
    /// The request is one that whoever asks says it was asked itself.
    pub(super) is_forwarded: bool,
    /// The request opens a WebSocket, whatever became of the header that says so.
    pub(super) opens_websocket: bool,
}

impl Envelope {
    pub(super) fn open(request: CheckRequest) -> Self {
        let attributes = request.attributes.unwrap_or_default();
        let address = attributes.source.and_then(|peer| peer.address?.socket_address).map(|socket| socket.address);
        let wanted = |ContextExtensionsEntry { key, value }| Some((key.strip_prefix(OURS)?.to_owned(), value));
        Self {
            http: attributes.request.map(|Request { http }| http).unwrap_or_default(),
            peer: address.filter(|address| !address.is_empty()),
            wants: attributes.context_extensions.into_iter().filter_map(wanted).collect(),
        }
    }

    /// Reads what was asked. Numbers of fields are those of Envoy's `HttpRequest`, `HeaderMap` and `HeaderValue`; an entry of
    /// `headers` has those of the latter.
    ///
    /// # Errors
    /// It is no message.
    pub(super) fn read(&self) -> Result<Asked<'_>, Error> {
        self.request().map_err(|NoMessage| fields::invalid("attributes.request.http", "an HttpRequest of Envoy's"))
    }

    fn request(&self) -> Result<Asked<'_>, NoMessage> {
        let (mut method, mut target, mut host) = (&[][..], &[][..], None);
        let (mut headers, mut lines) = (Vec::with_capacity(HEADERS), None);
        for piece in pieces(&self.http) {
            match piece? {
                (2, piece) => method = piece,
                (3, entry) => headers.push(header(entry)?),
                (4, piece) => target = piece,
                (5, piece) => host = Some(piece).filter(|host| !host.is_empty()),
                (13, piece) => lines = Some(piece),
                _ => (),
            }
        }
        if let Some(lines) = lines {
            headers.clear();
            for line in pieces(lines) {
                if let (1, line) = line? {
                    headers.push(header(line)?);
                }
            }
        }
        let of_cookies = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"cookie"));
        let cookies = of_cookies.flat_map(|(_, line)| pairs(line)).collect();
        let (is_forwarded, opens_websocket) = (false, false);
        Ok(Asked { envelope: self, method, target, host, headers, cookies, is_forwarded, opens_websocket })
    }
}

/// Name and value; the latter byte for byte where it came so.
fn header(message: &[u8]) -> Result<(&[u8], &[u8]), NoMessage> {
    let (mut name, mut value, mut raw_value) = (&[][..], &[][..], &[][..]);
    for piece in pieces(message) {
        match piece? {
            (1, piece) => name = piece,
            (2, piece) => value = piece,
            (3, piece) => raw_value = piece,
            _ => (),
        }
    }
    Ok((name, if raw_value.is_empty() { value } else { raw_value }))
}

impl<'a> Asked<'a> {
    /// The names of all headers that came.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().map(|(name, _)| *name)
    }

    /// The address of whoever sent the request.
    pub(super) const fn peer(&self) -> Option<&'a Bytes> {
        self.envelope.peer.as_ref()
    }

    /// The lines of a header, joined as HTTP has it; `None` where it did not come.
    pub(super) fn header(&self, name: &str) -> Option<Bytes> {
        self.lines(name).map(|line| self.piece(line)).reduce(joined)
    }

    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(header, _)| header.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, line)| *line)
    }

    /// A piece of the message, for longer than it is read.
    fn piece(&self, piece: &'a [u8]) -> Bytes {
        self.envelope.http.slice_ref(piece)
    }

    pub(super) fn request_id(&self) -> Option<&'a str> {
        let mut lines = self.lines("x-request-id");
        let only = lines.next().filter(|_| lines.next().is_none())?;
        str::from_utf8(only).ok()
    }

    /// Every pair of the Cookie headers, byte for byte; what has no `=` is none.
    pub(super) fn cookies(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.cookies.iter().copied()
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
        self.envelope.wants.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The question, but for what depends on the tenant.
    ///
    /// # Errors
    /// What a route wants that can't be read.
    pub(super) fn question(&self, limits: &Limits) -> Result<Question, Error> {
        let mut context = Box::new(RequestContext {
            method: self.piece(self.method),
            target: self.piece(self.target),
            host: self.host.map(|host| self.piece(host)),
            peer_address: self.peer().cloned(),
            upgrade: self.opens_websocket.then_some(Bytes::from_static(b"websocket")),
            ..RequestContext::default()
        });
        for (name, line) in &self.headers {
            let mut lower = [0; LONGEST_NAME];
            let Some(lower) = lower.get_mut(..name.len()) else { continue };
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            let text = match &*lower {
                b"x-forwarded-for" => {
                    context.x_forwarded_for.push(self.piece(line));
                    continue;
                }
                b"forwarded" => {
                    context.forwarded.push(self.piece(line));
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
            let line = self.piece(line);
            *text = Some(match text.take() {
                None => line,
                Some(before) => joined(before, line),
            });
        }
        let cookie = |(name, value)| {
            Some(PresentedCookie { name: str::from_utf8(name).ok()?.to_owned(), value: self.piece(value) })
        };
        let cookies = self.cookies().filter_map(cookie).collect();
        questions::cut(&mut context, limits)?;
        let presented = Presented { cookies, context: Some(context) };
        let requirements = questions::requirements(self.requirements()?)?;
        Ok(Question { presented, requirements, can_set_cookies: true, touch: true, ..Question::default() })
    }

    fn requirements(&self) -> Result<v1::Requirements, Error> {
        let mut needs = v1::Requirements::default();
        for (key, value) in &self.envelope.wants {
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

/// Two lines of a header as one (RFC 9110, 5.3).
fn joined(before: Bytes, line: Bytes) -> Bytes {
    [before, line].join(&b", "[..]).into()
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
