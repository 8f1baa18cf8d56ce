//! Owns the provider's metadata (OpenID Connect Discovery, 3): reading it strictly and refusing what is not safe to
//! use. Does not know how it came, nor how long it is kept.

use serde_json::Value;
use url::Url;

use super::algorithm::Algorithm;
use super::settings::OidcSettings;
use crate::providers::credential::ClientAuth;
use crate::providers::dpop::Proofs;
use crate::providers::fault::Fault;
use crate::providers::http::Guard;
use crate::providers::json::Object;

/// What we use of a provider's metadata; every address has passed the guard.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub authorization: Url,
    pub token: Url,
    pub jwks: Url,
    pub userinfo: Option<Url>,
    pub revocation: Option<Url>,
    pub introspection: Option<Url>,
    /// Where authorization requests are handed over (RFC 9126).
    pub pushed: Option<Url>,
    /// Whether the provider takes no others.
    pub requires_pushed: bool,
    pub end_session: Option<Url>,
    /// Which algorithms an ID token may be signed with. Never empty.
    pub algorithms: Vec<Algorithm>,
    /// Which algorithms userinfo may be signed with.
    pub userinfo_algorithms: Vec<Algorithm>,
    /// How we show who we are, at the token endpoint and its siblings: never `Auto`.
    pub client_auth: ClientAuth,
    /// Which algorithms an assertion of ours may be signed with; none: it does not say.
    pub assertion_algorithms: Vec<String>,
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
        takes_proofs(document, settings)?;
        let endpoint = |name| optional_endpoint(document, name, guard);
        let needed = |found: Option<Url>| found.ok_or(Fault::Invalid("metadata: an endpoint is missing"));
        let algorithms = algorithms(document, settings)?;
        // RFC 8705, 5: whoever shows a certificate does so where the provider asks for one.
        let aliases = aliases(document)?.filter(|_| settings.registration.key.certificate.is_some());
        let shown_at = |name| match aliases.map_or(Ok(None), |aliases| optional_endpoint(aliases, name, guard))? {
            Some(alias) => Ok(Some(alias)),
            None => endpoint(name),
        };
        Ok(Self {
            authorization: authorization_endpoint(needed(endpoint("authorization_endpoint")?)?)?,
            token: needed(shown_at("token_endpoint")?)?,
            jwks: needed(endpoint("jwks_uri")?)?,
            userinfo: shown_at("userinfo_endpoint")?,
            revocation: shown_at("revocation_endpoint")?,
            introspection: shown_at("introspection_endpoint")?,
            pushed: shown_at("pushed_authorization_request_endpoint")?,
            requires_pushed: switch(document, "require_pushed_authorization_requests")?,
            end_session: endpoint("end_session_endpoint")?,
            userinfo_algorithms: match strings(document, "userinfo_signing_alg_values_supported")? {
                Some(listed) => allowed(&listed, settings),
                None => algorithms.clone(),
            },
            algorithms,
            client_auth: client_auth(document, settings)?,
            assertion_algorithms: strings(document, "token_endpoint_auth_signing_alg_values_supported")?
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            names_itself: switch(document, "authorization_response_iss_parameter_supported")?,
        })
    }
}

/// RFC 9449, 5.1: a provider that lists algorithms takes proofs, and by no others.
fn takes_proofs(document: &Object, settings: &OidcSettings) -> Result<(), Fault> {
    let Some(proofs) = settings.registration.dpop_key.as_ref().and_then(Proofs::by) else { return Ok(()) };
    match strings(document, "dpop_signing_alg_values_supported")? {
        Some(listed) if !listed.contains(&proofs.algorithm()) => {
            Err(Fault::Invalid("metadata: proofs that our key signs are not taken"))
        }
        _ => Ok(()),
    }
}

/// A switch that is off where nothing is said.
fn switch(document: &Object, name: &str) -> Result<bool, Fault> {
    match document.get(name) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(Fault::Invalid("metadata: a switch is not a boolean")),
    }
}

/// Where clients are asked that show a certificate (RFC 8705, 5).
fn aliases(document: &Object) -> Result<Option<&Object>, Fault> {
    match document.get("mtls_endpoint_aliases") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(aliases)) => Ok(Some(aliases)),
        Some(_) => Err(Fault::Invalid("metadata: aliases are no object")),
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
    const OURS: [&str; 15] = [
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
        "dpop_jkt",
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
    let algorithms = allowed(&listed, settings);
    if algorithms.is_empty() {
        return Err(Fault::Invalid("metadata: no signature algorithm is left to accept"));
    }
    Ok(algorithms)
}

/// Those that we know, narrowed by the settings.
fn allowed(listed: &[&str], settings: &OidcSettings) -> Vec<Algorithm> {
    let allowed = |name: &&&str| settings.signing_algs.is_empty() || settings.signing_algs.iter().any(|a| a == **name);
    listed.iter().filter(allowed).filter_map(|name| Algorithm::named(name)).collect()
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
