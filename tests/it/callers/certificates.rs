//! Callers that are known by their client certificate, over real TLS (security.md 100). Does not know keys made at run time.

use std::time::Duration;

use gatelodge::crypto::{ApiKey, Secret};
use gatelodge::rpc::callers::{Caller, Callers, Listed};
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::{ServerSettings, TlsSettings, serve};
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use tokio::net::TcpListener;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use crate::rpc::failed;
use crate::rpc::serving::validation;
use crate::world::{Browser, World};

type Issuer = CertifiedIssuer<'static, KeyPair>;

const BILLING: &str = "spiffe://example.org/billing";
const SHOP: &str = "spiffe://example.org/shop";

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate with these names, and its key.
fn leaf(issuer: &Issuer, dns: &[&str], uris: &[&str], old: bool) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(dns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    let uri = |uri: &&str| SanType::URI(Ia5String::try_from(*uri).unwrap());
    params.subject_alt_names.extend(uris.iter().map(uri));
    if old {
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1));
    }
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

fn key(number: u8) -> ApiKey {
    ApiKey::generate(&[number; 32])
}

/// A server whose callers are `billing`, by certificate alone, and `shop`, by key and certificate.
async fn served(world: &World, issuer: &Issuer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (certificate, own) = leaf(issuer, &["localhost"], &[], false);
    let client_ca = Some(issuer.pem().into_bytes());
    let tls = TlsSettings { certificate: certificate.into_bytes(), key: Secret::new(own), client_ca };
    let listed = |name: &str, key: Option<ApiKey>, identities: &[&str]| Listed {
        caller: Caller::new(name, Role::Backend),
        key: key.map(|key| *key.hash().as_bytes()),
        identities: identities.iter().map(|one| (*one).to_owned()).collect(),
    };
    let callers = Callers::of([
        listed("billing", None, &[BILLING, "dns:billing.example.org"]),
        listed("shop", Some(key(7)), &[SHOP]),
    ]);
    let settings = ServerSettings { tls: Some(tls), ..ServerSettings::default() };
    tokio::spawn(serve(world.authority.clone(), callers, settings, listener, std::future::pending()));
    port
}

/// What a call gets over this certificate and with this key; `None` where there is no connection.
async fn asked(port: u16, ca: &Issuer, own: &(String, String), key: Option<&str>) -> Option<Result<(), Status>> {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca.pem())).domain_name("localhost");
    let tls = tls.identity(Identity::from_pem(&own.0, &own.1));
    let endpoint = Endpoint::from_shared(format!("https://localhost:{port}")).unwrap();
    let endpoint = endpoint.timeout(Duration::from_secs(10)).tls_config(tls).unwrap();
    let channel = endpoint.connect().await.ok()?;
    let mut request = Request::new(validation(&Browser::default()));
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    let answer = SessionServiceClient::new(channel).validate_session(request).await.map(drop);
    // A refusal of TLS 1.3 may come with the first bytes: then there is no status of ours.
    match answer {
        Err(status) if status.metadata().get("x-request-id").is_none() => None,
        answer => Some(answer),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificates_uri_or_dns_name_says_who_calls_without_a_key() {
    let (world, issuer) = (World::new(), issuer());
    let port = served(&world, &issuer).await;
    for (dns, uris) in
        [(&[][..], &[BILLING][..]), (&["billing.example.org"], &[]), (&["billing.example.org"], &[BILLING])]
    {
        let own = leaf(&issuer, dns, uris, false);
        asked(port, &issuer, &own, None).await.expect("a connection").unwrap();
    }
    for (dns, uris) in [
        (&["other.example.org"][..], &[][..]),
        (&["sub.billing.example.org"], &[]),
        (&[], &["spiffe://example.org/billing2"]),
        (&[], &["spiffe://example.com/billing"]),
    ] {
        let own = leaf(&issuer, dns, uris, false);
        let refused = asked(port, &issuer, &own, None).await.expect("a connection");
        failed(refused, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        asked(port, &issuer, &own, Some(key(7).expose())).await.expect("a connection").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_a_certificate_that_disagree_are_refused() {
    let (world, issuer) = (World::new(), issuer());
    let port = served(&world, &issuer).await;
    let (billing, shop) = (leaf(&issuer, &[], &[BILLING], false), leaf(&issuer, &[], &[SHOP], false));
    let shops = key(7);
    asked(port, &issuer, &shop, Some(shops.expose())).await.expect("a connection").unwrap();
    let both = asked(port, &issuer, &billing, Some(shops.expose())).await.expect("a connection");
    let refused = failed(both, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert!(refused.message().starts_with("the API key is of shop, and the client certificate of billing"));
    let forged = asked(port, &issuer, &billing, Some(key(9).expose())).await.expect("a connection");
    failed(forged, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    let several = leaf(&issuer, &["billing.example.org"], &[SHOP], false);
    for own in [None, Some(shops.expose())] {
        let refused = asked(port, &issuer, &several, own).await.expect("a connection");
        let refused = failed(refused, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        assert!(refused.message().contains("names of several callers"), "{}", refused.message());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_or_of_the_past_is_refused_by_tls() {
    let (world, issuer, other) = (World::new(), issuer(), self::issuer());
    let port = served(&world, &issuer).await;
    for wrong in [leaf(&other, &[], &[BILLING], false), leaf(&issuer, &[], &[BILLING], true)] {
        assert!(asked(port, &issuer, &wrong, None).await.is_none());
    }
}
