//! Callers that are known by their client certificate, over real TLS (security.md 100). Does not know keys made at run time.

use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge::rpc::callers::{Caller, Callers, Listed};
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::{ServerSettings, serve};
use gatelodge::rpc::tls::{Tls, TlsFault};
use gatelodge_client::v1;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use rustls::version::TLS13;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::rpc::failed;
use crate::rpc::serving::validation;
use crate::world::certificates::{self, Issuer, Leaf, channel, client, connect, ended, endpoint, ends_in, issuer, uri};
use crate::world::{Browser, World};

const BILLING: &str = "spiffe://example.org/billing";
const SHOP: &str = "spiffe://example.org/shop";

/// A certificate with these names, and its key.
fn leaf(issuer: &Issuer, dns: &[&str], uris: &[&str]) -> Leaf {
    certificates::leaf(issuer, dns, |params| params.subject_alt_names.extend(uris.iter().map(|one| uri(one))))
}

fn key(number: u8) -> ApiKey {
    ApiKey::generate(&[number; 32])
}

/// A server whose callers are `billing`, by certificate alone, and `shop`, by key and certificate.
async fn served(world: &World, issuer: &Issuer) -> (u16, Tls) {
    served_to(world, issuer, Some(issuer)).await
}

/// The same, who show certificates of this authority, if any.
async fn served_to(world: &World, issuer: &Issuer, callers: Option<&Issuer>) -> (u16, Tls) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = certificates::served(issuer, callers);
    let listed = |name: &str, key: Option<ApiKey>, identities: &[&str]| Listed {
        caller: Caller::new(name, Role::Backend),
        key: key.map(|key| *key.hash().as_bytes()),
        identities: identities.iter().map(|one| (*one).to_owned()).collect(),
    };
    let callers = Callers::of([
        listed("billing", None, &[BILLING, "dns:billing.example.org"]),
        listed("shop", Some(key(7)), &[SHOP]),
    ]);
    let settings = ServerSettings { tls: Some(tls.clone()), ..ServerSettings::default() };
    tokio::spawn(serve(world.authority.clone(), callers, settings, listener, std::future::pending()));
    (port, tls)
}

/// What a call gets over this certificate and with this key; `None` where there is no connection.
async fn asked(port: u16, ca: &Issuer, own: &Leaf, key: Option<&str>) -> Option<Result<(), Status>> {
    let channel = endpoint(port, ca, Some(own)).connect().await.ok()?;
    // A refusal of TLS 1.3 may come with the first bytes: then there is no status of ours.
    match asked_over(channel, key).await {
        Err(status) if status.metadata().get("x-request-id").is_none() => None,
        answer => Some(answer),
    }
}

