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
    /// Credentials of two sessions came.
    Ambiguous,
}

impl InactiveReason {
    /// The public word for it: a browser learns no more than whether a session was ended (security.md 53, 112).
    #[must_use]
    pub const fn public(self) -> &'static str {
        match self {
            Self::None | Self::Forged | Self::Ambiguous => "not_signed_in",
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
/// What this ring has not signed for this tenant is set aside, oversized values too. Of one session the newest
/// generation counts. Two sessions are ambiguous: neither is taken by luck.
///
/// # Errors
/// The reason for which there is no session.
pub fn choose<'a>(
    cookies: impl IntoIterator<Item = &'a PresentedCookie>,
    tenant: TenantNumber,
    present_name: &str,
    ring: &MacRing,
) -> Result<Chosen, InactiveReason> {
    let mut chosen: Option<Chosen> = None;
    let mut reason = InactiveReason::None;
    for cookie in cookies {
        reason = InactiveReason::Forged;
        let Some(credential) = Credential::read(&cookie.value, ring) else { continue };
        if credential.key.tenant != tenant {
            continue;
        }
        let candidate = Chosen { credential, under_former_name: cookie.name != present_name };
        chosen = Some(match chosen {
            Some(other) if other.credential.key != candidate.credential.key => return Err(InactiveReason::Ambiguous),
            Some(other) if rank(&other) >= rank(&candidate) => other,
            _ => candidate,
        });
    }
    chosen.ok_or(reason)
}

/// Newer generations first; of one generation the one under the present name.
const fn rank(chosen: &Chosen) -> (u32, bool) {
    (chosen.credential.generation, !chosen.under_former_name)
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
        choose(cookies, TENANT, "session", &ring()).map(|c| (c.credential.generation, c.under_former_name))
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
}
