//! Owns what is known of known providers, and what an entry means with it. Does not know how they are spoken to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Provider, ResponseMode};

/// A provider whose settings are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Google accounts.
    Google,
    /// Microsoft accounts of every directory.
    Microsoft,
    /// Keycloak; needs the realm's address as issuer.
    Keycloak,
    /// Auth0; needs the tenant's address as issuer, with the slash at its end.
    Auth0,
    /// Okta; needs the organisation's or authorization server's address as issuer.
    Okta,
    /// GitLab: gitlab.com, or your own as issuer.
    #[serde(rename = "gitlab")]
    GitLab,
    /// Apple accounts. Needs `team_id`, `key_id` and `private_key_file`, and an https `public_base_url`.
    Apple,
    /// GitHub, or your Enterprise Server as issuer. Plain OAuth2.
    #[serde(rename = "github")]
    GitHub,
    /// Discord. Plain OAuth2.
    Discord,
}

impl Provider {
    /// The preset that applies to the entry `name`.
    #[must_use]
    pub fn preset_of(&self, name: &str) -> Option<Preset> {
        self.preset.or(match name {
            "google" => Some(Preset::Google),
            "microsoft" => Some(Preset::Microsoft),
            "keycloak" => Some(Preset::Keycloak),
            "auth0" => Some(Preset::Auth0),
            "okta" => Some(Preset::Okta),
            "gitlab" => Some(Preset::GitLab),
            "apple" => Some(Preset::Apple),
            "github" => Some(Preset::GitHub),
            "discord" => Some(Preset::Discord),
            _ => None,
        })
    }

    /// What the entry `name` speaks.
    #[must_use]
    pub fn kind_of(&self, name: &str) -> Kind {
        match self.preset_of(name) {
            Some(Preset::GitHub | Preset::Discord) => Kind::OAuth2,
            Some(_) => Kind::Oidc,
            None => self.kind.unwrap_or(Kind::Oidc),
        }
    }

    /// The scopes that the entry `name` asks for.
    #[must_use]
    pub fn scopes_of(&self, name: &str) -> Vec<String> {
        if !self.scopes.is_empty() {
            return self.scopes.clone();
        }
        let usual: &[&str] = match (self.preset_of(name), self.kind_of(name)) {
            (Some(Preset::GitHub), _) => &["read:user", "user:email"],
            (Some(Preset::Discord), _) => &["identify", "email"],
            (Some(Preset::Apple), _) => &["openid", "email", "name"],
            (_, Kind::OAuth2) => &[],
            (_, Kind::Oidc) => &["openid", "email", "profile"],
        };
        usual.iter().map(|scope| (*scope).to_owned()).collect()
    }

    /// Further claims that the entry `name` lets through: its own, else what its preset is asked for most.
    #[must_use]
    pub fn claims_of(&self, name: &str) -> Vec<String> {
        let usual: &[&str] = match self.preset_of(name) {
            Some(Preset::GitHub) if self.claims.is_empty() => &["login", "company", "location"],
            _ => return self.claims.clone(),
        };
        usual.iter().map(|claim| (*claim).to_owned()).collect()
    }

    /// The claims in which the entry `name` finds roles.
    #[must_use]
    pub fn roles_claims_of(&self, name: &str) -> Vec<String> {
        let usual: &[&str] = match self.preset_of(name) {
            Some(Preset::Keycloak) => &["realm_access.roles"],
            Some(Preset::Microsoft) => &["roles"],
            Some(Preset::Okta) => &["groups"],
            _ => &[],
        };
        self.claims_at(self.roles_claims.as_ref(), usual)
    }

    /// The claims in which the entry `name` finds permissions.
    #[must_use]
    pub fn permissions_claims_of(&self, name: &str) -> Vec<String> {
        let usual: &[&str] = if self.preset_of(name) == Some(Preset::Auth0) { &["permissions"] } else { &[] };
        self.claims_at(self.permissions_claims.as_ref(), usual)
    }

    /// The claims in which it finds further scopes.
    #[must_use]
    pub fn further_scopes_claims(&self) -> Vec<String> {
        self.claims_at(self.scopes_claims.as_ref(), &[])
    }

    /// Whether the access token of the entry `name` is read too.
    #[must_use]
    pub fn reads_access_token(&self, name: &str) -> bool {
        let usual = matches!(self.preset_of(name), Some(Preset::Keycloak | Preset::Auth0));
        self.claims_from_access_token.unwrap_or(usual)
    }

    /// How the answer to a login of the entry `name` comes back. Apple posts it to whoever asks for more than an id.
    #[must_use]
    pub fn response_mode_of(&self, name: &str) -> ResponseMode {
        let is_apple = self.preset_of(name) == Some(Preset::Apple);
        self.response_mode.unwrap_or(if is_apple { ResponseMode::FormPost } else { ResponseMode::Query })
    }

    fn claims_at(&self, own: Option<&Vec<String>>, usual: &[&str]) -> Vec<String> {
        let client = self.client_id.as_deref().unwrap_or_default();
        let usual = || usual.iter().map(|path| (*path).to_owned()).collect();
        let paths = own.cloned().unwrap_or_else(usual);
        paths.into_iter().map(|path| path.replace("{client_id}", client)).collect()
    }

    /// The issuer of the entry `name`: its own, else its preset's.
    #[must_use]
    pub fn issuer_of(&self, name: &str) -> Option<&str> {
        self.issuer.as_deref().or_else(|| self.preset_of(name)?.issuer())
    }

    /// What to write on the button of the entry `name`.
    #[must_use]
    pub fn display_name_of<'a>(&'a self, name: &'a str) -> &'a str {
        match (&self.display_name, self.preset_of(name)) {
            (Some(own), _) => own,
            (None, Some(preset)) => preset.display_name(),
            (None, None) => name,
        }
    }
}

impl Preset {
    /// The issuer, where it is the same for everybody.
    #[must_use]
    pub const fn issuer(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("https://accounts.google.com"),
            Self::Microsoft => Some("https://login.microsoftonline.com/{tenantid}/v2.0"),
            Self::GitLab => Some("https://gitlab.com"),
            Self::Apple => Some("https://appleid.apple.com"),
            Self::GitHub => Some("https://github.com"),
            Self::Discord => Some("https://discord.com"),
            Self::Keycloak | Self::Auth0 | Self::Okta => None,
        }
    }

    const fn display_name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Microsoft => "Microsoft",
            Self::Keycloak => "Keycloak",
            Self::Auth0 => "Auth0",
            Self::Okta => "Okta",
            Self::GitLab => "GitLab",
            Self::Apple => "Apple",
            Self::GitHub => "GitHub",
            Self::Discord => "Discord",
        }
    }
}
