//! Owns the gRPC port under TLS: who is answered, and who is not (security.md 100). Does not know the client library.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use rcgen::CertificateParams;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::serving::{Serving, by, validation};
use crate::world::certificates::{Issuer, Leaf, ended, endpoint, issuer, leaf, served};
use crate::world::{Browser, World};

/// Whether a client that trusts `ca`, and shows this certificate if any, gets an answer.
pub async fn answered(serving: &Serving, ca: &Issuer, own: Option<&Leaf>) -> bool {
    let Ok(channel) = endpoint(serving.address.port(), ca, own).connect().await else { return false };
    let request = by(Role::Edge, validation(&Browser::default()));
    SessionServiceClient::new(channel).validate_session(request).await.is_ok()
}

pub async fn serving(world: &World, issuer: &Issuer, callers: Option<&Issuer>) -> Serving {
    let tls = served(issuer, callers);
    Serving::with(world, |settings| settings.tls = Some(tls)).await
}

#[tokio::test]
async fn under_tls_nothing_is_said_in_plain_text() {
    let (world, ours, theirs) = (World::new(), issuer(), issuer());
    let serving = serving(&world, &ours, None).await;
    assert!(answered(&serving, &ours, None).await);
    assert!(!answered(&serving, &theirs, None).await, "a client that trusts another issuer does not ask");

    let mut plain = TcpStream::connect(serving.address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), plain.read_to_end(&mut said)).await.unwrap();
    assert!(said.first().is_none_or(|kind| *kind == 0x15), "a TLS alert and nothing more: {said:?}");
    assert!(answered(&serving, &ours, None).await, "the next caller is answered");
}

#[tokio::test]
async fn who_must_show_a_certificate_and_does_not_is_refused() {
    let (world, ours, callers, strangers) = (World::new(), issuer(), issuer(), issuer());
    let serving = serving(&world, &ours, Some(&callers)).await;
    let own = |issuer, change: fn(&mut CertificateParams)| leaf(issuer, &["edge"], change);
    assert!(answered(&serving, &ours, Some(&own(&callers, |_| ()))).await);
    assert!(!answered(&serving, &ours, None).await, "no certificate");
    assert!(!answered(&serving, &ours, Some(&own(&strangers, |_| ()))).await, "another issuer's");
    assert!(!answered(&serving, &ours, Some(&own(&ours, |_| ()))).await, "the server's issuer is not the callers'");
    assert!(!answered(&serving, &ours, Some(&own(&callers, ended))).await, "ended");
    let for_servers =
        own(&callers, |params| params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth]);
    assert!(!answered(&serving, &ours, Some(&for_servers)).await, "a server's certificate is no caller's");
    assert!(answered(&serving, &ours, Some(&own(&callers, |_| ()))).await);
}
