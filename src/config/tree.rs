//! Owns a configuration before it has types: keys, texts, and where each of them stands. Does not know what is valid.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::crypto::{Digest, sha256};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file. Lines and columns count from one.
    File {
        /// The file's name as it was given.
        file: Arc<str>,
        /// The line.
        line: u64,
        /// The column, in characters.
        column: u64,
    },
    /// In an environment variable.
    Variable(String),
    /// In a file that holds nothing but the value.
    SecretFile(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Variable(name) => f.write_str(name),
            Self::SecretFile(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// The variables that were put into it, each with its place (".env:3").
    pub from: Vec<String>,
    /// What it is.
    pub content: Content,
}

/// What a value is. Scalars are texts: their type is decided by the key, so that `0123` stays what it is.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing: the key keeps its default.
    Nothing,
    /// A scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A section.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

impl Node {
    /// A value at a place.
    #[must_use]
    pub const fn new(place: Place, content: Content) -> Self {
        Self { place, from: Vec::new(), content }
    }

    /// The value under a path of keys of sections.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let Content::Map(entries) = &self.content else { return None };
        entries.iter().find(|(key, _)| key.text == *first)?.1.get(rest)
    }

    /// Takes out what stands at this path, if anything does.
    pub fn remove(&mut self, path: &[&str]) {
        let (Content::Map(entries), Some((first, rest))) = (&mut self.content, path.split_first()) else { return };
        if rest.is_empty() {
            entries.retain(|(key, _)| key.text != *first);
        } else if let Some((_, node)) = entries.iter_mut().find(|(key, _)| key.text == *first) {
            node.remove(rest);
        }
    }

    /// Puts a value under a path of keys, making the sections that are missing.
    pub fn set(&mut self, path: &[String], node: Self) {
        let Some((first, rest)) = path.split_first() else {
            *self = node;
            return;
        };
        if !matches!(self.content, Content::Map(_)) {
            self.content = Content::Map(Vec::new());
        }
        let Content::Map(entries) = &mut self.content else { return };
        if let Some((_, inner)) = entries.iter_mut().find(|(key, _)| key.text == *first) {
            inner.set(rest, node);
        } else {
            let mut inner = Self::new(node.place.clone(), Content::Nothing);
            let key = Key { text: first.clone(), place: node.place.clone() };
            inner.set(rest, node);
            entries.push((key, inner));
        }
    }

    /// Puts a later value over this one: sections are merged key by key; everything else replaces what was there, but for
    /// nothing, which leaves it.
    pub fn overlay(&mut self, later: &Self) {
        match (&mut self.content, &later.content) {
            (_, Content::Nothing) => {}
            (Content::Map(entries), Content::Map(more)) => {
                for (key, node) in more {
                    match entries.iter_mut().find(|(own, _)| own.text == key.text) {
                        Some((_, own)) => own.overlay(node),
                        None => entries.push((key.clone(), node.clone())),
                    }
                }
            }
            _ => self.clone_from(later),
        }
    }

    /// Every value that is not a section, by its path.
    #[must_use]
    pub fn leaves(&self) -> BTreeMap<String, Origin> {
        let mut found = BTreeMap::new();
        self.collect("", &mut found);
        found
    }

    fn collect(&self, path: &str, found: &mut BTreeMap<String, Origin>) {
        match &self.content {
            Content::Nothing => {}
            Content::Map(entries) => entries.iter().for_each(|(key, node)| node.collect(&join(path, &key.text), found)),
            Content::Text(_) | Content::List(_) => {
                if let Content::List(items) = &self.content {
                    items.iter().enumerate().for_each(|(at, item)| item.collect(&format!("{path}[{at}]"), found));
                }
                found.insert(path.to_owned(), Origin { place: self.place.clone(), from: self.from.clone() });
            }
        }
    }
}

impl Node {
    /// Shows every text, with its path.
    pub fn each_text(&self, path: &str, each: &mut impl FnMut(&str, &str)) {
        match &self.content {
            Content::Nothing => {}
            Content::Text(text) => each(path, text),
            Content::List(items) => {
                items.iter().enumerate().for_each(|(at, item)| item.each_text(&format!("{path}[{at}]"), each));
            }
            Content::Map(entries) => {
                for (key, node) in entries {
                    node.each_text(&join(path, &key.text), each);
                }
            }
        }
    }

    /// A hash of every text, by its path.
    #[must_use]
    pub fn hashes(&self) -> BTreeMap<String, Digest> {
        let mut hashes = BTreeMap::new();
        self.each_text("", &mut |path, text| {
            hashes.insert(path.to_owned(), sha256(text.as_bytes()));
        });
        hashes
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where it stands.
    pub place: Place,
    /// The variables that were put into it, each with its place.
    pub from: Vec<String>,
}

impl Origin {
    /// The names of the variables that it came from.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let own = if let Place::Variable(name) = &self.place { Some(name.as_str()) } else { None };
        own.into_iter().chain(self.from.iter().filter_map(|from| from.split(' ').next()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if self.from.is_empty() { Ok(()) } else { write!(f, " from {}", self.from.join(", ")) }
    }
}

/// The path of `key` in the section at `path`.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
