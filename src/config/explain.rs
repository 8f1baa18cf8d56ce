//! Owns how a loaded configuration is shown: every value, where it came from, and no secret. Does not print.

use super::load::Loaded;
use super::tree::{Content, Node, Place, join};
use super::yaml;

/// A value in force, as `config show` lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// The value; `***` for a secret that is set.
    pub value: String,
    /// Where it came from: "default", a file with line and column, or a variable.
    pub origin: String,
}

impl Loaded {
    /// The configuration in force as YAML, with the origin of every value that is not a default as a comment.
    /// Secrets read `***`.
    #[must_use]
    pub fn explained(&self) -> String {
        let text = self.yaml();
        let mut notes = std::collections::BTreeMap::new();
        let origins = &self.origins;
        visit(&tree(&text), "", &mut |path, node| {
            if let (Some(origin), Place::File { line, .. }) = (origins.get(path), &node.place) {
                notes.entry(*line).or_insert_with(|| origin.to_string());
            }
        });
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default().min(56);
        let lines = (1..).zip(text.lines()).map(|(number, line)| match notes.get(&number) {
            Some(note) => format!("{line:widest$}  # {note}\n"),
            None => format!("{line}\n"),
        });
        lines.collect()
    }

    /// Every value in force with its origin, for programs.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        visit(&tree(&self.yaml()), "", &mut |path, node| {
            if let Content::Text(value) = &node.content {
                let origin = self.origins.get(path).or_else(|| self.origins.get(path.split('[').next()?));
                entries.push(Entry {
                    key: path.to_owned(),
                    value: value.clone(),
                    origin: origin.map_or_else(|| "default".to_owned(), ToString::to_string),
                });
            }
        });
        entries
    }

    fn yaml(&self) -> String {
        // Every section is a plain struct of texts and numbers, which YAML can always hold.
        serde_saphyr::to_string(&self.config).unwrap_or_default()
    }
}

fn tree(text: &str) -> Node {
    let empty = || Node::new(Place::Variable(String::new()), Content::Nothing);
    yaml::read(&"".into(), text, &mut Vec::new()).unwrap_or_else(|_| empty())
}

fn visit(node: &Node, path: &str, each: &mut impl FnMut(&str, &Node)) {
    match &node.content {
        Content::Nothing => {}
        Content::Text(_) => each(path, node),
        Content::List(items) => {
            each(path, node);
            items.iter().enumerate().for_each(|(at, item)| visit(item, &format!("{path}[{at}]"), each));
        }
        Content::Map(entries) => entries.iter().for_each(|(key, inner)| visit(inner, &join(path, &key.text), each)),
    }
}
