//! Owns the API keys of `gatelodge dev`: one for each role, the same in every run from one folder.
//! Does not know what a role may do.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::app::parts::fresh_key;
use crate::crypto::ApiKey;
use crate::rpc::policy::Role;

const ROLES: [Role; 3] = [Role::Edge, Role::Backend, Role::Admin];

/// A key for each role.
pub(super) struct Keys([ApiKey; 3]);

impl Keys {
    /// Each role with its key.
    pub(super) fn each(&self) -> [(Role, &ApiKey); 3] {
        let [edge, backend, admin] = &self.0;
        [(Role::Edge, edge), (Role::Backend, backend), (Role::Admin, admin)]
    }

    /// The key of a role.
    pub(super) fn of(&self, role: Role) -> &ApiKey {
        let [edge, backend, admin] = &self.0;
        match role {
            Role::Edge => edge,
            Role::Backend => backend,
            Role::Admin => admin,
        }
    }
}

/// New keys.
pub(super) fn fresh() -> Keys {
    Keys(ROLES.map(|_| fresh_key()))
}

/// The keys of a folder, made with it the first time.
pub(super) fn kept(folder: &Path) -> io::Result<Keys> {
    fs::create_dir_all(folder)?;
    let path = folder.join("api-keys");
    match fs::read_to_string(&path) {
        Ok(text) => read(&text)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the file api-keys is damaged; remove it")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let keys = fresh();
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            for (role, key) in keys.each() {
                writeln!(file, "{} {}", role.name(), key.expose())?;
            }
            Ok(keys)
        }
        Err(error) => Err(error),
    }
}

fn read(text: &str) -> Option<Keys> {
    let key = |role: Role| {
        text.lines().find_map(|line| line.strip_prefix(role.name())).and_then(|key| ApiKey::parse(key.trim()))
    };
    let [edge, backend, admin] = ROLES.map(key);
    Some(Keys([edge?, backend?, admin?]))
}
