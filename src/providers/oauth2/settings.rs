//! Owns what an operator says about an OAuth2 provider, the addresses of those that are known, and the checks that need no
//! network. Does not know where the values come from.

use url::Url;

use super::Addresses;
use crate::providers::registration::{Registration, SettingsFault};

/// In what a provider is unlike the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// In nothing.
    Plain,
    /// GitHub, and GitHub Enterprise Server.
    GitHub,
    /// Discord.
    Discord,
}

/// Where in the answer about the user something stands: a member's name; dots lead into objects (`data.id`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// What names the user for ever: never a name or address, which others may get later. Text or a whole number.
    pub sub: String,
    /// The email address.
    pub email: String,
    /// Whether the provider has verified it. Empty: it says nothing, and the address counts as not verified.
    pub email_verified: String,
    /// The display name.
    pub name: String,
    /// The address of a picture.
    pub picture: String,
}

/// What an operator says about an OAuth2 provider. Its registration's issuer is its base address, such as
/// `https://github.com`: it names whose users these are, and no token ever names it.
#[derive(Clone, Debug)]
pub struct OAuth2Settings {
    /// Who we are there.
    pub registration: Registration,
    /// In what it is unlike the rest.
    pub dialect: Dialect,
    /// Where the user is sent to log in (RFC 6749, 3.1).
    pub authorization_endpoint: String,
    /// Where the code is redeemed (RFC 6749, 3.2).
    pub token_endpoint: String,
    /// What says who the user of an access token is: a JSON object, asked for with the token as bearer.
    pub profile_endpoint: String,
    /// What lists the user's addresses, where the profile does not have the verified one (GitHub).
    pub emails_endpoint: Option<String>,
    /// Where tokens are revoked (RFC 7009), if anywhere.
    pub revocation_endpoint: Option<String>,
    /// How it names itself in authorization responses (RFC 9207), where that is not the issuer.
    pub response_issuer: Option<String>,
    /// Where in the profile everything stands.
    pub mapping: Mapping,
}

impl OAuth2Settings {
    /// GitHub, or the GitHub Enterprise Server at the registration's issuer.
    #[must_use]
    pub fn github(registration: Registration) -> Self {
        const PUBLIC: &str = "https://github.com";
        let base = registration.issuer.trim_end_matches('/').to_owned();
        let api = if base == PUBLIC { "https://api.github.com".to_owned() } else { format!("{base}/api/v3") };
        Self {
            dialect: Dialect::GitHub,
            authorization_endpoint: format!("{base}/login/oauth/authorize"),
            token_endpoint: format!("{base}/login/oauth/access_token"),
            profile_endpoint: format!("{api}/user"),
            emails_endpoint: Some(format!("{api}/user/emails")),
            revocation_endpoint: None,
            response_issuer: Some(format!("{base}/login/oauth")),
            mapping: Mapping {
                sub: "id".to_owned(),
                name: "name".to_owned(),
                picture: "avatar_url".to_owned(),
                ..Mapping::default()
            },
            registration,
        }
    }

    /// Discord.
    #[must_use]
    pub fn discord(registration: Registration) -> Self {
        let base = registration.issuer.trim_end_matches('/').to_owned();
        Self {
            dialect: Dialect::Discord,
            authorization_endpoint: format!("{base}/oauth2/authorize"),
            token_endpoint: format!("{base}/api/oauth2/token"),
            profile_endpoint: format!("{base}/api/users/@me"),
            emails_endpoint: None,
            revocation_endpoint: Some(format!("{base}/api/oauth2/token/revoke")),
            response_issuer: None,
            mapping: Mapping {
                sub: "id".to_owned(),
                email: "email".to_owned(),
                email_verified: "verified".to_owned(),
                name: "global_name".to_owned(),
                picture: String::new(),
            },
            registration,
        }
    }

    /// The addresses, parsed.
    pub(super) fn addresses(&self) -> Result<Addresses, Vec<SettingsFault>> {
        let mut faults = Vec::new();
        let mut parse = |key, text: &str| {
            let fault = "not an address (`https://login.example.com/token`)";
            Url::parse(text).map_err(|_| faults.push(self.registration.fault(key, fault))).ok()
        };
        let authorization = parse(AUTHORIZATION, &self.authorization_endpoint);
        let token = parse(TOKEN, &self.token_endpoint);
        let profile = parse(PROFILE, &self.profile_endpoint);
        let emails = self.emails_endpoint.as_deref().and_then(|text| parse(EMAILS, text));
        let revocation = self.revocation_endpoint.as_deref().and_then(|text| parse(REVOCATION, text));
        match (authorization, token, profile) {
            (Some(authorization), Some(token), Some(profile)) if faults.is_empty() => {
                Ok(Addresses { authorization, token, profile, emails, revocation })
            }
            _ => Err(faults),
        }
    }

    /// Everything that is wrong with these settings, as far as it can be said without the network.
    pub(super) fn faults(&self, addresses: &Addresses) -> Vec<SettingsFault> {
        let Addresses { authorization, token, profile, emails, revocation } = addresses;
        let mut asked = vec![(AUTHORIZATION, authorization), (TOKEN, token), (PROFILE, profile)];
        asked.extend(emails.as_ref().map(|url| (EMAILS, url)));
        asked.extend(revocation.as_ref().map(|url| (REVOCATION, url)));
        let mut faults = self.registration.faults(&asked);
        if self.registration.issuer.contains('{') {
            faults.push(self.registration.fault("issuer", "names one provider: placeholders are for OpenID Connect"));
        }
        if self.mapping.sub.is_empty() {
            faults.push(
                self.registration.fault("oauth2.claims.sub", "missing: what names a user for ever, such as `id`"),
            );
        }
        faults
    }
}

const AUTHORIZATION: &str = "oauth2.authorization_endpoint";
const TOKEN: &str = "oauth2.token_endpoint";
const PROFILE: &str = "oauth2.profile_endpoint";
const EMAILS: &str = "oauth2.emails_endpoint";
const REVOCATION: &str = "oauth2.revocation_endpoint";
