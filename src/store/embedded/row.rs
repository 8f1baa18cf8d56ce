//! Owns the bytes of the file's keys and values. Does not know tables. All numbers are big-endian.

use bytes::Bytes;

use super::answers::KnownCall;
use super::marks::Marked;
use super::memory::{Entry, KeptTokens, Tombstone, UserMark};
use super::mint_keys::MintKeys;
use crate::authority::answer_store::Claimed;
use crate::session::caller::CallerKeyId;
use crate::session::key::{
    AnswerKey, LoginKey, LogoutTokenKey, Partition, ProviderSessionKey, SessionKey, TenantNumber, UserKey,
};
use crate::session::mark::ProviderTag;
use crate::session::time::Timestamp;
use crate::store::record::{self, NotARecord};
use crate::store::{answer, mint_keys};

/// What can be a key or a part of a value.
pub trait Row: Sized {
    /// Its bytes.
    fn row(&self) -> Vec<u8>;

    /// Reads them.
    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord>;
}

impl Row for Timestamp {
    fn row(&self) -> Vec<u8> {
        self.as_millis().to_be_bytes().to_vec()
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let bytes = bytes.try_into().map_err(|_| NotARecord::Truncated(bytes.len()))?;
        Ok(Self::from_millis(u64::from_be_bytes(bytes)))
    }
}

impl Row for SessionKey {
    fn row(&self) -> Vec<u8> {
        place(self.tenant, self.partition, &self.id)
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, partition, id) = read_place(bytes)?;
        Ok(Self { tenant, partition, id })
    }
}

impl Row for LoginKey {
    fn row(&self) -> Vec<u8> {
        place(self.tenant, self.partition, &self.id)
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, partition, id) = read_place(bytes)?;
        Ok(Self { tenant, partition, id })
    }
}

impl Row for UserKey {
    fn row(&self) -> Vec<u8> {
        place(self.tenant, self.partition, &self.hash)
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, partition, hash) = read_place(bytes)?;
        Ok(Self { tenant, partition, hash })
    }
}

impl Row for ProviderSessionKey {
    fn row(&self) -> Vec<u8> {
        place(self.tenant, self.partition, &self.id)
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, partition, id) = read_place(bytes)?;
        Ok(Self { tenant, partition, id })
    }
}

impl Row for LogoutTokenKey {
    fn row(&self) -> Vec<u8> {
        place(self.tenant, self.partition, &self.id)
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, partition, id) = read_place(bytes)?;
        Ok(Self { tenant, partition, id })
    }
}

impl Row for AnswerKey {
    fn row(&self) -> Vec<u8> {
        place(self.tenant, self.partition, &self.id)
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, partition, id) = read_place(bytes)?;
        Ok(Self { tenant, partition, id })
    }
}

impl Row for CallerKeyId {
    fn row(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        Self::from_bytes(bytes).ok_or(NotARecord::Truncated(bytes.len()))
    }
}

/// One of the provider's own sessions, and one of ours that belongs to it.
impl Row for (ProviderSessionKey, SessionKey) {
    fn row(&self) -> Vec<u8> {
        [self.0.row(), self.1.row()].concat()
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (of, session) = bytes.split_at_checked(bytes.len() / 2).ok_or(NotARecord::Truncated(bytes.len()))?;
        Ok((ProviderSessionKey::read_row(of)?, SessionKey::read_row(session)?))
    }
}

/// A tenant, and nothing more or a provider's tag.
impl Row for Marked {
    fn row(&self) -> Vec<u8> {
        let provider = self.1.map(|provider| provider.0);
        [self.0.0.to_be_bytes().as_slice(), provider.as_ref().map_or(&[], <[u8; 4]>::as_slice)].concat()
    }

    fn read_row(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (tenant, rest) = bytes.split_first_chunk::<4>().ok_or(NotARecord::Truncated(bytes.len()))?;
        let provider = match rest {
            [] => None,
            tag => Some(ProviderTag(tag.try_into().map_err(|_| NotARecord::Truncated(bytes.len()))?)),
        };
        Ok((TenantNumber(u32::from_be_bytes(*tenant)), provider))
    }
}

fn place(tenant: TenantNumber, partition: Partition, id: &[u8]) -> Vec<u8> {
    [&tenant.0.to_be_bytes(), partition.number().to_be_bytes().as_slice(), id].concat()
}

