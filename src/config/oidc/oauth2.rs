//! Owns the settings of providers that speak plain OAuth2. Does not know the known ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Kind {
    /// OpenID Connect.
    #[serde(rename = "oidc")]
    Oidc,
    /// Plain OAuth2, with an API that says who the user of an access token is.
    #[serde(rename = "oauth2")]
    OAuth2,
}

/// Where a provider of plain OAuth2 is asked, and where its answers say who the user is.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth2 {
    /// Where the user is sent to log in.
    pub authorization_endpoint: Option<String>,
    /// Where the code is redeemed.
    pub token_endpoint: Option<String>,
    /// What says who the user of an access token is: a JSON object, asked for with the token as bearer.
    pub profile_endpoint: Option<String>,
    /// Where tokens are revoked (RFC 7009), if anywhere.
    pub revocation_endpoint: Option<String>,
    /// How it names itself in authorization responses (RFC 9207), where that is not `issuer`.
    pub response_issuer: Option<String>,
    /// Where in the profile everything stands.
    pub claims: OAuth2Claims,
}

/// Where in a profile everything stands; dots lead into objects (`data.id`).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth2Claims {
    /// What names the user for ever: a number or id, never a name or an address, which others may get later.
    pub sub: String,
    /// The email address.
    pub email: String,
    /// Whether the provider has verified it. Empty: it does not say, and no address counts as verified.
    pub email_verified: String,
    /// The display name.
    pub name: String,
    /// The address of a picture.
    pub picture: String,
}

impl Default for OAuth2Claims {
    fn default() -> Self {
        let [sub, email, email_verified, name, picture] = ["id", "email", "", "name", "picture"].map(str::to_owned);
        Self { sub, email, email_verified, name, picture }
    }
}
