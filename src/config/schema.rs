//! Owns the JSON Schema of the configuration, and the questions that the loader asks it. Does not know any value.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Config;

/// The JSON Schema (2020-12) of the configuration file.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Config).to_value());
    &DOCUMENT
}

/// What may stand at one place of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Shape(&'static Value);

/// The kinds of things that may stand somewhere.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A section with known keys.
    Section(&'static Map<String, Value>),
    /// A section whose keys the user names.
    Named(Shape),
    /// A list.
    List(Shape),
    /// One of these words.
    Choice(Vec<&'static str>),
    /// True or false.
    Switch,
    /// A whole number.
    Whole,
    /// Text, of a format where one is named.
    Text(Option<&'static str>),
}

impl Shape {
    /// The whole configuration.
    #[must_use]
    pub fn root() -> Self {
        Self(document())
    }

    /// What may stand under a key; `None` when that key is unknown.
    #[must_use]
    pub fn key(self, name: &str) -> Option<Self> {
        match self.kind() {
            Kind::Section(keys) => keys.get(name).map(Self),
            Kind::Named(each) => Some(each),
            _ => None,
        }
    }

    /// What may stand under a path of keys (`app.sessions.max_age`).
    #[must_use]
    pub fn at(self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self, Self::key)
    }

    /// The kind of thing that may stand here.
    #[must_use]
    pub fn kind(self) -> Kind {
        let at = self.resolved();
        if let Some(Value::Object(keys)) = at.get("properties") {
            return Kind::Section(keys);
        }
        if let Some(each) = at.get("additionalProperties").filter(|each| each.is_object()) {
            return Kind::Named(Self(each));
        }
        if let Some(items) = at.get("items") {
            return Kind::List(Self(items));
        }
        let choices = choices(at);
        if !choices.is_empty() {
            return Kind::Choice(choices);
        }
        if has_type(at, "boolean") {
            return Kind::Switch;
        }
        if has_type(at, "integer") && !has_type(at, "string") {
            return Kind::Whole;
        }
        Kind::Text(self.0.get("format").or_else(|| at.get("format")).and_then(Value::as_str))
    }

    /// Whether a secret stands here, which is never shown.
    #[must_use]
    pub fn is_secret(self) -> bool {
        self.resolved().get("writeOnly") == Some(&Value::Bool(true))
    }

    /// The keys that have to stand in this section.
    #[must_use]
    pub fn required(self) -> Vec<&'static str> {
        self.words("required")
    }

    /// The keys of which no two entries of a list may have the same value, where such entries stand here.
    #[must_use]
    pub fn unique(self) -> Vec<&'static str> {
        self.words("x-unique")
    }

    /// What the key means, from its doc comment.
    #[must_use]
    pub fn description(self) -> Option<&'static str> {
        self.0.get("description").and_then(Value::as_str)
    }

    fn words(self, keyword: &str) -> Vec<&'static str> {
        let words = self.resolved().get(keyword).and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).collect()
    }

    /// Follows references, and looks past the `null` of what may be left out.
    fn resolved(self) -> &'static Value {
        if let Some(name) = self.0.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| document().pointer(pointer));
            return target.map_or(self.0, |target| Self(target).resolved());
        }
        let either = self.0.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let mut present = either.filter(|one| !has_type(one, "null"));
        present.next().map_or(self.0, |one| Self(one).resolved())
    }
}

fn has_type(at: &Value, name: &str) -> bool {
    match at.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

fn choices(at: &'static Value) -> Vec<&'static str> {
    let word = |value: &'static Value| match value {
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        other => other.as_str(),
    };
    let listed = at.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(word);
    let described = at.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    listed
        .chain(described.flat_map(|one| choices(one).into_iter().chain(one.get("const").and_then(Value::as_str))))
        .collect()
}
