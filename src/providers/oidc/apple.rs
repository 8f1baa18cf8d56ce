//! Owns what Apple says of a user beside the code: their name, once. Does not know what else comes back.

use serde_json::Value;

use crate::crypto::Secret;
use crate::providers::claims::text;
use crate::providers::json;

/// Longer texts name nobody.
const MAX_USER: usize = 4096;

/// The name in the parameter `user`, which comes with the code when somebody logs in for the first time, and never again. It
/// comes through the browser and nobody has signed it: so it is a name to be shown, and the address beside it is not read.
pub(super) fn name_in(user: &Secret) -> Option<String> {
    let user = Some(user.expose().as_bytes()).filter(|user| user.len() <= MAX_USER).and_then(json::object)?;
    let name = user.get("name").and_then(Value::as_object)?;
    let parts: Vec<_> = ["firstName", "lastName"].iter().filter_map(|part| text(name.get(*part)?)).collect();
    text(&parts.join(" ").trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_nothing_else() {
        let table = [
            (r#"{"name":{"firstName":"Ann","lastName":"Example"},"email":"a@b.example"}"#, Some("Ann Example")),
            (r#"{"name":{"firstName":"Ann","middleName":"X"}}"#, Some("Ann")),
            (r#"{"name":{"firstName":"","lastName":"Example"}}"#, Some("Example")),
            (r#"{"name":{"firstName":"An\u0000n","lastName":7}}"#, None),
            (r#"{"name":{"firstName":" ","lastName":" "}}"#, None),
            (r#"{"name":"Ann"}"#, None),
            (r#"{"email":"a@b.example"}"#, None),
            (r#"{"name":{"firstName":"A"},"name":{"firstName":"B"}}"#, None),
            ("Ann", None),
            ("", None),
        ];
        for (user, name) in table {
            assert_eq!(name_in(&Secret::new(user)).as_deref(), name, "{user}");
        }
        assert_eq!(name_in(&Secret::new(format!(r#"{{"name":{{"firstName":"{}"}}}}"#, "x".repeat(MAX_USER)))), None);
    }
}
