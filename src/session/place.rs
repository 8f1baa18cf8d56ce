//! Owns where a browser may be sent: return places and landing places. Does not know logins.

use url::Url;

use super::origin::Origin;

/// The places that browsers may be sent to.
#[derive(Clone, Debug)]
pub struct Places {
    /// The edge's own origin: every path on it is allowed.
    pub own: Origin,
    /// Further addresses that are allowed, exact but for query and fragment; one that ends in `/*` allows every path
    /// below it.
    pub allowed: Vec<String>,
    /// Exact addresses at which `user` and `csrf_token` are put into the query.
    pub with_user: Vec<String>,
    /// Where to go after a login without a return place.
    pub after_login: String,
    /// Where to go after a logout.
    pub after_logout: String,
    /// Where to go after a failed login without a return place; `None` for our own page.
    pub on_error: Option<String>,
}

/// The longest return place.
const LONGEST: usize = 2048;

impl Places {
    /// The place that `asked` means, in the form in which it is sent, or `None` when it is not allowed.
    ///
    /// A path on the edge's own host is allowed as it is; an address must have an allowed origin and path. What a
    /// browser could read otherwise than we do (backslashes, controls, `//host`, user information) is refused
    /// (security.md 71, 72).
    #[must_use]
    pub fn allow(&self, asked: &[u8]) -> Option<String> {
        let asked = std::str::from_utf8(asked).ok()?;
        let plain = |c: char| c.is_ascii_graphic() && c != '\\';
        if asked.is_empty() || asked.len() > LONGEST || !asked.chars().all(plain) {
            return None;
        }
        if asked.starts_with('/') {
            return self.own_path(asked);
        }
        let url = Url::parse(asked).ok()?;
        let scheme_as_written = asked.starts_with("https://") || asked.starts_with("http://");
        if !scheme_as_written || !url.username().is_empty() || url.password().is_some() || asked.contains('@') {
            return None;
        }
        let origin = Origin::of(&url)?;
        let allowed = origin == self.own || self.allowed.iter().any(|place| covers(place, &url));
        allowed.then(|| url.to_string())
    }

    fn own_path(&self, path: &str) -> Option<String> {
        let url = Url::parse(self.own.as_str()).ok()?.join(path).ok()?;
        let stays = Origin::of(&url)? == self.own && !path.starts_with("//") && !url.path().starts_with("//");
        // What is sent is what was parsed: dot segments are gone, so nobody can read them in another way.
        stays.then(|| url[url::Position::BeforePath..].to_owned())
    }

    /// Whether `place`, as [`Places::allow`] gave it, gets `user` and `csrf_token` in its query.
    #[must_use]
    pub fn gets_user(&self, place: &str) -> bool {
        let bare = |text: &str| {
            let mut url = Url::parse(self.own.as_str()).and_then(|own| own.join(text)).ok()?;
            url.set_query(None);
            url.set_fragment(None);
            Some(url)
        };
        bare(place).is_some_and(|place| self.with_user.iter().any(|exact| bare(exact).as_ref() == Some(&place)))
    }

    /// What to tell whoever asked for a place that is not allowed.
    #[must_use]
    pub fn allowed_list(&self) -> String {
        let own = format!("{}/*", self.own);
        std::iter::once(own).chain(self.allowed.iter().cloned()).collect::<Vec<_>>().join(", ")
    }
}

fn covers(place: &str, url: &Url) -> bool {
    let (place, below) = place.strip_suffix('*').map_or((place, false), |start| (start, true));
    let Ok(allowed) = Url::parse(place) else { return false };
    if Origin::of(&allowed) != Origin::of(url) {
        return false;
    }
    if below {
        url.path().starts_with(allowed.path()) && allowed.path().ends_with('/')
    } else {
        url.path() == allowed.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            own: Origin::new("https://app.example.com").unwrap(),
            allowed: vec!["http://localhost:5173/auth-callback".into(), "https://spa.example.com/in/*".into()],
            with_user: vec!["http://localhost:5173/auth-callback".into()],
            after_login: "/".into(),
            after_logout: "/".into(),
            on_error: None,
        }
    }

    #[test]
    fn allowed_places_pass_as_they_are_meant() {
        let table = [
            ("/", "/"),
            ("/a/b?c=d#e", "/a/b?c=d#e"),
            ("/a/../b", "/b"),
            ("https://app.example.com/x", "https://app.example.com/x"),
            ("http://localhost:5173/auth-callback?x=1", "http://localhost:5173/auth-callback?x=1"),
            ("https://spa.example.com/in/deep", "https://spa.example.com/in/deep"),
        ];
        for (asked, meant) in table {
            assert_eq!(places().allow(asked.as_bytes()).as_deref(), Some(meant), "{asked}");
        }
    }

    // security.md 71, 72. The black-box suite of the edges has the large corpus.
    #[test]
    fn nothing_leads_elsewhere() {
        let table = [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/%0a/\n",
            "https://evil.example",
            "https://app.example.com.evil.example",
            "https://app.example.com@evil.example",
            "https://evil.example\\@app.example.com",
            "http://app.example.com/",
            "https://app.example.com:444/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https:/app.example.com",
            "https:app.example.com",
            "HTTPS://app.example.com/",
            "https://spa.example.com/in",
            "https://spa.example.com/in/../out",
            "https://spa.example.com/",
            "http://localhost:5173/auth-callback/",
            "http://localhost:5173/",
            "evil",
            "?x",
            "/..//evil.example",
            "/.//evil.example",
            "https://user:pw@app.example.com/",
            "https://ａpp.example.com/",
            " /x",
            "/x y",
        ];
        for asked in table {
            assert_eq!(places().allow(asked.as_bytes()), None, "{asked}");
        }
        assert_eq!(places().allow(&[b'/', 0xff]), None);
        assert_eq!(places().allow(format!("/{}", "a".repeat(LONGEST)).as_bytes()), None);
    }

    #[test]
    fn only_the_exact_place_gets_the_user() {
        assert!(places().gets_user("http://localhost:5173/auth-callback?x=1"));
        assert!(!places().gets_user("http://localhost:5173/auth-callback/x"));
        let own = Places { with_user: vec!["https://app.example.com/cb".into()], ..places() };
        assert!(own.gets_user("/cb?x=1") && !own.gets_user("/cb/x"));
    }
}
