//! Owns finished HTTP answers: JSON, redirects and pages, with the headers that each of them needs.
//! Does not know why one is given.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// A whole HTTP answer, for an edge to copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The Location header, if any.
    pub location: Option<String>,
    /// Whole Set-Cookie values.
    pub set_cookies: Vec<String>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The Content-Type header, if there is a body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

/// Something that went wrong, in the words that a browser sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The status code.
    pub status: u16,
    /// The public reason, for programs.
    pub reason: &'static str,
    /// What is wrong, for people.
    pub detail: String,
    /// What to do about it, for people.
    pub remedy: String,
}

impl HttpAnswer {
    /// Every answer of the authority may carry identity or cookies: no cache keeps it (security.md 66).
    fn new(status: u16) -> Self {
        let headers =
            [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")];
        Self { status, headers: headers.map(|(name, value)| (name, value.to_owned())).into(), ..Self::default() }
    }

    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { content_type: Some("application/json"), body: body.to_string().into_bytes(), ..Self::new(status) }
    }

    /// JSON that is the same for everybody, and may be kept for so long.
    #[must_use]
    pub fn public(content_type: &'static str, body: String, keep_for: Duration) -> Self {
        let headers = vec![
            ("cache-control", format!("public, max-age={}", keep_for.as_secs())),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status: 200, headers, content_type: Some(content_type), body: body.into_bytes(), ..Self::default() }
    }

    /// A redirect: 302 after a GET, 303 after a form was sent; never 307 or 308 (security.md 73).
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..Self::new(status) }
    }

    /// Something that went wrong: a page for a navigating browser, JSON for everybody else.
    #[must_use]
    pub fn trouble(trouble: &Trouble, page: bool, links: &[(String, String)], request_id: &str) -> Self {
        if page { Self::page(trouble, links, request_id) } else { Self::error(trouble, request_id) }
    }

    /// The JSON form of something that went wrong: `detail`, `reason`, `remedy`, `request_id`.
    #[must_use]
    pub fn error(trouble: &Trouble, request_id: &str) -> Self {
        Self::error_with(trouble, request_id, &[])
    }

    /// The same with further members.
    #[must_use]
    pub fn error_with(trouble: &Trouble, request_id: &str, more: &[(&str, &str)]) -> Self {
        let mut body = Map::new();
        body.insert("detail".into(), json!(trouble.detail));
        body.insert("reason".into(), json!(trouble.reason));
        if !trouble.remedy.is_empty() {
            body.insert("remedy".into(), json!(trouble.remedy));
        }
        body.insert("request_id".into(), json!(request_id));
        body.extend(more.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        Self::json(trouble.status, &Value::Object(body))
    }

    /// A page with a form to this site, whose answer may lead to that other origin.
    #[must_use]
    pub fn form(status: u16, page: String, elsewhere: Option<&str>) -> Self {
        let mut answer = Self::new(status);
        // A form on a page that sends no referrer has the origin "null".
        for (name, value) in &mut answer.headers {
            if *name == "referrer-policy" {
                "same-origin".clone_into(value);
            }
        }
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self' {}; frame-ancestors 'none'",
            elsewhere.unwrap_or_default()
        );
        answer.headers.push(("content-security-policy", policy));
        Self { content_type: Some("text/html; charset=utf-8"), body: page.into_bytes(), ..answer }
    }

    /// A small page that a page of that other origin, and no other, may show in a frame.
    #[must_use]
    pub fn framed(text: &str, by: Option<&str>) -> Self {
        let mut answer = Self::new(200);
        let policy = format!(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {}",
            by.unwrap_or("'none'")
        );
        answer.headers.push(("content-security-policy", policy));
        let body = ["<!doctype html>\n<title>", &escape(text), "</title>\n<p>", &escape(text), "</p>\n"].concat();
        Self { content_type: Some("text/html; charset=utf-8"), body: body.into_bytes(), ..answer }
    }

    /// A request that can't be read, and what is wrong with it.
    #[must_use]
    pub fn malformed(detail: String, request_id: &str) -> Self {
        let trouble = Trouble { status: 400, reason: "request_malformed", detail, remedy: String::new() };
        Self::error(&trouble, request_id)
    }

    fn page(trouble: &Trouble, links: &[(String, String)], request_id: &str) -> Self {
        let mut answer = Self::new(trouble.status);
        let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        answer.headers.push(("content-security-policy", policy.to_owned()));
        answer.content_type = Some("text/html; charset=utf-8");
        let link = |(address, label): &(String, String)| {
            ["<a class=\"go\" href=\"", &escape(address), "\">", &escape(label), "</a>"].concat()
        };
        let links = links.iter().map(link).collect::<Vec<_>>().concat();
        let main = TROUBLE.replace("{remedy}", &escape(&trouble.remedy)).replace("{links}", &links);
        answer.body = page(&trouble.detail, &main, request_id).into_bytes();
        answer
    }
}

/// A whole page: its title, what stands below it as HTML, and the request that it answers.
pub(super) fn page(title: &str, main: &str, request_id: &str) -> String {
    let page = PAGE.replace("{request_id}", &escape(request_id)).replace("{detail}", &escape(title));
    page.replace("{main}", main)
}

/// Makes text safe inside an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

const PAGE: &str = include_str!("page.html");
const TROUBLE: &str = include_str!("trouble.html");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_whatever_it_is_given() {
        let trouble = Trouble { status: 400, reason: "r", detail: "<script>\"'&".into(), remedy: String::new() };
        let page = HttpAnswer::trouble(&trouble, true, &[("/x?a=\"><b>".into(), "<i>".into())], "id");
        let text = String::from_utf8(page.body).unwrap();
        assert!(text.contains("&lt;script&gt;&quot;&#39;&amp;") && !text.contains("<script>") && !text.contains("<b>"));
    }

    #[test]
    fn nothing_is_kept_by_a_cache() {
        for answer in [HttpAnswer::json(200, &json!({})), HttpAnswer::redirect(302, "/")] {
            assert!(answer.headers.contains(&("cache-control", "no-store".to_owned())));
        }
    }
}
