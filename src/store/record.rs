//! Owns the bytes of a kept record: a version, what scripts compare at fixed offsets, the user's hash, what few records
//! have, the opaque body.
//! Does not know where they are kept. Scripts learn the offsets from here ([`lua_offsets`]), not from a copy.

use bytes::Bytes;

use crate::session::mark::ProviderTag;
use crate::session::record::{Ending, Header, Marks, Other, Record};
use crate::session::time::Timestamp;

/// The version that is written, and the newest that is read.
pub const VERSION: u8 = 1;

/// A user's hash, as the index names them.
pub type UserHash = [u8; 10];

/// What a record says of its place among the user's sessions. It is written once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: UserHash,
    /// When the session began, where it is to make room for a newer one in its turn; those that do not say are older.
    pub began: Option<Timestamp>,
}

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
const FLAGS: Field = Field::after(FORMAT, 1);
const REVISION: Field = Field::after(FLAGS, 4);
const GENERATION: Field = Field::after(REVISION, 4);
const CURRENT: Field = Field::after(GENERATION, 16);
const LAST_ACTIVE: Field = Field::after(CURRENT, 6);
const FENCE: Field = Field::after(LAST_ACTIVE, 4);
const USER: Field = Field::after(FENCE, 10);
const PROVIDER: Field = Field::after(USER, 4);

/// Where the fixed fields end. What few records have follows, as the flags say, and then the body.
const FIXED: usize = PROVIDER.at + PROVIDER.len;

/// The marks come first of what few records have, so that scripts find them.
const MARKS: Field = Field::after(PROVIDER, 18);

/// The flag of a record with the hash of the secret before (16 bytes).
const HAS_PREVIOUS: u8 = 1;
/// The flag of a record with marks that are not all zero (3 of 6 bytes).
const HAS_MARKS: u8 = 2;
/// The flag of a record with the hash of a successor's secret (16 bytes), where none of the secret before is.
const HAS_NEXT: u8 = 4;

/// The flag of a record with the moment at which its session began (6 bytes), after its marks.
const HAS_BEGAN: u8 = 8;

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

/// The bytes that keep `record` of this owner.
#[must_use]
pub fn write(owner: &Owner, record: &Record) -> Vec<u8> {
    let header = &record.header;
    let Marks { everything, tenant, provider, of } = header.marks;
    let marks = Some([everything, tenant, provider]).filter(|marks| *marks != [0; 3]);
    let mut bytes = Vec::with_capacity(FIXED + 34 + record.body.len());
    bytes.push(VERSION);
    let (flag, other) = match header.other {
        None => (0, None),
        Some(Other::Previous(hash)) => (HAS_PREVIOUS, Some(hash)),
        Some(Other::Next(hash)) => (HAS_NEXT, Some(hash)),
    };
    bytes.push(flag | marks.map_or(0, |_| HAS_MARKS) | owner.began.map_or(0, |_| HAS_BEGAN));
    bytes.extend_from_slice(&count(header.revision));
    bytes.extend_from_slice(&header.generation.to_be_bytes());
    bytes.extend_from_slice(&header.current);
    bytes.extend_from_slice(&moment(header.last_active.unwrap_or_default().as_millis()));
    bytes.extend_from_slice(&count(header.fence));
    bytes.extend_from_slice(&owner.user);
    bytes.extend_from_slice(&of.0);
    bytes.extend(marks.into_iter().flatten().flat_map(moment));
    bytes.extend(owner.began.into_iter().flat_map(|began| moment(began.as_millis())));
    bytes.extend(other.iter().flatten());
    bytes.extend_from_slice(&record.body);
    bytes
}

