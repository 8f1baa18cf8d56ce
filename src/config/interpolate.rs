//! Owns `${VAR}` in values: after YAML was read, so that no value can add keys. Does not know which keys there are.

use super::fault::Fault;
use super::tree::{Content, Node, join};
use super::variables::Variables;

/// Puts variables into every text of the tree. A text that needs a variable which is not set becomes nothing, and a
/// fault.
///
/// `${VAR}`, `${VAR:-default}` (also when it is empty), `${VAR:?message}` (likewise), `$$` for `$`. Defaults may hold
/// variables of their own.
pub fn interpolate(node: &mut Node, variables: &Variables, path: &str, faults: &mut Vec<Fault>) {
    match &mut node.content {
        Content::Nothing => {}
        Content::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                interpolate(item, variables, &format!("{path}[{at}]"), faults);
            }
        }
        Content::Map(entries) => {
            for (key, value) in entries {
                interpolate(value, variables, &join(path, &key.text), faults);
            }
        }
        Content::Text(text) => {
            let mut from = Vec::new();
            match expand(text, variables, &mut from) {
                Ok(whole) if whole.is_empty() && !text.is_empty() => node.content = Content::Nothing,
                Ok(whole) => *text = whole,
                Err(message) => {
                    faults.push(Fault::at(&node.place, path, message));
                    node.content = Content::Nothing;
                }
            }
            node.from = from;
        }
    }
}

fn expand(text: &str, variables: &Variables, from: &mut Vec<String>) -> Result<String, String> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            whole.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let end = closing(after).ok_or("`${` without `}`; write `$$` for a dollar sign")?;
            let (inside, after) = after.split_at(end);
            whole.push_str(&value(inside, variables, from)?);
            rest = after.get(1..).unwrap_or_default();
        } else {
            whole.push('$');
            rest = after;
        }
    }
    whole.push_str(rest);
    Ok(whole)
}

/// Where the brace closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices() {
        match sign {
            '{' if text.get(..at).is_some_and(|before| before.ends_with('$')) => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn value(inside: &str, variables: &Variables, from: &mut Vec<String>) -> Result<String, String> {
    let (name, instead) = inside.split_once(':').map_or((inside, None), |(name, instead)| (name, Some(instead)));
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well || !name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
        return Err("what stands in `${}` is not the name of a variable; write `$$` for a dollar sign".into());
    }
    let set = variables.get(name).inspect(|variable| from.push(variable.origin(name)));
    let filled = set.filter(|variable| !variable.value.is_empty()).map(|variable| variable.value.clone());
    match instead.map(|instead| (instead.get(..1), instead.get(1..).unwrap_or_default())) {
        None => set.map(|variable| variable.value.clone()).ok_or_else(|| format!("the variable {name} is not set")),
        Some((Some("-"), default)) => filled.map_or_else(|| expand(default, variables, from), Ok),
        Some((Some("?"), message)) => filled.ok_or_else(|| format!("the variable {name} is not set: {message}")),
        Some(_) => Err(format!("after `${{{name}:` comes `-` and a default, or `?` and a message")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let variables = Variables::new([("A", "one"), ("EMPTY", ""), ("YAML", "x: {y: z}\n- '")]);
        expand(text, &variables, &mut Vec::new())
    }

    #[test]
    fn every_form_is_put_in() {
        let table = [
            ("plain", "plain"),
            ("${A}", "one"),
            ("<${A}-${A}>", "<one-one>"),
            ("${EMPTY}", ""),
            ("${EMPTY:-two}", "two"),
            ("${NONE:-http://h:80/a?b=c}", "http://h:80/a?b=c"),
            ("${NONE:-}", ""),
            ("${NONE:-${A}}", "one"),
            ("${NONE:-a${NONE:-b}c}d", "abcd"),
            ("${A:?gone}", "one"),
            ("$$", "$"),
            ("$${A}", "${A}"),
            ("$A $ 5$", "$A $ 5$"),
            ("${YAML}", "x: {y: z}\n- '"),
        ];
        for (text, whole) in table {
            assert_eq!(expanded(text).as_deref(), Ok(whole), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_is_named() {
        let table = [
            ("${NONE}", "the variable NONE is not set"),
            ("${NONE:?ask the admin}", "the variable NONE is not set: ask the admin"),
            ("${EMPTY:?ask}", "the variable EMPTY is not set: ask"),
            ("${A", "`${` without `}`; write `$$` for a dollar sign"),
            ("${}", "what stands in `${}` is not the name of a variable; write `$$` for a dollar sign"),
            ("${A B}", "what stands in `${}` is not the name of a variable; write `$$` for a dollar sign"),
            ("${A:+x}", "after `${A:` comes `-` and a default, or `?` and a message"),
            ("${NONE:-${NONE}}", "the variable NONE is not set"),
        ];
        for (text, message) in table {
            assert_eq!(expanded(text), Err(message.to_owned()), "{text}");
        }
    }
}
