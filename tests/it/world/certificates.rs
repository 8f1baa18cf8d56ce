//! Owns certificates of a test's own authorities, and clients that show them. Does not know what is tested.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::crypto::Secret;
use gatelodge::rpc::tls::{Tls, TlsFault, TlsSettings};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CrlDistributionPoint,
    CrlIssuingDistributionPoint, IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

pub type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key, PEM.
pub struct Leaf {
    pub certificate: String,
    pub key: String,
}

pub fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate with these DNS names, and whatever is changed.
pub fn leaf(issuer: &Issuer, dns: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(dns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    change(&mut params);
    Leaf { certificate: params.signed_by(&key, issuer).unwrap().pem(), key: key.serialize_pem() }
}

pub fn uri(uri: &str) -> SanType {
    SanType::URI(Ia5String::try_from(uri).unwrap())
}

/// Ended long ago.
pub fn ended(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1));
}

/// Ends so far from now, by this machine's clock.
pub fn ends_in(length: Duration) -> impl FnOnce(&mut CertificateParams) {
    let end = Duration::from_secs(UnixTime::now().as_secs()) + length;
    move |params| params.not_after = rcgen::date_time_ymd(1970, 1, 1) + end
}

/// TLS of a server for `localhost`, whose callers must show certificates of `callers`.
pub fn served(issuer: &Issuer, callers: Option<&Issuer>) -> Tls {
    served_with(issuer, callers, None)
}

/// The same, with a list of what was revoked.
pub fn served_with(issuer: &Issuer, callers: Option<&Issuer>, crl: Option<String>) -> Tls {
    read(issuer, callers, crl).unwrap()
}

/// The same, where the files may be no good.
pub fn read(issuer: &Issuer, callers: Option<&Issuer>, crl: Option<String>) -> Result<Tls, TlsFault> {
    let own = leaf(issuer, &["localhost"], |_| ());
    let (certificate, key) = (own.certificate.into_bytes(), Secret::new(own.key));
    let (client_ca, client_crl) = (callers.map(|ca| ca.pem().into_bytes()), crl.map(String::into_bytes));
    Tls::new(&TlsSettings { certificate, key, client_ca, client_crl })
}

/// A list of what an authority has revoked: the certificates with these numbers.
pub fn revoked(issuer: &Issuer, numbers: &[u64]) -> String {
    revoked_of(issuer, numbers, None)
}

/// The same, of those of its certificates that name this place (issuing distribution point).
pub fn revoked_of(issuer: &Issuer, numbers: &[u64], place: Option<&str>) -> String {
    let then = rcgen::date_time_ymd(2020, 1, 1);
    let one = |number: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*number),
        revocation_time: then,
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: then,
        next_update: rcgen::date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: place.map(|place| CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec![place.to_owned()] },
            scope: None,
        }),
        revoked_certs: numbers.iter().map(one).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

/// How to reach a server as somebody who trusts `ca`, and shows this certificate if any.
pub fn endpoint(port: u16, ca: &Issuer, own: Option<&Leaf>) -> Endpoint {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca.pem())).domain_name("localhost");
    if let Some(own) = own {
        tls = tls.identity(Identity::from_pem(&own.certificate, &own.key));
    }
    let endpoint = Endpoint::from_shared(format!("https://localhost:{port}")).unwrap();
    endpoint.timeout(Duration::from_secs(10)).tls_config(tls).unwrap()
}

/// A connection that is there before it is asked for.
pub async fn channel(port: u16, ca: &Issuer, own: &Leaf) -> Channel {
    endpoint(port, ca, Some(own)).connect().await.unwrap()
}

/// What a client of one version of TLS connects with; what it remembers of sessions is in it.
pub fn client(ca: &Issuer, own: Option<&Leaf>, version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = CertificateDer::pem_slice_iter(own.certificate.as_bytes()).map(Result::unwrap).collect();
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

pub async fn connect(client: &TlsConnector, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
    client.connect(ServerName::try_from("localhost").unwrap(), TcpStream::connect(address).await?).await
}
