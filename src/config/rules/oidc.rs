//! Owns the rules for identity providers. Does not know the other sections.

use std::collections::BTreeMap;

use url::Url;

use super::Judgement;
use crate::config::Config;
use crate::config::oidc::{Provider, TokenCheck};
use crate::config::period::Period;

const LONGEST_LEEWAY: Period = Period::seconds(300);
const LONGEST_MARGIN: Period = Period::seconds(3600);
const LONGEST_KEPT: Period = Period::seconds(300);

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let mut issuers = BTreeMap::new();
    for (name, provider) in &config.oidc.providers {
        let path = format!("oidc.providers.{name}");
        if !is_name(name) {
            let message = "a provider's name has lower case letters, digits and `-`, and begins with a letter \
                           (`<provider>_<sub>` names one user)";
            judgement.fault(path, message);
            continue;
        }
        if !provider.enabled {
            continue;
        }
        offered(&path, name, provider, config.development, judgement);
        if let Some(issuer) = provider.issuer_of(name)
            && let Some(other) = issuers.insert(issuer, name)
        {
            let message = format!("`{other}` has the same issuer; one issuer stands for one set of users");
            judgement.fault(format!("{path}.issuer"), message);
        }
    }
    if issuers.is_empty() {
        judgement.warn("oidc.providers", "no provider is enabled, so nobody can log in");
    }
    let refresh = &config.oidc.refresh_tokens;
    if refresh.enabled && !refresh.persist_in_session_store {
        let message = "refreshing needs the refresh token to be kept: set `persist_in_session_store: true`, or \
                       `enabled: false`";
        judgement.fault("oidc.refresh_tokens.enabled", message);
    }
    let margin_fits = refresh.margin <= LONGEST_MARGIN;
    judgement.check(margin_fits, "oidc.refresh_tokens.margin", "at most 1 hour: most access tokens live no longer");
    if refresh.end_session_when_refused && !refresh.enabled {
        let message = "has no effect while `oidc.refresh_tokens.enabled` is false";
        judgement.warn("oidc.refresh_tokens.end_session_when_refused", message);
    }
    if refresh.persist_in_session_store && !refresh.enabled {
        let message = "has no effect while `oidc.refresh_tokens.enabled` is false: no refresh token is kept";
        judgement.warn("oidc.refresh_tokens.persist_in_session_store", message);
    }
}

fn offered(path: &str, name: &str, provider: &Provider, development: bool, judgement: &mut Judgement) {
    let under = |key: &str| format!("{path}.{key}");
    if provider.client_id.as_deref().unwrap_or_default().is_empty() {
        judgement.fault(under("client_id"), "missing: the provider gives it when you register the application");
    }
    if provider.client_secret.as_ref().is_none_or(crate::crypto::Secret::is_empty) {
        let message = "missing: give `client_secret` or `client_secret_file` (public clients are not supported)";
        judgement.fault(under("client_secret"), message);
    }
    match provider.issuer_of(name) {
        None => judgement.fault(under("issuer"), "missing: the provider's address, exactly as its metadata gives it"),
        Some(issuer) => {
            if let Some(message) = wrong_issuer(issuer, development) {
                judgement.fault(under("issuer"), message);
            }
        }
    }
    if !provider.scopes.iter().any(|scope| scope == "openid") {
        judgement.fault(under("scopes"), "must contain `openid`");
    }
    if provider.scopes.iter().any(|scope| !is_scope(scope)) {
        judgement.fault(under("scopes"), "a scope has printable ASCII signs, without space, quote and backslash");
    }
    let tokens = &provider.access_tokens;
    if tokens.check == TokenCheck::Jwt && tokens.audiences.is_empty() {
        let message = "needs at least one: else a token for any other API would pass";
        judgement.fault(under("access_tokens.audiences"), message);
    }
    if tokens.keep_answers_for > LONGEST_KEPT {
        judgement.fault(under("access_tokens.keep_answers_for"), "at most 5 minutes: a withdrawn token is good for it");
    }
    if provider.token_exchange.enabled && provider.token_exchange.audiences.is_empty() {
        judgement.fault(under("token_exchange.audiences"), "needs at least one: whom exchanged tokens may be for");
    }
    if provider.clock_leeway > LONGEST_LEEWAY {
        judgement.fault(under("clock_leeway"), "at most 5 minutes: set the clocks");
    }
    if provider.signing_algorithms.is_empty() {
        judgement.fault(under("signing_algorithms"), "needs at least one algorithm");
    }
}

fn wrong_issuer(issuer: &str, development: bool) -> Option<&'static str> {
    let Ok(url) = Url::parse(&issuer.replace("{tenantid}", "directory")) else {
        return Some("not an address (`https://login.example.com`)");
    };
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "https" | "http" if !plain || url.password().is_some() => Some("has no query, fragment or user"),
        "https" => None,
        "http" if development => None,
        "http" => Some("plain http is for `development: true` alone; use https"),
        _ => Some("not an https address"),
    }
}

/// Whether a text can be a provider's name: `_` would make `<provider>_<sub>` ambiguous.
fn is_name(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    text.len() <= 32 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.chars().all(plain)
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_ascii_graphic() && sign != '"' && sign != '\\')
}
