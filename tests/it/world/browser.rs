//! Owns what a browser keeps and says of itself. Does not know who asks about it.

use bytes::Bytes;
use gatelodge::authority::Presented;
use gatelodge::session::request::{PresentedCookie, RequestContext};

/// What a browser keeps and says of itself.
#[derive(Clone, Debug)]
pub struct Browser {
    pub cookies: Vec<(String, String)>,
    pub user_agent: String,
}

impl Default for Browser {
    fn default() -> Self {
        Self { cookies: Vec::new(), user_agent: "Browser/1".into() }
    }
}

impl Browser {
    /// Follows Set-Cookie values as a browser does.
    pub fn keep(&mut self, set_cookies: &[String]) {
        for cookie in set_cookies {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(own, _)| own != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.into(), value.into()));
            }
        }
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn request(&self, method: &str, target: &str) -> Presented {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let cookie = |(name, value): &(String, String)| PresentedCookie { name: name.clone(), value: bytes(value) };
        let context = RequestContext {
            method: bytes(method),
            target: bytes(target),
            user_agent: Some(bytes(&self.user_agent)),
            accept_language: Some(bytes("en")),
            peer_address: Some(bytes("192.0.2.7")),
            ..RequestContext::default()
        };
        Presented { cookies: self.cookies.iter().map(cookie).collect(), context: Some(context.into()) }
    }

    /// A page's way to another page.
    pub fn get(&self, target: &str) -> Presented {
        self.with("GET", target, |context| context.sec_fetch_mode = Some(Bytes::from_static(b"navigate")))
    }

    /// A script's fetch.
    pub fn fetch(&self, method: &str, target: &str) -> Presented {
        self.with(method, target, |context| context.sec_fetch_mode = Some(Bytes::from_static(b"cors")))
    }

    pub fn with(&self, method: &str, target: &str, change: impl FnOnce(&mut RequestContext)) -> Presented {
        let mut presented = self.request(method, target);
        change(presented.context.as_mut().unwrap());
        presented
    }
}

/// The state in an answer that sends the browser to the provider.
pub fn state_of(answer: &gatelodge::authority::answer::HttpAnswer) -> String {
    let location = answer.location.clone().unwrap();
    let url = url::Url::parse(&location).unwrap();
    url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}
