//! Owns what a route may ask of a session, put together step by step, and whether an answer has judged all of it.
//! Does not know how it is asked.

use std::time::Duration;

use crate::v1;

/// What a route needs beyond a living session. Everything that is named has to be met.
///
/// ```
/// # use std::time::Duration;
/// # use gatelodge_client::Requirements;
/// let to_pay = Requirements::new().permissions(["orders:pay"]).acr_values(["2"]).max_login_age(Duration::from_secs(300));
/// let question = gatelodge_client::v1::ValidateSessionRequest { requirements: Some(to_pay.into()), ..Default::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirements(v1::Requirements);

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name<I: IntoIterator<Item: Into<String>>>(mut self, $name: I) -> Self {
                self.0.$name.extend($name.into_iter().map(Into::into));
                self
            }
        )*
    };
}

impl Requirements {
    /// Nothing: CSRF is judged by the method.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    lists! {
        /// All of these scopes.
        scopes;
        /// One of these scopes.
        any_scopes;
        /// All of these permissions.
        permissions;
        /// One of these permissions.
        any_permissions;
        /// All of these roles.
        roles;
        /// A login with one of these authentication context classes, the preferred one first. Others are sent to log in in
        /// that way, and come back with the same session.
        acr_values;
        /// A login with all of these authentication methods (RFC 8176): `otp`, `hwk`. Others are sent to log in again.
        amr_values;
    }

    /// An email address that the provider has verified.
    #[must_use]
    pub fn email_verified(mut self) -> Self {
        self.0.email_verified = true;
        self
    }

    /// A user who authenticated at most this long ago, in whole seconds. Others are sent to log in again.
    #[must_use]
    pub fn max_login_age(mut self, age: Duration) -> Self {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.0.max_login_age = Some(prost_types::Duration { seconds, nanos: 0 });
        self
    }

    /// A CSRF token whatever the method. The default is to ask for all but GET, HEAD, OPTIONS and TRACE.
    #[must_use]
    pub fn csrf_required(mut self) -> Self {
        self.0.set_csrf(v1::CsrfRequirement::Required);
        self
    }

    /// No CSRF token, and no word about the origin, for routes that are guarded in another way.
    #[must_use]
    pub fn csrf_not_required(mut self) -> Self {
        self.0.set_csrf(v1::CsrfRequirement::NotRequired);
        self
    }
}

impl From<Requirements> for v1::Requirements {
    fn from(requirements: Requirements) -> Self {
        requirements.0
    }
}

/// What the same asks of a bearer token: CSRF is nothing to one.
impl From<Requirements> for v1::TokenRequirements {
    fn from(Requirements(asked): Requirements) -> Self {
        let v1::Requirements {
            csrf: _,
            scopes,
            any_scopes,
            permissions,
            any_permissions,
            roles,
            acr_values,
            amr_values,
            email_verified,
            max_login_age,
        } = asked;
        Self {
            scopes,
            any_scopes,
            permissions,
            any_permissions,
            roles,
            acr_values,
            amr_values,
            email_verified,
            max_login_age,
            audience: String::new(),
        }
    }
}

/// Whether each of `asked` is among `judged`.
pub(crate) fn all_of(asked: &[String], judged: &[String]) -> bool {
    asked.iter().all(|one| judged.contains(one))
}

/// Whether one of `asked` was found, and not one of a longer list.
pub(crate) fn one_of(asked: &[String], judged: &[String]) -> bool {
    asked.is_empty() || (!judged.is_empty() && all_of(judged, asked))
}

/// Whether a login that is no older than `asked` was found.
pub(crate) fn age_of(asked: Option<prost_types::Duration>, judged: Option<prost_types::Duration>) -> bool {
    let length = |age: Option<prost_types::Duration>| age.and_then(|age| Duration::try_from(age).ok());
    match (length(asked), length(judged)) {
        (Some(asked), Some(judged)) => judged <= asked,
        (Some(_), None) => false,
        (None, _) => asked.is_none(),
    }
}

/// Whether an answer has judged all that was asked for beside CSRF.
pub(crate) fn are_judged(asked: &v1::Requirements, judged: &v1::JudgedRequirements) -> bool {
    all_of(&asked.scopes, &judged.scopes)
        && one_of(&asked.any_scopes, &judged.any_scopes)
        && all_of(&asked.permissions, &judged.permissions)
        && one_of(&asked.any_permissions, &judged.any_permissions)
        && all_of(&asked.roles, &judged.roles)
        && one_of(&asked.acr_values, &judged.acr_values)
        && all_of(&asked.amr_values, &judged.amr_values)
        && (judged.email_verified || !asked.email_verified)
        && age_of(asked.max_login_age, judged.max_login_age)
}

#[cfg(test)]
mod tests {
    use super::*;

    // contract.md, 3: an older authority passes over what it does not know, and its yes is then worth nothing.
    #[test]
    fn each_requirement_has_to_be_among_those_that_were_judged() {
        let every: [fn(Requirements) -> Requirements; 9] = [
            |own| own.scopes(["a"]),
            |own| own.any_scopes(["a", "b"]),
            |own| own.permissions(["a"]),
            |own| own.any_permissions(["a", "b"]),
            |own| own.roles(["a"]),
            |own| own.acr_values(["2", "1"]),
            |own| own.amr_values(["otp"]),
            Requirements::email_verified,
            |own| own.max_login_age(Duration::from_secs(5)),
        ];
        let all: v1::Requirements = every.iter().fold(Requirements::new(), |own, add| add(own)).into();
        let judged = v1::JudgedRequirements {
            scopes: all.scopes.clone(),
            any_scopes: all.any_scopes.clone(),
            permissions: all.permissions.clone(),
            any_permissions: all.any_permissions.clone(),
            roles: all.roles.clone(),
            acr_values: all.acr_values.clone(),
            amr_values: all.amr_values.clone(),
            email_verified: true,
            max_login_age: all.max_login_age,
            ..Default::default()
        };
        assert!(are_judged(&all, &judged));
        for add in every {
            let one = add(Requirements::new()).into();
            assert!(are_judged(&one, &judged) && !are_judged(&one, &v1::JudgedRequirements::default()), "{one:?}");
        }
        let longer = v1::JudgedRequirements { acr_values: vec!["2".into(), "0".into()], ..judged };
        assert!(!are_judged(&all, &longer), "a login of another class may have passed");
    }
}
