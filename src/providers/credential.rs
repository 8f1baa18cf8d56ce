//! Owns who we are at a provider and how we show it: a secret, an assertion that our key signs, a certificate. Does not know
//! what is asked there.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::dpop::Proofs;
use super::fault::Fault;
use super::jws;
use super::registration::{Registration, SettingsFault};
use crate::crypto::{PrivateKey, Secret, unique_name};
use crate::session::time::Timestamp;

/// How we show who we are (OpenID Connect Core, 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// By the client secret, as the provider says that it takes it: `client_secret_basic` rather than `client_secret_post`.
    #[default]
    Auto,
    /// `client_secret_basic` (RFC 6749, 2.3.1).
    Basic,
    /// `client_secret_post` (likewise).
    Post,
    /// `private_key_jwt`: by an assertion that our private key signs (RFC 7523, 2.2).
    PrivateKeyJwt,
    /// `tls_client_auth` and `self_signed_tls_client_auth`: by our certificate, shown when a connection is made (RFC 8705, 2).
    Certificate,
    /// `client_secret_post` with a secret that our private key signs: Apple's way.
    SignedSecret,
}

impl ClientAuth {
    /// Whether it takes the client secret that the provider has given us.
    pub(super) const fn needs_secret(self) -> bool {
        matches!(self, Self::Auto | Self::Basic | Self::Post)
    }

    /// Whether it takes a private key that signs.
    const fn needs_signature(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::SignedSecret)
    }
}

/// Our private key at a provider, and what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct ClientKey {
    /// The key, PEM. Empty: there is none.
    pub private: Secret,
    /// Its name there (`kid`), if it has one.
    pub id: Option<String>,
    /// Its certificate and those above it, PEM.
    pub certificate: Option<Vec<u8>>,
    /// Whom assertions are for, where that is not the issuer.
    pub audience: Option<String>,
    /// The team that it belongs to, at Apple.
    pub team: Option<String>,
}

/// How long an assertion is good: it is made for one request. Providers take 5 minutes at most (FAPI 2.0, 5.3.2.1).
const ASSERTION_LIFE: Duration = Duration::from_mins(1);
/// How long a signed secret is good. Apple takes 6 months at most; one of a request's own needs no care.
const SECRET_LIFE: Duration = Duration::from_mins(5);
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who we are at a provider.
pub(super) struct Credential {
    id: String,
    secret: Secret,
    signer: Option<Signer>,
}

/// What signs for us.
struct Signer {
    key: PrivateKey,
    key_id: Option<String>,
    team: Option<String>,
    audience: String,
}

/// How one request shows who we are.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub auth: ClientAuth,
    /// The signature algorithms that the provider takes for assertions; none listed: any.
    pub algorithms: &'a [String],
    /// The world's time.
    pub now: Timestamp,
}

/// What a request carries: a form, and an Authorization header where the client authenticates by one.
pub(super) struct Authenticated {
    pub form: String,
    pub authorization: Option<Secret>,
}

impl Way<'_> {
    /// Whether a header says who we are, and not the form.
    pub(super) const fn is_by_header(self) -> bool {
        matches!(self.auth, ClientAuth::Auto | ClientAuth::Basic)
    }
}

impl Credential {
    /// Reads what an operator says. What is wrong with it is for [`faults`] to say: whoever is only listened to needs nothing.
    pub(super) fn of(own: &Registration) -> Self {
        let ClientKey { id, audience, team, .. } = own.key.clone();
        let signer = |key| Signer { key, key_id: id, team, audience: audience.unwrap_or_else(|| own.own_issuer()) };
        Self {
            id: own.client_id.clone(),
            secret: own.client_secret.clone(),
            signer: PrivateKey::from_pem(&own.key.private).map(signer),
        }
    }

