//! Owns the request behind a request: a proxy that asks an edge over HTTP says in X-Forwarded-* what it was asked itself.
//! Does not know the edge.

use bytes::Bytes;

use super::question::Asked;
use crate::authority::{Authority, Error};
use crate::rpc::fields;

impl Asked {
    /// The request that is to be judged: the one that came, or where `gatelodge.request` is `forwarded`, the one that
    /// X-Forwarded-Method, -Uri and -Host tell of. Nothing else is read from them, and without that word they are not read.
    ///
    /// # Errors
    /// Another word; a header that is missing, or came twice, so that the proxy has not written it.
    pub(super) fn meant(mut self) -> Result<Self, Error> {
        match self.want("request") {
            None => return Ok(self),
            Some("forwarded") => self.is_forwarded = true,
            Some(_) => return Err(fields::invalid("attributes.context_extensions[gatelodge.request]", "forwarded")),
        }
        self.method = self.written("x-forwarded-method")?;
        self.target = self.written("x-forwarded-uri")?;
        if self.header("x-forwarded-host").is_some() {
            self.host = Some(self.written("x-forwarded-host")?);
        }
        // What belongs to a connection ends at the proxy, and a handshake is known by what does not (RFC 6455, 4.1).
        if self.header("sec-websocket-key").is_some() && self.header("upgrade").is_none() {
            self.headers.push((Bytes::from_static(b"upgrade"), Bytes::from_static(b"websocket")));
        }
        Ok(self)
    }

    fn written(&self, name: &'static str) -> Result<Bytes, Error> {
        let expected = || format!("one line {name}, written by the proxy in place of what came");
        match &self.lines(name)[..] {
            [line] if !line.is_empty() => Ok(line.clone()),
            _ => Err(fields::invalid("attributes.request.http.headers", expected())),
        }
    }

    /// Believes a proxy that says what it was asked, and nobody else. An answer is only ever worth something to whoever
    /// asked: but what is not believed at all can't be forged either (security.md 69).
    ///
    /// # Errors
    /// It is no proxy of the tenant's.
    pub(super) fn believe(&self, tenant: &Authority) -> Result<(), Error> {
        let peer = self.peer.as_deref().unwrap_or_default();
        if !self.is_forwarded || tenant.is_proxy(peer) {
            return Ok(());
        }
        let peer = String::from_utf8_lossy(peer);
        let expected = format!("a proxy that app.trusted_proxies names; \"{}\" is none", peer.escape_debug());
        Err(fields::invalid("attributes.source.address", expected))
    }
}