fn read_place<const N: usize>(bytes: &[u8]) -> Result<(TenantNumber, Partition, [u8; N]), NotARecord> {
    let truncated = || NotARecord::Truncated(bytes.len());
    let (tenant, rest) = bytes.split_first_chunk::<4>().ok_or_else(truncated)?;
    let (number, id) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
    let partition = Partition::new(u16::from_be_bytes(*number)).ok_or(NotARecord::Impossible("partition"))?;
    Ok((TenantNumber(u32::from_be_bytes(*tenant)), partition, id.try_into().map_err(|_| truncated())?))
}

/// A session's row is: end (8), the tokens' end (8), the record.
const TIMES_LEN: usize = 16;

/// The times before the record in a session's row.
pub fn times(row: &[u8]) -> &[u8] {
    row.get(..TIMES_LEN).unwrap_or(row)
}

/// Reads a session's row.
pub fn session(key: &[u8], row: &[u8]) -> Result<(SessionKey, Entry), NotARecord> {
    let (times, kept) = row.split_at_checked(TIMES_LEN).ok_or(NotARecord::Truncated(row.len()))?;
    let (owner, record) = record::read(&Bytes::copy_from_slice(kept))?;
    let (expires, tokens_end) = used(times)?;
    let entry = Entry {
        owner,
        expires,
        visible: true,
        leaving: false,
        newest_revision: record.header.revision,
        record,
        tokens: KeptTokens::None,
        tokens_end,
        attributes: None,
        lease: None,
        use_noted: false,
    };
    Ok((SessionKey::read_row(key)?, entry))
}

/// Reads two moments: of a use, last activity and the session's end.
pub fn used(row: &[u8]) -> Result<(Timestamp, Timestamp), NotARecord> {
    let (first, second) = row.split_at_checked(8).ok_or(NotARecord::Truncated(row.len()))?;
    Ok((Timestamp::read_row(first)?, Timestamp::read_row(second)?))
}

/// Reads a tombstone's row: its end (8), the reason (1).
pub fn tombstone(key: &[u8], row: &[u8]) -> Result<(SessionKey, Tombstone), NotARecord> {
    let (why, until) = row.split_last().ok_or(NotARecord::Truncated(0))?;
    Ok((SessionKey::read_row(key)?, Tombstone { why: record::ending_of(*why), until: Timestamp::read_row(until)? }))
}

/// Reads the row of a tenant's mint keys: their end (8), the keys.
pub fn mint_keys(key: &[u8], row: &[u8]) -> Result<(TenantNumber, MintKeys), NotARecord> {
    let tenant = key.try_into().map_err(|_| NotARecord::Truncated(key.len()))?;
    let (until, kept) = row.split_at_checked(8).ok_or(NotARecord::Truncated(row.len()))?;
    let keys = mint_keys::read(kept)?;
    let newest = keys.revision;
    Ok((
        TenantNumber(u32::from_be_bytes(tenant)),
        MintKeys { shown: Some((keys, Timestamp::read_row(until)?)), newest },
    ))
}

/// Reads the row of an answer to a call with an idempotency key: its end (8), the answer.
pub fn answer(key: &[u8], row: &[u8]) -> Result<(AnswerKey, KnownCall), NotARecord> {
    let (until, kept) = row.split_at_checked(8).ok_or(NotARecord::Truncated(row.len()))?;
    let Claimed::Answered(request, sealed) = answer::read(kept)? else {
        return Err(NotARecord::Impossible("state of a call"));
    };
    Ok((AnswerKey::read_row(key)?, KnownCall::answered(request, sealed, Timestamp::read_row(until)?)))
}

/// Reads a mark's row: its end (8), the mark (8).
pub fn mark(key: &[u8], row: &[u8]) -> Result<(UserKey, UserMark), NotARecord> {
    let (until, at) = used(row)?;
    Ok((UserKey::read_row(key)?, UserMark { at, until }))
}

/// Reads a not-before mark's row, which is like a user's mark.
pub fn not_before(key: &[u8], row: &[u8]) -> Result<(Marked, UserMark), NotARecord> {
    let (until, at) = used(row)?;
    Ok((Marked::read_row(key)?, UserMark { at, until }))
}
