//! Owns callers that are known by the certificate with which they opened the connection (mTLS): by its names. That it is in
//! force, and of an authority that is trusted, TLS has seen to. Does not know what they may do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use http::Extensions;
use rustls::pki_types::CertificateDer;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use webpki::EndEntityCert;

use super::callers::Caller;
use crate::crypto::{Digest, sha256};

/// How many certificates are known at most: of more, all are read again.
const KNOWN: usize = 4096;

/// What an identity begins with that is a DNS name of a certificate, and no URI.
const DNS: &str = "dns:";

/// The callers of certificates, by identity: a URI (`spiffe://...`), or `dns:` and a name.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    by_identity: BTreeMap<String, Arc<Caller>>,
    /// Whose those are that were shown, by the SHA-256 of each: read once, and not for every call.
    known: RwLock<HashMap<Digest, Shown>>,
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
        Self { by_identity: callers.into_iter().collect(), known: RwLock::default() }
    }

    /// Whose certificate the connection was opened with. A call of a server that asks for none costs nothing.
    pub(super) fn shown(&self, connection: &Extensions) -> Shown {
        if self.by_identity.is_empty() {
            return Shown::Nobodys;
        }
        let certificates = connection.get::<TlsConnectInfo<TcpConnectInfo>>().and_then(TlsConnectInfo::peer_certs);
        match certificates.as_ref().and_then(|chain| chain.first()) {
            Some(own) => self.of(own),
            None => Shown::Nobodys,
        }
    }

    fn of(&self, certificate: &CertificateDer<'_>) -> Shown {
        let hash = sha256(certificate);
        if let Some(shown) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return shown.clone();
        }
        let shown = self.read(certificate);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(hash, shown.clone());
        shown
    }

    fn read(&self, certificate: &CertificateDer<'_>) -> Shown {
        let Ok(read) = EndEntityCert::try_from(certificate) else { return Shown::Nobodys };
        let dns = read.valid_dns_names().map(|name| format!("{DNS}{}", name.to_ascii_lowercase()));
        let identities = read.valid_uri_names().map(str::to_owned).chain(dns);
        let mut found = identities.filter_map(|identity| self.by_identity.get(&identity));
        let Some(first) = found.next() else { return Shown::Nobodys };
        if found.all(|other| Arc::ptr_eq(first, other)) { Shown::Of(Arc::clone(first)) } else { Shown::Several }
    }
}
