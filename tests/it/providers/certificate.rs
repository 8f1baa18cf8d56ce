//! Owns the cases of our own certificate (RFC 8705): who we are is what the connection shows, at the addresses that are for it.
//! Does not know assertions.

use std::sync::Arc;

use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::providers::credential::{ClientAuth, ClientKey};
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::OidcProvider;
use gatelodge::session::time::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::json;

use super::{refresh_of, set};
use crate::hostile::client::Registered;
use crate::hostile::{CLIENT_ID, Endpoint, Hostile, NOW, reason_of};
use crate::logins::log_in_at;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client's certificate, PEM and DER, and its key.
struct Client {
    pem: String,
    der: CertificateDer<'static>,
    key: String,
}

/// One that `issuer` has issued, or, without, the client itself.
fn client(issuer: Option<&Authority>) -> Client {
    let (key, params) = (KeyPair::generate().unwrap(), CertificateParams::new(vec![CLIENT_ID.to_owned()]).unwrap());
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    let certificate = certificate.unwrap();
    Client { pem: certificate.pem(), der: certificate.der().clone(), key: key.serialize_pem() }
}

/// A provider that asks for a certificate which one of `believed` has issued, and knows the client by `own`.
async fn provider(own: &CertificateDer<'static>, believed: &[CertificateDer<'static>]) -> Hostile {
    let (server, key) = (authority(), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &server).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    for root in believed {
        roots.add(root.clone()).unwrap();
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto.clone());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let hostile = Hostile::start_under_tls(config).await;
    let ca = server.pem().into_bytes();
    hostile.knows_client_by(Registered::Certificate(own.to_vec())).settings_with(move |settings| {
        let own = &mut settings.registration;
        (own.development, own.allow_private_network) = (false, true);
        (own.ca, own.client_secret, own.client_auth) = (Some(ca.clone()), Secret::default(), ClientAuth::Certificate);
    });
    hostile
}

fn showing(hostile: &Hostile, client: &Client) {
    let (certificate, private) = (client.pem.clone().into_bytes(), Secret::new(client.key.clone()));
    hostile.settings_with(move |settings| {
        settings.registration.key =
            ClientKey { private: private.clone(), certificate: Some(certificate.clone()), ..ClientKey::default() };
    });
}

#[tokio::test]
async fn a_certificate_shows_who_we_are_and_nothing_else_does() {
    let issuer = authority();
    let (issued, self_signed) = (client(Some(&issuer)), client(None));
    for (client, believed) in [(&issued, issuer.der()), (&self_signed, &self_signed.der)] {
        let hostile = provider(&client.der, std::slice::from_ref(believed)).await;
        showing(&hostile, client);
        log_in_at(&hostile).await;
        let provider = hostile.provider();
        provider.refresh(&refresh_of(&hostile)).await.unwrap();
        provider.revoke(&Secret::new("refresh-1"), Timestamp::from_secs(NOW)).await.unwrap();
        for call in [hostile.received(Endpoint::Token), hostile.received(Endpoint::Revoke)].concat() {
            assert!(call.form.contains(&format!("client_id={CLIENT_ID}")), "{}", call.form);
            assert!(call.authorization.is_none() && !call.form.contains("client_secret"), "{call:?}");
        }
    }
}

#[tokio::test]
async fn another_certificate_or_none_is_refused() {
    let issuer = authority();
    let (own, other) = (client(Some(&issuer)), client(Some(&issuer)));
    let hostile = provider(&own.der, &[issuer.der().clone()]).await;
    showing(&hostile, &other);
    hostile.refuses("failed").await;
    hostile.settings_with(|s| s.registration.client_secret = Secret::new("secret"));
    hostile
        .settings_with(|s| (s.registration.client_auth, s.registration.key) = (ClientAuth::Post, ClientKey::default()));
    assert_eq!(reason_of(&hostile.log_in().await), "failed");
}

// RFC 8705, 5: whoever shows a certificate goes where one is asked for; the guard holds there too (security.md 39).
#[tokio::test]
async fn the_addresses_for_certificates_are_used_and_guarded() {
    let issuer = authority();
    let own = client(Some(&issuer));
    let hostile = provider(&own.der, &[issuer.der().clone()]).await;
    showing(&hostile, &own);
    let at = |path: &str| format!("{}/mtls/{path}", hostile.issuer());
    let aliases = json!({ "token_endpoint": at("token"), "revocation_endpoint": at("revoke") });
    hostile.metadata(set("mtls_endpoint_aliases", aliases));
    hostile.log_in().await.unwrap();
    hostile.provider().revoke(&Secret::new("refresh-1"), Timestamp::from_secs(NOW)).await.unwrap();
    let paths = [Endpoint::Token, Endpoint::Revoke].map(|endpoint| hostile.received(endpoint).pop().unwrap().path);
    assert_eq!(paths, ["/mtls/token", "/mtls/revoke"]);

    for aliases in [json!({ "token_endpoint": format!("https://{}/token", hostile.canary()) }), json!([]), json!("x")] {
        hostile.metadata(set("mtls_endpoint_aliases", aliases));
        assert_eq!(reason_of(&hostile.log_in().await), "failed");
    }
    assert_eq!((hostile.calls(Endpoint::Token), hostile.canary_calls()), (1, 0));
}

#[tokio::test]
async fn a_client_without_a_certificate_has_no_use_for_those_addresses() {
    let hostile = Hostile::start().await;
    hostile.metadata(set(
        "mtls_endpoint_aliases",
        json!({ "token_endpoint": format!("{}/mtls/token", hostile.issuer()) }),
    ));
    hostile.log_in().await.unwrap();
    assert_eq!(hostile.received(Endpoint::Token)[0].path, "/token");
}

#[tokio::test]
async fn a_certificate_of_another_key_is_a_fault_before_anybody_logs_in() {
    let (own, other) = (client(None), client(None));
    for (pem, key) in
        [(own.pem.clone(), other.key), (own.key.clone(), own.key.clone()), ("nothing".into(), own.key.clone())]
    {
        let hostile = Hostile::start().await;
        showing(&hostile, &Client { pem: pem.clone(), der: own.der.clone(), key });
        let faults = OidcProvider::new(hostile.settings(), HttpSettings::default()).err().expect(&pem);
        assert_eq!(faults[0].key, "cert_file", "{faults:?}");
    }
}
