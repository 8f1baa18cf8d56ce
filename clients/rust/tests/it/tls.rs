//! Owns how the client comes by TLS: the scheme decides, and the files say whom to trust and who we are.
//! Does not know what is asked over it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_client::client::options::{ADDRESS, API_KEY, CA_FILE, CERT_FILE, KEY_FILE};
use gatelodge_client::{Client, ClientOptions, Error, v1};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::authority::{KEY, Scripts, serve};

struct Leaf {
    certificate: String,
    key: String,
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    Leaf { certificate: certificate.pem(), key: key.serialize_pem() }
}

async fn ask(options: &ClientOptions) -> Result<v1::ListSessionsResponse, Error> {
    Client::connect(options).unwrap().admin().list_sessions(v1::ListSessionsRequest::default()).await
}

/// Why there is no connection. A failed handshake counts as unavailable, and is repeated: a short deadline ends that.
async fn refused(options: &ClientOptions) -> String {
    let client = Client::connect(options).unwrap().with_deadline(Duration::from_millis(500));
    client.admin().list_sessions(v1::ListSessionsRequest::default()).await.unwrap_err().to_string()
}

// security.md 100: only who shows a certificate of the right issuer is answered, and only such an authority is asked.
#[tokio::test]
async fn https_trusts_the_given_authority_and_shows_the_given_certificate() {
    let (ours, theirs) = (issuer(), issuer());
    let server = leaf(&ours, "localhost");
    let client = leaf(&ours, "edge");
    let folder = TempDir::new().unwrap();
    let file = |name: &str, pem: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let (ca, other_ca) = (file("ca.pem", &ours.pem()), file("other.pem", &theirs.pem()));
    let (certificate, key) = (file("cert.pem", &client.certificate), file("key.pem", &client.key));

    let scripts = Arc::new(Scripts::default());
    scripts.list.say([Ok(v1::ListSessionsResponse::default())]);
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(&server.certificate, &server.key))
        .client_ca_root(Certificate::from_pem(ours.pem()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    serve(Server::builder().tls_config(tls).unwrap(), scripts, listener);

    let variables = |name: &str| match name {
        ADDRESS => Some(address.clone()),
        API_KEY => Some(KEY.to_owned()),
        CA_FILE => Some(ca.display().to_string()),
        CERT_FILE => Some(certificate.display().to_string()),
        KEY_FILE => Some(key.display().to_string()),
        _ => None,
    };
    ask(&ClientOptions::from_variables(variables).unwrap()).await.unwrap();

    let plain = ClientOptions::new(&address, KEY);
    let no_certificate = refused(&plain.clone().ca_file(&ca)).await;
    let other_issuer = refused(&plain.clone().ca_file(&other_ca).identity_files(&certificate, &key)).await;
    let public_issuers = refused(&plain.identity_files(&certificate, &key)).await;
    for fault in [&other_issuer, &public_issuers] {
        assert!(fault.contains("invalid peer certificate"), "{fault}");
    }
    assert!(no_certificate.contains("can't be reached") && no_certificate.contains(ADDRESS), "{no_certificate}");
}

// The scheme of the address decides TLS, so a wrong one has to be named, not only the handshake that failed.
#[tokio::test]
async fn a_wrong_scheme_is_named_with_its_variable() {
    let ours = issuer();
    let server = leaf(&ours, "localhost");
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(&server.certificate, &server.key));
    let under_tls = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plaintext = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (secure, plain) = (port(&under_tls), port(&plaintext));
    serve(Server::builder().tls_config(tls).unwrap(), Arc::default(), under_tls);
    serve(Server::builder(), Arc::default(), plaintext);

    let fault = refused(&ClientOptions::new(format!("http://localhost:{secure}"), KEY)).await;
    assert!(fault.contains(ADDRESS) && fault.contains("https://"), "{fault}");
    let fault = refused(&ClientOptions::new(format!("https://localhost:{plain}"), KEY)).await;
    assert!(fault.contains(ADDRESS) && fault.contains("begin with http://"), "{fault}");
    let nobody = refused(&ClientOptions::new("http://localhost:1", KEY)).await;
    assert!(
        nobody.contains(ADDRESS) && !nobody.contains("has to begin"),
        "nobody is there, whatever the scheme: {nobody}"
    );
}
