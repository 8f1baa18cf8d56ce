//! Owns reading parameters from a query or a form. Does not know what they mean.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};

/// Parameters, each given once. One with an empty value counts as left out (RFC 6749, 3.1).
#[derive(Debug, Default)]
pub(super) struct Parameters(HashMap<String, String>);

/// Why parameters were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// One was given twice (RFC 6749, 3.1).
    #[error("a parameter was given more than once")]
    Doubled,
    /// The body is not a form.
    #[error("the body must be application/x-www-form-urlencoded")]
    NotAForm,
}

impl Parameters {
    /// Reads a query or a form's body.
    pub fn read(encoded: &[u8]) -> Result<Self, Unreadable> {
        let mut parameters = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Unreadable::Doubled);
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// Reads a request's body, which has to be a form.
    pub fn of_form(headers: &HeaderMap, body: &[u8]) -> Result<Self, Unreadable> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Unreadable::NotAForm);
        }
        Self::read(body)
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The words of a parameter that is a list with spaces between.
    pub fn words(&self, name: &str) -> Vec<String> {
        self.get(name).unwrap_or_default().split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}
