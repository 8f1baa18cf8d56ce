//! Owns callers that are known by the certificate with which they opened the connection (mTLS): by its names. That it is in
//! force, and of an authority that is trusted, is judged before. Does not know what they may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Extensions;

use super::callers::Caller;
use super::peer::{ClientCertificate, Peer};

/// The callers of certificates, by identity: a URI (`spiffe://...`), or `dns:` and a name.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    by_identity: BTreeMap<String, Arc<Caller>>,
}

/// Whose a certificate is.
#[derive(Clone, Debug, Default)]
pub(super) enum Shown {
    /// Nobody's, or none was shown.
    #[default]
    Nobodys,
    /// This caller's.
    Of(Arc<Caller>),
    /// It has names of several.
    Several,
}

impl Certificates {
    pub(super) fn new(callers: impl IntoIterator<Item = (String, Arc<Caller>)>) -> Self {
        Self { by_identity: callers.into_iter().collect() }
    }

    /// Whose certificate the connection was opened with. A call of a server that asks for none costs nothing.
    pub(super) fn shown(&self, connection: &Extensions) -> Shown {
        if self.by_identity.is_empty() {
            return Shown::Nobodys;
        }
        let certificate = Peer::of(connection).and_then(|peer| peer.certificate.as_deref());
        let names = certificate.into_iter().flat_map(ClientCertificate::names);
        let mut found = names.filter_map(|name| self.by_identity.get(name));
        let Some(first) = found.next() else { return Shown::Nobodys };
        if found.all(|other| Arc::ptr_eq(first, other)) { Shown::Of(Arc::clone(first)) } else { Shown::Several }
    }
}
