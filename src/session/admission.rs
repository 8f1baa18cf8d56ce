//! Owns the choice among presented cookies, and the reasons for which there is no session. Does not know any record.

use super::credential::Credential;
use super::key::TenantNumber;
use super::request::PresentedCookie;
use crate::crypto::MacRing;

/// Why there is no living session, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InactiveReason {
    /// No session cookie came.
    None,
    /// Nothing that came was signed by this authority for this tenant.
    Forged,
    /// Signed by this authority, but no longer there; why is no longer known.
    Ended,
    /// Past its absolute limit.
    Expired,
    /// Not used for longer than its idle limit.
    Idle,
    /// Ended by a logout, an admin, a newer login or theft.
    Revoked,
    /// The client is another one than at login. This request alone is refused.
    Fingerprint,
    /// Credentials of two living sessions came.
    Ambiguous,
}

impl InactiveReason {
    /// The public word for it: a browser learns no more than whether a session was ended (security.md 53, 112).
    #[must_use]
    pub const fn public(self) -> &'static str {
        match self {
            Self::None | Self::Forged => "not_signed_in",
            Self::Ambiguous => "several_sessions",
            Self::Ended | Self::Expired | Self::Idle | Self::Revoked | Self::Fingerprint => "session_ended",
        }
    }
}

/// The credential that a browser presented, and the name it came under.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The credential.
    pub credential: Credential,
    /// Whether it came under a former cookie name, so that it is due to be set under the present one.
    pub under_former_name: bool,
}

/// Chooses among the cookies that came under session cookie names, without any IO (security.md 63).
///
/// What this ring has not signed for this tenant is set aside, oversized values too. A value under the present name was
/// set later than any under a former one, so it counts before them. Of one session the newest generation counts. Two
/// sessions under names of the same kind are ambiguous: neither is taken by luck.
///
/// # Errors
/// The reason for which there is no session.
pub fn choose<'a>(
    cookies: &(impl Iterator<Item = &'a PresentedCookie> + Clone),
    tenant: TenantNumber,
    present_name: &str,
    ring: &MacRing,
) -> Result<Chosen, InactiveReason> {
    let of_kind = |former: bool| {
        let named = cookies.clone().filter(move |cookie| (cookie.name != present_name) == former);
        newest(signed(named, tenant, ring))
    };
    let as_chosen = |credential, under_former_name| Chosen { credential, under_former_name };
    match (of_kind(false)?, of_kind(true)) {
        (Some(present), Ok(Some(former))) if former.key == present.key && former.generation > present.generation => {
            Ok(as_chosen(former, true))
        }
        (Some(present), _) => Ok(as_chosen(present, false)),
        (None, former) => match former? {
            Some(former) => Ok(as_chosen(former, true)),
            None if cookies.clone().next().is_none() => Err(InactiveReason::None),
            None => Err(InactiveReason::Forged),
        },
    }
}

/// The sessions among which [`choose`] could not, each with its newest credential: those that came under the present name,
/// or where none did, under former ones.
pub fn rivals<'a>(
    cookies: &(impl Iterator<Item = &'a PresentedCookie> + Clone),
    tenant: TenantNumber,
    present_name: &str,
    ring: &MacRing,
) -> Vec<Chosen> {
    let of_kind = |former: bool| {
        let named = cookies.clone().filter(move |cookie| (cookie.name != present_name) == former);
        let mut newest: Vec<Credential> = Vec::new();
        for candidate in signed(named, tenant, ring) {
            match newest.iter_mut().find(|other| other.key == candidate.key) {
                Some(other) if other.generation >= candidate.generation => (),
                Some(other) => *other = candidate,
                None => newest.push(candidate),
            }
        }
        newest.into_iter().map(move |credential| Chosen { credential, under_former_name: former }).collect()
    };
    let present: Vec<_> = of_kind(false);
    if present.is_empty() { of_kind(true) } else { present }
}

/// Every credential among the cookies that this ring has signed for this tenant.
pub fn signed<'a>(
    cookies: impl Iterator<Item = &'a PresentedCookie>,
    tenant: TenantNumber,
    ring: &MacRing,
) -> impl Iterator<Item = Credential> {
    cookies.filter_map(|cookie| Credential::read(&cookie.value, ring)).filter(move |own| own.key.tenant == tenant)
}

