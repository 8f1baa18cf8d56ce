//! Owns how the providers are built from the configuration: those that log people in, and the word of those that do so no
//! more. Does not know what they speak.

use std::path::Path;

use super::parts::file;
use crate::authority::access_token::TokenCheck;
use crate::authority::logout_notice::LogoutChannels;
use crate::config::fault::{Fault, Faults};
use crate::config::{self, Config};
use crate::providers::Registry;
use crate::providers::credential::{ClientAuth, ClientKey};
use crate::providers::http::HttpSettings;
use crate::providers::oauth2::{Dialect, Mapping, OAuth2Settings};
use crate::providers::oidc::{
    AccessTokenSettings, Dialect as OidcDialect, LogoutSettings, OidcSettings, PushedRequests, Userinfo,
};
use crate::providers::registration::{Registration, SettingsFault};
use crate::providers::registry::ProviderSettings;
use crate::providers::rights::RightsMapping;
use crate::telemetry::Telemetry;

/// The providers that are enabled, in the order of their names; of the others the issuers, and their word that a session
/// has ended there, for the sake of sessions that live on.
pub(super) fn registry(config: &Config, telemetry: &Telemetry) -> Result<Registry, Faults> {
    let enabled = config.oidc.providers.iter().filter(|(_, provider)| provider.enabled);
    let mut faults = Vec::new();
    let settings = enabled.filter_map(|(name, provider)| {
        settings_of(config, telemetry, name, provider).map_err(|fault| faults.push(fault)).ok()
    });
    let settings = settings.collect();
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let others = config.oidc.providers.iter().filter(|(_, provider)| !provider.enabled);
    let retired = others.clone().filter_map(|(name, provider)| retired(config, telemetry, name, provider)).collect();
    let others = others.filter_map(|(name, provider)| Some((name.as_str(), provider.issuer_of(name)?)));
    let http = HttpSettings::default();
    let registry = Registry::new(settings, http);
    registry.map(|registry| registry.with_others(others).with_retired(retired, http)).map_err(|faults| {
        let fault = |SettingsFault { provider, key, fault }: SettingsFault| match key {
            "name" => Fault::of(format!("oidc.providers.{provider}"), fault),
            key => Fault::of(format!("oidc.providers.{provider}.{key}"), fault),
        };
        Faults(faults.into_iter().map(fault).collect())
    })
}

/// A provider that logs nobody in any more, if it can still say that a session has ended there.
fn retired(
    config: &Config,
    telemetry: &Telemetry,
    name: &str,
    provider: &config::oidc::Provider,
) -> Option<OidcSettings> {
    let is_named = provider.issuer_of(name).is_some() && provider.client_id.as_ref().is_some_and(|id| !id.is_empty());
    let tells = provider.kind_of(name) == config::oidc::Kind::Oidc && is_named;
    tells.then(|| registration(config, telemetry, name, provider).ok()).flatten().map(|own| oidc(own, name, provider))
}

fn settings_of(
    config: &Config,
    telemetry: &Telemetry,
    name: &str,
    provider: &config::oidc::Provider,
) -> Result<ProviderSettings, Fault> {
    let registration = registration(config, telemetry, name, provider)?;
    Ok(match provider.kind_of(name) {
        config::oidc::Kind::Oidc => oidc(registration, name, provider).into(),
        config::oidc::Kind::OAuth2 => oauth2(registration, name, provider).into(),
    })
}

fn registration(
    config: &Config,
    telemetry: &Telemetry,
    name: &str,
    provider: &config::oidc::Provider,
) -> Result<Registration, Fault> {
    let issuer = provider.issuer_of(name).unwrap_or_default();
    let client_id = provider.client_id.as_deref().unwrap_or_default();
    let base = Registration::new(name, issuer, client_id, provider.client_secret.clone().unwrap_or_default());
    let refresh = &config.oidc.refresh_tokens;
    let pem = |key: &str, path: Option<&Path>| {
        path.map(|path| file(format!("oidc.providers.{name}.{key}"), path)).transpose()
    };
    let ca = pem("ca_file", provider.ca_file.as_deref())?;
    Ok(Registration {
        display_name: provider.display_name_of(name).to_owned(),
        client_auth: match provider.client_auth {
            _ if provider.preset_of(name) == Some(config::oidc::Preset::Apple) => ClientAuth::SignedSecret,
            config::oidc::ClientAuth::Auto => ClientAuth::Auto,
            config::oidc::ClientAuth::ClientSecretBasic => ClientAuth::Basic,
            config::oidc::ClientAuth::ClientSecretPost => ClientAuth::Post,
            config::oidc::ClientAuth::PrivateKeyJwt => ClientAuth::PrivateKeyJwt,
            config::oidc::ClientAuth::TlsClientAuth | config::oidc::ClientAuth::SelfSignedTlsClientAuth => {
                ClientAuth::Certificate
            }
        },
        key: ClientKey {
            private: provider.private_key.clone().unwrap_or_default(),
            id: provider.key_id.clone(),
            certificate: pem("cert_file", provider.cert_file.as_deref())?,
            audience: provider.assertion_audience.clone(),
            team: provider.team_id.clone(),
        },
        dpop_key: provider.dpop_key.clone().filter(|key| !key.is_empty()),
        form_post: provider.response_mode_of(name) == config::oidc::ResponseMode::FormPost,
        scopes: provider.scopes_of(name),
        claims: provider.claims_of(name),
        rights: RightsMapping {
            scopes: provider.further_scopes_claims(),
            roles: provider.roles_claims_of(name),
            permissions: provider.permissions_claims_of(name),
            is_wanted: [&provider.roles_claims, &provider.permissions_claims, &provider.scopes_claims]
                .iter()
                .any(|own| own.is_some()),
        },
        extra_parameters: provider.extra_parameters.clone(),
        keep_refresh_token: refresh.enabled && refresh.persist_in_session_store,
        development: config.development,
        ca,
        allow_private_network: provider.allow_private_network,
        observer: telemetry.provider(&config.tenant.name, name),
        ..base
    })
}

