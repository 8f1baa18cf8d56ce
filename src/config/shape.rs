//! Owns the check of a tree against the schema: unknown keys, wrong types, unreadable formats, all of them at once.
//! Does not know what the values mean together.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ipnet::IpNet;

use super::callers;
use super::fault::Fault;
use super::moment::Moment;
use super::period::Period;
use super::schema::{Kind, Shape};
use super::share::Share;
use super::store::RedisUrl;
use super::tree::{Content, Key, Node, join};
use crate::authority::tenants::host;
use crate::crypto::ApiKeyHash;

/// Takes out of the tree everything that the schema does not allow, and says so. What is left can be read.
pub fn prune(node: &mut Node, shape: Shape, path: &str, faults: &mut Vec<Fault>) {
    if let Err(message) = pruned(node, shape, path, faults) {
        faults.extend(message.map(|message| Fault::at(&node.place, path, message)));
        node.content = Content::Nothing;
    }
}

/// What is wrong with the value itself; `Err(None)` when the faults within it leave nothing that can be read.
fn pruned(node: &mut Node, shape: Shape, path: &str, faults: &mut Vec<Fault>) -> Result<(), Option<String>> {
    let kind = shape.kind();
    match (&mut node.content, &kind) {
        (Content::Nothing, _) => Ok(()),
        (Content::Map(entries), Kind::Section(_) | Kind::Named(_)) => {
            entries.retain_mut(|(key, value)| {
                let here = join(path, &key.text);
                if let Some(inner) = shape.key(&key.text) {
                    prune(value, inner, &here, faults);
                    return true;
                }
                let known: Vec<_> = if let Kind::Section(keys) = &kind { keys.keys().collect() } else { Vec::new() };
                faults.push(Fault::at(&key.place, here, unknown(&key.text, known.into_iter().map(String::as_str))));
                false
            });
            let filled = |(_, node): &&(Key, Node)| !matches!(node.content, Content::Nothing);
            let has = |name: &str| entries.iter().filter(filled).any(|(key, _)| key.text == name);
            let missing: Vec<_> = shape.required().into_iter().filter(|name| !has(name)).collect();
            let said = |name: &&str| faults.iter().any(|fault| fault.path == join(path, name));
            let unsaid: Vec<_> = missing.iter().copied().filter(|name| !said(name)).collect();
            match (missing.is_empty(), unsaid.is_empty()) {
                (true, _) => Ok(()),
                (false, true) => Err(None),
                (false, false) => Err(Some(format!("needs {}", unsaid.join(", ")))),
            }
        }
        (Content::List(items), Kind::List(each)) => {
            each.unique().into_iter().for_each(|key| doubled(items, key, path, faults));
            for (at, item) in items.iter_mut().enumerate() {
                prune(item, *each, &format!("{path}[{at}]"), faults);
            }
            items.retain(|item| !matches!(item.content, Content::Nothing));
            Ok(())
        }
        (Content::Text(text), kind) => scalar(text, kind).map_err(Some),
        (Content::Map(_), kind) => Err(Some(format!("expected {}, found a section", name_of(kind)))),
        (Content::List(_), kind) => Err(Some(format!("expected {}, found a list", name_of(kind)))),
    }
}

/// Says which entries of a list have a `key` that an earlier one has. Entries count that are wrong otherwise.
fn doubled(items: &[Node], key: &str, path: &str, faults: &mut Vec<Fault>) {
    let mut first = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let Some(Node { place, content: Content::Text(text), .. }) = item.get(&[key]) else { continue };
        if let Some(other) = first.get(text) {
            let message = format!("{path}[{other}] has the same; each has its own");
            faults.push(Fault::at(place, format!("{path}[{at}].{key}"), message));
        } else {
            first.insert(text, at);
        }
    }
}

