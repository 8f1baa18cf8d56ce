//! Owns what a login keeps of the claims: who the user is, from the ID token and, where that is silent, from
//! userinfo (security.md 48). Does not know how either came.

use serde_json::Value;

use super::claims::Claims;
use super::rejected;
use super::settings::{Dialect, OidcSettings};
use crate::authority::provider::ProviderError;
use crate::providers::claims::{MAX_CLAIMS, is_address, is_web_address, text};
use crate::providers::json::Object;
use crate::session::identity::Identity;

/// Claims that are the ID token's alone: they say who vouches for whom, for how long and how.
const PROTECTED: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "tid",
    "events",
];

/// What a login keeps of the user's claims.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub picture: Option<String>,
    pub claims: Object,
}

/// Whether the ID token lacks something that was asked for and that userinfo might have.
pub(super) fn lacks(claims: &Claims, settings: &OidcSettings) -> bool {
    let asked = |scope: &str| settings.registration.scopes.iter().any(|own| own == scope);
    let has = |name: &str| claims.all.contains_key(name);
    (asked("email") && !has("email"))
        || (asked("profile") && !has("name"))
        || settings.registration.claims.iter().any(|name| !PROTECTED.contains(&name.as_str()) && !has(name))
}

/// Checks that a userinfo answer speaks of the same user: then, and only then, it may be used (Core, 5.3.2).
pub(super) fn same_user(userinfo: &Object, issuer: &str, sub: &str) -> Result<(), ProviderError> {
    if userinfo.get("sub").and_then(Value::as_str) != Some(sub) {
        return rejected("userinfo.sub");
    }
    if userinfo.get("iss").is_some_and(|own| own.as_str() != Some(issuer)) {
        return rejected("userinfo.iss");
    }
    Ok(())
}

impl Profile {
    /// Puts together what is kept. The signed ID token goes before userinfo.
    pub(super) fn of(claims: &Claims, userinfo: &Object, settings: &OidcSettings) -> Result<Self, ProviderError> {
        let value = |name: &str| {
            let unprotected = || userinfo.get(name).filter(|_| !PROTECTED.contains(&name));
            claims.all.get(name).or_else(unprotected)
        };
        let let_through: Object =
            settings.registration.claims.iter().filter_map(|name| Some((name.clone(), value(name)?.clone()))).collect();
        if serde_json::to_string(&let_through).map_or(usize::MAX, |text| text.len()) > MAX_CLAIMS {
            return rejected("claims.size");
        }
        // The address and whether it is verified come from one source, never half from each.
        let vouching = if claims.all.contains_key("email") { &claims.all } else { userinfo };
        let email = vouching.get("email").and_then(text).filter(|address| is_address(address));
        Ok(Self {
            email_verified: email.is_some()
                && vouching.get("email_verified").is_some_and(|claim| is_yes(claim, settings)),
            email,
            name: value("name").and_then(text),
            picture: value("picture").and_then(text).filter(|address| is_web_address(address)),
            claims: let_through,
        })
    }
}

/// Whether an address is said to be verified: with a boolean (Core, 5.1), or with Apple's text.
fn is_yes(claim: &Value, settings: &OidcSettings) -> bool {
    *claim == Value::Bool(true) || (settings.dialect == Dialect::Apple && claim == "true")
}

/// The identity as a later userinfo answer about the same user has it. What the answer leaves out stays as it was; what
/// is the ID token's alone stays in any case, and so do rights.
pub(super) fn renewed(
    identity: &Identity,
    userinfo: &Object,
    settings: &OidcSettings,
) -> Result<Identity, ProviderError> {
    let all = userinfo.iter().filter(|(name, _)| !PROTECTED.contains(&name.as_str()));
    let all: Object = all.map(|(name, value)| (name.clone(), value.clone())).collect();
    let has = |name: &str| all.contains_key(name);
    let (issuer, sub) = (identity.issuer.clone(), identity.sub.clone());
    let (has_email, has_name, has_picture) = (has("email"), has("name"), has("picture"));
    let claims = Claims { issuer, sub, auth_time: None, acr: None, amr: Vec::new(), sid: None, all };
    let now = Profile::of(&claims, &identity.claims, settings)?;
    let mut renewed = Identity { claims: now.claims, ..identity.clone() };
    if has_email {
        (renewed.email, renewed.email_verified) = (now.email, now.email_verified);
    }
    if has_name {
        renewed.name = now.name;
    }
    if has_picture {
        renewed.picture = now.picture;
    }
    Ok(renewed)
}
