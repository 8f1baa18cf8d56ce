//! Owns what every layer may be told to ask for, said once for all of them. Does not know what they do with it.

/// The methods of a layer whose field `requirements` says what it asks; the word says what it lets through.
macro_rules! asking {
    ($layer:ident, $who:literal) => {
        impl $layer {
            #[doc = concat!("Lets only ", $who, " through that meet all of these, in place of what was asked for before.")]
            #[must_use]
            pub fn requirements(mut self, requirements: $crate::requirements::Requirements) -> Self {
                self.requirements = requirements;
                self
            }

            #[doc = concat!("Lets only ", $who, " through that were granted all of these scopes.")]
            #[must_use]
            pub fn scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
                self.requirements = self.requirements.scopes(scopes);
                self
            }

            #[doc = concat!("Lets only ", $who, " through whose user has all of these permissions.")]
            #[must_use]
            pub fn permissions<I: IntoIterator<Item: Into<String>>>(mut self, permissions: I) -> Self {
                self.requirements = self.requirements.permissions(permissions);
                self
            }

            #[doc = concat!("Lets only ", $who, " through whose user has all of these roles.")]
            #[must_use]
            pub fn roles<I: IntoIterator<Item: Into<String>>>(mut self, roles: I) -> Self {
                self.requirements = self.requirements.roles(roles);
                self
            }

            #[doc = concat!(
                "Lets only ", $who, " through whose login had one of these authentication context classes, the preferred \
                 one first. Browsers are sent to log in in that way, and come back with the same session."
            )]
            #[must_use]
            pub fn acr_values<I: IntoIterator<Item: Into<String>>>(mut self, values: I) -> Self {
                self.requirements = self.requirements.acr_values(values);
                self
            }

            #[doc = concat!(
                "Lets only ", $who, " through whose user authenticated at most this long ago, in whole seconds. Browsers \
                 are sent to log in again."
            )]
            #[must_use]
            pub fn max_login_age(mut self, age: std::time::Duration) -> Self {
                self.requirements = self.requirements.max_login_age(age);
                self
            }
        }
    };
}

pub(super) use asking;
