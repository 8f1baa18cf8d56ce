//! Owns origins and the rule for requests from other sites. Does not know sessions.

use std::fmt;

use url::Url;

use super::request::RequestContext;

/// A scheme, host and port (RFC 6454), in the form in which browsers send it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    text: String,
    https: bool,
}

impl Origin {
    /// Reads `https://app.example.com` or `http://localhost:8000`; `None` for anything with a path, query, user or
    /// another scheme.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        bare.then(|| Self::of(&url))?
    }

    /// The origin of an http or https address.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        let https = url.scheme() == "https";
        (https || url.scheme() == "http").then(|| Self { text: url.origin().ascii_serialization(), https })
    }

    /// Its text, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether its scheme is https.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the origin rule says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginJudgement {
    /// Neither header came: the token alone decides.
    Silent,
    /// It came from the edge's own origin or one that is allowed.
    Passed,
    /// It came from elsewhere.
    Refused,
}

/// Judges an unsafe request or an upgrade (contract.md 6; security.md 70 as it is read there). An `Origin` decides by
/// itself, whatever Sec-Fetch-Site says; without one, Sec-Fetch-Site has to be `same-origin` or `none`. An upgrade
/// without `Origin` is refused, since no token can come with it.
#[must_use]
pub fn judge(context: &RequestContext, own: &Origin, allowed: &[Origin]) -> OriginJudgement {
    let pass = |yes| if yes { OriginJudgement::Passed } else { OriginJudgement::Refused };
    if let Some(origin) = &context.origin {
        let known = |origin_text: &[u8]| std::iter::once(own).chain(allowed).any(|o| o.text.as_bytes() == origin_text);
        return pass(known(origin));
    }
    if context.is_upgrade() {
        return OriginJudgement::Refused;
    }
    context
        .sec_fetch_site
        .as_deref()
        .map_or(OriginJudgement::Silent, |site| pass(matches!(site, b"same-origin" | b"none")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn judged(origin: Option<&'static str>, site: Option<&'static str>) -> OriginJudgement {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        let context =
            RequestContext { origin: origin.map(bytes), sec_fetch_site: site.map(bytes), ..Default::default() };
        let own = Origin::new("https://app.example.com").unwrap();
        judge(&context, &own, &[Origin::new("http://localhost:5173").unwrap()])
    }

    // security.md 70, 72: exact origins only; scheme, host boundary and port all count.
    #[test]
    fn only_exact_origins_pass() {
        use OriginJudgement::{Passed, Refused, Silent};
        let table = [
            (Some("https://app.example.com"), Some("cross-site"), Passed),
            (Some("http://localhost:5173"), Some("same-site"), Passed),
            (Some("http://app.example.com"), None, Refused),
            (Some("https://app.example.com:444"), None, Refused),
            (Some("https://app.example.com.evil.example"), None, Refused),
            (Some("https://evil-app.example.com"), None, Refused),
            (Some("https://app.example.com/"), None, Refused),
            (Some("HTTPS://APP.EXAMPLE.COM"), None, Refused),
            (Some("null"), Some("same-origin"), Refused),
            (Some(""), None, Refused),
            (None, Some("same-origin"), Passed),
            (None, Some("none"), Passed),
            (None, Some("same-site"), Refused),
            (None, Some("cross-site"), Refused),
            (None, Some("nonsense"), Refused),
            (None, None, Silent),
        ];
        for (origin, site, expected) in table {
            assert_eq!(judged(origin, site), expected, "{origin:?} {site:?}");
        }
    }

    #[test]
    fn an_upgrade_needs_an_origin() {
        let context = RequestContext {
            method: Bytes::from_static(b"GET"),
            upgrade: Some(Bytes::from_static(b"websocket")),
            ..Default::default()
        };
        assert_eq!(judge(&context, &Origin::new("https://a.example").unwrap(), &[]), OriginJudgement::Refused);
    }

    #[test]
    fn an_origin_has_no_path() {
        for wrong in ["https://a/b", "https://a?x", "https://u@a", "ftp://a", "a", "", "https://a#f"] {
            assert!(Origin::new(wrong).is_none(), "{wrong}");
        }
        assert_eq!(Origin::new("https://A.example:443/").unwrap().as_str(), "https://a.example");
    }
}
