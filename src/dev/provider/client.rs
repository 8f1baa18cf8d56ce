//! Owns the one client: where it may send browsers, and how it proves itself. Does not know what it asks for.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::backchannel::Told;
use super::parameters::Parameters;
use super::refusal::ClientRefusal;
use crate::crypto::{Secret, equal};

/// The provider's one client.
pub(super) struct Client {
    pub id: String,
    pub secret: Secret,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub told: Option<Told>,
}

const UNKNOWN: ClientRefusal = ClientRefusal::invalid_client("unknown client or wrong secret");

impl Client {
    /// Whether a request comes from this client: by HTTP Basic, or by `client_id` and `client_secret` in its form,
    /// never by both (RFC 6749, 2.3.1).
    pub fn authenticate(&self, headers: &HeaderMap, form: &Parameters) -> Result<(), ClientRefusal> {
        let basic = headers.get(header::AUTHORIZATION).map(|value| basic(value.as_bytes()));
        let (id, secret) = match (basic, form.get("client_secret")) {
            (Some(_), Some(_)) => return Err(ClientRefusal::invalid_request("two client authentications at once")),
            (Some(credentials), None) => credentials.ok_or(UNKNOWN)?,
            (None, Some(secret)) => (form.get("client_id").unwrap_or_default().to_owned(), secret.to_owned()),
            (None, None) => return Err(ClientRefusal::invalid_client("client authentication is missing")),
        };
        let named = form.get("client_id").is_none_or(|named| named == id);
        let right_id = equal(id.as_bytes(), self.id.as_bytes());
        let right_secret = equal(secret.as_bytes(), self.secret.expose().as_bytes());
        if named && right_id & right_secret { Ok(()) } else { Err(UNKNOWN) }
    }
}

fn basic(header: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

// Id and secret are form-encoded before they go into the header (RFC 6749, 2.3.1).
fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}
