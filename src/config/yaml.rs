//! Owns how YAML becomes a tree of texts with lines and columns. Does not know which keys there are.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Spanned};

use super::fault::Fault;
use super::tree::{Content, Key, Node, Place, join};

/// Reads the YAML text of `file`. Faults other than of syntax are added to `faults`.
///
/// # Errors
/// The first fault of syntax: nothing after it can be read.
pub fn read(file: &Arc<str>, text: &str, faults: &mut Vec<Fault>) -> Result<Node, Fault> {
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough, with_snippet: false };
    let parsed: Option<Spanned<Raw>> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| fault(file, error.without_snippet()))?;
    let reader = Reader { file, text };
    let start = Place::File { file: file.clone(), line: 1, column: 1 };
    Ok(parsed.map_or_else(|| Node::new(start, Content::Nothing), |raw| reader.node(raw, "", faults)))
}

fn fault(file: &Arc<str>, error: &Error) -> Fault {
    let location = error.location();
    let message = match error {
        Error::MultipleDocuments { .. } => "a second document begins here; a configuration is one".to_owned(),
        Error::Budget { .. } => "too much for a configuration: too many keys and values, or too deep".to_owned(),
        other => {
            let message = other.to_string();
            let where_again = location.map(|at| format!(" at line {}, column {}", at.line(), at.column()));
            let message = where_again.and_then(|again| message.strip_suffix(&again)).unwrap_or(&message);
            format!("not YAML: {message}")
        }
    };
    Fault { path: String::new(), place: location.map(|location| place(file, &location)), message }
}

struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
}

impl Reader<'_> {
    fn node(&self, raw: Spanned<Raw>, path: &str, faults: &mut Vec<Fault>) -> Node {
        let content = match raw.value {
            Raw::Nothing => Content::Nothing,
            Raw::Text(text) => Content::Text(text),
            // What YAML takes for a number or a truth value is kept as it is written.
            Raw::Plain(read) => Content::Text(self.written(&raw.defined).unwrap_or(read)),
            Raw::List(items) => Content::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(at, item)| self.node(item, &format!("{path}[{at}]"), faults))
                    .collect(),
            ),
            Raw::Map(entries) => self.section(entries, path, faults),
        };
        Node::new(place(self.file, &raw.referenced), content)
    }

    fn section(&self, raw: Vec<(Spanned<Raw>, Spanned<Raw>)>, path: &str, faults: &mut Vec<Fault>) -> Content {
        let mut entries: Vec<(Key, Node)> = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let key = self.node(key, path, faults);
            let Content::Text(text) = key.content else {
                faults.push(Fault::at(&key.place, path, "a key has to be a plain text"));
                continue;
            };
            let here = join(path, &text);
            let value = self.node(value, &here, faults);
            if let Some((first, _)) = entries.iter().find(|(key, _)| key.text == text) {
                faults.push(Fault::at(&key.place, here, format!("given twice; first at {}", first.place)));
            } else {
                entries.push((Key { text, place: key.place }, value));
            }
        }
        Content::Map(entries)
    }

    fn written(&self, location: &Location) -> Option<String> {
        let span = location.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        Some(self.text.get(start..end)?.trim().to_owned())
    }
}

fn place(file: &Arc<str>, location: &Location) -> Place {
    Place::File { file: file.clone(), line: location.line(), column: location.column() }
}

/// YAML as it was parsed, without any type being asked for.
enum Raw {
    Nothing,
    Text(String),
    Plain(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, read: bool) -> Result<Raw, E> {
        Ok(Raw::Plain(read.to_string()))
    }

    fn visit_i64<E>(self, read: i64) -> Result<Raw, E> {
        Ok(Raw::Plain(read.to_string()))
    }

    fn visit_u64<E>(self, read: u64) -> Result<Raw, E> {
        Ok(Raw::Plain(read.to_string()))
    }

    fn visit_i128<E>(self, read: i128) -> Result<Raw, E> {
        Ok(Raw::Plain(read.to_string()))
    }

    fn visit_u128<E>(self, read: u128) -> Result<Raw, E> {
        Ok(Raw::Plain(read.to_string()))
    }

    fn visit_f64<E>(self, read: f64) -> Result<Raw, E> {
        Ok(Raw::Plain(read.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<(String, String)> {
        fn walk(node: &Node, path: &str, out: &mut Vec<(String, String)>) {
            match &node.content {
                Content::Nothing => out.push((format!("{path}@{}", node.place), "-".into())),
                Content::Text(text) => out.push((format!("{path}@{}", node.place), text.clone())),
                Content::List(items) => items.iter().for_each(|item| walk(item, &format!("{path}[]"), out)),
                Content::Map(entries) => entries.iter().for_each(|(k, node)| walk(node, &join(path, &k.text), out)),
            }
        }
        let mut out = Vec::new();
        walk(&read(&"f".into(), text, &mut Vec::new()).unwrap(), "", &mut out);
        out
    }

    // A client secret of digits, or one that YAML takes for a number, must arrive as it is written.
    #[test]
    fn scalars_keep_what_was_written_and_where() {
        let text = "a: 0123\nb: { c: 1.10, d: [yes, 0x1F, 'q', 1e3] }\ne:\nf: \"${X:-y}\"\ng: ${A:-http://h:80/p}\n";
        let table = [
            ("a@f:1:4", "0123"),
            ("b.c@f:2:9", "1.10"),
            ("b.d[]@f:2:19", "yes"),
            ("b.d[]@f:2:24", "0x1F"),
            ("b.d[]@f:2:30", "q"),
            ("b.d[]@f:2:35", "1e3"),
            ("e@f:3:2", "-"),
            ("f@f:4:4", "${X:-y}"),
            ("g@f:5:4", "${A:-http://h:80/p}"),
        ];
        let expected: Vec<_> = table.iter().map(|(at, text)| ((*at).to_owned(), (*text).to_owned())).collect();
        assert_eq!(leaves(text), expected);
    }
}