fn oidc(registration: Registration, name: &str, provider: &config::oidc::Provider) -> OidcSettings {
    OidcSettings {
        dialect: match provider.preset_of(name) {
            Some(config::oidc::Preset::Apple) => OidcDialect::Apple,
            _ => OidcDialect::Standard,
        },
        directories: provider.directories.clone(),
        pushed: match provider.pushed_authorization {
            config::oidc::PushedAuthorization::WhenRequired => PushedRequests::WhenRequired,
            config::oidc::PushedAuthorization::WhenOffered => PushedRequests::WhenOffered,
            config::oidc::PushedAuthorization::Always => PushedRequests::Always,
        },
        read_access_token: provider.reads_access_token(name),
        userinfo: match provider.userinfo {
            config::oidc::Userinfo::Never => Userinfo::Never,
            config::oidc::Userinfo::WhenNeeded => Userinfo::WhenNeeded,
            config::oidc::Userinfo::Always => Userinfo::Always,
        },
        clock_leeway: provider.clock_leeway.get(),
        signing_algs: provider.signing_algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
        access_tokens: AccessTokenSettings {
            check: match provider.access_tokens.check {
                config::oidc::TokenCheck::Off => TokenCheck::Off,
                config::oidc::TokenCheck::Jwt => TokenCheck::Jwt,
                config::oidc::TokenCheck::Introspection => TokenCheck::Introspection,
            },
            audiences: provider.access_tokens.audiences.clone(),
            permissions_claim: provider.access_tokens.permissions_claim.clone(),
            keep_answers_for: provider.access_tokens.keep_answers_for.get(),
        },
        logout: LogoutSettings {
            channels: LogoutChannels { back: provider.logout.backchannel, front: provider.logout.frontchannel },
            untyped_tokens: provider.logout.untyped_tokens,
        },
        exchange_audiences: provider.token_exchange.enabled.then(|| provider.token_exchange.audiences.clone()),
        ..OidcSettings::new(registration)
    }
}

fn oauth2(registration: Registration, name: &str, provider: &config::oidc::Provider) -> OAuth2Settings {
    match provider.preset_of(name) {
        Some(config::oidc::Preset::GitHub) => return OAuth2Settings::github(registration),
        Some(config::oidc::Preset::Discord) => return OAuth2Settings::discord(registration),
        _ => {}
    }
    let own = provider.oauth2.clone();
    let config::oidc::OAuth2Claims { sub, email, email_verified, name, picture } = own.claims;
    OAuth2Settings {
        registration,
        dialect: Dialect::Plain,
        authorization_endpoint: own.authorization_endpoint.unwrap_or_default(),
        token_endpoint: own.token_endpoint.unwrap_or_default(),
        profile_endpoint: own.profile_endpoint.unwrap_or_default(),
        emails_endpoint: None,
        revocation_endpoint: own.revocation_endpoint,
        response_issuer: own.response_issuer,
        mapping: Mapping { sub, email, email_verified, name, picture },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::authority::ports::Providers as _;
    use crate::authority::provider::IdentityProvider;
    use crate::config::oidc::Provider;
    use crate::crypto::Secret;

    fn registry_of(providers: [(&str, Provider); 4]) -> Registry {
        let mut config = Config::default();
        config.oidc.providers = providers.map(|(name, provider)| (name.to_owned(), provider)).into();
        registry(&config, &Telemetry::default()).unwrap()
    }

    // Its users' sessions live on, and so does its word that one has ended. It needs no secret for that.
    #[test]
    fn a_disabled_provider_is_not_offered_and_still_heard() {
        let off = |issuer: &str| Provider {
            enabled: false,
            issuer: Some(issuer.to_owned()),
            client_id: Some("client".to_owned()),
            ..Provider::default()
        };
        let on = Provider { enabled: true, client_secret: Some(Secret::new("secret")), ..off("https://on.example") };
        let nobody = Provider { client_id: None, ..off("https://nobody.example") };
        let unreachable = off("no address");
        let of = [("off", off("https://off.example")), ("on", on), ("nobody", nobody), ("unreachable", unreachable)];
        let registry = registry_of(of);
        let names =
            |all: Vec<Arc<dyn IdentityProvider>>| all.iter().map(|one| one.info().name.clone()).collect::<Vec<_>>();
        assert_eq!((names(registry.all()), names(registry.retired())), (vec!["on".into()], vec!["off".into()]));
    }
}
