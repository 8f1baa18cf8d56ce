//! Owns what passes from a proxy to what stands behind it: who is logged in, as headers, and no credential. Does not know
//! which proxy it is.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Authority;
use super::admit::SessionView;

/// How every header begins that tells who is logged in. Whatever a request brought under such a name is taken away.
pub const IDENTITY_PREFIX: &str = "x-gatelodge-";

const TEXT: &AsciiSet = &CONTROLS.add(b'%');
const ITEM: &AsciiSet = &TEXT.add(b' ').add(b',');

/// Who is logged in, as headers for what stands behind a proxy: each begins with [`IDENTITY_PREFIX`], and what is not known
/// is not there. In a value everything but printable ASCII is percent-encoded (RFC 3986, 2.1), as UTF-8; a list is parted by
/// spaces, and a space or comma within its items is encoded too.
#[must_use]
pub fn identity_headers(session: &SessionView, tenant: &str) -> Vec<(&'static str, String)> {
    let identity = &session.standing.identity;
    let maybe = |text: &Option<String>| text.as_deref().map(encoded);
    let list = |items: &[String]| {
        (!items.is_empty()).then(|| items.iter().map(|item| encoded_item(item)).collect::<Vec<_>>().join(" "))
    };
    let rows = [
        ("x-gatelodge-user-id", Some(encoded(&identity.user_id))),
        ("x-gatelodge-session-id", Some(session.key.public())),
        ("x-gatelodge-tenant", Some(encoded(tenant))),
        ("x-gatelodge-provider", Some(encoded(&identity.provider))),
        ("x-gatelodge-sub", Some(encoded(&identity.sub))),
        ("x-gatelodge-email", maybe(&identity.email)),
        ("x-gatelodge-email-verified", identity.email.as_ref().map(|_| identity.email_verified.to_string())),
        ("x-gatelodge-name", maybe(&identity.name)),
        ("x-gatelodge-scopes", list(&identity.scopes)),
        ("x-gatelodge-roles", list(&identity.roles)),
        ("x-gatelodge-permissions", list(&identity.permissions)),
        ("x-gatelodge-acr", maybe(&identity.acr)),
        ("x-gatelodge-amr", list(&identity.amr)),
        ("x-gatelodge-auth-time", identity.auth_time.map(|time| time.as_secs().to_string())),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?))).collect()
}

/// Whether a header could be taken for one of [`identity_headers`] by what stands behind the proxy: many servers write
/// `-`, `_` and whatever else is no letter alike (CGI, RFC 3875, 4.1.18).
#[must_use]
pub fn claims_identity(name: &[u8]) -> bool {
    let same = |(a, b): (u8, u8)| a.to_ascii_lowercase() == b || (b == b'-' && !a.is_ascii_alphanumeric());
    name.len() >= IDENTITY_PREFIX.len() && name.iter().copied().zip(IDENTITY_PREFIX.bytes()).all(same)
}

impl Authority {
    /// Whether a cookie of this name holds a credential of ours, and stays with the proxy.
    #[must_use]
    pub fn is_own_cookie(&self, name: &[u8]) -> bool {
        self.session_cookie_names.iter().any(|own| own.as_bytes() == name)
            || self.binding_cookie_names.iter().any(|own| own.as_bytes() == name)
    }

    /// Whether whoever asks from this address is a proxy, so that what it says it was asked itself is believed.
    #[must_use]
    pub fn is_proxy(&self, peer: &[u8]) -> bool {
        self.settings.trusted_proxies.are_at(peer)
    }

    /// The header that carries CSRF tokens both ways.
    #[must_use]
    pub fn csrf_header(&self) -> &str {
        &self.settings.csrf.header
    }

    /// The header in which the proxy says where the client is, if it does.
    #[must_use]
    pub fn place_header(&self) -> Option<&str> {
        self.settings.place_header.as_deref()
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text.trim(), TEXT).to_string()
}

fn encoded_item(text: &str) -> String {
    utf8_percent_encode(text, ITEM).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printable_ascii_and_items_stay_apart() {
        assert_eq!(encoded("Margaret Hamilton"), "Margaret Hamilton");
        assert_eq!(encoded("Ada\r\nX: y, 100 % Zoë"), "Ada%0D%0AX: y, 100 %25 Zo%C3%AB");
        assert_eq!(encoded_item("a b,c"), "a%20b%2Cc");
    }

    // CVE-2024-45410 and its like: a header that a server reads as another one.
    #[test]
    fn whatever_reads_like_an_identity_header_is_known() {
        for name in
            ["x-gatelodge-user-id", "X-Gatelodge-User-Id", "x_gatelodge_user_id", "x-gatelodge_new", "x.gatelodge.sub"]
        {
            assert!(claims_identity(name.as_bytes()), "{name}");
        }
        for name in ["x-gatelodg", "x-gatelodger-id", "gatelodge-user-id", "cookie"] {
            assert!(!claims_identity(name.as_bytes()), "{name}");
        }
    }
}
