//! Owns what is known of who is at the other end of a connection: the address, and the client certificate, which is judged as
//! long as the connection lasts. Does not know which caller a certificate is of.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::Extensions;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use super::tls::{Refusal, Tls};
use crate::crypto::Digest;

/// What the name of a certificate begins with that is a DNS name, and no URI.
const DNS: &str = "dns:";
/// A certificate that is good is judged so far ahead, in seconds: what is good now and then is good in between, and costs no
/// call a signature.
const AHEAD: u64 = 60;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: Option<SocketAddr>,
    /// The certificate with which the connection was opened, if one was asked for.
    pub(super) certificate: Option<Arc<ClientCertificate>>,
    /// What its connection is judged by as long as it lasts; `None` in plain text.
    pub(super) tls: Option<Tls>,
}

impl Peer {
    /// Who is at the other end of a call's connection.
    pub(super) fn of(call: &Extensions) -> Option<&Self> {
        call.get()
    }

    /// Why its connection would not be opened now; `None` where it would.
    pub(super) fn refused(&self) -> Option<Refusal> {
        match &self.certificate {
            Some(certificate) => certificate.refused(),
            None => self.tls.as_ref()?.refuses_none(),
        }
    }
}

/// A client's certificate, and those above it that it has shown.
pub(super) struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    names: Vec<String>,
    tls: Tls,
    judged: Mutex<Option<Judged>>,
}

/// What was found of a certificate, for these moments (seconds since the Unix epoch), and by these files.
struct Judged {
    from: u64,
    through: u64,
    files: Digest,
    refused: Option<Refusal>,
}

impl ClientCertificate {
    /// The certificate of a chain; TLS has verified it.
    pub(super) fn new(chain: &[CertificateDer<'static>], tls: Tls) -> Self {
        let names = chain.first().map(names).unwrap_or_default();
        Self { chain: chain.to_vec(), names, tls, judged: Mutex::default() }
    }

    /// Its URIs, and its DNS names behind `dns:`, in lower case.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Why it would not be accepted now, by the authorities that are trusted now; `None` where it would.
    fn refused(&self) -> Option<Refusal> {
        let (now, in_force) = (UnixTime::now().as_secs(), self.tls.now());
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = judged.as_ref()
            && known.files == in_force.files
            && (known.from..=known.through).contains(&now)
        {
            return known.refused;
        }
        let refused = in_force.refuses(&self.chain, now);
        let ahead = now.saturating_add(AHEAD);
        let lasts = refused.is_none() && in_force.refuses(&self.chain, ahead).is_none();
        let through = if lasts { ahead } else { now };
        *judged = Some(Judged { from: now, through, files: in_force.files, refused });
        refused
    }
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCertificate").field("names", &self.names).finish_non_exhaustive()
    }
}

fn names(certificate: &CertificateDer<'static>) -> Vec<String> {
    let Ok(read) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    let dns = read.valid_dns_names().map(|name| format!("{DNS}{}", name.to_ascii_lowercase()));
    read.valid_uri_names().map(str::to_owned).chain(dns).collect()
}