    /// Puts who we are to the fields of a request.
    pub(super) fn authenticate(&self, fields: &[(&str, &str)], way: Way<'_>) -> Result<Authenticated, Fault> {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut authorization = None;
        match way.auth {
            ClientAuth::Auto | ClientAuth::Basic => authorization = Some(basic(&self.id, self.secret.expose())),
            ClientAuth::Post => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", self.secret.expose());
            }
            ClientAuth::PrivateKeyJwt => {
                let assertion = self.signer()?.assertion(&self.id, way)?;
                form.append_pair("client_id", &self.id)
                    .append_pair("client_assertion_type", JWT_BEARER)
                    .append_pair("client_assertion", assertion.expose());
            }
            ClientAuth::Certificate => {
                form.append_pair("client_id", &self.id);
            }
            ClientAuth::SignedSecret => {
                let secret = self.signer()?.secret(&self.id, way)?;
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret.expose());
            }
        }
        Ok(Authenticated { form: form.finish(), authorization })
    }

    /// Our client id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn signer(&self) -> Result<&Signer, Fault> {
        self.signer.as_ref().ok_or(Fault::NotSigned("there is no private key"))
    }
}

impl Signer {
    /// An assertion of who we are (RFC 7523, 3), good for one request. It is for the issuer and nobody else, and whoever that
    /// is stands in the settings: an address that metadata names could be another provider's, where whoever wrote the
    /// metadata would then be us (draft-ietf-oauth-rfc7523bis, 4).
    fn assertion(&self, client_id: &str, way: Way<'_>) -> Result<Secret, Fault> {
        let id = unique_name().ok_or(Fault::NotSigned("there are no random bytes"))?;
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": self.audience, "jti": id,
            "iat": way.now.as_secs(), "exp": (way.now + ASSERTION_LIFE).as_secs(),
        });
        self.sign(&claims, way.algorithms)
    }

    /// A client secret as Apple wants it.
    fn secret(&self, client_id: &str, way: Way<'_>) -> Result<Secret, Fault> {
        let claims = json!({
            "iss": self.team, "sub": client_id, "aud": self.audience,
            "iat": way.now.as_secs(), "exp": (way.now + SECRET_LIFE).as_secs(),
        });
        self.sign(&claims, &[])
    }

    fn sign(&self, claims: &Value, taken: &[String]) -> Result<Secret, Fault> {
        let mut own = self.key.algorithms().iter().copied();
        let algorithm = own.find(|own| taken.is_empty() || taken.iter().any(|name| name == own));
        let algorithm = algorithm.ok_or(Fault::NotSigned("the provider takes none of its key's algorithms"))?;
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let (Some(id), Some(header)) = (&self.key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        jws::sign(&self.key, algorithm, &header, claims)
    }
}

/// What is wrong with what should show who we are.
pub(super) fn faults(own: &Registration) -> Vec<SettingsFault> {
    let (auth, key) = (own.client_auth, &own.key);
    let mut faults = Vec::new();
    let mut fault = |name, text: &str| faults.push(own.fault(name, text));
    if auth.needs_secret() && own.client_secret.is_empty() {
        fault("client_secret", "is empty; public clients are not supported");
    }
    let read = PrivateKey::from_pem(&key.private);
    if auth.needs_signature() && read.is_none() {
        fault(
            "private_key",
            "holds no private key in PEM form that can sign: RSA from 2048 bits, P-256, P-384 or Ed25519",
        );
    }
    if auth == ClientAuth::SignedSecret {
        if read.is_some_and(|key| !key.algorithms().contains(&"ES256")) {
            fault("private_key", "is not on the curve P-256: use the file that Apple gave (AuthKey_....p8)");
        }
        if key.id.is_none() || key.team.is_none() {
            fault("key_id", "Apple needs the key's id, and the team's as `team_id`");
        }
    }
    if own.dpop_key.as_ref().is_some_and(|key| Proofs::by(key).is_none()) {
        fault("dpop_key", "holds no private key in PEM form that proofs can be signed with: P-256, P-384 or Ed25519");
    }
    if auth == ClientAuth::Certificate && key.certificate.is_none() {
        fault("cert_file", "missing: the certificate that the provider knows this client by");
    }
    faults
}

/// Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &str) -> Secret {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    Secret::new(format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret)))))
}
