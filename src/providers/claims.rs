//! Owns what a claim has to look like to be kept, whoever says it. Does not know which claims there are.

use serde_json::Value;

/// All claims that are let through may take this much together, as JSON.
pub(super) const MAX_CLAIMS: usize = 32 * 1024;
const MAX_TEXT: usize = 1024;

/// A short text that is fit to be shown.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// One `@` with something on both sides: with several, readers disagree on whose address it is (security.md 33).
pub(super) fn is_address(text: &str) -> bool {
    matches!(text.split('@').collect::<Vec<_>>().as_slice(), [local, host] if !local.is_empty() && !host.is_empty())
}

/// An address that a page may load a picture from.
pub(super) fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}
