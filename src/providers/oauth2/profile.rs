//! Owns what a login keeps of a provider's answer about the user. Does not know how it came.

use serde_json::Value;

use super::settings::OAuth2Settings;
use crate::authority::provider::{ProviderError, Rights};
use crate::providers::claims::{MAX_CLAIMS, is_address, is_web_address, text};
use crate::providers::json::{self, Object};

/// A longer name for a user is none (OpenID Connect Core, 2, has the same bound for `sub`).
const MAX_SUB: usize = 255;

/// What a login keeps of the user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub sub: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub picture: Option<String>,
    pub claims: Object,
    /// What it says that the user may do.
    pub rights: Rights,
}

impl Profile {
    /// Reads the answer. What is missing or of another type is left out, but for `sub`: without it there is nobody.
    pub(super) fn of(answer: &Object, settings: &OAuth2Settings) -> Result<Self, ProviderError> {
        let (mapping, dialect) = (&settings.mapping, settings.dialect);
        let at = |path: &str| if path.is_empty() { None } else { json::at(answer, path) };
        let sub = match at(&mapping.sub) {
            Some(Value::String(sub)) => sub.clone(),
            Some(Value::Number(number)) if number.is_u64() => number.to_string(),
            _ => String::new(),
        };
        if sub.is_empty() || sub.len() > MAX_SUB || sub.chars().any(char::is_control) {
            return Err(ProviderError::Rejected("profile.sub"));
        }
        let asked = settings.registration.claims.iter();
        let claims: Object = asked.filter_map(|path| Some((path.clone(), at(path)?.clone()))).collect();
        if serde_json::to_string(&claims).map_or(usize::MAX, |text| text.len()) > MAX_CLAIMS {
            return Err(ProviderError::Rejected("claims.size"));
        }
        let email = at(&mapping.email).and_then(text).filter(|address| is_address(address));
        Ok(Self {
            sub,
            email_verified: email.is_some() && at(&mapping.email_verified) == Some(&Value::Bool(true)),
            email,
            name: at(&mapping.name).and_then(text).or_else(|| dialect.other_name(answer).and_then(text)),
            picture: at(&mapping.picture)
                .and_then(text)
                .or_else(|| dialect.picture(answer))
                .filter(|address| is_web_address(address)),
            claims,
            rights: settings.registration.rights.find(&[answer]),
        })
    }

    /// Takes the address from a list of all: the one that is primary and verified. The public one of the profile may be
    /// any text that the user has written there.
    pub(super) fn take_email(&mut self, list: &[Value]) {
        let is = |entry: &Value, name: &str| entry.get(name) == Some(&Value::Bool(true));
        let primary = list.iter().find(|entry| is(entry, "primary") && is(entry, "verified"));
        let address = primary.and_then(|entry| entry.get("email")).and_then(text);
        self.email = address.filter(|address| is_address(address));
        self.email_verified = self.email.is_some();
    }
}
