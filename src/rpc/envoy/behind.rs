//! Owns the request behind a request: a proxy that asks an edge over HTTP says in X-Forwarded-* what it was asked itself.
//! Does not know the edge.

use super::question::Asked;
use crate::authority::{Authority, Error};
use crate::rpc::fields;

impl<'a> Asked<'a> {
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
        if self.lines("x-forwarded-host").next().is_some() {
            self.host = Some(self.written("x-forwarded-host")?);
        }
        // What belongs to a connection ends at the proxy, and a handshake is known by what does not (RFC 6455, 4.1).
        let came = |name| self.lines(name).next().is_some();
        self.opens_websocket = came("sec-websocket-key") && !came("upgrade");
        Ok(self)
    }

    fn written(&self, name: &'static str) -> Result<&'a [u8], Error> {
        let expected = || format!("one line {name}, written by the proxy in place of what came");
        let mut lines = self.lines(name);
        match (lines.next(), lines.next()) {
            (Some(line), None) if !line.is_empty() => Ok(line),
            _ => Err(fields::invalid("attributes.request.http.headers", expected())),
        }
    }

    /// Believes a proxy that says what it was asked, and nobody else. An answer is only ever worth something to whoever
    /// asked: but what is not believed at all can't be forged either (security.md 69).
    ///
    /// # Errors
    /// It is no proxy of the tenant's.
    pub(super) fn believe(&self, tenant: &Authority) -> Result<(), Error> {
        let peer = self.peer().map(|peer| &peer[..]).unwrap_or_default();
        if !self.is_forwarded || tenant.is_proxy(peer) {
            return Ok(());
        }
        let peer = String::from_utf8_lossy(peer);
        let expected = format!("a proxy that app.trusted_proxies names; \"{}\" is none", peer.escape_debug());
        Err(fields::invalid("attributes.source.address", expected))
    }
}
