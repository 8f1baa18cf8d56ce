//! Owns the settings of the gRPC server. Does not know how it serves.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::app::WebOrigin;
use super::period::Period;

/// The gRPC server that edges, backends and admins call.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
    /// Serve without TLS on an address that other machines can reach. Only behind a mesh or proxy that adds it.
    pub allow_plaintext: bool,
    /// TLS of the gRPC port. Without a certificate it is off.
    pub tls: Tls,
    /// gRPC-Web on the same port, for tools that run in a browser.
    pub grpc_web: GrpcWeb,
    /// How much the server takes on at once.
    pub limits: Limits,
    /// What health says beside whether the server is ready: `gatelodge.store`, and `gatelodge.providers.NAME`.
    pub health: Health,
    /// How long running calls, and work that has to come to its end, may take when the server is asked to stop.
    pub shutdown_grace: Period,
    /// A connection is closed gracefully after this long, so that clients spread over new replicas.
    pub max_connection_age: Period,
}

/// TLS of the gRPC port. The files are read again when they change.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub cert_file: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub key_file: Option<PathBuf>,
    /// Authorities whose client certificates are required (mTLS), PEM. Without it clients need none.
    pub client_ca_file: Option<PathBuf>,
    /// What these authorities have revoked (CRLs), PEM: who shows such a certificate is refused.
    pub client_crl_file: Option<PathBuf>,
}

/// gRPC-Web, and HTTP/1.1 for it, on the gRPC port.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcWeb {
    /// Speak it. Whoever calls needs a key all the same, and may what the key may.
    pub enabled: bool,
    /// Origins whose pages may call, exact.
    pub allowed_origins: Vec<WebOrigin>,
}

/// What health says beside whether the server is ready.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// A provider that nobody has asked anything for so long is asked for its metadata, so that it is known whether it
    /// answers; 0 for never. One that speaks plain OAuth2 has nothing to ask for.
    pub ask_providers_after: Period,
}

/// How much the server takes on at once.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls in flight, over all connections; one more is refused with advice to retry.
    pub max_in_flight: usize,
    /// The longest message of a caller, in bytes; at least 262144, to which the limits of what a browser may send add up.
    pub max_message_bytes: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
            allow_plaintext: false,
            tls: Tls::default(),
            grpc_web: GrpcWeb::default(),
            limits: Limits::default(),
            health: Health::default(),
            shutdown_grace: Period::seconds(10),
            max_connection_age: Period::seconds(300),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { ask_providers_after: Period::seconds(30) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_in_flight: 1024, max_message_bytes: 1_048_576 }
    }
}