/// A revision or a fence as a record has it. One write a second for a hundred years is less than what fits.
#[must_use]
pub fn count(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

/// A moment in milliseconds: the years up to 10,000 fit.
#[must_use]
pub fn moment(millis: u64) -> [u8; 6] {
    let [_, _, bytes @ ..] = millis.min((1 << 48) - 1).to_be_bytes();
    bytes
}

/// Reads a record and its owner. The body shares `bytes`.
///
/// # Errors
/// [`NotARecord`] for whatever [`write()`] of this or an earlier version has not written.
pub fn read(bytes: &Bytes) -> Result<(Owner, Record), NotARecord> {
    let truncated = NotARecord::Truncated(bytes.len());
    let flags = match bytes.first_chunk() {
        Some([newer, _]) if *newer > VERSION => return Err(NotARecord::Newer(*newer)),
        Some([0, _]) => return Err(NotARecord::Impossible("format")),
        Some([_, flags]) if is_known(*flags) => *flags,
        Some(_) => return Err(NotARecord::Impossible("flag")),
        None => return Err(truncated),
    };
    let mut rest = bytes.get(FIXED..).ok_or(truncated)?;
    let of = ProviderTag(array(bytes, PROVIDER).ok_or(truncated)?);
    let marks = if flags & HAS_MARKS == 0 {
        Marks { of, ..Marks::default() }
    } else {
        let mut mark = || split(&mut rest).map(number_of::<6>);
        let (everything, tenant, provider) = (mark(), mark(), mark());
        let ((everything, tenant), provider) = everything.zip(tenant).zip(provider).ok_or(truncated)?;
        Marks { everything, tenant, provider, of }
    };
    let began = if flags & HAS_BEGAN == 0 {
        None
    } else {
        Some(Timestamp::from_millis(number_of::<6>(split(&mut rest).ok_or(truncated)?)))
    };
    let other = match flags & (HAS_PREVIOUS | HAS_NEXT) {
        0 => None,
        HAS_NEXT => Some(Other::Next(split(&mut rest).ok_or(truncated)?)),
        _ => Some(Other::Previous(split(&mut rest).ok_or(truncated)?)),
    };
    let last_active = number_of::<6>(array(bytes, LAST_ACTIVE).ok_or(truncated)?);
    let header = Header {
        revision: number_of::<4>(array(bytes, REVISION).ok_or(truncated)?),
        generation: u32::from_be_bytes(array(bytes, GENERATION).ok_or(truncated)?),
        current: array(bytes, CURRENT).ok_or(truncated)?,
        other,
        last_active: Some(Timestamp::from_millis(last_active)).filter(|at| *at != Timestamp::default()),
        fence: number_of::<4>(array(bytes, FENCE).ok_or(truncated)?),
        marks,
    };
    let body = bytes.slice(bytes.len() - rest.len()..);
    Ok((Owner { user: array(bytes, USER).ok_or(truncated)?, began }, Record { header, body }))
}

const fn is_known(flags: u8) -> bool {
    let both = HAS_NEXT | HAS_PREVIOUS;
    flags < 2 * HAS_BEGAN && flags & both != both
}

fn array<const N: usize>(bytes: &[u8], field: Field) -> Option<[u8; N]> {
    bytes.get(field.at..field.at + N)?.try_into().ok()
}

/// Takes the first bytes of what is left.
fn split<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

/// A number of so many bytes.
#[must_use]
pub fn number_of<const N: usize>(bytes: [u8; N]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The byte that a tombstone keeps of why a session was ended.
#[must_use]
pub const fn ending_byte(why: Ending) -> u8 {
    match why {
        Ending::Revoked => 1,
        Ending::Replaced => 2,
        Ending::Interrupted => 3,
        Ending::Stolen => 4,
    }
}

/// Reads a tombstone's byte; `None` for a reason that a later version gave: the session is gone all the same.
#[must_use]
pub const fn ending_of(byte: u8) -> Option<Ending> {
    match byte {
        1 => Some(Ending::Revoked),
        2 => Some(Ending::Replaced),
        3 => Some(Ending::Interrupted),
        4 => Some(Ending::Stolen),
        _ => None,
    }
}

/// The format's numbers as Lua: `X_FROM` and `X_TO` are the first and last byte of field X, counted from one, as
/// `string.sub` takes them. `SETRANGE` counts from zero: `X_FROM - 1`.
#[must_use]
pub fn lua_offsets() -> String {
    let fields = [("REVISION", REVISION), ("LAST_ACTIVE", LAST_ACTIVE), ("FENCE", FENCE)];
    let more = [("USER", USER), ("PROVIDER", PROVIDER), ("MARKS", MARKS)];
    let fields = fields.into_iter().chain(more);
    let first =
        format!("local VERSION, HEADER_LEN, HAS_MARKS, HAS_BEGAN = {VERSION}, {FIXED}, {HAS_MARKS}, {HAS_BEGAN}\n");
    let line = |(name, Field { at, len })| format!("local {name}_FROM, {name}_TO = {}, {}\n", at + 1, at + len);
    std::iter::once(first).chain(fields.map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner { user: [0xee; 10], began: Some(Timestamp::from_millis(0x0190_0000_0002)) };

    fn record() -> Record {
        let header = Header {
            revision: 0x0102_0304,
            generation: 0x0a0b_0c0d,
            current: [0x11; 16],
            other: Some(Other::Previous([0x22; 16])),
            last_active: Some(Timestamp::from_millis(0x0190_0000_0001)),
            fence: 9,
            marks: Marks { everything: 1, tenant: 2, provider: 0x0190_0000_0003, of: ProviderTag([0xbb; 4]) },
        };
        Record { header, body: Bytes::from_static(b"sealed") }
    }

    fn plain() -> Record {
        let mut record = record();
        let marks = Marks { of: record.header.marks.of, ..Marks::default() };
        (record.header.other, record.header.last_active, record.header.marks) = (None, None, marks);
        record
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    // The format fixes these bytes for ever: a change here needs a new version, and a reader for this one.
    #[test]
    fn golden_bytes() {
        let fixed = "01020304\
            0a0b0c0d\
            11111111111111111111111111111111";
        let most = "00000009eeeeeeeeeeeeeeeeeeeebbbbbbbb";
        let rare = "000000000001000000000002019000000003\
            019000000002\
            22222222222222222222222222222222";
        let golden = [
            (Owner { began: None, ..OWNER }, plain(), format!("0100{fixed}000000000000{most}7365616c6564")),
            (OWNER, record(), format!("010b{fixed}019000000001{most}{rare}7365616c6564")),
        ];
        for (owner, record, golden) in golden {
            let bytes = write(&owner, &record);
            assert_eq!(hex(&bytes), golden);
            assert_eq!(read(&Bytes::from(bytes)), Ok((owner, record)));
        }
        assert_eq!(FIXED, 50);
    }

    #[test]
    fn what_is_rare_is_there_alone_or_with_the_other() {
        for other in [None, Some(Other::Previous([9; 16])), Some(Other::Next([9; 16]))] {
            for provider in [0, 7] {
                let mut record = plain();
                (record.header.other, record.header.marks.provider, record.body) = (other, provider, Bytes::new());
                assert_eq!(read(&write(&OWNER, &record).into()), Ok((OWNER, record)));
            }
        }
    }

    #[test]
    fn whatever_is_not_a_record_is_said_to_be_none() {
        let whole = write(&OWNER, &record());
        for len in 0..whole.len() - b"sealed".len() {
            assert_eq!(read(&Bytes::copy_from_slice(&whole[..len])), Err(NotARecord::Truncated(len)));
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            read(&bytes.into())
        };
        assert_eq!(with(0, 2), Err(NotARecord::Newer(2)));
        assert_eq!(with(0, 0), Err(NotARecord::Impossible("format")));
        for flags in [HAS_PREVIOUS | HAS_NEXT, 7, 13, 16] {
            assert_eq!(with(1, flags), Err(NotARecord::Impossible("flag")));
        }
    }

    #[test]
    fn scripts_learn_the_offsets_from_here() {
        assert!(lua_offsets().contains("local REVISION_FROM, REVISION_TO = 3, 6\n"), "{}", lua_offsets());
    }
}
