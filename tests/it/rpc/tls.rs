//! Owns the gRPC port under TLS: who is answered, and who is not (security.md 100). Does not know the client library.

use std::time::Duration;

use gatelodge::crypto::Secret;
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::TlsSettings;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::serving::{Serving, by, validation};
use crate::world::{Browser, World};

struct Leaf {
    certificate: String,
    key: String,
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.signed_by(&key, issuer).unwrap();
    Leaf { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// Whether a client that trusts `ca`, and shows this certificate if any, gets an answer.
async fn answered(serving: &Serving, ca: &str, own: Option<&Leaf>) -> bool {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name("localhost");
    if let Some(own) = own {
        tls = tls.identity(Identity::from_pem(&own.certificate, &own.key));
    }
    let address = format!("https://localhost:{}", serving.address.port());
    let endpoint = Endpoint::from_shared(address).unwrap().timeout(Duration::from_secs(10)).tls_config(tls).unwrap();
    let Ok(channel) = endpoint.connect().await else { return false };
    let request = by(Role::Edge, validation(&Browser::default()));
    SessionServiceClient::new(channel).validate_session(request).await.is_ok()
}

async fn serving(world: &World, issuer: &CertifiedIssuer<'static, KeyPair>, client_ca: Option<&str>) -> Serving {
    let own = leaf(issuer, "localhost", |_| ());
    let tls = TlsSettings {
        certificate: own.certificate.into_bytes(),
        key: Secret::new(own.key),
        client_ca: client_ca.map(|ca| ca.as_bytes().to_vec()),
    };
    Serving::with(world, |settings| settings.tls = Some(tls)).await
}

#[tokio::test]
async fn under_tls_nothing_is_said_in_plain_text() {
    let (world, ours, theirs) = (World::new(), issuer(), issuer());
    let serving = serving(&world, &ours, None).await;
    assert!(answered(&serving, &ours.pem(), None).await);
    assert!(!answered(&serving, &theirs.pem(), None).await, "a client that trusts another issuer does not ask");

    let mut plain = TcpStream::connect(serving.address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), plain.read_to_end(&mut said)).await.unwrap();
    assert!(said.first().is_none_or(|kind| *kind == 0x15), "a TLS alert and nothing more: {said:?}");
    assert!(answered(&serving, &ours.pem(), None).await, "the next caller is answered");
}

#[tokio::test]
async fn who_must_show_a_certificate_and_does_not_is_refused() {
    let (world, ours, callers, strangers) = (World::new(), issuer(), issuer(), issuer());
    let serving = serving(&world, &ours, Some(&callers.pem())).await;
    let own = |issuer, change: fn(&mut CertificateParams)| leaf(issuer, "edge", change);
    let (then, now) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2020, 2, 1));
    let expired = leaf(&callers, "edge", |params| (params.not_before, params.not_after) = (then, now));
    let ca = ours.pem();
    assert!(answered(&serving, &ca, Some(&own(&callers, |_| ()))).await);
    assert!(!answered(&serving, &ca, None).await, "no certificate");
    assert!(!answered(&serving, &ca, Some(&own(&strangers, |_| ()))).await, "another issuer's");
    assert!(!answered(&serving, &ca, Some(&own(&ours, |_| ()))).await, "the server's issuer is not the callers'");
    assert!(!answered(&serving, &ca, Some(&expired)).await, "expired");
    let for_servers =
        own(&callers, |params| params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth]);
    assert!(!answered(&serving, &ca, Some(&for_servers)).await, "a server's certificate is no caller's");
    assert!(answered(&serving, &ca, Some(&own(&callers, |_| ()))).await);
}

// A peer that never finishes its handshake keeps nobody else out.
#[tokio::test]
async fn a_stalled_handshake_holds_up_nobody() {
    let (world, ours) = (World::new(), issuer());
    let serving = serving(&world, &ours, None).await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.write_all(b"\x16\x03\x01").await.unwrap();
        stalled.push(stream);
    }
    let answer = tokio::time::timeout(Duration::from_secs(10), answered(&serving, &ours.pem(), None)).await;
    assert!(answer.unwrap());
}
