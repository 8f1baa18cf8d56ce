//! Owns what came back: a status, a bounded body, and how to read it as JSON. Does not know what it says.

use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use serde_json::Value;

use super::guard::fault_of;
use crate::providers::fault::Fault;
use crate::providers::json::{self, Object};

const DPOP_NONCE: &str = "dpop-nonce";
/// Longer nonces are none.
const MAX_NONCE: usize = 512;

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long the sender lets it be kept (`Cache-Control: max-age`, RFC 9111), if it says so.
    pub max_age: Option<Duration>,
    /// The nonce that the server wants in the next proof (`DPoP-Nonce`, RFC 9449, 8.1).
    pub nonce: Option<String>,
    /// How the server wants to be asked (`WWW-Authenticate`); empty where it does not say.
    pub challenge: String,
    kind: Kind,
    body: Vec<u8>,
}

/// What an answer is labelled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Jwt,
    Other,
}

impl Answer {
    pub(super) async fn read(
        mut response: reqwest::Response,
        max_header: usize,
        max_body: usize,
    ) -> Result<Self, Fault> {
        let headers = response.headers();
        if headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > max_header {
            return Err(Fault::TooLarge("header"));
        }
        // We ask for no encoding and undo none: a compressed body is a bomb or a mistake.
        if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
            return Err(Fault::Invalid("content-encoding"));
        }
        let status = response.status().as_u16();
        let kind = kind(headers);
        let max_age = max_age(headers);
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let nonce = text(DPOP_NONCE).filter(|nonce| (1..=MAX_NONCE).contains(&nonce.len())).map(str::to_owned);
        // A server that can be asked in several ways may say each on a line of its own (RFC 9110, 11.6.1).
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenge = challenges.collect::<Vec<_>>().join(", ");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fault_of)? {
            if body.len() + chunk.len() > max_body {
                return Err(Fault::TooLarge("body"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, max_age, nonce, challenge, kind, body })
    }

    /// The JSON object of a successful answer.
    ///
    /// # Errors
    /// `Status` for any status but 200; `Invalid` when it is not labelled as JSON or can't be read strictly.
    pub fn document(&self) -> Result<Object, Fault> {
        if self.status != 200 {
            return Err(Fault::Status(self.status));
        }
        self.object()
    }

    /// The JSON list of a successful answer.
    ///
    /// # Errors
    /// As [`Answer::document`].
    pub fn list(&self) -> Result<Vec<Value>, Fault> {
        match self.status {
            200 if self.kind == Kind::Json => json::list(&self.body).ok_or(Fault::Invalid("json")),
            200 => Err(Fault::Invalid("content-type")),
            status => Err(Fault::Status(status)),
        }
    }

    /// The signed token that a successful answer is; `None` for one that is labelled as anything else.
    #[must_use]
    pub fn jwt(&self) -> Option<&str> {
        let is_one = self.status == 200 && self.kind == Kind::Jwt;
        is_one.then(|| std::str::from_utf8(&self.body).unwrap_or_default().trim())
    }

    /// The JSON object of an answer, whatever its status.
    ///
    /// # Errors
    /// `Invalid` when it is not labelled as JSON or can't be read strictly.
    pub fn object(&self) -> Result<Object, Fault> {
        if self.kind != Kind::Json {
            return Err(Fault::Invalid("content-type"));
        }
        json::object(&self.body).ok_or(Fault::Invalid("json"))
    }
}

fn kind(headers: &HeaderMap) -> Kind {
    let Some(label) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return Kind::Other };
    let label = label.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match label.as_str() {
        "application/json" => Kind::Json,
        "application/jwt" => Kind::Jwt,
        other if other.starts_with("application/") && other.ends_with("+json") => Kind::Json,
        _ => Kind::Other,
    }
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(CACHE_CONTROL)?.to_str().ok()?.to_ascii_lowercase();
    let seconds = text.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())?;
    Some(Duration::from_secs(seconds))
}
