//! Owns the PEM files of TLS to Redis: whom to trust, and what to show. Does not know where they were read.

use std::fmt;
use std::sync::Arc;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, RedisResult, TlsCertificates};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::crypto::Secret;

/// Whom to trust, and what to show, where an address asks for TLS.
#[derive(Clone, Default)]
pub struct RedisTls {
    /// Authorities that are trusted instead of the public ones, PEM.
    pub ca: Option<Vec<u8>>,
    /// The certificate chain and the private key that are shown to servers which ask for them, PEM.
    pub identity: Option<(Vec<u8>, Secret)>,
}

/// Which of the files can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisTlsFault {
    /// The authorities.
    Ca,
    /// Certificate chain and private key: one is no PEM, or they don't belong together.
    Identity,
}

impl RedisTls {
    /// What no server could be reached with.
    #[must_use]
    pub fn fault(&self) -> Option<RedisTlsFault> {
        let Some(roots) = self.roots() else { return Some(RedisTlsFault::Ca) };
        let (certificates, key) = self.identity.as_ref()?;
        let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
        let (Ok(chain), Ok(key)) = (chain, key) else { return Some(RedisTlsFault::Identity) };
        let fits = config(roots).and_then(|config| config.with_client_auth_cert(chain, key).ok()).is_some();
        (!fits).then_some(RedisTlsFault::Identity)
    }

    /// As the client library takes them; `None` when there is nothing to take.
    pub(super) fn certificates(&self) -> Option<TlsCertificates> {
        let client_tls = self.identity.as_ref().map(|(certificate, key)| ClientTlsConfig {
            client_cert: certificate.clone(),
            client_key: key.expose().as_bytes().to_vec(),
        });
        let some = client_tls.is_some() || self.ca.is_some();
        some.then(|| TlsCertificates { client_tls, root_cert: self.ca.clone() })
    }

    /// The same address with these files, if it asks for TLS.
    pub(super) fn with(&self, address: ConnectionInfo) -> RedisResult<ConnectionInfo> {
        match (address.addr(), self.certificates()) {
            (ConnectionAddr::TcpTls { .. }, Some(certificates)) => {
                Ok(Client::build_with_tls(address, certificates)?.get_connection_info().clone())
            }
            _ => Ok(address),
        }
    }

    /// `None` for a file that has no authority, or something that is none.
    fn roots(&self) -> Option<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            for certificate in CertificateDer::pem_slice_iter(ca) {
                roots.add(certificate.ok()?).ok()?;
            }
            (!roots.is_empty()).then_some(())?;
        }
        Some(roots)
    }
}

/// What a client begins with that trusts these.
pub(super) fn config(
    roots: RootCertStore,
) -> Option<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(builder.with_root_certificates(roots))
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ca, identity } = self;
        f.debug_struct("RedisTls").field("ca", &ca.is_some()).field("identity", &identity.is_some()).finish()
    }
}
