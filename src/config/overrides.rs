//! Owns how environment variables override keys: `GATELODGE__APP__SESSIONS__MAX_AGE`. Does not know the files.

use super::fault::Fault;
use super::schema::{Kind, Shape};
use super::shape::unknown;
use super::tree::{Content, Node, Place};
use super::variables::Variables;
use super::yaml;

/// What every overriding variable begins with.
pub const PREFIX: &str = "GATELODGE__";

/// Variables that users of this pattern already have, and the keys that they set.
const FAMILIAR: [(&str, &str); 2] = [
    ("SESSION_SIGNING_SECRET", "GATELODGE__APP__SESSIONS__SIGNING_SECRET"),
    ("CSRF_SIGNING_SECRET", "GATELODGE__APP__SESSIONS__CSRF_SIGNING_SECRET"),
];

/// The layer that the environment makes. Between the parts of a key stand two underscores; a `-` in a provider's name
/// is written as `_`. A list is given with commas, or as YAML in brackets. A variable that is empty sets nothing.
pub fn layer(variables: &Variables, faults: &mut Vec<Fault>) -> Node {
    let mut root = Node::new(Place::Variable(String::new()), Content::Map(Vec::new()));
    let familiar = FAMILIAR.iter().filter_map(|(name, key)| Some((*name, *key, variables.get(name)?)));
    let exact = variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).map(|(name, one)| (name, name, one));
    for (name, key, variable) in familiar.chain(exact).filter(|(.., variable)| !variable.value.is_empty()) {
        let place = variable.place.clone().unwrap_or_else(|| Place::Variable(name.to_owned()));
        match resolve(key.strip_prefix(PREFIX).unwrap_or_default()) {
            Ok((path, shape)) => match content(shape, &variable.value, &place, faults) {
                Ok(content) => {
                    let mut node = Node::new(place, content);
                    if variable.place.is_some() {
                        node.from.push(name.to_owned());
                    }
                    root.set(&path, node);
                }
                Err(message) => faults.push(Fault::at(&place, path.join("."), message)),
            },
            // The place of a variable that stands in no file is its name.
            Err(message) => {
                let path = if variable.place.is_some() { name } else { "" };
                faults.push(Fault::at(&place, path, message));
            }
        }
    }
    root
}

/// The key that the rest of a variable's name means.
fn resolve(name: &str) -> Result<(Vec<String>, Shape), String> {
    let mut shape = Shape::root();
    let mut path = Vec::new();
    for part in name.split("__") {
        let mut key = part.to_lowercase();
        let kind = shape.kind();
        if let Kind::Named(_) = kind {
            key = key.replace('_', "-");
        }
        shape = shape.key(&key).ok_or_else(|| match &kind {
            Kind::Section(keys) => unknown(&key, keys.keys().map(String::as_str)),
            _ => format!("unknown key; `{}` has no keys below it", path.join(".")),
        })?;
        path.push(key);
    }
    Ok((path, shape))
}

fn content(shape: Shape, value: &str, place: &Place, faults: &mut Vec<Fault>) -> Result<Content, String> {
    match shape.kind() {
        Kind::Section(_) | Kind::Named(_) => Err("names a section; name one of its keys".into()),
        Kind::List(_) if value.trim_start().starts_with('[') => {
            let mut read = yaml::read(&"".into(), value, faults).map_err(|fault| fault.message)?;
            read.move_to(place);
            Ok(read.content)
        }
        Kind::List(_) => {
            let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Content::List(items.map(|item| Node::new(place.clone(), Content::Text(item.to_owned()))).collect()))
        }
        _ => Ok(Content::Text(value.to_owned())),
    }
}

impl Node {
    /// Says of the whole tree that it stands at `place`.
    fn move_to(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.content {
            Content::List(items) => items.iter_mut().for_each(|item| item.move_to(place)),
            Content::Map(entries) => entries.iter_mut().for_each(|(key, node)| {
                key.place = place.clone();
                node.move_to(place);
            }),
            Content::Nothing | Content::Text(_) => {}
        }
    }
}
