//! Owns replacing a file that only its owner is to read: whole or not at all, and by one process at a time. Does not know what
//! stands in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;

/// Nobody else who asks for this holds the folder of the file, until it is dropped. What is replaced is another file by then, so
/// it is the folder that is locked; nothing is left in it.
pub(super) struct Alone(File);

impl Alone {
    /// Waits until nobody else does.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn with(file: &Path) -> io::Result<Self> {
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(Self(folder))
    }
}

/// Puts `text` in the place of what the file holds, at once. A link is followed. Owner and group stay, and so does the mode
/// but for what it gives to everybody; a file that is new can be read by its owner alone.
///
/// It is then there for everybody; what it answers is why it may yet be lost with the power.
///
/// # Errors
/// What the system says. The file is then what it was.
pub(super) fn replace(file: &Path, text: &str, alone: &Alone) -> io::Result<Option<io::Error>> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let before = fs::metadata(&file).ok();
    let name = file.file_name().ok_or_else(|| io::Error::other("it is no file"))?.to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    // What another process could not finish is nobody's: its number may be ours by now.
    let _ = fs::remove_file(&beside);
    let written = write(&beside, text, before.as_ref()).and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    // A key that others have learnt of must not be lost with the power.
    written.map(|()| alone.0.sync_all().err())
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

#[cfg(test)]
impl Alone {
    /// A folder that can't be brought to the disk: no more can what stands for it here.
    pub(super) fn unsafe_from_power() -> io::Result<Self> {
        File::open("/dev/null").map(Self)
    }
}
