//! Shows that the certificates of the gRPC port change while a process runs, all of them or none. Does not know who calls.

use std::fs;
use std::path::Path;

use gatelodge_client::v1::GetEdgeSettingsRequest;
use gatelodge_client::v1::login_service_client::LoginServiceClient;
use tonic::Code;
use tonic::transport::Channel;

use super::served::Served;
use crate::world::certificates::{Issuer, Leaf, channel, endpoint, issuer, leaf};

const OTHERS: &str = "the gRPC port has other certificates";
const REFUSED: &str = "stays in force";

fn put(folder: &Path, name: &str, text: &str) {
    // As an editor does: another file takes its place.
    fs::write(folder.join("next"), text).unwrap();
    fs::rename(folder.join("next"), folder.join(name)).unwrap();
}

fn put_identity(folder: &Path, issuer: &Issuer) -> Leaf {
    let own = leaf(issuer, &["localhost"], |_| ());
    put(folder, "own.pem", &own.certificate);
    put(folder, "own.key", &own.key);
    own
}

/// Whether a call over a connection is answered: without a key it is turned away by us, and not by TLS.
async fn is_answered(open: &Channel) -> bool {
    let asked = LoginServiceClient::new(open.clone()).get_edge_settings(GetEdgeSettingsRequest::default()).await;
    let status = asked.unwrap_err();
    assert_eq!(status.code() == Code::Unauthenticated, status.metadata().contains_key("x-request-id"), "{status:?}");
    status.code() == Code::Unauthenticated
}

// security.md 100: without drops. security.md 125: a reload that is no good keeps what there was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_while_connections_are_open_and_broken_ones_change_nothing() {
    let (first, second, callers, others) = (issuer(), issuer(), issuer(), issuer());
    let files = tempfile::tempdir().unwrap();
    let folder = files.path();
    put_identity(folder, &first);
    put(folder, "callers.pem", &callers.pem());
    let named = [("CERT_FILE", "own.pem"), ("KEY_FILE", "own.key"), ("CLIENT_CA_FILE", "callers.pem")];
    let line = |(key, name): (&str, &str)| format!("GATELODGE__SERVER__TLS__{key}={}\n", folder.join(name).display());
    let base = "app: { redirects: { public_base_url: BASE } }\n";
    let served = Served::with_file(base, None, ".env", &named.map(line).concat()).await;
    let (old, new) = (leaf(&callers, &["edge"], |_| ()), leaf(&others, &["edge"], |_| ()));
    let comes = async |ca: &Issuer, own: &Leaf| match endpoint(served.grpc, ca, Some(own)).connect().await {
        // A refusal of TLS 1.3 may come with the first bytes.
        Ok(channel) => {
            let asked = LoginServiceClient::new(channel).get_edge_settings(GetEdgeSettingsRequest::default()).await;
            asked.unwrap_err().metadata().contains_key("x-request-id")
        }
        Err(_) => false,
    };
    let open = channel(served.grpc, &first, &old).await;
    assert!(is_answered(&open).await && !comes(&second, &old).await && !comes(&first, &new).await);

    // The key of another certificate, no certificate at all, and an authority that is cut short.
    let good = fs::read_to_string(folder.join("own.key")).unwrap();
    put(folder, "own.key", &leaf(&second, &["localhost"], |_| ()).key);
    served.hang_up();
    served.says(REFUSED, 1).await;
    let said = served.lines("server.tls.key_file").concat();
    assert!(said.contains("own.key is the key of another certificate than `cert_file`"), "{said}");
    put(folder, "own.key", &good);
    put(folder, "callers.pem", &callers.pem()[..200]);
    served.hang_up();
    served.says("callers.pem has no PEM certificate", 1).await;
    assert!(is_answered(&open).await && comes(&first, &old).await && served.lines(OTHERS).is_empty());

    // By itself, and beside what is open.
    put(folder, "callers.pem", &format!("{}{}", callers.pem(), others.pem()));
    put_identity(folder, &second);
    served.says(OTHERS, 1).await;
    assert!(comes(&second, &old).await && comes(&second, &new).await && !comes(&first, &old).await);
    assert!(is_answered(&open).await);
    put(folder, "callers.pem", &others.pem());
    served.hang_up();
    served.says(OTHERS, 2).await;
    assert!(comes(&second, &new).await && !comes(&second, &old).await);
    let log = fs::read_to_string(served.path("log")).unwrap();
    assert!(!log.contains("PRIVATE KEY") && log.contains("a client certificate was refused"), "{log}");
}

#[tokio::test]
async fn tls_is_not_turned_on_by_a_reload() {
    let served = Served::with("app: { redirects: { public_base_url: BASE } }\n", None).await;
    let own = put_identity(served.process.folder.path(), &issuer());
    assert!(own.key.contains("PRIVATE KEY"));
    fs::write(
        served.path(".env"),
        "GATELODGE__SERVER__TLS__CERT_FILE=own.pem\nGATELODGE__SERVER__TLS__KEY_FILE=own.key\n",
    )
    .unwrap();
    served.hang_up();
    served.says(REFUSED, 1).await;
    let said = served.lines("server.tls.cert_file").concat();
    assert!(said.contains("TLS can't be turned on or off while the process runs: restart it"), "{said}");
}

// security.md 100: client certificates are asked for from a reload on, of connections that are open too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_certificates_that_are_turned_on_are_asked_of_whoever_is_there() {
    let (ours, callers) = (issuer(), issuer());
    let files = tempfile::tempdir().unwrap();
    let folder = files.path();
    put_identity(folder, &ours);
    put(folder, "callers.pem", &callers.pem());
    let line = |(key, name): (&str, &str)| format!("GATELODGE__SERVER__TLS__{key}={}\n", folder.join(name).display());
    let plain = [("CERT_FILE", "own.pem"), ("KEY_FILE", "own.key")].map(line).concat();
    let base = "app: { redirects: { public_base_url: BASE } }\n";
    let served = Served::with_file(base, None, ".env", &plain).await;
    let open = endpoint(served.grpc, &ours, None).connect().await.unwrap();
    let said = async || {
        let asked = LoginServiceClient::new(open.clone()).get_edge_settings(GetEdgeSettingsRequest::default()).await;
        asked.unwrap_err().message().to_owned()
    };
    assert!(said().await.starts_with("a valid API key is needed"), "{}", said().await);

    fs::write(served.path(".env"), plain + &line(("CLIENT_CA_FILE", "callers.pem"))).unwrap();
    served.hang_up();
    served.says(OTHERS, 1).await;
    assert!(said().await.starts_with("a client certificate is needed now"), "{}", said().await);
    assert!(is_answered(&channel(served.grpc, &ours, &leaf(&callers, &["edge"], |_| ())).await).await);
}