async fn asked_over(channel: Channel, key: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(validation(&Browser::default()));
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    SessionServiceClient::new(channel).validate_session(request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificates_uri_or_dns_name_says_who_calls_without_a_key() {
    let (world, issuer) = (World::new(), issuer());
    let (port, _) = served(&world, &issuer).await;
    for (dns, uris) in
        [(&[][..], &[BILLING][..]), (&["billing.example.org"], &[]), (&["billing.example.org"], &[BILLING])]
    {
        let own = leaf(&issuer, dns, uris);
        asked(port, &issuer, &own, None).await.expect("a connection").unwrap();
    }
    for (dns, uris) in [
        (&["other.example.org"][..], &[][..]),
        (&["sub.billing.example.org"], &[]),
        (&[], &["spiffe://example.org/billing2"]),
        (&[], &["spiffe://example.com/billing"]),
    ] {
        let own = leaf(&issuer, dns, uris);
        let refused = asked(port, &issuer, &own, None).await.expect("a connection");
        failed(refused, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        asked(port, &issuer, &own, Some(key(7).expose())).await.expect("a connection").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_a_certificate_that_disagree_are_refused() {
    let (world, issuer) = (World::new(), issuer());
    let (port, _) = served(&world, &issuer).await;
    let (billing, shop) = (leaf(&issuer, &[], &[BILLING]), leaf(&issuer, &[], &[SHOP]));
    let shops = key(7);
    asked(port, &issuer, &shop, Some(shops.expose())).await.expect("a connection").unwrap();
    let both = asked(port, &issuer, &billing, Some(shops.expose())).await.expect("a connection");
    let refused = failed(both, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert!(refused.message().starts_with("the API key is of shop, and the client certificate of billing"));
    let forged = asked(port, &issuer, &billing, Some(key(9).expose())).await.expect("a connection");
    failed(forged, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    let several = leaf(&issuer, &["billing.example.org"], &[SHOP]);
    for own in [None, Some(shops.expose())] {
        let refused = asked(port, &issuer, &several, own).await.expect("a connection");
        let refused = failed(refused, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        assert!(refused.message().contains("names of several callers"), "{}", refused.message());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_or_of_the_past_is_refused_by_tls() {
    let (world, issuer, other) = (World::new(), issuer(), self::issuer());
    let (port, _) = served(&world, &issuer).await;
    for wrong in [leaf(&other, &[], &[BILLING]), certificates::leaf(&issuer, &["billing.example.org"], ended)] {
        assert!(asked(port, &issuer, &wrong, None).await.is_none());
    }
}

/// Waits until a call over an open connection is refused, and answers with what.
async fn refused_in_the_end(channel: &Channel, key: &str) -> Status {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match asked_over(channel.clone(), Some(key)).await {
            Err(status) => return status,
            Ok(()) => assert!(Instant::now() < end, "it is never refused"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

// A certificate ends while its connection is open, and whoever has it has a good key too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_does_not_outlive_its_certificate() {
    let (world, issuer) = (World::new(), issuer());
    let (port, _) = served(&world, &issuer).await;
    let own = certificates::leaf(&issuer, &["shop"], ends_in(Duration::from_secs(3)));
    let (shops, lasting) = (key(7), leaf(&issuer, &[], &[SHOP]));
    let (open, other) = (channel(port, &issuer, &own).await, channel(port, &issuer, &lasting).await);
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let mut idle = connect(&client(&issuer, Some(&own), &TLS13), address).await.unwrap();
    let mut watch = Request::new(v1::WatchSessionsRequest::default());
    watch.metadata_mut().insert("authorization", format!("Bearer {}", shops.expose()).parse().unwrap());
    let mut watch = SessionServiceClient::new(open.clone()).watch_sessions(watch).await.unwrap().into_inner();
    asked_over(open.clone(), Some(shops.expose())).await.unwrap();

    let refused = refused_in_the_end(&open, shops.expose()).await;
    let refused = failed::<()>(Err(refused), Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert!(refused.message().contains("client certificate of this connection has ended"), "{}", refused.message());
    let ended = async { while let Ok(Some(_)) = watch.message().await {} };
    timeout(Duration::from_secs(3), ended).await.expect("the stream goes on");
    asked_over(other.clone(), None).await.unwrap();

    // Also one that asks nothing is closed: whoever has another certificate comes with that.
    let closed = async { while let Ok(1..) = idle.read(&mut [0; 64]).await {} };
    timeout(Duration::from_secs(15), closed).await.expect("it is open");
    asked_over(other, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_is_taken_out_takes_its_open_connections_with_it() {
    let (world, issuer, new) = (World::new(), issuer(), self::issuer());
    let (port, tls) = served(&world, &issuer).await;
    let (old, shops) = (leaf(&issuer, &[], &[SHOP]), key(7));
    let open = channel(port, &issuer, &old).await;
    asked_over(open.clone(), None).await.unwrap();
    assert!(tls.take_over(&certificates::served(&issuer, Some(&new))));
    for key in [None, Some(shops.expose())] {
        let refused = failed(asked_over(open.clone(), key).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        assert!(refused.message().starts_with("nobody whom the authority trusts now"), "{}", refused.message());
    }
    assert!(asked(port, &issuer, &old, None).await.is_none());
    asked(port, &issuer, &leaf(&new, &[], &[SHOP]), None).await.expect("a connection").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_revoked_is_refused_also_over_an_open_connection() {
    let (world, issuer) = (World::new(), issuer());
    let (port, tls) = served(&world, &issuer).await;
    let numbered = |number: u64| {
        certificates::leaf(&issuer, &[], |params| {
            params.serial_number = Some(number.into());
            params.subject_alt_names.push(uri(SHOP));
        })
    };
    let (stolen, good) = (numbered(7), numbered(8));
    let (theirs, ours) = (channel(port, &issuer, &stolen).await, channel(port, &issuer, &good).await);
    asked_over(theirs.clone(), None).await.unwrap();
    let list = certificates::revoked(&issuer, &[7]);
    assert!(tls.take_over(&certificates::served_with(&issuer, Some(&issuer), Some(list))));
    let refused = failed(asked_over(theirs, None).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert!(refused.message().starts_with("the client certificate of this connection was revoked"));
    assert!(asked(port, &issuer, &stolen, None).await.is_none());
    asked_over(ours, None).await.unwrap();
    asked(port, &issuer, &good, None).await.expect("a connection").unwrap();
}

// TLS looks at the first list of an authority and at no other, and takes whoever a partial list does not speak of.
#[test]
fn lists_that_would_not_count_whole_are_not_taken() {
    let issuer = issuer();
    let read = |list: String| certificates::read(&issuer, Some(&issuer), Some(list)).map(drop);
    let [one, more] = [&[7][..], &[7, 8]].map(|numbers| certificates::revoked(&issuer, numbers));
    read(one.clone()).unwrap();
    read(more.clone()).unwrap();
    assert_eq!(read(one + &more), Err(TlsFault::ClientCrl));
    let part = certificates::revoked_of(&issuer, &[7], Some("http://crl.example.org/part"));
    assert_eq!(read(part), Err(TlsFault::ClientCrl));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_its_authority_has_not_signed_is_named_to_whoever_is_refused_for_it() {
    let (world, issuer) = (World::new(), issuer());
    let (port, tls) = served(&world, &issuer).await;
    let own = leaf(&issuer, &[], &[SHOP]);
    let open = channel(port, &issuer, &own).await;
    asked_over(open.clone(), None).await.unwrap();
    // Another authority of the same name.
    let list = certificates::revoked(&self::issuer(), &[7]);
    assert!(tls.take_over(&certificates::served_with(&issuer, Some(&issuer), Some(list))));
    let refused = failed(asked_over(open, None).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert!(refused.message().contains("server.tls.client_crl_file"), "{}", refused.message());
    assert!(asked(port, &issuer, &own, None).await.is_none());
}

// security.md 100: what is asked for from now on binds also whoever was there before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_certificate_ends_when_one_is_asked_for() {
    let (world, issuer) = (World::new(), issuer());
    let (port, tls) = served_to(&world, &issuer, None).await;
    let shops = key(7);
    let open = endpoint(port, &issuer, None).connect().await.unwrap();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let mut idle = connect(&client(&issuer, None, &TLS13), address).await.unwrap();
    let mut watch = Request::new(v1::WatchSessionsRequest::default());
    watch.metadata_mut().insert("authorization", format!("Bearer {}", shops.expose()).parse().unwrap());
    let mut watch = SessionServiceClient::new(open.clone()).watch_sessions(watch).await.unwrap().into_inner();
    asked_over(open.clone(), Some(shops.expose())).await.unwrap();

    assert!(tls.take_over(&certificates::served(&issuer, Some(&issuer))));
    let refused = asked_over(open, Some(shops.expose())).await;
    let refused = failed(refused, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert!(refused.message().starts_with("a client certificate is needed now"), "{}", refused.message());
    let ended = async { while let Ok(Some(_)) = watch.message().await {} };
    timeout(Duration::from_secs(3), ended).await.expect("the stream goes on");
    let closed = async { while let Ok(1..) = idle.read(&mut [0; 64]).await {} };
    timeout(Duration::from_secs(15), closed).await.expect("it is open");
}
