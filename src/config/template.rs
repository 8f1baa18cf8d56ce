//! Owns the files that `config init` writes. Does not know where chance comes from.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::SecretBytes;

/// The commented configuration: every key, with its default.
pub const GATELODGE_YAML: &str = include_str!("../../config/gatelodge.yaml");

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Both files are there already, and neither is ever overwritten.
    #[error("{} and {} are there already; nothing was written", .0.display(), .1.display())]
    Exists(PathBuf, PathBuf),
    /// A file can't be written.
    #[error("can't write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What was done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitFile {
    /// The file.
    pub path: PathBuf,
    /// Whether it was written; else it was there and is unchanged.
    pub is_new: bool,
}

/// Writes `gatelodge.yaml`, and `.env` with fresh secrets that only its owner can read, into `folder`, which is made
/// when it is not there. A file that is there stays as it is.
///
/// # Errors
/// `Exists` when both are there.
pub fn init(folder: &Path, random: [SecretBytes<32>; 2]) -> Result<[InitFile; 2], InitError> {
    let [yaml, env] = [folder.join("gatelodge.yaml"), folder.join(".env")];
    let missing = |path: &PathBuf| path.symlink_metadata().is_err();
    if !missing(&yaml) && !missing(&env) {
        return Err(InitError::Exists(yaml, env));
    }
    std::fs::create_dir_all(folder).map_err(|source| InitError::Write { path: folder.to_owned(), source })?;
    let [session, csrf] = random.map(|bytes| URL_SAFE_NO_PAD.encode(bytes.expose()));
    let secrets = format!(
        "# Secrets of this installation, read by gatelodge from the working directory. Keep them out of version control.\n\
         SESSION_SIGNING_SECRET={session}\n\
         CSRF_SIGNING_SECRET={csrf}\n"
    );
    let put = |path: PathBuf, text: &str, private| match create(&path, private) {
        Ok(mut file) => match file.write_all(text.as_bytes()) {
            Ok(()) => Ok(InitFile { path, is_new: true }),
            Err(source) => Err(InitError::Write { path, source }),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(InitFile { path, is_new: false }),
        Err(source) => Err(InitError::Write { path, source }),
    };
    let env = put(env, &secrets, true)?;
    Ok([put(yaml, GATELODGE_YAML, false)?, env])
}

#[cfg(unix)]
fn create(path: &Path, private: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(if private { 0o600 } else { 0o644 }).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _private: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