fn scalar(text: &str, kind: &Kind) -> Result<(), String> {
    let good = match kind {
        Kind::Section(_) | Kind::Named(_) | Kind::List(_) => false,
        Kind::Switch => matches!(text, "true" | "false"),
        Kind::Whole => !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit()),
        Kind::Choice(words) => {
            return if words.contains(&text) { Ok(()) } else { Err(unknown_word(text, words)) };
        }
        Kind::Text(format) => format.is_none_or(|format| is_of(format, text)),
    };
    if good { Ok(()) } else { Err(format!("expected {}", name_of(kind))) }
}

fn is_of(format: &str, text: &str) -> bool {
    match format {
        "period" => Period::parse(text).is_some(),
        "moment" => Moment::parse(text).is_some(),
        "share" => Share::parse(text).is_some(),
        "socket-address" => text.parse::<SocketAddr>().is_ok(),
        "network" => text.parse::<IpNet>().is_ok(),
        "caller-name" => callers::is_name(text),
        "identity" => callers::is_identity(text),
        "key-hash" => text.parse::<ApiKeyHash>().is_ok(),
        "redis-url" => RedisUrl::parse(text).is_some(),
        "origin" => is_origin(text),
        "host" => host::written(text).is_some(),
        _ => true,
    }
}

/// Whether a text is a scheme, host and port, and nothing else.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && bare && url.username().is_empty() && url.password().is_none()
    })
}

fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Section(_) | Kind::Named(_) => "a section",
        Kind::List(_) => "a list",
        Kind::Choice(_) => "a word",
        Kind::Switch => "true or false",
        Kind::Whole => "a whole number below 1,000,000,000",
        Kind::Text(Some("period")) => "a length of time: seconds, or a number with a unit (`15m`)",
        Kind::Text(Some("moment")) => "a moment in UTC (`2026-11-23T12:00:00Z`)",
        Kind::Text(Some("share")) => "a share: from 0 to 1, or a number with `%` (`1%`)",
        Kind::Text(Some("socket-address")) => "an IP address and port (`127.0.0.1:50051`)",
        Kind::Text(Some("network")) => "a network (`10.0.0.0/8`)",
        Kind::Text(Some("caller-name")) => "1 to 64 letters, digits and `-_.`",
        Kind::Text(Some("key-hash")) => {
            "the hash of an API key: `sha256:` and 64 hex digits, from `gatelodge keys generate`"
        }
        Kind::Text(Some("redis-url")) => "an address (`redis://host:6379` or `rediss://host:6379`)",
        Kind::Text(Some("host")) => "a host, perhaps with its port (`acme.example.com`)",
        Kind::Text(Some("origin")) => "an origin without a path (`https://app.example.com`)",
        Kind::Text(_) => "a text",
    }
}

fn unknown_word(text: &str, words: &[&str]) -> String {
    let near = nearest(text, words.iter().copied()).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    format!("expected one of {}{near}", words.join(", "))
}

/// What to say of a key that is not known.
pub fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    nearest(key, known.clone()).map_or_else(
        || format!("unknown key; known here: {}", known.collect::<Vec<_>>().join(", ")),
        |near| format!("unknown key; did you mean `{near}`?"),
    )
}

/// The known word that is likest, if one is like enough to be meant.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    let near = known.map(|one| (distance(&word, &plain(one)), one)).min()?;
    (near.0 <= (word.chars().count() / 3).max(1)).then_some(near.1)
}

/// How many insertions, deletions and substitutions lead from one word to the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, sign) in left.chars().enumerate() {
        let mut above_left = at;
        let mut before = at + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&right) {
            let above = *cell;
            *cell = (above_left + usize::from(sign != *other)).min(above + 1).min(before + 1);
            (above_left, before) = (above, *cell);
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_key_is_suggested_and_none_that_is_unlike() {
        let known = ["max_age", "idle_timeout", "touch_interval", "cookie"];
        let table = [
            ("max_agee", Some("max_age")),
            ("maxage", Some("max_age")),
            ("max-age", Some("max_age")),
            ("Idle_Timeout", Some("idle_timeout")),
            ("cookies", Some("cookie")),
            ("", None),
            ("zzz", None),
            ("lifetime", None),
        ];
        for (word, near) in table {
            assert_eq!(nearest(word, known.into_iter()), near, "{word}");
        }
    }
}
