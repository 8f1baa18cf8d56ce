//! Owns the bytes of what is kept of a call with an idempotency key. Does not know what is sealed in an answer.

use super::record::NotARecord;
use crate::authority::answer_store::{Claim, Claimed};

const VERSION: u8 = 1;
const AT_WORK: u8 = b'w';
const ANSWERED: u8 = b'a';

/// How a claim begins.
pub const CLAIM: [u8; 2] = [VERSION, AT_WORK];

/// The bytes of a claim.
pub fn claim(claim: &Claim) -> Vec<u8> {
    [&CLAIM[..], &claim.request, &claim.by].concat()
}

/// The bytes of an answer, and of what it answers.
pub fn answer(request: &[u8; 16], sealed: &[u8]) -> Vec<u8> {
    [&[VERSION, ANSWERED][..], request, sealed].concat()
}

/// Reads what somebody else has kept of a call.
pub fn read(bytes: &[u8]) -> Result<Claimed, NotARecord> {
    let truncated = || NotARecord::Truncated(bytes.len());
    let ([version, state], rest) = bytes.split_first_chunk::<2>().ok_or_else(truncated)?;
    let (request, rest) = rest.split_first_chunk::<16>().ok_or_else(truncated)?;
    match (*version, *state) {
        (VERSION, AT_WORK) => Ok(Claimed::AtWork(*request)),
        (VERSION, ANSWERED) => Ok(Claimed::Answered(*request, rest.to_vec())),
        (VERSION, _) => Err(NotARecord::Impossible("state of a call")),
        (newer, _) => Err(NotARecord::Newer(newer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The store format fixes these for ever.
    #[test]
    fn golden_bytes() {
        let own = Claim { by: *b"by whom it is at", request: *b"hash of request." };
        assert_eq!(claim(&own), b"\x01whash of request.by whom it is at");
        assert_eq!(read(&claim(&own)), Ok(Claimed::AtWork(own.request)));
        assert_eq!(answer(&own.request, b"sealed"), b"\x01ahash of request.sealed");
        assert_eq!(read(b"\x01ahash of request.sealed"), Ok(Claimed::Answered(own.request, b"sealed".to_vec())));
        for wrong in [&b""[..], b"\x01", b"\x01ahash of request", b"\x02ahash of request.", b"\x01xhash of request."] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
