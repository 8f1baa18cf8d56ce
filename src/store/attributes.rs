//! Owns the bytes of what an application keeps with a session: a format, the version of the values, what is sealed.
//! Does not know where they are kept.

use super::record::NotARecord;
use crate::authority::ports::KeptAttributes;

const FORMAT: u8 = 1;

/// The bytes that keep them.
pub fn write(attributes: &KeptAttributes) -> Vec<u8> {
    [head(attributes.version).as_slice(), &attributes.sealed].concat()
}

/// How they begin in that version.
pub fn head(version: u64) -> [u8; 9] {
    let mut head = [FORMAT; 9];
    head[1..].copy_from_slice(&version.to_be_bytes());
    head
}

/// Reads them.
pub fn read(bytes: &[u8]) -> Result<KeptAttributes, NotARecord> {
    let (format, rest) = bytes.split_first().ok_or(NotARecord::Truncated(0))?;
    if *format != FORMAT {
        return Err(NotARecord::Newer(*format));
    }
    let (version, sealed) = rest.split_first_chunk::<8>().ok_or(NotARecord::Truncated(bytes.len()))?;
    Ok(KeptAttributes { version: u64::from_be_bytes(*version), sealed: sealed.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The store format fixes these for ever.
    #[test]
    fn golden_bytes() {
        let attributes = KeptAttributes { version: 7, sealed: b"sealed".to_vec() };
        assert_eq!(write(&attributes), b"\x01\0\0\0\0\0\0\0\x07sealed");
        assert_eq!(read(&write(&attributes)), Ok(attributes));
        assert_eq!(read(b"\x02\0\0\0\0\0\0\0\x07sealed"), Err(NotARecord::Newer(2)));
        assert_eq!(read(b"\x01\0"), Err(NotARecord::Truncated(2)));
    }
}
