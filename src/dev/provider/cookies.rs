//! Owns the provider's two cookies. Does not know what is kept under them.
//! They are host cookies without `Secure`, since the provider speaks plain http on loopback only.

use axum::http::{HeaderMap, HeaderName, header};

/// Ties login and logout pages to the browser that they were shown to.
pub(super) const BROWSER: &str = "gatelodge_dev_browser";

/// Says who is logged in here.
pub(super) const LOGIN: &str = "gatelodge_dev_login";

/// The value of a cookie; the first one, where a browser sends several.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The header that sets a cookie until the browser closes.
pub(super) fn set(name: &str, value: &str) -> (HeaderName, String) {
    (header::SET_COOKIE, format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax"))
}

/// The header that removes a cookie.
pub(super) fn clear(name: &str) -> (HeaderName, String) {
    (header::SET_COOKIE, format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
}
