//! Owns whole Set-Cookie values. Does not know what the cookies are for.

use std::time::Duration;

use crate::crypto::Secret;

/// A finished Set-Cookie value: HttpOnly, SameSite=Lax, Path=/, no Domain, and Secure where `secure` (security.md 61).
#[must_use]
pub fn set(name: &str, value: &Secret, max_age: Duration, secure: bool) -> String {
    attributes(name, value.expose(), max_age.as_secs(), secure, "Lax")
}

/// The same for a cookie that comes along when another site has the browser post a form here: SameSite=None, which browsers
/// take where it is Secure alone.
#[must_use]
pub fn set_for_posts(name: &str, value: &Secret, max_age: Duration) -> String {
    attributes(name, value.expose(), max_age.as_secs(), true, "None")
}

/// A finished Set-Cookie value that makes a browser forget a cookie: the same attributes, since a `__Host-` cookie
/// ignores a deletion without them (security.md 65).
#[must_use]
pub fn clear(name: &str, secure: bool) -> String {
    attributes(name, "", 0, secure, "Lax")
}

fn attributes(name: &str, value: &str, max_age: u64, secure: bool, same_site: &str) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly{secure}; SameSite={same_site}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_and_its_deletion_differ_in_value_and_age_alone() {
        let set = set("__Host-session", &Secret::new("v"), Duration::from_mins(1), true);
        assert_eq!(set, "__Host-session=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax");
        let posts = set_for_posts("__Host-b", &Secret::new("v"), Duration::from_mins(1));
        assert_eq!(posts, "__Host-b=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=None");
        assert_eq!(clear("session", false), "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}
