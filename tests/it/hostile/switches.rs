//! Owns the switchboard: everything about the hostile provider that a test may bend. Does not know who listens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::provider::Redemption;
use gatelodge::providers::oidc::OidcSettings;
use serde_json::{Map, Value};

use super::client::Registered;
use super::keys::{RSA, Signer};
use super::{Hostile, NOW};

/// A JSON object.
pub type Object = Map<String, Value>;

type Bend<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// The provider's endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Metadata,
    Jwks,
    Authorize,
    Pushed,
    Token,
    Userinfo,
    Revoke,
    Introspect,
    EndSession,
}

/// What an ID token is signed with.
#[derive(Clone)]
pub enum Signing {
    /// With a key and the algorithm that the header names.
    With(&'static Signer, &'static str),
    /// HS256 with these bytes as the secret.
    Hmac(Vec<u8>),
    /// Not at all; the header names this algorithm.
    Unsigned(&'static str),
}

/// An answer that stands in for what an endpoint would say.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone)]
pub enum Body {
    Text(String),
    /// Chunks of 64 KiB, for ever.
    Endless,
    /// One byte every 20 ms, for ever.
    Drip,
    /// Some bytes, then the connection breaks.
    Broken,
    /// No answer for that long.
    After(Duration),
}

impl Answer {
    /// JSON with this status.
    #[expect(clippy::needless_pass_by_value, reason = "a case reads better without a reference to its JSON")]
    pub fn json(status: u16, body: impl ToString) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// Text with this status and label.
    pub fn text(status: u16, kind: &str, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { status, headers, body: Body::Text(body.into()) }
    }

    /// A redirect.
    pub fn redirect(status: u16, to: impl Into<String>) -> Self {
        Self { headers: vec![("location", to.into())], ..Self::json(status, "{}") }
    }

    /// JSON by its label, with this body.
    pub fn body(body: Body) -> Self {
        Self { body, ..Self::json(200, "") }
    }

    /// The same with a further header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Everything that may be bent.
#[derive(Clone)]
pub struct Switches {
    pub(super) settings: Vec<Bend<OidcSettings>>,
    pub(super) redemption: Vec<Bend<Redemption>>,
    pub(super) metadata: Vec<Bend<Object>>,
    pub(super) jwks: Vec<Bend<Object>>,
    pub(super) header: Vec<Bend<Object>>,
    pub(super) claims: Vec<Bend<Object>>,
    /// The JSON text of header and payload, before they are encoded and signed.
    pub(super) header_text: Vec<Bend<String>>,
    pub(super) payload_text: Vec<Bend<String>>,
    /// The whole ID token.
    pub(super) id_token: Vec<Bend<String>>,
    pub(super) token_body: Vec<Bend<Object>>,
    pub(super) userinfo: Vec<Bend<Object>>,
    pub(super) exchanged: Vec<Bend<Object>>,
    pub(super) answers: HashMap<Endpoint, Answer>,
    pub(super) signing: Signing,
    pub(super) signed_userinfo: Option<&'static str>,
    pub(super) client: Registered,
    /// The key that access tokens are bound to.
    pub(super) bound_to: Option<&'static Signer>,
    /// What proofs have to have in them.
    pub(super) nonce: Option<&'static str>,
    /// What the provider takes for now, in seconds.
    pub(super) now: u64,
}

impl Switches {
    pub(super) fn new(now: u64) -> Self {
        Self {
            settings: Vec::new(),
            redemption: Vec::new(),
            metadata: Vec::new(),
            jwks: Vec::new(),
            header: Vec::new(),
            claims: Vec::new(),
            header_text: Vec::new(),
            payload_text: Vec::new(),
            id_token: Vec::new(),
            token_body: Vec::new(),
            userinfo: Vec::new(),
            exchanged: Vec::new(),
            answers: HashMap::new(),
            signing: Signing::With(&RSA, "RS256"),
            signed_userinfo: None,
            client: Registered::Secret,
            bound_to: None,
            nonce: None,
            now,
        }
    }
}

pub(super) fn bent<T>(mut value: T, bends: &[Bend<T>]) -> T {
    for bend in bends {
        bend(&mut value);
    }
    value
}

macro_rules! switch {
    ($($(#[$doc:meta])* $name:ident: $field:ident, $what:ty;)*) => {
        /// The switchboard. Bends add up, in the order in which they were made.
        impl Hostile {
            $($(#[$doc])*
            pub fn $name(&self, bend: impl Fn(&mut $what) + Send + Sync + 'static) -> &Self {
                self.inner.switches.lock().unwrap().$field.push(Arc::new(bend));
                self
            })*
        }
    };
}

switch! {
    /// Bends our own settings.
    settings_with: settings, OidcSettings;
    /// Bends what comes back with the browser.
    redemption_with: redemption, Redemption;
    /// Bends the metadata.
    metadata: metadata, Object;
    /// Bends the key set.
    jwks: jwks, Object;
    /// Bends the ID token's header.
    header: header, Object;
    /// Bends the ID token's claims; what is bent is signed.
    claims: claims, Object;
    /// Bends the text of the ID token's header; what is bent is signed.
    header_text: header_text, String;
    /// Bends the text of the ID token's payload; what is bent is signed.
    payload_text: payload_text, String;
    /// Bends the whole ID token, after it was signed.
    id_token: id_token, String;
    /// Bends the token answer.
    token_body: token_body, Object;
    /// Bends the userinfo answer.
    userinfo: userinfo, Object;
    /// Bends the answer to a token exchange.
    exchanged: exchanged, Object;
}

impl Hostile {
    /// Takes this for now, in seconds, from now on.
    pub fn take_for_now(&self, now: u64) -> &Self {
        self.inner.switches.lock().unwrap().now = now;
        self
    }

    /// Signs ID tokens in this way from now on.
    pub fn sign(&self, signing: Signing) -> &Self {
        self.inner.switches.lock().unwrap().signing = signing;
        self
    }

    /// Knows the client by something else than its secret from now on.
    pub fn knows_client_by(&self, client: Registered) -> &Self {
        self.inner.switches.lock().unwrap().client = client;
        self
    }

    /// Binds access tokens to this key from now on, and takes them with its proofs alone.
    pub fn binds_to(&self, signer: &'static Signer) -> &Self {
        self.inner.switches.lock().unwrap().bound_to = Some(signer);
        self
    }

    /// Wants this in every proof from now on.
    pub fn wants_nonce(&self, nonce: Option<&'static str>) -> &Self {
        self.inner.switches.lock().unwrap().nonce = nonce;
        self
    }

    /// Signs userinfo as it signs ID tokens from now on, with this `typ` in the header.
    pub fn signs_userinfo(&self, typ: &'static str) -> &Self {
        self.inner.switches.lock().unwrap().signed_userinfo = Some(typ);
        self
    }

    /// Lets an endpoint answer this, whatever it is asked.
    pub fn answers(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.inner.switches.lock().unwrap().answers.insert(endpoint, answer);
        self
    }

    /// Lets the provider take this for now, in seconds.
    pub fn set_time(&self, now: u64) -> &Self {
        self.inner.switches.lock().unwrap().now = now;
        self
    }

    /// Bends nothing any more.
    pub fn behave(&self) -> &Self {
        *self.inner.switches.lock().unwrap() = Switches::new(NOW);
        self
    }
}
