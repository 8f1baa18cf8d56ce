//! Owns opening the database file and what can be wrong with it, said to the person who has to mend it.
//! Does not know what is in the file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError};

use crate::authority::ports::Cause;

/// Why the session file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the session file {} is in use by another process; stop that process, or give this one another file. \
         Several processes over one set of sessions need the Redis store",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later version has written it.
    #[error(
        "the session file {} has format {found} and this version reads up to {known}; start the version that wrote it, \
         or move the file away to begin without sessions",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is read.
        known: u32,
    },
    /// It is no session file, or it is damaged.
    #[error("the session file {} can't be read; restore it, or move it away to begin without sessions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Cause,
    },
    /// The operating system does not let it be opened.
    #[error("the session file {} can't be opened; its folder has to exist or be writable", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Opens or makes the database file, for this process and this user alone.
pub fn database(path: &Path, cache_bytes: usize) -> Result<Database, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(io)?;
    // The name of a new file is on disk only once its folder is.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Database::builder().set_cache_size(cache_bytes).create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path: path.to_owned() },
        other => OpenError::Unreadable { path: path.to_owned(), source: other.into() },
    })
}
