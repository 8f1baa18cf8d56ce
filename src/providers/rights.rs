//! Owns how claims become scopes, roles and permissions: the paths that an operator names, and the bounds of what stands
//! there. Does not know who said the claims, or whether they are to be believed.

use serde_json::Value;

use super::json::{self, Object};
use crate::authority::provider::Rights;

/// Where claims say what a user may do: paths whose dots lead into objects (`realm_access.roles`). Of several, all count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RightsMapping {
    /// Scopes beyond those of the token answer.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// Whether an operator has named paths: then more is done to find them than for those that are only usual.
    pub is_wanted: bool,
}

/// Of each kind. More is left out: that can only take rights away.
const MOST: usize = 256;
/// The longest name.
const LONGEST: usize = 255;
/// All names of a kind together, in bytes.
const MOST_BYTES: usize = 8 * 1024;

impl RightsMapping {
    /// Whether nothing is mapped.
    pub(super) const fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.roles.is_empty() && self.permissions.is_empty()
    }

    /// Reads what the sources say; `None` where none of them has any of the paths. Each path is read where the first of them
    /// has it, so the most trusted comes first.
    pub(super) fn find(&self, sources: &[&Object]) -> Rights {
        let read = |paths: &[String]| {
            let stands = |path: &String| sources.iter().find_map(|source| json::at(source, path));
            let mut values = paths.iter().filter_map(stands).peekable();
            values.peek()?;
            Some(bounded(values.flat_map(names)))
        };
        Rights { scopes: read(&self.scopes), roles: read(&self.roles), permissions: read(&self.permissions) }
    }

    /// Whether something that is mapped was not found anywhere.
    pub(super) const fn lacks(&self, found: &Rights) -> bool {
        (found.scopes.is_none() && !self.scopes.is_empty())
            || (found.roles.is_none() && !self.roles.is_empty())
            || (found.permissions.is_none() && !self.permissions.is_empty())
    }
}

/// A list of names, or one text with spaces between them. Whatever else stands there is nobody's right.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::String(words) => words.split_ascii_whitespace().collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn bounded<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let (mut kept, mut bytes, mut left_out) = (Vec::<String>::new(), 0, 0);
    for name in names {
        let fits = !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control);
        if !fits || kept.len() >= MOST || bytes + name.len() > MOST_BYTES {
            left_out += 1;
        } else if !kept.iter().any(|other| other == name) {
            bytes += name.len();
            kept.push(name.to_owned());
        }
    }
    if left_out > 0 {
        tracing::warn!(kept = kept.len(), left_out, "a provider names more roles or permissions than are kept");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    fn found(roles: &str, sources: &[Value]) -> Option<Vec<String>> {
        let mapping = RightsMapping { roles: texts(roles), ..RightsMapping::default() };
        let sources: Vec<_> = sources.iter().map(|source| source.as_object().unwrap()).collect();
        mapping.find(&sources).roles
    }

    #[test]
    fn roles_are_found_where_providers_keep_them() {
        let keycloak = json!({"realm_access": {"roles": ["admin", "user"]},
            "resource_access": {"my.app": {"roles": ["editor", "user"]}, "account": {"roles": ["view"]}}});
        let table = [
            ("realm_access.roles", keycloak.clone(), Some("admin user")),
            ("realm_access.roles resource_access.my.app.roles", keycloak.clone(), Some("admin user editor")),
            ("resource_access.other.roles", keycloak, None),
            ("roles", json!({"roles": ["a"]}), Some("a")),
            ("https://example.com/roles", json!({"https://example.com/roles": ["a"]}), Some("a")),
            ("scope", json!({"scope": "read  write"}), Some("read write")),
            ("groups", json!({"groups": []}), Some("")),
            ("groups", json!({"groups": {"a": 1}}), Some("")),
            ("groups", json!({"groups": [1, null, ["a"], "b", "", "c\n"]}), Some("b")),
        ];
        for (paths, claims, expected) in table {
            assert_eq!(found(paths, &[claims]), expected.map(texts), "{paths}");
        }
    }

    #[test]
    fn the_first_source_that_has_a_path_counts_and_names_are_bounded() {
        let (first, second) = (json!({"a": ["1"]}), json!({"a": ["2"], "b": ["3"]}));
        assert_eq!(found("a b", &[first, second]), Some(texts("1 3")));
        let many: Vec<_> = (0..1000).map(|number| format!("{number:0>8}")).collect();
        assert_eq!(found("a", &[json!({"a": many})]).unwrap().len(), MOST);
        let long: Vec<_> = (0..100).map(|number| format!("{number:0>255}")).collect();
        assert_eq!(found("a", &[json!({"a": long})]).unwrap().len(), MOST_BYTES / LONGEST);
        assert_eq!(found("a", &[json!({"a": ["x".repeat(LONGEST + 1), "y"]})]), Some(texts("y")));
    }
}
