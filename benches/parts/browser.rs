//! Owns a browser and its edge: what goes to the provider, and what is asked of the authority. Does not measure.

use bytes::Bytes;
use gatelodge::dev::provider::{PASSWORD, USERNAMES};
use gatelodge_client::{Client, v1};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Response, redirect};
use url::{Url, form_urlencoded};

use crate::Result;

/// A browser that is logged in at the provider.
pub struct Browser {
    web: reqwest::Client,
    authority: Client,
    issuer: String,
    /// Its cookies at the provider.
    cookie: String,
}

impl Browser {
    /// One that has typed name and password at the provider.
    pub async fn known_at(issuer: &str, authority: &Client) -> Result<Self> {
        let web = reqwest::Client::builder().redirect(redirect::Policy::none()).build()?;
        let (authority, issuer) = (authority.clone(), issuer.to_owned());
        let mut browser = Self { web, authority, issuer, cookie: String::new() };
        let (place, _) = browser.start(&[]).await?;
        let page = browser.get(&place).await?;
        browser.keep_cookies(&page);
        let page = page.text().await?;
        let form = page.split_once(r#"name="form" value=""#).and_then(|(_, after)| after.split_once('"'));
        let (form, _) = form.ok_or("the provider's login page has no form")?;
        let [username, _] = USERNAMES;
        let typed = [("form", form), ("username", username), ("password", PASSWORD)];
        let request = browser.web.post(format!("{}/login", browser.issuer)).header(COOKIE, &browser.cookie);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(typed).finish();
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let sent = request.send().await?;
        browser.keep_cookies(&sent);
        Ok(browser)
    }

    /// Logs in once, from the click to the session's cookie, which it answers with the session's public id. The session
    /// that it has by the cookies of `former`, if any, ends with that.
    pub async fn log_in(&mut self, former: &[v1::Cookie]) -> Result<(Vec<v1::Cookie>, String)> {
        let (place, cookies) = self.start(former).await?;
        let back = location(&self.get(&place).await?)?;
        let query = Url::parse(&back)?.query().ok_or("the provider sent nothing back")?.to_owned();
        let question = v1::CompleteCallbackRequest {
            route_set: v1::RouteSet::Web.into(),
            response: Some(v1::complete_callback_request::Response::Query(query.into())),
            cookies,
            context: Some(context("/auth/web/callback")),
            ..Default::default()
        };
        let done = self.authority.login().complete_callback(question).await?;
        match (done.outcome, done.answer) {
            (Some(v1::complete_callback_response::Outcome::Completed(login)), Some(answer)) => {
                Ok((cookies_of(&answer), login.session.unwrap_or_default().session_id))
            }
            (other, _) => Err(format!("a login failed: {other:?}").into()),
        }
    }

    /// Where the authority sends the browser, and the cookies that it sets.
    async fn start(&self, cookies: &[v1::Cookie]) -> Result<(String, Vec<v1::Cookie>)> {
        let question = v1::StartLoginRequest {
            route_set: v1::RouteSet::Web.into(),
            query: Bytes::from_static(b"provider=dev"),
            context: Some(context("/auth/web/login?provider=dev")),
            cookies: cookies.to_vec(),
            ..v1::StartLoginRequest::default()
        };
        let answer = self.authority.login().start_login(question).await?.answer.ok_or("no answer")?;
        Ok((answer.location.clone(), cookies_of(&answer)))
    }

    async fn get(&self, place: &str) -> Result<Response> {
        Ok(self.web.get(place).header(COOKIE, &self.cookie).send().await?)
    }

    fn keep_cookies(&mut self, response: &Response) {
        for line in response.headers().get_all(SET_COOKIE) {
            let pair = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            let between = if self.cookie.is_empty() { "" } else { "; " };
            self.cookie = format!("{}{between}{pair}", self.cookie);
        }
    }
}

/// The cookies that an answer sets, as the browser brings them back.
fn cookies_of(answer: &v1::HttpAnswer) -> Vec<v1::Cookie> {
    let cookies = answer.set_cookies.iter().filter_map(|line| {
        let (name, value) = line.split(';').next()?.split_once('=')?;
        Some(v1::Cookie { name: name.to_owned(), value: value.to_owned().into() })
    });
    cookies.collect()
}

fn location(response: &Response) -> Result<String> {
    let location = response.headers().get(LOCATION).ok_or("the provider asks for a password again")?;
    Ok(location.to_str()?.to_owned())
}

/// What the edge saw of the request.
fn context(target: &'static str) -> v1::RequestContext {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    v1::RequestContext {
        method: text("GET"),
        target: text(target),
        host: Some(text("localhost:8000")),
        peer_address: Some(text("127.0.0.1")),
        user_agent: Some(text("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")),
        sec_fetch_mode: Some(text("navigate")),
        sec_fetch_dest: Some(text("document")),
        ..v1::RequestContext::default()
    }
}
