//! Owns which secrets everybody knows: short ones, examples and placeholders. Does not know what they would protect.

use std::collections::BTreeSet;

use crate::crypto::Secret;

/// What development falls back on where no secret is set. Worth nothing: it stands in a public source.
pub const DEVELOPMENT_SECRET: &str = "gatelodge development secret, known to everybody";

/// The fewest characters of a secret.
pub const SHORTEST: usize = 32;

const FEWEST_DIFFERENT: usize = 10;

/// Parts of secrets that stand in examples, guides and templates, without signs and in lower case. Each is long or odd
/// enough that it hardly turns up in a random secret.
const PLACEHOLDERS: [&str; 21] = [
    "changeme",
    "changethis",
    "changein",
    "replaceme",
    "replacethis",
    "replacewith",
    "yoursecret",
    "yoursession",
    "yourcsrf",
    "yoursuper",
    "supersecret",
    "secretkey",
    "signingsecret",
    "example",
    "placeholder",
    "insecure",
    "development",
    "production",
    "password",
    "testsecret",
    "atleast32",
];

const RUNS: [&str; 3] = ["0123456789", "1234567890", "abcdefghij"];

/// Why a secret protects nothing (security.md 77); `None` for one that could be good.
#[must_use]
pub fn weakness(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    if text.is_empty() {
        return Some("missing");
    }
    if text.chars().count() < SHORTEST {
        return Some("too short: at least 32 characters");
    }
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if PLACEHOLDERS.iter().chain(&RUNS).any(|known| plain.contains(known)) {
        return Some("an example that everybody knows");
    }
    let different = text.chars().collect::<BTreeSet<_>>().len();
    (different < FEWEST_DIFFERENT).then_some("too regular to be random")
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 77: short, default and example values are refused.
    #[test]
    fn examples_are_known_and_random_secrets_are_not() {
        let known = [
            "",
            "short",
            "your-session-signing-secret-here-minimum-32-chars",
            "change-me-in-production-0000000000000000000000",
            "CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME",
            "super-secret-session-signing-key-32-chars!!",
            "dev-session-signing-secret-at-least-32-chars",
            "replace-with-a-32-char-random-string-please",
            "01234567890123456789012345678901",
            "abcdefghijklmnopqrstuvwxyzabcdefgh",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            DEVELOPMENT_SECRET,
        ];
        for secret in known {
            assert!(weakness(&Secret::new(secret)).is_some(), "{secret}");
        }
        let random = [
            "qg8mVJ0b2E5yY1rXc7uT4wKzN9pLfHsDa3iQeR6oGxU",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "correct horse battery staple and forty more words",
        ];
        for secret in random {
            assert_eq!(weakness(&Secret::new(secret)), None, "{secret}");
        }
    }
}
