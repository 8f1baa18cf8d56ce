//! Owns the bytes of a kept record: a version, the header at fixed offsets, the user's hash, the opaque body.
//! Does not know where they are kept. Scripts learn the offsets from here ([`lua_offsets`]), not from a copy.

use bytes::Bytes;

use crate::session::record::{Ending, Header, Marks, Record};
use crate::session::time::Timestamp;

/// The version that is written, and the newest that is read.
pub const VERSION: u8 = 1;

/// A user's hash, as the index names them.
pub type UserHash = [u8; 10];

/// A field of the header: where it begins and how long it is, in bytes.
#[derive(Clone, Copy)]
struct Field {
    at: usize,
    len: usize,
}

impl Field {
    const fn after(before: Self, len: usize) -> Self {
        Self { at: before.at + before.len, len }
    }
}

const FORMAT: Field = Field { at: 0, len: 1 };
const REVISION: Field = Field::after(FORMAT, 8);
const GENERATION: Field = Field::after(REVISION, 4);
const CURRENT: Field = Field::after(GENERATION, 16);
const HAS_PREVIOUS: Field = Field::after(CURRENT, 1);
const PREVIOUS: Field = Field::after(HAS_PREVIOUS, 16);
const LAST_ACTIVE: Field = Field::after(PREVIOUS, 8);
const FENCE: Field = Field::after(LAST_ACTIVE, 8);
const MARKS: Field = Field::after(FENCE, 24);
const USER: Field = Field::after(MARKS, 10);

