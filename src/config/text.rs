//! Owns reading a file as text, bounded, with errors for the person who named it. Does not know what the text means.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// No configuration and no secret comes near this; `/dev/zero` and a log do.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads a whole file.
///
/// # Errors
/// What the system says; and for a file that is larger than 1 MiB or no UTF-8.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        return Err(io::Error::other("it is larger than 1 MiB; is this the right file?"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}
