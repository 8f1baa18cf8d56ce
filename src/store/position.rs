//! Owns the bytes of a place in a walk: the partition, and what was last seen in it. Does not know what is walked over.

use crate::authority::ports::{StoreError, StoreResult, WalkPosition};
use crate::session::key::Partition;

/// The place after `last` in `partition`.
pub fn after(partition: Partition, last: &[u8]) -> WalkPosition {
    WalkPosition([&partition.number().to_be_bytes(), last].concat())
}

/// Where to go on: the partition and what was last seen there; at the beginning when there is no position.
///
/// # Errors
/// `Unreadable` for bytes that [`after`] did not make.
pub fn read<const N: usize>(position: Option<&WalkPosition>) -> StoreResult<(Partition, Option<[u8; N]>)> {
    let read = || {
        let Some(WalkPosition(bytes)) = position else { return Some((Partition::new(0)?, None)) };
        let (number, last) = bytes.split_first_chunk::<2>()?;
        Some((Partition::new(u16::from_be_bytes(*number))?, Some(last.try_into().ok()?)))
    };
    read().ok_or_else(|| StoreError::Unreadable("not a position of this walk".into()))
}
