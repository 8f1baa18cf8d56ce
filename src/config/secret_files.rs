//! Owns `*_file` keys: reading a secret from a file of its own. Does not know what the secrets open.

use std::path::Path;

use super::fault::Fault;
use super::schema::Shape;
use super::text;
use super::tree::{Content, Key, Node, Place, join};

const SUFFIX: &str = "_file";
pub(super) const OPEN_TO_EVERYBODY: &str = "every user of this machine can read this file";

/// What reading the files brought besides the secrets.
#[derive(Debug, Default)]
pub struct Findings {
    /// What makes the configuration unusable.
    pub faults: Vec<Fault>,
    /// What the user should know.
    pub warnings: Vec<Fault>,
}

/// Reads every file that a `*_file` key of a secret names, relative to `folder`, and puts its text under the secret's
/// own key. One line break at the end does not count.
pub fn read(node: &mut Node, shape: Shape, folder: &Path, path: &str, findings: &mut Findings) {
    let Content::Map(entries) = &mut node.content else { return };
    let mut secrets = Vec::new();
    for (key, value) in entries.iter_mut() {
        let Some(inner) = shape.key(&key.text) else { continue };
        let here = join(path, &key.text);
        read(value, inner, folder, &here, findings);
        let Some(name) = key.text.strip_suffix(SUFFIX) else { continue };
        if let Content::Text(file) = &value.content
            && shape.key(name).is_some_and(Shape::is_secret)
        {
            let file = folder.join(file);
            match text::read(&file) {
                Ok(secret) => {
                    if is_open_to_everybody(&file) {
                        findings.warnings.push(Fault::at(&value.place, here, OPEN_TO_EVERYBODY));
                    }
                    let secret =
                        secret.strip_suffix('\n').map_or(secret.as_str(), |secret| secret.trim_end_matches('\r'));
                    let secret = Node::new(Place::SecretFile(file), Content::Text(secret.to_owned()));
                    secrets.push((Key { text: name.to_owned(), place: key.place.clone() }, secret));
                }
                Err(error) => {
                    let message = format!("can't read {}: {error}", file.display());
                    findings.faults.push(Fault::at(&value.place, here, message));
                }
            }
        }
    }
    for (key, secret) in secrets {
        let given = |(other, node): &(Key, Node)| other.text == key.text && !matches!(node.content, Content::Nothing);
        if entries.iter().any(given) {
            let message = format!("given twice: `{0}` and `{0}{SUFFIX}`", key.text);
            findings.faults.push(Fault::at(&key.place, join(path, &key.text), message));
        }
        entries.retain(|(other, _)| other.text != key.text);
        entries.push((key, secret));
    }
}

#[cfg(unix)]
pub(super) fn is_open_to_everybody(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_open_to_everybody(_: &Path) -> bool {
    false
}
