//! Owns the provider's metadata (OpenID Connect Discovery, 3): reading it strictly and refusing what is not safe to
//! use. Does not know how it came, nor how long it is kept.

use serde_json::Value;
use url::Url;

use super::algorithm::Algorithm;
use super::settings::OidcSettings;
use crate::providers::fault::Fault;
use crate::providers::http::Guard;
use crate::providers::json::Object;
use crate::providers::token_endpoint::ClientAuth;

/// What we use of a provider's metadata; every address has passed the guard.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub authorization: Url,
    pub token: Url,
    pub jwks: Url,
    pub userinfo: Option<Url>,
    pub revocation: Option<Url>,
    pub introspection: Option<Url>,
    pub end_session: Option<Url>,
    /// Which algorithms an ID token may be signed with. Never empty.
    pub algorithms: Vec<Algorithm>,
    /// How we authenticate at the token and revocation endpoints: never `Auto`.
    pub client_auth: ClientAuth,
    /// Whether the provider says that it names itself in authorization responses (RFC 9207, 3).
    pub names_itself: bool,
}

impl Metadata {
    /// Reads the document of the provider that `settings` describe.
    pub(super) fn read(document: &Object, settings: &OidcSettings, guard: &Guard) -> Result<Self, Fault> {
        if document.get("issuer").and_then(Value::as_str) != Some(&settings.registration.issuer) {
            return Err(Fault::Invalid("metadata: another issuer"));
        }
        if let Some(types) = strings(document, "response_types_supported")?
            && !types.contains(&"code")
        {
            return Err(Fault::Invalid("metadata: the authorization code flow is not offered"));
        }
        // security.md 10: a provider that lists its methods, and not S256 among them, would drop the challenge.
        if let Some(methods) = strings(document, "code_challenge_methods_supported")?
            && !methods.contains(&"S256")
        {
            return Err(Fault::Invalid("metadata: PKCE with S256 is not offered"));
        }
        let endpoint = |name| optional_endpoint(document, name, guard);
        let required = |name| endpoint(name)?.ok_or(Fault::Invalid("metadata: an endpoint is missing"));
        Ok(Self {
            authorization: authorization_endpoint(required("authorization_endpoint")?)?,
            token: required("token_endpoint")?,
            jwks: required("jwks_uri")?,
            userinfo: endpoint("userinfo_endpoint")?,
            revocation: endpoint("revocation_endpoint")?,
            introspection: endpoint("introspection_endpoint")?,
            end_session: endpoint("end_session_endpoint")?,
            algorithms: algorithms(document, settings)?,
            client_auth: client_auth(document, settings)?,
            names_itself: match document.get("authorization_response_iss_parameter_supported") {
                None => false,
                Some(Value::Bool(supported)) => *supported,
                Some(_) => return Err(Fault::Invalid("metadata: a switch is not a boolean")),
            },
        })
    }
}

fn optional_endpoint(document: &Object, name: &str, guard: &Guard) -> Result<Option<Url>, Fault> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(address)) => guard.admit(address).map(Some),
        Some(_) => Err(Fault::Invalid("metadata: an endpoint is not text")),
    }
}

/// An endpoint whose own query names one of our parameters would give it twice (RFC 6749, 3.1).
fn authorization_endpoint(url: Url) -> Result<Url, Fault> {
    const OURS: [&str; 14] = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "request",
        "request_uri",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "iss",
    ];
    if url.query_pairs().any(|(name, _)| OURS.contains(&&*name)) {
        return Err(Fault::Invalid("metadata: the authorization endpoint sets our parameters"));
    }
    Ok(url)
}

/// What the metadata lists and we know, narrowed by the settings. RS256 where it lists nothing (Discovery, 3).
fn algorithms(document: &Object, settings: &OidcSettings) -> Result<Vec<Algorithm>, Fault> {
    let listed = strings(document, "id_token_signing_alg_values_supported")?.unwrap_or_else(|| vec!["RS256"]);
    let allowed = |name: &&str| settings.signing_algs.is_empty() || settings.signing_algs.iter().any(|a| a == name);
    let algorithms: Vec<_> = listed.into_iter().filter(allowed).filter_map(Algorithm::named).collect();
    if algorithms.is_empty() {
        return Err(Fault::Invalid("metadata: no signature algorithm is left to accept"));
    }
    Ok(algorithms)
}

/// What the settings say, else what the metadata offers; `client_secret_basic` where it lists nothing.
fn client_auth(document: &Object, settings: &OidcSettings) -> Result<ClientAuth, Fault> {
    if settings.registration.client_auth != ClientAuth::Auto {
        return Ok(settings.registration.client_auth);
    }
    let Some(methods) = strings(document, "token_endpoint_auth_methods_supported")? else {
        return Ok(ClientAuth::Basic);
    };
    if methods.contains(&"client_secret_basic") {
        Ok(ClientAuth::Basic)
    } else if methods.contains(&"client_secret_post") {
        Ok(ClientAuth::Post)
    } else {
        Err(Fault::Invalid("metadata: no way to authenticate with a client secret is offered"))
    }
}

fn strings<'a>(document: &'a Object, name: &str) -> Result<Option<Vec<&'a str>>, Fault> {
    let invalid = || Fault::Invalid("metadata: a list is not one of texts");
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().ok_or_else(invalid)).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(invalid()),
    }
}
