//! Owns the settings of how a client shows who it is, and of how a login's request and its answer travel. Does not know what
//! they say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a client shows who it is (OpenID Connect Core, 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// By its secret, as the provider's metadata offers, `client_secret_basic` first.
    Auto,
    /// By its secret in the Authorization header.
    ClientSecretBasic,
    /// By its secret in the body of the request.
    ClientSecretPost,
    /// By an assertion that its private key signs, anew for each request (RFC 7523).
    PrivateKeyJwt,
    /// By its certificate, which an authority has issued (RFC 8705, 2.1).
    TlsClientAuth,
    /// By its certificate, which the provider itself knows (RFC 8705, 2.2).
    SelfSignedTlsClientAuth,
}

impl ClientAuth {
    /// Whether it takes a client secret.
    #[must_use]
    pub const fn needs_secret(self) -> bool {
        matches!(self, Self::Auto | Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// Whether it takes a certificate.
    #[must_use]
    pub const fn needs_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

/// When a login's request is handed to the provider before the browser leaves (RFC 9126). It then comes from this client for
/// certain, nobody reads or changes it on its way, and each login costs a call to the provider more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushedAuthorization {
    /// Where the provider's metadata says that it takes no others.
    WhenRequired,
    /// Where its metadata has an address for it.
    WhenOffered,
    /// Always: no login begins without.
    Always,
}

/// How the answer to a login comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the address that the browser is sent to.
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}
