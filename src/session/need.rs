//! Owns what a request may need of who is logged in: what they may do, and how and when they logged in.
//! Does not know requests, nor where the facts come from.

use std::time::Duration;

use super::identity::Identity;
use super::time::Timestamp;

/// What a request needs of who is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Scopes that must all have been granted.
    pub scopes: Vec<String>,
    /// Scopes of which one must have been granted; none: nothing is needed.
    pub any_scopes: Vec<String>,
    /// Permissions that must all be there.
    pub permissions: Vec<String>,
    /// Permissions of which one must be there; none: nothing is needed.
    pub any_permissions: Vec<String>,
    /// Roles that must all be there.
    pub roles: Vec<String>,
    /// Whether the email address must be verified.
    pub email_verified: bool,
    /// How they must have logged in.
    pub login: LoginNeeds,
}

/// What is needed of a login. It can be asked for at the provider, and is checked when the user is back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginNeeds {
    /// Authentication context classes (`acr`), the preferred one first: one of them; none: any.
    pub acr_values: Vec<String>,
    /// Authentication methods (`amr`; RFC 8176): all of them.
    pub amr_values: Vec<String>,
    /// How long ago the user may have authenticated at most; of a login zero means that they have to do so for it.
    pub max_age: Option<Duration>,
}

/// What is known of who is logged in.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who it is, with scopes, roles and the way of the login.
    pub identity: &'a Identity,
    /// What they may do.
    pub permissions: &'a [String],
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// These scopes; where one of several would do, all of those.
    Scopes(Vec<String>),
    /// These permissions, likewise.
    Permissions(Vec<String>),
    /// These roles.
    Roles(Vec<String>),
    /// A verified email address.
    VerifiedEmail,
    /// One of these authentication context classes.
    Acr(Vec<String>),
    /// These authentication methods.
    Amr(Vec<String>),
    /// A login that is not as old, or that says when it was.
    FreshLogin,
}

impl<'a> From<&'a Identity> for Facts<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self { identity, permissions: &identity.permissions }
    }
}

impl Needs {
    /// What is missing, in the order in which a person would mend it: a login is no help to whoever may not in any case.
    #[must_use]
    pub fn missing(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Missing> {
        let identity = facts.identity;
        None.or_else(|| all(&self.scopes, &identity.scopes).map(Missing::Scopes))
            .or_else(|| any(&self.any_scopes, &identity.scopes).map(Missing::Scopes))
            .or_else(|| all(&self.permissions, facts.permissions).map(Missing::Permissions))
            .or_else(|| any(&self.any_permissions, facts.permissions).map(Missing::Permissions))
            .or_else(|| all(&self.roles, &identity.roles).map(Missing::Roles))
            .or_else(|| (self.email_verified && !identity.email_verified).then_some(Missing::VerifiedEmail))
            .or_else(|| self.login.missing(facts, now))
    }
}

impl LoginNeeds {
    /// Whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.acr_values.is_empty() && self.amr_values.is_empty() && self.max_age.is_none()
    }

    /// Whether the user has to authenticate anew for them: it is too long ago, or methods were not used that no parameter
    /// asks a provider for.
    #[must_use]
    pub fn ask_anew(&self, facts: &Facts<'_>, now: Timestamp) -> bool {
        let rest = Self { acr_values: Vec::new(), ..self.clone() };
        rest.missing(facts, now).is_some()
    }