/// Where the opaque body begins.
pub const BODY_AT: usize = USER.at + USER.len;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARecord {
    /// They were written by a later version.
    #[error("a record of format {0}; this version reads up to {VERSION}: upgrade, or restore the matching store")]
    Newer(u8),
    /// They are shorter than a header.
    #[error("a record of {0} bytes, cut short")]
    Truncated(usize),
    /// A field holds what no version writes.
    #[error("a record with an impossible {0}")]
    Impossible(&'static str),
}

/// The bytes that keep `record` of the user with this hash.
#[must_use]
pub fn write(user: &UserHash, record: &Record) -> Vec<u8> {
    let header = &record.header;
    let mut bytes = Vec::with_capacity(BODY_AT + record.body.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&header.revision.to_be_bytes());
    bytes.extend_from_slice(&header.generation.to_be_bytes());
    bytes.extend_from_slice(&header.current);
    bytes.push(u8::from(header.previous.is_some()));
    bytes.extend_from_slice(&header.previous.unwrap_or_default());
    bytes.extend_from_slice(&header.last_active.unwrap_or_default().as_millis().to_be_bytes());
    bytes.extend_from_slice(&header.fence.to_be_bytes());
    for mark in [header.marks.everything, header.marks.tenant, header.marks.provider] {
        bytes.extend_from_slice(&mark.to_be_bytes());
    }
    bytes.extend_from_slice(user);
    bytes.extend_from_slice(&record.body);
    bytes
}

/// Reads a record and its user's hash. The body shares `bytes`.
///
/// # Errors
/// [`NotARecord`] for whatever [`write()`] of this or an earlier version has not written.
pub fn read(bytes: &Bytes) -> Result<(UserHash, Record), NotARecord> {
    let (header, user) = read_header(bytes)?;
    Ok((user, Record { header, body: bytes.slice(BODY_AT..) }))
}

/// Reads the header and the user's hash alone.
///
/// # Errors
/// As [`read`].
pub fn read_header(bytes: &[u8]) -> Result<(Header, UserHash), NotARecord> {
    let truncated = NotARecord::Truncated(bytes.len());
    match bytes.first() {
        None => return Err(truncated),
        Some(0) => return Err(NotARecord::Impossible("format")),
        Some(&newer) if newer > VERSION => return Err(NotARecord::Newer(newer)),
        Some(_) if bytes.len() < BODY_AT => return Err(truncated),
        Some(_) => {}
    }
    let previous = match bytes.get(HAS_PREVIOUS.at) {
        Some(0) => None,
        Some(1) => Some(array(bytes, PREVIOUS).ok_or(truncated)?),
        _ => return Err(NotARecord::Impossible("flag")),
    };
    let number = |at| array(bytes, Field { at, len: 8 }).map(u64::from_be_bytes).ok_or(truncated);
    let header = Header {
        revision: number(REVISION.at)?,
        generation: u32::from_be_bytes(array(bytes, GENERATION).ok_or(truncated)?),
        current: array(bytes, CURRENT).ok_or(truncated)?,
        previous,
        last_active: Some(Timestamp::from_millis(number(LAST_ACTIVE.at)?)).filter(|at| *at != Timestamp::default()),
        fence: number(FENCE.at)?,
        marks: Marks { everything: number(MARKS.at)?, tenant: number(MARKS.at + 8)?, provider: number(MARKS.at + 16)? },
    };
    Ok((header, array(bytes, USER).ok_or(truncated)?))
}

fn array<const N: usize>(bytes: &[u8], field: Field) -> Option<[u8; N]> {
    bytes.get(field.at..field.at + N)?.try_into().ok()
}

/// The byte that a tombstone keeps of why a session was ended.
#[must_use]
pub const fn ending_byte(why: Ending) -> u8 {
    match why {
        Ending::Revoked => 1,
        Ending::Replaced => 2,
        Ending::Interrupted => 3,
    }
}

/// Reads a tombstone's byte; `None` for a reason that a later version gave: the session is gone all the same.
#[must_use]
pub const fn ending_of(byte: u8) -> Option<Ending> {
    match byte {
        1 => Some(Ending::Revoked),
        2 => Some(Ending::Replaced),
        3 => Some(Ending::Interrupted),
        _ => None,
    }
}

/// The format's numbers as Lua: `X_FROM` and `X_TO` are the first and last byte of field X, counted from one, as
/// `string.sub` takes them. `SETRANGE` counts from zero: `X_FROM - 1`.
#[must_use]
pub fn lua_offsets() -> String {
    let fields = [("REVISION", REVISION), ("LAST_ACTIVE", LAST_ACTIVE), ("FENCE", FENCE), ("USER", USER)];
    let first = format!("local VERSION, HEADER_LEN = {VERSION}, {BODY_AT}\n");
    let line = |(name, Field { at, len })| format!("local {name}_FROM, {name}_TO = {}, {}\n", at + 1, at + len);
    std::iter::once(first).chain(fields.map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER_HASH: UserHash = [0xee; 10];

    fn record() -> Record {
        let header = Header {
            revision: 0x0102_0304_0506_0708,
            generation: 0x0a0b_0c0d,
            current: [0x11; 16],
            previous: Some([0x22; 16]),
            last_active: Some(Timestamp::from_millis(0x0000_0190_0000_0001)),
            fence: 9,
            marks: Marks { everything: 1, tenant: 2, provider: 3 },
        };
        Record { header, body: Bytes::from_static(b"sealed") }
    }

    // The format fixes these bytes for ever: a change here needs a new version, and a reader for this one.
    #[test]
    fn golden_bytes() {
        let golden = "01\
            0102030405060708\
            0a0b0c0d\
            11111111111111111111111111111111\
            01\
            22222222222222222222222222222222\
            0000019000000001\
            0000000000000009\
            000000000000000100000000000000020000000000000003\
            eeeeeeeeeeeeeeeeeeee\
            7365616c6564";
        let bytes = write(&USER_HASH, &record());
        let hex = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(hex, golden);
        assert_eq!(read(&Bytes::from(bytes)), Ok((USER_HASH, record())));
        assert_eq!(BODY_AT, 96);
    }

    #[test]
    fn absent_fields_read_back_as_absent() {
        let mut record = record();
        (record.header.previous, record.header.last_active, record.body) = (None, None, Bytes::new());
        assert_eq!(read(&write(&USER_HASH, &record).into()), Ok((USER_HASH, record)));
    }

    #[test]
    fn whatever_is_not_a_record_is_said_to_be_none() {
        let whole = write(&USER_HASH, &record());
        for len in 0..BODY_AT {
            assert_eq!(read(&Bytes::copy_from_slice(&whole[..len])), Err(NotARecord::Truncated(len)));
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            read(&bytes.into())
        };
        assert_eq!(with(0, 2), Err(NotARecord::Newer(2)));
        assert_eq!(with(0, 0), Err(NotARecord::Impossible("format")));
        assert_eq!(with(HAS_PREVIOUS.at, 2), Err(NotARecord::Impossible("flag")));
    }

    #[test]
    fn scripts_learn_the_offsets_from_here() {
        assert!(lua_offsets().contains("local REVISION_FROM, REVISION_TO = 2, 9\n"), "{}", lua_offsets());
    }
}
