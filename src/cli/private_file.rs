//! Owns replacing a file that only its owner is to read: whole or not at all. Does not know what stands in it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;

/// Puts `text` in the place of what the file holds, at once. A link is followed. Owner and group stay, and so does the mode
/// but for what it gives to everybody; a file that is new can be read by its owner alone.
///
/// # Errors
/// What the system says. The file is then what it was.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let before = fs::metadata(&file).ok();
    let name = file.file_name().ok_or_else(|| io::Error::other("it is no file"))?.to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&beside, text, before.as_ref()).and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // What could not be finished is nobody's.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(beside: &Path, text: &str, before: Option<&fs::Metadata>) -> io::Result<()> {
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    new.write_all(text.as_bytes())?;
    if let Some(before) = before {
        chown(beside, Some(before.uid()), Some(before.gid()))?;
        new.set_permissions(fs::Permissions::from_mode(before.mode() & 0o770))?;
    }
    new.sync_all()
}
