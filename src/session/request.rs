//! Owns what an edge saw of an HTTP request, as domain values. Decides only what kind of request it is.
//! Does not know the wire it came over.

use bytes::Bytes;

/// A cookie that came under a session or binding cookie name.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedCookie {
    /// Its name.
    pub name: String,
    /// Its value, as it came.
    pub value: Bytes,
}

impl std::fmt::Debug for PresentedCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=***", self.name.escape_debug())
    }
}

/// What the edge saw of a request: values exactly as they came, `None` where there was no such header.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The HTTP method.
    pub method: Bytes,
    /// Path and query; where to return to after a login, never a decision (security.md 69).
    pub target: Bytes,
    /// Host.
    pub host: Option<Bytes>,
    /// The address of the edge's TCP peer.
    pub peer_address: Option<Bytes>,
    /// The lines of X-Forwarded-For.
    pub x_forwarded_for: Vec<Bytes>,
    /// The lines of Forwarded.
    pub forwarded: Vec<Bytes>,
    /// User-Agent.
    pub user_agent: Option<Bytes>,
    /// Accept-Language.
    pub accept_language: Option<Bytes>,
    /// Accept.
    pub accept: Option<Bytes>,
    /// Content-Type.
    pub content_type: Option<Bytes>,
    /// Upgrade.
    pub upgrade: Option<Bytes>,
    /// Origin.
    pub origin: Option<Bytes>,
    /// Sec-Fetch-Site.
    pub sec_fetch_site: Option<Bytes>,
    /// Sec-Fetch-Mode.
    pub sec_fetch_mode: Option<Bytes>,
    /// Sec-Fetch-Dest.
    pub sec_fetch_dest: Option<Bytes>,
    /// X-Requested-With.
    pub x_requested_with: Option<Bytes>,
    /// The CSRF header.
    pub csrf_token: Option<Bytes>,
    /// X-Tenant-Id.
    pub x_tenant_id: Option<Bytes>,
    /// Where the client is, in the words of whatever stands before the edge.
    pub place: Option<Bytes>,
}

impl RequestContext {
    /// Whether the method promises to change nothing (RFC 9110, 9.2.1). A method that we do not know is unsafe.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_ref(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
    }

    /// Whether the request opens a WebSocket (RFC 6455, 4.1): a GET that no token can come with. Any other upgrade, such
    /// as h2c, is a request like every other.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.method.as_ref() == b"GET" && self.upgrade.as_ref().is_some_and(|upgrade| contains(upgrade, b"websocket"))
    }

    /// Whether a person's browser is on its way to a page, so that a redirect or a page helps; a script's fetch gets
    /// JSON. Fetch metadata says so where the browser sends it; else what the request accepts.
    #[must_use]
    pub fn is_navigation(&self) -> bool {
        if self.x_requested_with.is_some() || self.is_upgrade() {
            return false;
        }
        if let Some(mode) = &self.sec_fetch_mode {
            return mode.as_ref() == b"navigate";
        }
        self.accept.as_ref().is_some_and(|accept| contains(accept, b"text/html"))
    }

    /// The same request as a script's that asks for JSON by name.
    #[must_use]
    pub fn of_script(self) -> Self {
        let accept = Some(Bytes::from_static(b"application/json"));
        Self { accept, sec_fetch_mode: Some(Bytes::from_static(b"cors")), ..self }
    }

    /// Whether a script asks for JSON by name. One that takes anything gets what a browser on its way gets.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        !self.is_navigation() && self.accept.as_ref().is_some_and(|accept| accept.starts_with(b"application/json"))
    }
}

impl std::fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext").field("method", &self.method).finish_non_exhaustive()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut RequestContext)) -> RequestContext {
        let mut context = RequestContext { method: Bytes::from_static(b"GET"), ..Default::default() };
        change(&mut context);
        context
    }

    #[test]
    fn a_page_is_told_from_a_fetch() {
        let html = || Some(Bytes::from_static(b"text/html,application/xhtml+xml"));
        assert!(with(|c| c.accept = html()).is_navigation());
        assert!(with(|c| c.sec_fetch_mode = Some("navigate".into())).is_navigation());
        assert!(!with(|c| c.accept = Some("*/*".into())).is_navigation());
        assert!(!with(|_| ()).is_navigation());
        assert!(!with(|c| (c.accept, c.sec_fetch_mode) = (html(), Some("cors".into()))).is_navigation());
        assert!(!with(|c| (c.accept, c.x_requested_with) = (html(), Some("XMLHttpRequest".into()))).is_navigation());
        assert!(!with(|c| (c.accept, c.upgrade) = (html(), Some("websocket".into()))).is_navigation());
        let page = with(|c| (c.accept, c.sec_fetch_mode) = (html(), Some("navigate".into())));
        assert!(!page.wants_json() && page.of_script().wants_json());
    }

    #[test]
    fn only_known_methods_are_safe() {
        for (method, safe) in
            [("GET", true), ("HEAD", true), ("get", false), ("POST", false), ("QUERY", false), ("", false)]
        {
            assert_eq!(with(|c| c.method = Bytes::copy_from_slice(method.as_bytes())).is_safe(), safe, "{method}");
        }
    }
}
