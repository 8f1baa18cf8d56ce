//! Owns not-before marks: what can be marked, the marks in force, and which sessions they kill.
//! Does not know where they are kept or who raises them.

use std::collections::BTreeMap;

use super::key::TenantNumber;
use super::record::Marks;
use crate::crypto::digest;

/// A provider's name, shortened to what a record's header has room for. Two names that share it share their marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderTag(pub [u8; 4]);

impl ProviderTag {
    /// The tag of the provider with this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let [a, b, c, d, ..] = digest("gatelodge provider", &[name.as_bytes()]);
        Self([a, b, c, d])
    }
}

/// What a mark is about: every session of it that was born before dies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MarkTarget {
    /// Every session of every tenant.
    Everything,
    /// Every session of a tenant.
    Tenant(TenantNumber),
    /// Every session of a tenant that a provider's login made; the provider's name.
    Provider(TenantNumber, String),
}

/// What stands for everything where a tenant's number is asked for. No tenant has it.
pub const EVERY_TENANT: TenantNumber = TenantNumber(0);

impl MarkTarget {
    /// Its tenant, [`EVERY_TENANT`] for everything.
    #[must_use]
    pub const fn tenant(&self) -> TenantNumber {
        match self {
            Self::Everything => EVERY_TENANT,
            Self::Tenant(tenant) | Self::Provider(tenant, _) => *tenant,
        }
    }

    /// The provider it is about, if it is about one.
    #[must_use]
    pub fn provider(&self) -> Option<ProviderTag> {
        match self {
            Self::Everything | Self::Tenant(_) => None,
            Self::Provider(_, name) => Some(ProviderTag::of(name)),
        }
    }
}

/// The marks in force for a tenant. Each only rises; 0 for what was never marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarksNow {
    /// The mark of everything.
    pub everything: u64,
    /// The mark of the tenant.
    pub tenant: u64,
    /// The marks of its providers.
    pub providers: BTreeMap<ProviderTag, u64>,
}

impl MarksNow {
    /// The marks that a login with this provider is born under, when it begins now.
    #[must_use]
    pub fn at_birth(&self, provider: ProviderTag) -> Marks {
        Marks { everything: self.everything, tenant: self.tenant, provider: self.provider(provider), of: provider }
    }

    /// Whether a session that was born under these marks is dead.
    #[must_use]
    pub fn kill(&self, born: &Marks) -> bool {
        self.everything > born.everything || self.tenant > born.tenant || self.provider(born.of) > born.provider
    }

    /// Takes over a mark where it is higher.
    pub fn raise(&mut self, target: &MarkTarget, mark: u64) {
        let known = match target.provider() {
            Some(provider) => self.providers.entry(provider).or_default(),
            None if *target == MarkTarget::Everything => &mut self.everything,
            None => &mut self.tenant,
        };
        *known = mark.max(*known);
    }

    /// Takes over every mark of `other` that is higher.
    pub fn merge(&mut self, other: &Self) {
        self.everything = self.everything.max(other.everything);
        self.tenant = self.tenant.max(other.tenant);
        for (provider, mark) in &other.providers {
            let known = self.providers.entry(*provider).or_default();
            *known = (*known).max(*mark);
        }
    }

    fn provider(&self, provider: ProviderTag) -> u64 {
        self.providers.get(&provider).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantNumber = TenantNumber(1);

    #[test]
    fn a_mark_kills_what_was_born_before_it_and_nothing_else() {
        let (idp, other) = (ProviderTag::of("idp"), ProviderTag::of("other"));
        let before = MarksNow::default();
        let targets = [
            (MarkTarget::Everything, true),
            (MarkTarget::Tenant(TENANT), true),
            (MarkTarget::Provider(TENANT, "idp".into()), false),
        ];
        for (target, everybody) in targets {
            let mut now = before.clone();
            now.raise(&target, 7);
            now.raise(&target, 6);
            assert!(now.kill(&before.at_birth(idp)), "{target:?}");
            assert_eq!(now.kill(&before.at_birth(other)), everybody, "{target:?}");
            assert!(!now.kill(&now.at_birth(idp)) && !now.kill(&now.at_birth(other)), "{target:?}");
        }
    }

    #[test]
    fn merging_lowers_no_mark() {
        let mut one = MarksNow { everything: 5, tenant: 1, providers: [(ProviderTag([1; 4]), 9)].into() };
        let two = MarksNow { everything: 3, tenant: 4, providers: [(ProviderTag([2; 4]), 2)].into() };
        one.merge(&two);
        assert_eq!((one.everything, one.tenant, one.providers.len()), (5, 4, 2));
    }

    // The store format fixes it: another tag would leave marks and records apart.
    #[test]
    fn tags_never_change() {
        assert_eq!(ProviderTag::of("google").0, GOLDEN);
    }

    const GOLDEN: [u8; 4] = [238, 252, 90, 130];
}
