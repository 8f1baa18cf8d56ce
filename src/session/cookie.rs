//! Owns whole Set-Cookie values. Does not know what the cookies are for.

use std::time::Duration;

use crate::crypto::Secret;

/// A finished Set-Cookie value: HttpOnly, SameSite=Lax, Path=/, no Domain, and Secure where `secure` (security.md 61).
#[must_use]
pub fn set(name: &str, value: &Secret, max_age: Duration, secure: bool) -> String {
    attributes(name, value.expose(), max_age.as_secs(), secure)
}

/// A finished Set-Cookie value that makes a browser forget a cookie: the same attributes, since a `__Host-` cookie
/// ignores a deletion without them (security.md 65).
#[must_use]
pub fn clear(name: &str, secure: bool) -> String {
    attributes(name, "", 0, secure)
}

fn attributes(name: &str, value: &str, max_age: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly{secure}; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_and_its_deletion_differ_in_value_and_age_alone() {
        let set = set("__Host-session", &Secret::new("v"), Duration::from_mins(1), true);
        assert_eq!(set, "__Host-session=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax");
        assert_eq!(clear("session", false), "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}
