//! Owns TLS to Redis: an authority of one's own, a certificate to show, for one server, a Cluster and servers with sentinels; and
//! what is said where the two sides don't fit. Does not know the scripts.

use std::path::Path;

use gatelodge::authority::ports::{Lookup, SessionStore as _};
use gatelodge::crypto::Secret;
use gatelodge::store::redis::{ConnectError, RedisSettings, RedisStore, RedisTls, SentinelSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::bench::{self, CREATED, new_session, settings_for, user};
use super::redis_fitness::refusal;
use super::redis_trouble::impatient;
use crate::redis::{Cluster, MASTER, Server, Watched};

/// An authority, and what it has issued to a server and to a client.
struct Issued {
    folder: TempDir,
    ca: String,
    client: (String, String),
}

impl Issued {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Else it has the name of those that it issues to, and OpenSSL takes them as issued by themselves.
        params.distinguished_name.push(DnType::CommonName, "an authority of one's own");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        let (server, client) = (issue(&["localhost", "127.0.0.1"]), issue(&["gatelodge"]));
        for (name, text) in [("ca.pem", ca.pem()), ("server.pem", server.0), ("server.key", server.1)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { ca: ca.pem(), client, folder }
    }

    /// What a server is told of them.
    fn options(&self, asks_clients: bool) -> Vec<String> {
        let file = |name: &str| Path::join(self.folder.path(), name).display().to_string();
        let asks = if asks_clients { "yes" } else { "no" };
        let options = [
            ["--tls-cert-file", &file("server.pem")],
            ["--tls-key-file", &file("server.key")],
            ["--tls-ca-cert-file", &file("ca.pem")],
            ["--tls-auth-clients", asks],
        ];
        options.concat().into_iter().map(str::to_owned).collect()
    }

    /// A server with a plain port for the test, and its port with TLS.
    async fn server(&self, asks_clients: bool) -> (Server, u16) {
        let port = crate::redis::free_port();
        let mut options = self.options(asks_clients);
        options.extend(["--tls-port".to_owned(), port.to_string()]);
        let start = move || Server::start(&options.iter().map(String::as_str).collect::<Vec<_>>());
        (tokio::task::spawn_blocking(start).await.unwrap(), port)
    }

    /// Trusts the authority, and shows the client's certificate.
    fn whole(&self) -> RedisTls {
        let (certificate, key) = self.client.clone();
        RedisTls { identity: Some((certificate.into_bytes(), Secret::new(key))), ..self.trusting() }
    }

    fn trusting(&self) -> RedisTls {
        RedisTls { ca: Some(self.ca.clone().into_bytes()), identity: None }
    }
}

fn at(url: String, tls: RedisTls) -> RedisSettings {
    RedisSettings { urls: vec![Secret::new(url)], tls, ..settings_for(1) }
}

async fn works(store: &RedisStore) {
    let new = new_session(store.time().await.unwrap(), &user());
    let key = new.key;
    assert_eq!(store.create(new).await.unwrap(), CREATED);
    assert!(matches!(store.read(&key).await.unwrap(), Lookup::Found(_)));
    // By a connection of its own.
    store.wait_for_lease(&key, std::time::Duration::from_millis(50)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_ones_own_authority_is_reached_with_and_without_a_certificate_of_ours() {
    let issued = Issued::new();
    for (asks, tls) in [(false, issued.trusting()), (true, issued.whole())] {
        let (_server, port) = issued.server(asks).await;
        for host in ["localhost", "127.0.0.1"] {
            let store = bench::connect(at(format!("rediss://store:secret@{host}:{port}/"), tls.clone())).await;
            works(&store.unwrap()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tls_fails_for_is_told_with_the_key_that_mends_it() {
    let (issued, other) = (Issued::new(), Issued::new());
    let ((plain, asking), (_server, open)) = (issued.server(true).await, issued.server(false).await);
    let impatient = |url: String, tls| RedisSettings { urls: vec![Secret::new(url)], tls, ..impatient(1) };
    let with = |port: u16| format!("rediss://gatelodge:hush@localhost:{port}/");
    let refused = [
        impatient(with(open), RedisTls::default()),
        impatient(with(open), other.trusting()),
        impatient(with(asking), issued.trusting()),
        impatient(with(asking), RedisTls { ca: issued.trusting().ca, ..other.whole() }),
    ];
    for settings in refused {
        let error = refusal(settings).await;
        assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
        assert!(error.to_string().contains("store.redis.tls.ca_file") && error.to_string().contains("cert_file"));
    }
    // One side speaks TLS, the other does not.
    let mixed = [
        (impatient(with(plain.port), issued.trusting()), "speaks no TLS: give redis://"),
        (
            impatient(format!("redis://gatelodge:hush@localhost:{open}/"), RedisTls::default()),
            "speaks TLS alone: give rediss://",
        ),
    ];
    for (settings, expected) in mixed {
        let error = refusal(settings).await;
        assert!(error.to_string().contains("store.redis.urls") && error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_reached_with_tls() {
    let issued = Issued::new();
    let options = issued.options(true);
    let cluster = tokio::task::spawn_blocking(move || Cluster::start_with_tls(&options)).await.unwrap();
    let urls = cluster.nodes.iter().map(|node| Secret::new(format!("rediss://store:secret@127.0.0.1:{}/", node.tls())));
    let settings = RedisSettings { urls: urls.collect(), cluster: true, tls: issued.whole(), ..settings_for(1) };
    let store = bench::connect(settings).await.unwrap();
    for _ in 0..6 {
        works(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_with_sentinels_are_reached_with_tls() {
    let issued = Issued::new();
    let options = issued.options(true);
    let watched = tokio::task::spawn_blocking(move || Watched::start_with_tls(&options)).await.unwrap();
    let url = |server: &Server| Secret::new(format!("rediss://gatelodge:watch@127.0.0.1:{}", server.tls()));
    let sentinel = SentinelSettings {
        master: MASTER.into(),
        urls: watched.sentinels.iter().map(url).collect(),
        server: Secret::new("rediss://store:secret@primary.invalid/0"),
    };
    let settings = RedisSettings { urls: Vec::new(), sentinel: Some(sentinel), tls: issued.whole(), ..settings_for(1) };
    works(&bench::connect(settings).await.unwrap()).await;
}
