//! Owns the development identity provider: a real OpenID Provider with two test users, all in memory, on loopback.
//! Does not know the authority, which speaks to it as to any other provider.
//!
//! In reading order: `users`, `ledger` (what is remembered), `desk` (what every endpoint needs), then one file per
//! endpoint in the order of a login: `discovery`, `authorize`, `login`, `token`, `userinfo`, `revoke`, `end_session`, `backchannel`.

mod authorize;
mod backchannel;
mod client;
mod cookies;
mod desk;
mod discovery;
mod end_session;
mod guard;
mod kept;
mod keys;
mod ledger;
mod login;
mod pages;
mod parameters;
mod refusal;
mod revoke;
mod token;
mod userinfo;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use url::{Host, Url};

use self::client::Client;
use self::desk::Desk;
use super::{DevelopmentOnly, icon};
use crate::authority::ports::{Clock, Entropy};
use crate::crypto::Secret;

pub use self::backchannel::Told;
pub use self::users::{PASSWORD, USERNAMES};

/// What the development provider goes by.
pub struct DevProviderSettings {
    /// Its issuer and origin, such as `http://127.0.0.1:8090`: plain http, loopback, no path, no slash at the end.
    pub issuer: String,
    /// The one client's id.
    pub client_id: String,
    /// The one client's secret.
    pub client_secret: Secret,
    /// Where it may send a browser after a login. Compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Where it may send a browser after a logout. Compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where the client is told of every logout, if it is.
    pub told: Option<Told>,
    /// The time by which it signs and forgets.
    pub clock: Arc<dyn Clock>,
    /// Where codes, tokens and cookies come from.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a development provider was not made.
#[derive(Debug, thiserror::Error)]
pub enum DevProviderRefused {
    /// Anybody could log in with a password that is printed in the documentation.
    #[error("the development provider's issuer must be a loopback http origin, such as http://127.0.0.1:8090")]
    IssuerNotLoopback,
    /// No signing key could be made.
    #[error("the development provider could not make a signing key")]
    NoKey,
}

/// The development provider.
#[derive(Clone)]
pub struct DevProvider {
    desk: Arc<Desk>,
}

/// No request of the protocol comes near this.
const MOST_BODY_BYTES: usize = 16 * 1024;

impl DevProvider {
    /// Makes one, with a signing key of its own and nobody logged in.
    ///
    /// # Errors
    /// `IssuerNotLoopback` when the issuer is anything but a loopback http origin; `NoKey` when chance fails.
    pub fn new(_: &DevelopmentOnly, settings: DevProviderSettings) -> Result<Self, DevProviderRefused> {
        if !is_loopback_origin(&settings.issuer) {
            return Err(DevProviderRefused::IssuerNotLoopback);
        }
        let client = Client {
            id: settings.client_id,
            secret: settings.client_secret,
            redirect_uris: settings.redirect_uris,
            post_logout_redirect_uris: settings.post_logout_redirect_uris,
            told: settings.told,
        };
        let desk = Desk::new(settings.issuer, client, settings.clock, settings.entropy);
        Ok(Self { desk: Arc::new(desk.ok_or(DevProviderRefused::NoKey)?) })
    }

    /// Everything it answers, to be served at the root of its issuer.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery::metadata))
            .route("/jwks", get(discovery::jwks))
            .route("/authorize", get(authorize::by_query).post(authorize::by_form))
            .route("/login", get(login::show).post(login::submit))
            .route("/token", post(token::token))
            .route("/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
            .route("/revoke", post(revoke::revoke))
            .route("/logout", get(end_session::by_query).post(end_session::by_form))
            .route("/logout/confirm", post(end_session::confirm))
            .route("/", get(pages::front))
            .route("/provider.css", get(pages::style))
            .route("/avatars/{file}", get(users::avatar))
            .merge(icon::routes())
            .fallback(pages::not_found)
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&self.desk), guard::guard))
            .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
            .with_state(Arc::clone(&self.desk))
    }
}

fn is_loopback_origin(issuer: &str) -> bool {
    let Ok(url) = Url::parse(issuer) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    loopback && url.scheme() == "http" && url.origin().ascii_serialization() == issuer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_http_origin_is_an_issuer() {
        for good in ["http://127.0.0.1:8090", "http://localhost:8090", "http://[::1]:8090", "http://127.0.0.2"] {
            assert!(is_loopback_origin(good), "{good}");
        }
        for bad in [
            "https://127.0.0.1:8090",
            "http://127.0.0.1:8090/",
            "http://127.0.0.1:8090/realm",
            "http://0.0.0.0:8090",
            "http://192.168.1.2:8090",
            "http://localhost.example.com",
            "http://me@127.0.0.1:8090",
            "http://2130706433",
            "127.0.0.1:8090",
            "",
        ] {
            assert!(!is_loopback_origin(bad), "{bad}");
        }
    }
}
