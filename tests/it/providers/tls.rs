//! Owns the cases of the provider's certificate (security.md 42): there is no switch to accept one that is not good.
//! Does not know what is said once the connection stands.

use std::error::Error as _;
use std::sync::Arc;

use gatelodge::authority::provider::ProviderError;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{OidcProvider, OidcSettings};
use gatelodge::providers::registration::Registration;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::hostile::{Endpoint, Hostile, reason_of};
use crate::logins::{log_in_at, written_of_none_begun};

type Authority = CertifiedIssuer<'static, KeyPair>;
type Change = fn(&mut CertificateParams);

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A provider at `https://localhost` that shows a certificate of `authority`.
async fn provider(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Hostile {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.signed_by(&key, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let hostile = Hostile::start_under_tls(config).await;
    hostile.settings_with(|settings| {
        (settings.registration.development, settings.registration.allow_private_network) = (false, true);
    });
    hostile
}

fn trusting(hostile: &Hostile, authority: &Authority) {
    let pem = authority.pem().into_bytes();
    hostile.settings_with(move |settings| settings.registration.ca = Some(pem.clone()));
}

/// What the log has of a refusal: the error and its causes.
async fn refusal(hostile: &Hostile) -> String {
    let error = hostile.log_in().await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    assert_eq!(hostile.calls(Endpoint::Metadata), 0, "something was said to a server that is not trusted");
    text
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_the_settings_name_it() {
    let own = authority();
    let hostile = provider(&own, |_| ()).await;
    trusting(&hostile, &own);
    assert_eq!(reason_of(&hostile.log_in().await), "accepted");
    log_in_at(&hostile).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_refused_and_the_reason_is_one_to_act_on() {
    let (own, another) = (authority(), authority());
    let table: [(&str, Option<&Authority>, Change); 4] = [
        ("name a private authority's own certificate under `ca_file`", None, |_| ()),
        ("name a private authority's own certificate under `ca_file`", Some(&another), |_| ()),
        ("it is for another name than the address has", Some(&own), |params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName("elsewhere.example".try_into().unwrap())];
        }),
        ("it has expired", Some(&own), |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)),
    ];
    for (reason, trusted, change) in table {
        let hostile = provider(&own, change).await;
        if let Some(trusted) = trusted {
            trusting(&hostile, trusted);
        }
        let said = refusal(&hostile).await;
        assert!(said.contains("the provider's certificate is refused") && said.contains(reason), "{said}");
    }
}

// One certificate among others that a name is bound to: the names are in the log too.
#[tokio::test]
async fn the_names_that_a_wrong_certificate_has_are_told_to_the_operator() {
    let own = authority();
    let hostile = provider(&own, |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("elsewhere.example".try_into().unwrap())];
    })
    .await;
    trusting(&hostile, &own);
    let said = format!("{:?}", hostile.log_in().await.unwrap_err());
    assert!(said.contains("elsewhere.example") && said.contains("localhost"), "{said}");
}

// security.md 109: what a provider writes is for the log alone, also where a library repeats it.
#[tokio::test]
async fn nothing_that_a_wrong_certificate_says_is_shown_of_the_login_that_failed() {
    let own = authority();
    let hostile = provider(&own, |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("canary-of-theirs.example".try_into().unwrap())];
    })
    .await;
    trusting(&hostile, &own);
    let entry = written_of_none_begun(&hostile).await;
    assert!(entry.detail.ends_with("refused: it is for another name than the address has"), "{entry:?}");
}

#[tokio::test]
async fn why_there_is_no_connection_is_shown_in_words_of_this_machine() {
    let (hostile, way) = Hostile::start_behind_a_way().await;
    way.close().await;
    let entry = written_of_none_begun(&hostile).await;
    assert!(entry.detail.ends_with("the connection failed: connection refused"), "{entry:?}");
}

#[test]
fn a_file_without_a_certificate_is_a_fault() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let broken = authority().pem().replace("MII", "!!!");
    for pem in [String::new(), "certificate".to_owned(), key, broken] {
        let settings = OidcSettings::new(Registration {
            ca: Some(pem.clone().into_bytes()),
            ..Registration::new("tls", "https://sso.example", "client", gatelodge::crypto::Secret::new("s"))
        });
        let faults = OidcProvider::new(settings, HttpSettings::default()).err().expect(&pem);
        assert_eq!(faults[0].key, "ca_file");
    }
}
