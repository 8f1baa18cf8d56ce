//! Owns CSRF tokens: bound to a session and its generation, dated, signed by a ring of their own.
//! Does not know when one is needed.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::key::SessionKey;
use super::signed;
use super::time::Timestamp;
use crate::crypto::{MacRing, Secret};

const PREFIX: &str = "csrf_";
const VERSION: u8 = 1;
const SIGNED_LEN: usize = 1 + 8 + 4 + 2 + 16 + 4;

/// What is wrong with a CSRF token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfFault {
    /// None came.
    Missing,
    /// Not issued by this authority, or not as it came.
    Invalid,
    /// Older than allowed.
    Expired,
    /// Of before a change of the session's credential.
    Rotated,
    /// Issued for another session.
    OtherSession,
}

/// Issues a token: `csrf_` + base64url of version (1 byte), issue time in seconds (8), tenant number (4), partition (2),
/// session id (16), generation (4), key id (4), MAC (16).
#[must_use]
pub fn issue(key: &SessionKey, generation: u32, now: Timestamp, ring: &MacRing) -> Secret {
    let mut bytes = Vec::with_capacity(SIGNED_LEN);
    bytes.push(VERSION);
    bytes.extend_from_slice(&now.as_secs().to_be_bytes());
    bytes.extend_from_slice(&subject(key, generation));
    signed::write(PREFIX, &bytes, ring)
}

/// Judges the token that came with a request of this session, in which those of these generations are good.
///
/// # Errors
/// What is wrong with it.
pub fn judge(
    token: Option<&[u8]>,
    key: &SessionKey,
    generations: &RangeInclusive<u32>,
    now: Timestamp,
    max_age: Duration,
    ring: &MacRing,
) -> Result<(), CsrfFault> {
    let token = token.filter(|token| !token.is_empty()).ok_or(CsrfFault::Missing)?;
    let bytes = signed::read::<SIGNED_LEN>(PREFIX, token, ring).ok_or(CsrfFault::Invalid)?;
    let (head, token_subject) = bytes.split_at(9);
    let (version, issued) = head.split_first_chunk::<1>().ok_or(CsrfFault::Invalid)?;
    let issued = u64::from_be_bytes(issued.try_into().map_err(|_| CsrfFault::Invalid)?);
    let (session, generation) = token_subject.split_at(SUBJECT_ID);
    let generation = u32::from_be_bytes(generation.try_into().map_err(|_| CsrfFault::Invalid)?);
    if *version != [VERSION] {
        Err(CsrfFault::Invalid)
    } else if session != key.to_bytes() {
        Err(CsrfFault::OtherSession)
    } else if now > Timestamp::from_secs(issued) + max_age {
        Err(CsrfFault::Expired)
    } else if !generations.contains(&generation) {
        Err(CsrfFault::Rotated)
    } else {
        Ok(())
    }
}

/// How much of a subject names the session; the rest is the generation.
const SUBJECT_ID: usize = 22;

fn subject(key: &SessionKey, generation: u32) -> [u8; 26] {
    let mut bytes = [0; 26];
    bytes[..SUBJECT_ID].copy_from_slice(&key.to_bytes());
    bytes[SUBJECT_ID..].copy_from_slice(&generation.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyRing;
    use crate::session::key::{Partition, TenantNumber};

    const HOUR: Duration = Duration::from_hours(1);

    fn key(id: u8) -> SessionKey {
        SessionKey { tenant: TenantNumber(1), partition: Partition::new(5).unwrap(), id: [id; 16] }
    }

    // security.md 70: bound to the session, dead after its time and after a rotation, useless for another session.
    #[test]
    fn a_token_is_good_for_its_session_generation_and_time_alone() {
        let ring = KeyRing::new(Secret::new("csrf"), []).mac("csrf");
        let now = Timestamp::from_secs(10_000);
        let token = issue(&key(1), 3, now, &ring);
        let token = token.expose().as_bytes();
        let at = |key, generation, now| judge(Some(token), &key, &(generation..=generation), now, HOUR, &ring);
        assert_eq!(at(key(1), 3, now + HOUR), Ok(()));
        assert_eq!(at(key(1), 3, now + HOUR + Duration::from_millis(1)), Err(CsrfFault::Expired));
        assert_eq!(at(key(2), 3, now), Err(CsrfFault::OtherSession));
        assert_eq!(at(key(1), 4, now), Err(CsrfFault::Rotated));

        let bad = |token: Option<&[u8]>| judge(token, &key(1), &(3..=3), now, HOUR, &ring);
        assert_eq!(bad(None), Err(CsrfFault::Missing));
        assert_eq!(bad(Some(b"")), Err(CsrfFault::Missing));
        assert_eq!(bad(Some(b"csrf_\xff")), Err(CsrfFault::Invalid));
        assert_eq!(bad(Some(&token[..token.len() - 1])), Err(CsrfFault::Invalid));
        let other = issue(&key(1), 3, now, &KeyRing::new(Secret::new("other"), []).mac("csrf"));
        assert_eq!(bad(Some(other.expose().as_bytes())), Err(CsrfFault::Invalid));
    }
}
