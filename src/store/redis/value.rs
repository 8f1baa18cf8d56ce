//! Owns the bytes of arguments and answers. Does not know which script they belong to.

use std::time::Duration;

use bytes::Bytes;

use crate::authority::ports::{StoreError, StoreResult};
use crate::session::key::{Partition, SessionKey, TenantNumber};
use crate::session::record::Record;
use crate::store::{length, record};

/// A number as scripts and commands take it.
pub fn number(number: impl Into<u128>) -> Vec<u8> {
    number.into().to_string().into_bytes()
}

/// A length of time in milliseconds, as commands take it.
pub fn millis(duration: Duration) -> Vec<u8> {
    number(length(duration).as_millis())
}

/// Reads a kept record.
pub fn read_record(kept: Vec<u8>) -> StoreResult<Record> {
    record::read(&Bytes::from(kept)).map(|(_, record)| record).map_err(|error| StoreError::Unreadable(error.into()))
}

/// A session's place as a login keeps it: tenant (4), partition (2), id (16).
pub fn noted(key: &SessionKey) -> Vec<u8> {
    [&key.tenant.0.to_be_bytes(), key.partition.number().to_be_bytes().as_slice(), &key.id].concat()
}

/// Reads [`noted`].
pub fn read_noted(bytes: &[u8]) -> Option<SessionKey> {
    let (tenant, rest) = bytes.split_first_chunk::<4>()?;
    let (number, id) = rest.split_first_chunk::<2>()?;
    let partition = Partition::new(u16::from_be_bytes(*number))?;
    Some(SessionKey { tenant: TenantNumber(u32::from_be_bytes(*tenant)), partition, id: id.try_into().ok()? })
}

/// An answer that no script of ours gives.
pub fn unexpected<T>() -> StoreResult<T> {
    Err(StoreError::Unreadable("an answer that no script gives".into()))
}
