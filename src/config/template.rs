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
    /// A file is there already, and is never overwritten.
    #[error("{} is there already; nothing was written", .0.display())]
    Exists(PathBuf),
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

/// Writes `gatelodge.yaml`, and `.env` with fresh secrets that only its owner can read, into `folder`.
/// Gives the paths of both.
///
/// # Errors
/// `Exists` when either is there already: then neither is written.
pub fn init(folder: &Path, random: [SecretBytes<32>; 2]) -> Result<[PathBuf; 2], InitError> {
    let [yaml, env] = [folder.join("gatelodge.yaml"), folder.join(".env")];
    if let Some(there) = [&yaml, &env].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(InitError::Exists(there.clone()));
    }
    let [session, csrf] = random.map(|bytes| URL_SAFE_NO_PAD.encode(bytes.expose()));
    let secrets = format!(
        "# Secrets of this installation, read by gatelodge from the working directory. Keep them out of version control.\n\
         SESSION_SIGNING_SECRET={session}\n\
         CSRF_SIGNING_SECRET={csrf}\n"
    );
    write(&env, &secrets, true)?;
    write(&yaml, GATELODGE_YAML, false)?;
    Ok([yaml, env])
}

fn write(path: &Path, text: &str, private: bool) -> Result<(), InitError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Write { path: path.to_owned(), source },
    };
    let mut file = create(path, private).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
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
