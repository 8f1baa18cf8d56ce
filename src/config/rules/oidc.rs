//! Owns what has to be given for an identity provider. Does not know the other sections, nor what the adapter that
//! speaks to it makes of the values: it has rules of its own, and the loader asks it too.

use super::Judgement;
use crate::config::Config;
use crate::config::oidc::{ClientAuth, Kind, Preset, Provider, PushedAuthorization, ResponseMode, TokenCheck};
use crate::config::period::Period;
use crate::crypto::Secret;
use crate::session::identity::is_provider_name;

const LONGEST_MARGIN: Period = Period::seconds(3600);

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    for (name, provider) in &config.oidc.providers {
        let path = format!("oidc.providers.{name}");
        if !is_provider_name(name) {
            let message = "a provider's name has lower case letters, digits and `-`, and begins with a letter \
                           (`<provider>_<sub>` names one user)";
            judgement.fault(path, message);
        } else if provider.enabled {
            offered(&path, name, provider, &config.app.redirects.public_base_url, judgement);
        }
    }
    if !config.oidc.providers.values().any(|provider| provider.enabled) {
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

fn offered(path: &str, name: &str, provider: &Provider, public_base_url: &str, judgement: &mut Judgement) {
    let under = |key: &str| format!("{path}.{key}");
    if provider.client_id.as_deref().unwrap_or_default().is_empty() {
        judgement.fault(under("client_id"), "missing: the provider gives it when you register the application");
    }
    shown_by(path, name, provider, judgement);
    if provider.response_mode_of(name) == ResponseMode::FormPost && public_base_url.starts_with("http:") {
        let message = "form_post needs an https `app.redirects.public_base_url`: with what another site has it post, a browser \
                       sends no cookie that is not Secure";
        judgement.fault(under("response_mode"), message);
    }
    if provider.issuer_of(name).is_none() {
        judgement.fault(under("issuer"), "missing: the provider's address, exactly as its metadata gives it");
    }
    if let (Some(_), Some(kind)) = (provider.preset_of(name), provider.kind)
        && kind != provider.kind_of(name)
    {
        judgement.fault(under("kind"), "the preset speaks something else: leave one of them out");
    }
    if provider.kind_of(name) == Kind::OAuth2 {
        plain_oauth2(path, name, provider, judgement);
    } else if provider.logout.untyped_tokens {
        let message = "lets every token that it signs with a logout's claims pass for one, whatever kind it was given out as: \
                       for providers alone that can't send `typ: logout+jwt`";
        judgement.warn(under("logout.untyped_tokens"), message);
    }
    if provider.signing_algorithms.is_empty() {
        judgement.fault(under("signing_algorithms"), "needs at least one algorithm");
    }
}

/// What has to be given so that the client can show who it is.
fn shown_by(path: &str, name: &str, provider: &Provider, judgement: &mut Judgement) {
    let under = |key: &str| format!("{path}.{key}");
    let lacks = |secret: &Option<Secret>| secret.as_ref().is_none_or(Secret::is_empty);
    let is_apple = provider.preset_of(name) == Some(Preset::Apple);
    let auth = provider.client_auth;
    if is_apple {
        judgement.check(
            auth == ClientAuth::Auto && provider.client_secret.is_none(),
            &under("client_auth"),
            "Apple takes secrets alone that `private_key` signs: leave `client_auth` and `client_secret` out",
        );
        for (key, value) in [("team_id", &provider.team_id), ("key_id", &provider.key_id)] {
            let is_given = value.as_deref().is_some_and(|value| !value.is_empty());
            judgement.check(is_given, &under(key), "missing: ten letters and digits, at Apple beside the key");
        }
    } else if auth.needs_secret() && lacks(&provider.client_secret) {
        let message = "missing: give `client_secret` or `client_secret_file` (public clients are not supported)";
        judgement.fault(under("client_secret"), message);
    } else if !auth.needs_secret() && !lacks(&provider.client_secret) {
        judgement.warn(under("client_secret"), "has no effect with this `client_auth`: better not kept here");
    }
    let needs_key = is_apple || !auth.needs_secret() || provider.cert_file.is_some();
    if needs_key && lacks(&provider.private_key) {
        let message = "missing: give `private_key_file` (PEM), or `private_key`";
        judgement.fault(under("private_key"), message);
    } else if !needs_key && !lacks(&provider.private_key) {
        judgement.warn(under("private_key"), "has no effect with this `client_auth`");
    }
    if auth.needs_certificate() && provider.cert_file.is_none() {
        judgement.fault(under("cert_file"), "missing: the certificate that the provider knows this client by (PEM)");
    }
    if !lacks(&provider.dpop_key) && provider.kind_of(name) == Kind::OAuth2 {
        judgement.fault(under("dpop_key"), "is of OpenID Connect providers alone: plain OAuth2 has bearer tokens");
    }
    if provider.pushed_authorization != PushedAuthorization::WhenRequired && provider.kind_of(name) == Kind::OAuth2 {
        judgement.fault(under("pushed_authorization"), "is of OpenID Connect providers alone: metadata says where to");
    }
}

fn plain_oauth2(path: &str, name: &str, provider: &Provider, judgement: &mut Judgement) {
    let under = |key: &str| format!("{path}.{key}");
    let own = &provider.oauth2;
    if provider.preset_of(name).is_none() {
        let needed = [
            ("authorization_endpoint", &own.authorization_endpoint),
            ("token_endpoint", &own.token_endpoint),
            ("profile_endpoint", &own.profile_endpoint),
        ];
        for (key, _) in needed.iter().filter(|(_, address)| address.as_deref().unwrap_or_default().is_empty()) {
            judgement
                .fault(under(&format!("oauth2.{key}")), "missing: `kind: oauth2` has no metadata that would say it");
        }
    }
    if provider.access_tokens.check != TokenCheck::Off {
        let message = "plain OAuth2 does not say for whom an access token is: only `off` is safe";
        judgement.fault(under("access_tokens.check"), message);
    }
    if provider.token_exchange.enabled {
        judgement.fault(under("token_exchange.enabled"), "is of OpenID Connect providers alone");
    }
    if provider.claims_from_access_token == Some(true) {
        judgement.fault(under("claims_from_access_token"), "is of OpenID Connect providers alone");
    }
    let logout = &provider.logout;
    for (key, is_set) in [("frontchannel", logout.frontchannel), ("untyped_tokens", logout.untyped_tokens)] {
        judgement.check(!is_set, &under(&format!("logout.{key}")), "is of OpenID Connect providers alone");
    }
}