    /// What is missing of a login.
    #[must_use]
    pub fn missing(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Missing> {
        let identity = facts.identity;
        any(&self.acr_values, identity.acr.as_slice())
            .map(Missing::Acr)
            .or_else(|| all(&self.amr_values, &identity.amr).map(Missing::Amr))
            .or_else(|| {
                let age = self.max_age?;
                let fresh = identity.auth_time.is_some_and(|at| now <= at + age);
                (!fresh).then_some(Missing::FreshLogin)
            })
    }
}

/// Those that are needed and not there.
fn all(needed: &[String], there: &[String]) -> Option<Vec<String>> {
    let missing: Vec<_> = needed.iter().filter(|one| !there.contains(one)).cloned().collect();
    (!missing.is_empty()).then_some(missing)
}

/// All that are needed, where none of them is there.
fn any(needed: &[String], there: &[String]) -> Option<Vec<String>> {
    let met = needed.is_empty() || needed.iter().any(|one| there.contains(one));
    (!met).then(|| needed.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1000);

    fn texts(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    fn ada() -> Identity {
        Identity {
            user_id: "idp_ada".into(),
            provider: "idp".into(),
            issuer: "https://idp.example".into(),
            sub: "ada".into(),
            email: Some("ada@example.com".into()),
            email_verified: true,
            name: None,
            picture: None,
            claims: serde_json::Map::new(),
            scopes: texts("openid email"),
            roles: texts("editor reader"),
            permissions: texts("orders:read orders:write"),
            auth_time: Some(Timestamp::from_secs(900)),
            acr: Some("2".into()),
            amr: texts("pwd otp"),
        }
    }

    fn missing(needs: &Needs) -> Option<Missing> {
        needs.missing(&Facts::from(&ada()), NOW)
    }

    #[test]
    fn each_need_is_met_by_what_is_there_and_by_nothing_else() {
        let base = Needs::default;
        let login = |acr: &str, amr: &str, age: Option<u64>| Needs {
            login: LoginNeeds { acr_values: texts(acr), amr_values: texts(amr), max_age: age.map(Duration::from_secs) },
            ..base()
        };
        let table = [
            (base(), None),
            (Needs { scopes: texts("email openid"), ..base() }, None),
            (Needs { scopes: texts("email phone a"), ..base() }, Some(Missing::Scopes(texts("phone a")))),
            (Needs { any_scopes: texts("phone email"), ..base() }, None),
            (Needs { any_scopes: texts("phone a"), ..base() }, Some(Missing::Scopes(texts("phone a")))),
            (Needs { permissions: texts("orders:read"), ..base() }, None),
            (Needs { permissions: texts("orders"), ..base() }, Some(Missing::Permissions(texts("orders")))),
            (Needs { any_permissions: texts("x orders:write"), ..base() }, None),
            (Needs { any_permissions: texts("x y"), ..base() }, Some(Missing::Permissions(texts("x y")))),
            (Needs { roles: texts("reader"), ..base() }, None),
            (Needs { roles: texts("Reader admin"), ..base() }, Some(Missing::Roles(texts("Reader admin")))),
            (Needs { email_verified: true, ..base() }, None),
            (login("3 2", "", None), None),
            (login("3 1", "", None), Some(Missing::Acr(texts("3 1")))),
            (login("", "otp pwd", None), None),
            (login("", "otp hwk", None), Some(Missing::Amr(texts("hwk")))),
            (login("", "", Some(100)), None),
            (login("", "", Some(99)), Some(Missing::FreshLogin)),
            (login("3", "hwk", Some(1)), Some(Missing::Acr(texts("3")))),
        ];
        for (needs, expected) in table {
            assert_eq!(missing(&needs), expected, "{needs:?}");
        }
    }

    #[test]
    fn what_nobody_says_is_not_there() {
        let nobody = Identity { email_verified: false, auth_time: None, acr: None, amr: Vec::new(), ..ada() };
        let facts = Facts::from(&nobody);
        let needs = |login| Needs { login, ..Needs::default() };
        let age = LoginNeeds { max_age: Some(Duration::from_hours(999_999)), ..LoginNeeds::default() };
        assert_eq!(needs(age).missing(&facts, NOW), Some(Missing::FreshLogin));
        let acr = LoginNeeds { acr_values: texts("1"), ..LoginNeeds::default() };
        assert_eq!(needs(acr).missing(&facts, NOW), Some(Missing::Acr(texts("1"))));
        let email = Needs { email_verified: true, ..Needs::default() };
        assert_eq!(email.missing(&facts, NOW), Some(Missing::VerifiedEmail));
    }
}
