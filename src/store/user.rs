//! Owns the bytes of a user's record: what scripts change at fixed offsets, and the sealed profile. Does not know where
//! they are kept. Scripts learn the offsets from here ([`lua_offsets`]).

use super::record::{NotARecord, moment, number_of};
use crate::authority::ports::KeptUser;
use crate::session::time::Timestamp;
use crate::session::user::UserFacts;

const VERSION: u8 = 1;

/// The flag of a user who may not log in.
const DISABLED: u8 = 1;

/// Version (1), flags (1), count of logins (4), the first and the last (6 each).
const FIXED: usize = 18;

/// The bytes that keep a user.
pub fn write(user: &KeptUser) -> Vec<u8> {
    let UserFacts { disabled, logins, first_login, last_login } = user.facts;
    let mut bytes = Vec::with_capacity(FIXED + user.profile.len());
    bytes.extend([VERSION, if disabled { DISABLED } else { 0 }]);
    bytes.extend(super::record::count(logins));
    bytes.extend(moment(first_login.as_millis()));
    bytes.extend(moment(last_login.as_millis()));
    bytes.extend_from_slice(&user.profile);
    bytes
}

/// Reads them.
pub fn read(bytes: &[u8]) -> Result<KeptUser, NotARecord> {
    let truncated = NotARecord::Truncated(bytes.len());
    let (fixed, profile) = bytes.split_first_chunk::<FIXED>().ok_or(truncated)?;
    let [version, flags, rest @ ..] = fixed;
    if *version != VERSION {
        return Err(NotARecord::Newer(*version));
    }
    let (logins, times) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    let (first, last) = times.split_first_chunk::<6>().ok_or(truncated)?;
    let last: &[u8; 6] = last.first_chunk().ok_or(truncated)?;
    let at = |bytes: &[u8; 6]| Timestamp::from_millis(number_of::<6>(*bytes));
    let facts = UserFacts {
        disabled: flags & DISABLED != 0,
        logins: number_of::<4>(*logins),
        first_login: at(first),
        last_login: at(last),
    };
    Ok(KeptUser { facts, profile: profile.to_vec() })
}

/// The record after a login at `at` that made a session; `before` is the one there was.
pub fn after_login(before: Option<&KeptUser>, at: Timestamp, profile: Vec<u8>) -> KeptUser {
    let logins = before.map_or(0, |user| user.facts.logins).saturating_add(1);
    let first_login = before.map_or(at, |user| user.facts.first_login);
    KeptUser { facts: UserFacts { disabled: false, logins, first_login, last_login: at }, profile }
}

/// The format's numbers as Lua; bytes are counted from one.
pub fn lua_offsets() -> String {
    format!(
        "local USER_VERSION, USER_DISABLED, USER_LEN = {VERSION}, {DISABLED}, {FIXED}\n\
         local LOGINS_FROM, LOGINS_TO, FIRST_LOGIN_FROM, FIRST_LOGIN_TO = 3, 6, 7, 12\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // The store format fixes these for ever.
    #[test]
    fn golden_bytes() {
        let facts = UserFacts {
            disabled: true,
            logins: 0x0102_0304,
            first_login: Timestamp::from_millis(0x0190_0000_0001),
            last_login: Timestamp::from_millis(0x0190_0000_0002),
        };
        let user = KeptUser { facts, profile: b"sealed".to_vec() };
        assert_eq!(write(&user), b"\x01\x01\x01\x02\x03\x04\x01\x90\0\0\0\x01\x01\x90\0\0\0\x02sealed");
        assert_eq!(read(&write(&user)), Ok(user.clone()));
        assert_eq!(read(&write(&user)[..17]), Err(NotARecord::Truncated(17)));
        assert_eq!(read(&[&[2], &write(&user)[1..]].concat()), Err(NotARecord::Newer(2)));
    }
}
