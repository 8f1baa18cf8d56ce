//! Owns the tests of how a provider is spoken to, against our own hostile one. Does not know sessions.
//!
//! | file | what is shown |
//! |---|---|
//! | `good` | what has to work: every algorithm, leeway, claims, scopes |
//! | `response`, `token_answer`, `id_token_*`, `userinfo` | one named case for each thing a provider may send |
//! | `mutations` | random ones |
//! | `metadata`, `outbound`, `tls`, `keys` | documents, addresses, limits, certificates, key rotation |
//! | `client_auth`, `certificate`, `apple` | how we show who we are |
//! | `pushed` | requests that are handed over before the browser leaves |
//! | `access_token`, `introspection`, `exchange` | tokens that others present, and tokens for others |
//! | `refresh`, `logout`, `registry` | the rest of the port |
//! | `presets` | Google, Okta, Auth0, GitLab and Keycloak, as they are configured and as they answer |
//! | `oauth2` | providers without OpenID Connect: GitHub, Discord, and one that is described |

mod access_token;
pub mod apple;
mod certificate;
mod client_auth;
mod dpop;
mod exchange;
mod good;
mod id_token_claims;
mod id_token_form;
mod introspection;
mod keys;
mod logout;
mod metadata;
mod mutations;
mod oauth2;
mod outbound;
mod presets;
mod pushed;
mod refresh;
mod registry;
mod response;
mod rights;
mod tls;
mod token_answer;
mod userinfo;

use gatelodge::authority::provider::{AuthorizationRequest, RefreshRequest};
use gatelodge::crypto::Secret;
use gatelodge::session::login_wish::LoginHints;
use gatelodge::session::time::Timestamp;
use serde_json::Value;

use crate::hostile::{Hostile, NOW, Object, REDIRECT_URI, SUB};

/// A table of cases: the name of each, what refuses it, and what is bent. Each is tried at the provider alone, and as a
/// whole login with everything that has to hold after one that failed.
macro_rules! refused {
    ($($name:ident: $reason:literal, $bend:expr;)*) => { refused!(refuses; $($name: $reason, $bend;)*); };
    ($how:ident; $($name:ident: $reason:literal, $bend:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            let provider = crate::hostile::Hostile::start().await;
            let bend: fn(&crate::hostile::Hostile) -> &crate::hostile::Hostile = $bend;
            bend(&provider).$how($reason).await;
            crate::logins::refused(bend, $reason).await;
        }
    )* };
}

/// A table of cases that have to be accepted.
macro_rules! accepted {
    ($($name:ident: $bend:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            let provider = crate::hostile::Hostile::start().await;
            let bend: fn(&crate::hostile::Hostile) -> &crate::hostile::Hostile = $bend;
            let outcome = bend(&provider).log_in().await;
            assert!(outcome.is_ok(), "{outcome:?}");
        }
    )* };
}

use {accepted, refused};

/// A login's request, such as the authority makes it.
fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        state: Secret::new("the state"),
        nonce: "the nonce".into(),
        code_challenge: "the-challenge".into(),
        redirect_uri: REDIRECT_URI.into(),
        max_age: None,
        hints: LoginHints::default(),
        now: Timestamp::from_secs(NOW),
    }
}

/// The request of a refresh.
fn refresh_of(hostile: &Hostile) -> RefreshRequest {
    RefreshRequest {
        refresh_token: Secret::new("refresh-CANARY-1"),
        issuer: hostile.issuer(),
        sub: SUB.into(),
        auth_time: None,
        id_token: None,
        access_token: None,
        has_rights: false,
        now: Timestamp::from_secs(NOW),
    }
}

/// Sets a member.
fn set(name: &'static str, value: impl Into<Value>) -> impl Fn(&mut Object) + Send + Sync + 'static {
    let value = value.into();
    move |object| drop(object.insert(name.to_owned(), value.clone()))
}

/// Takes a member away.
fn unset(name: &'static str) -> impl Fn(&mut Object) + Send + Sync + 'static {
    move |object| drop(object.remove(name))
}