/// The newest generation of the one session that the credentials are of.
fn newest(credentials: impl Iterator<Item = Credential>) -> Result<Option<Credential>, InactiveReason> {
    let mut chosen: Option<Credential> = None;
    for candidate in credentials {
        chosen = Some(match chosen {
            Some(other) if other.key != candidate.key => return Err(InactiveReason::Ambiguous),
            Some(other) if other.generation >= candidate.generation => other,
            _ => candidate,
        });
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};
    use crate::session::key::Partition;

    const TENANT: TenantNumber = TenantNumber(1);

    fn ring() -> MacRing {
        KeyRing::new(Secret::new("ring"), []).mac("credential")
    }

    fn cookie(name: &str, handle: u8, generation: u32, tenant: TenantNumber) -> PresentedCookie {
        let credential = Credential::new(tenant, Partition::new(1).unwrap(), [handle; 16], generation, [1; 32]);
        PresentedCookie { name: name.into(), value: credential.text(&ring()).expose().to_owned().into() }
    }

    fn junk(value: &'static [u8]) -> PresentedCookie {
        PresentedCookie { name: "session".into(), value: value.into() }
    }

    fn chosen(cookies: &[PresentedCookie]) -> Result<(u32, bool), InactiveReason> {
        choose(&cookies.iter(), TENANT, "session", &ring()).map(|c| (c.credential.generation, c.under_former_name))
    }

    #[test]
    fn what_was_not_signed_is_set_aside() {
        assert_eq!(chosen(&[]), Err(InactiveReason::None));
        assert_eq!(chosen(&[junk(b"")]), Err(InactiveReason::Forged));
        assert_eq!(chosen(&[junk(b"sess_\xff\0")]), Err(InactiveReason::Forged));
        assert_eq!(chosen(&[junk(b"x"), cookie("session", 1, 1, TENANT), junk(b"y")]), Ok((1, false)));
    }

    // security.md 102: another tenant's credential is unknown, however well it is signed.
    #[test]
    fn another_tenants_credential_is_forged() {
        assert_eq!(chosen(&[cookie("session", 1, 1, TenantNumber(2))]), Err(InactiveReason::Forged));
    }

    // security.md 63: two values under one name never mean "the first one".
    #[test]
    fn the_newest_generation_counts_and_two_sessions_are_ambiguous() {
        let (old, new) = (cookie("session", 1, 1, TENANT), cookie("old", 1, 2, TENANT));
        assert_eq!(chosen(&[old.clone(), new.clone()]), Ok((2, true)));
        assert_eq!(chosen(&[new, old.clone()]), Ok((2, true)));
        assert_eq!(chosen(&[old, cookie("session", 2, 1, TENANT)]), Err(InactiveReason::Ambiguous));
    }

    #[test]
    fn the_sessions_that_are_rivals_are_each_there_once_with_the_newest_credential() {
        let cookies =
            [cookie("session", 1, 1, TENANT), cookie("session", 2, 3, TENANT), cookie("session", 1, 2, TENANT)];
        let rivals = |cookies: &[PresentedCookie]| {
            let found = rivals(&cookies.iter(), TENANT, "session", &ring());
            found.iter().map(|one| (one.credential.generation, one.under_former_name)).collect::<Vec<_>>()
        };
        assert_eq!(rivals(&cookies), [(2, false), (3, false)]);
        assert_eq!(rivals(&[cookie("old", 1, 1, TENANT), cookie("older", 2, 1, TENANT)]), [(1, true), (1, true)]);
        assert_eq!(rivals(&[cookie("old", 1, 1, TENANT), cookie("session", 2, 4, TENANT)]), [(4, false)]);
    }

    #[test]
    fn another_session_under_a_former_name_gives_way_to_the_present_one() {
        let (former, present) = (cookie("old", 1, 9, TENANT), cookie("session", 2, 1, TENANT));
        assert_eq!(chosen(&[former.clone(), present.clone()]), Ok((1, false)));
        assert_eq!(chosen(&[present, former]), Ok((1, false)));
    }
}
