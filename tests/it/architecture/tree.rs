//! The project's files as text. Does not know a rule; a rule can be fed a small broken tree just as well.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Texts by their path from the project's root, with forward slashes.
pub struct Tree(BTreeMap<String, String>);

impl Tree {
    /// Reads every Rust and proto file of the project, and the pages that are generated from them.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = BTreeMap::new();
        for part in ["build.rs", "src", "proto", "tests/it", "benches", "clients/rust"] {
            collect(root, &root.join(part), &mut files);
        }
        assert!(files.len() > 20, "the project's files were not found under {}", root.display());
        Self(files)
    }

    /// A tree made of these paths and texts.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// Every file, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every Rust file.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| Path::new(path).extension().is_some_and(|ending| ending == "rs"))
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

/// Whether a path lies in a room: `src/store/redis` holds `src/store/redis.rs` and all of `src/store/redis/`.
pub fn within(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn collect(root: &Path, path: &Path, files: &mut BTreeMap<String, String>) {
    // A link (the client's proto folder) leads to files that are read at their own place.
    let Ok(found) = path.symlink_metadata() else { return };
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            if !["target", "node_modules"].iter().any(|left_out| entry.file_name() == *left_out) {
                collect(root, &entry.path(), files);
            }
        }
    } else if found.is_file()
        && path.extension().is_some_and(|ending| ["rs", "proto", "md"].iter().any(|e| ending == *e))
    {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        files.insert(name, fs::read_to_string(path).unwrap());
    }
}
