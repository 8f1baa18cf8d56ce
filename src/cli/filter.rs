//! Owns how a person says which sessions are meant: a tenant, a provider, one of its own sessions, a time. Does not know what is done
//! with them.

use clap::builder::NonEmptyStringValueParser;
use gatelodge_client::{ClientOptions, OptionsError, Timestamp, v1};

/// Whose sessions and users, where the key is for several tenants.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TenantArgs {
    /// The tenant, by its name or number; without it the key's own, or the default one [env: GATELODGE_TENANT]
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    tenant: Option<String>,
}

impl TenantArgs {
    /// How to ask for it: the rest comes from the environment.
    pub(super) fn options(self) -> Result<ClientOptions, OptionsError> {
        let options = ClientOptions::from_env()?;
        Ok(match self.tenant {
            Some(name) => options.tenant(name),
            None => options,
        })
    }
}

/// Which sessions to list, beside whose.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct FilterArgs {
    /// Only those that this provider's logins have made
    #[arg(long, conflicts_with = "provider_session", value_parser = NonEmptyStringValueParser::new())]
    provider: Option<String>,
    /// Only those that belong to one of a provider's own, `<provider>:<sid>`
    #[arg(long, value_parser = provider_session)]
    provider_session: Option<v1::ProviderSession>,
    /// Only those that began then or later: 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only those that began before: 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

impl FilterArgs {
    /// The question for a user's sessions, or for all.
    pub(super) fn question(self, user_id: String) -> v1::ListSessionsRequest {
        let own = self.provider_session.unwrap_or_default();
        v1::ListSessionsRequest {
            user_id,
            provider: self.provider.unwrap_or(own.provider),
            provider_session_id: own.provider_session_id,
            created_after: self.since,
            created_before: self.until,
            ..v1::ListSessionsRequest::default()
        }
    }
}

/// Reads `<provider>:<sid>`.
pub(super) fn provider_session(text: &str) -> Result<v1::ProviderSession, String> {
    match text.split_once(':') {
        Some((provider, sid)) if !provider.is_empty() && !sid.is_empty() => {
            Ok(v1::ProviderSession { provider: provider.to_owned(), provider_session_id: sid.to_owned() })
        }
        _ => Err("expected `<provider>:<sid>`".to_owned()),
    }
}

/// Reads a moment as RFC 3339 writes it.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time such as 2026-11-22T12:00:00Z".to_owned())
}
