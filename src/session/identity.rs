//! Owns who somebody is: the verified identity, and the rule that names users. Does not know how it was verified.

use super::time::Timestamp;

/// Who is logged in, as the provider said it and the authority verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `<provider>_<sub>`, or `<provider>_<tid>_<sub>` where one provider entry stands for many issuers.
    pub user_id: String,
    /// The provider's name in the configuration.
    pub provider: String,
    /// The issuer, exactly as in the ID token.
    pub issuer: String,
    /// The subject at that issuer.
    pub sub: String,
    /// The email address, if the provider gave one.
    pub email: Option<String>,
    /// Whether the provider says that it verified the address.
    pub email_verified: bool,
    /// The display name, if the provider gave one.
    pub name: Option<String>,
    /// The address of a picture, if the provider gave one.
    pub picture: Option<String>,
    /// Further claims, those that the configuration lets through.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// The roles that the provider gave, by the configuration's mapping.
    pub roles: Vec<String>,
    /// The permissions likewise.
    pub permissions: Vec<String>,
    /// When the user authenticated at the provider; `None` where it did not say: then nobody knows how old the login is.
    pub auth_time: Option<Timestamp>,
    /// The authentication context class.
    pub acr: Option<String>,
    /// The authentication methods.
    pub amr: Vec<String>,
}

/// Whether a text can be a provider's name: it stands in addresses, and `_` would make `<provider>_<sub>` ambiguous.
#[must_use]
pub fn is_provider_name(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    text.len() <= 32 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.chars().all(plain)
}

/// Which issuer a provider entry speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerRule {
    /// One issuer, compared byte for byte.
    Exact(String),
    /// Many issuers, one for each directory: the text has the placeholder `{tenantid}` (Microsoft's `common`,
    /// `organizations` and `consumers`), filled with the ID token's `tid`.
    PerDirectory(String),
}

const DIRECTORY: &str = "{tenantid}";

impl IssuerRule {
    /// The rule that an issuer text stands for.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        if issuer.contains(DIRECTORY) { Self::PerDirectory(issuer) } else { Self::Exact(issuer) }
    }

    /// The issuer that an ID token with this `tid` has to name; `None` when it needs a `tid` and there is none fit
    /// to stand in an address.
    #[must_use]
    pub fn expected(&self, tid: Option<&str>) -> Option<String> {
        match self {
            Self::Exact(issuer) => Some(issuer.clone()),
            Self::PerDirectory(template) => {
                let tid = tid.filter(|tid| is_directory_id(tid))?;
                Some(template.replace(DIRECTORY, tid))
            }
        }
    }

    /// Whether the rule speaks for this issuer.
    #[must_use]
    pub fn admits(&self, issuer: &str) -> bool {
        match self {
            Self::Exact(own) => own == issuer,
            Self::PerDirectory(template) => {
                directory_of(template, issuer).is_some_and(|tid| self.expected(Some(tid)).as_deref() == Some(issuer))
            }
        }
    }

    /// The id of the user `sub` of `issuer` at the provider entry named `provider`.
    #[must_use]
    pub fn user_id(&self, provider: &str, issuer: &str, sub: &str) -> String {
        match self {
            Self::Exact(_) => format!("{provider}_{sub}"),
            Self::PerDirectory(template) => {
                let directory = directory_of(template, issuer).unwrap_or_default();
                format!("{provider}_{directory}_{sub}")
            }
        }
    }

    /// Issuer and subject of the user whose id, after `<provider>_`, is `local`.
    #[must_use]
    pub fn identity_of(&self, local: &str) -> Option<(String, String)> {
        match self {
            Self::Exact(issuer) => (!local.is_empty()).then(|| (issuer.clone(), local.to_owned())),
            Self::PerDirectory(_) => {
                let (directory, sub) = local.split_once('_')?;
                let issuer = self.expected(Some(directory))?;
                (!sub.is_empty()).then(|| (issuer, sub.to_owned()))
            }
        }
    }
}

fn directory_of<'a>(template: &str, issuer: &'a str) -> Option<&'a str> {
    let (before, after) = template.split_once(DIRECTORY)?;
    issuer.strip_prefix(before)?.strip_suffix(after)
}

fn is_directory_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_names_one_identity_and_leads_back_to_it() {
        let exact = IssuerRule::new("https://accounts.google.com");
        assert_eq!(exact.user_id("google", "https://accounts.google.com", "1_2"), "google_1_2");
        assert_eq!(exact.identity_of("1_2"), Some(("https://accounts.google.com".into(), "1_2".into())));

        let many = IssuerRule::new("https://login.microsoftonline.com/{tenantid}/v2.0");
        let issuer = many.expected(Some("9188-a")).unwrap();
        assert_eq!(issuer, "https://login.microsoftonline.com/9188-a/v2.0");
        assert_eq!(many.user_id("microsoft", &issuer, "s_1"), "microsoft_9188-a_s_1");
        assert_eq!(many.identity_of("9188-a_s_1"), Some((issuer, "s_1".into())));
    }

    #[test]
    fn a_directory_id_that_could_change_the_address_is_refused() {
        let many = IssuerRule::new("https://login.example/{tenantid}/v2.0");
        for tid in [None, Some(""), Some("a/b"), Some("a#"), Some("{tenantid}"), Some("ä")] {
            assert_eq!(many.expected(tid), None, "{tid:?}");
        }
    }
}
