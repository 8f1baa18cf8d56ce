//! Owns TLS of the gRPC port: its certificate, whose client certificates it asks for, and how others take their place while
//! the process runs. Does not know who accepts connections, nor which caller a certificate is of.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};
use webpki::{BorrowedCertRevocationList, CertRevocationList};

use crate::crypto::{Digest, Secret, digest};

/// gRPC is HTTP/2 (RFC 7301, RFC 9113 3.2).
const HTTP_2: &[u8] = b"h2";

/// The files of TLS: the server's certificate, and whose certificates it asks of callers.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// Certificate chain, PEM.
    pub certificate: Vec<u8>,
    /// Private key, PEM.
    pub key: Secret,
    /// Whoever calls must show a certificate of one of these authorities, PEM.
    pub client_ca: Option<Vec<u8>>,
    /// What these have revoked (CRLs), PEM.
    pub client_crl: Option<Vec<u8>>,
}

/// Which of the files can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The certificate chain.
    #[error("has no PEM certificate chain, or one that can't be read")]
    Certificate,
    /// The private key.
    #[error("has no PEM private key, or one that can't be used")]
    Key,
    /// The two don't belong together.
    #[error("is the key of another certificate than `cert_file`: bring both together")]
    Identity,
    /// The authorities of the callers' certificates.
    #[error("has no PEM certificate, or one that can't be read")]
    ClientCa,
    /// The lists of what these have revoked.
    #[error(
        "has no PEM revocation list, one that can't be read, two of one authority, or one of a part of its certificates \
         (issuing distribution point): give one whole list of each"
    )]
    ClientCrl,
}

/// TLS as it is in force. A clone is the same: what replaces it replaces it in all of them.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<InForce>>);

/// Why a connection would not be opened now, and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: &'static str,
    pub(super) remedy: &'static str,
}

impl Refusal {
    /// A certificate is needed, and none was shown.
    const NEEDED: Self = Self::of("a client certificate is needed now, and this connection has none");

    /// One that another certificate helps against.
    const fn of(why: &'static str) -> Self {
        Self { why, remedy: "connect again, with one that is good" }
    }
}

/// What handshakes are made with, and whom client certificates have to be of.
pub(super) struct InForce {
    pub(super) server: Arc<ServerConfig>,
    callers: Option<Arc<dyn ClientCertVerifier>>,
    /// Of what it was made.
    pub(super) files: Digest,
}

impl Tls {
    /// TLS with these files.
    ///
    /// # Errors
    /// Which of them can't be used.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsFault> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(InForce::of(settings)?))))
    }

    /// Puts the files of another in place of these, for handshakes from now on, and for the client certificates of connections
    /// that are open. Answers whether they differ.
    #[must_use]
    pub fn take_over(&self, other: &Self) -> bool {
        let new = other.0.load_full();
        self.0.swap(Arc::clone(&new)).files != new.files
    }

    pub(super) fn now(&self) -> Arc<InForce> {
        self.0.load_full()
    }

    /// Why a connection without a client certificate would not be opened now; `None` where it would.
    pub(super) fn refuses_none(&self) -> Option<Refusal> {
        self.0.load().callers.as_ref().map(|_| Refusal::NEEDED)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("client_ca", &self.now().callers.is_some()).finish_non_exhaustive()
    }
}

impl InForce {
    fn of(settings: &TlsSettings) -> Result<Self, TlsFault> {
        let TlsSettings { certificate, key, client_ca, client_crl } = settings;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = certificates(certificate).ok_or(TlsFault::Certificate)?;
        let own = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| TlsFault::Key)?;
        let callers = match client_ca {
            Some(ca) => Some(verifier(ca, client_crl.as_deref(), &provider)?),
            None => None,
        };
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| TlsFault::Identity)?;
        let builder = match &callers {
            Some(callers) => builder.with_client_cert_verifier(Arc::clone(callers)),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_single_cert(chain, own).map_err(|error| match error {
            Error::InconsistentKeys(_) => TlsFault::Identity,
            Error::InvalidCertificate(_) => TlsFault::Certificate,
            _ => TlsFault::Key,
        })?;
        server.alpn_protocols = vec![HTTP_2.to_vec()];
        // Who resumes a session shows no certificate again: nobody would see that it has ended (security.md 100).
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let [ca, crl] = [client_ca, client_crl].map(|file| file.as_deref().unwrap_or_default());
        let files = digest("gatelodge tls files", &[certificate, key.expose().as_bytes(), ca, crl]);
        Ok(Self { server: Arc::new(server), callers, files })
    }

    /// Why a caller's chain, its own certificate first, would not be accepted at this moment (seconds since the Unix epoch);
    /// `None` where it would.
    pub(super) fn refuses(&self, chain: &[CertificateDer<'static>], at: u64) -> Option<Refusal> {
        let (Some(callers), Some((own, above))) = (&self.callers, chain.split_first()) else {
            return Some(Refusal::of("the authority takes no client certificates any more"));
        };
        let why = match callers.verify_client_cert(own, above, UnixTime::since_unix_epoch(Duration::from_secs(at))) {
            Ok(_) => return None,
            Err(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
                "the client certificate of this connection has ended, or one above it"
            }
            Err(Error::InvalidCertificate(CertificateError::Revoked)) => {
                "the client certificate of this connection was revoked, or one above it"
            }
            Err(Error::InvalidCertRevocationList(_)) => {
                return Some(Refusal {
                    why: "nobody can say whether the client certificate of this connection was revoked: its authority has \
                          not signed the list with its name, or may sign none",
                    remedy: "whoever runs the authority has to mend `server.tls.client_crl_file`",
                });
            }
            Err(_) => "nobody whom the authority trusts now has issued the client certificate of this connection",
        };
        Some(Refusal::of(why))
    }
}

/// The certificates of a file; `None` where there is none, or something that can't be read.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    (!found.is_empty()).then_some(found)
}

/// Who judges callers' certificates. One whose authority has no list here is good; a list whose time is over counts on.
fn verifier(
    ca: &[u8],
    crl: Option<&[u8]>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca).ok_or(TlsFault::ClientCa)? {
        roots.add(certificate).map_err(|_| TlsFault::ClientCa)?;
    }
    let mut lists = Vec::new();
    if let Some(crl) = crl {
        let found = CertificateRevocationListDer::pem_slice_iter(crl).collect::<Result<Vec<_>, _>>();
        lists = found.ok().filter(|found| !found.is_empty() && are_whole(found)).ok_or(TlsFault::ClientCrl)?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
    let built = builder.with_crls(lists).allow_unknown_revocation_status().build();
    built.map_err(|error| match error {
        VerifierBuilderError::InvalidCrl(_) => TlsFault::ClientCrl,
        _ => TlsFault::ClientCa,
    })
}

/// Whether all that these lists say counts. Of those of one issuer only the first is looked at, and whoever is not among the
/// certificates of a list of some (issuing distribution point, RFC 5280 5.2.5) would be taken as not revoked.
fn are_whole(lists: &[CertificateRevocationListDer<'_>]) -> bool {
    let mut issuers = HashSet::new();
    lists.iter().all(|list| {
        BorrowedCertRevocationList::from_der(list).is_ok_and(|list| {
            let list = CertRevocationList::from(list);
            list.issuing_distribution_point().is_none() && issuers.insert(list.issuer().to_vec())
        })
    })
}
