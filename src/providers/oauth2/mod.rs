//! Owns plain OAuth2 towards one provider (RFC 6749 with RFC 7636): who the user is, is what the provider's own API says
//! to the access token that the login has just brought. Does not know sessions, nor any other provider.
//!
//! | file | what it is |
//! |---|---|
//! | [`settings`] | what an operator says, and the addresses of those that are known |
//! | `dialect` | in what GitHub and Discord are unlike the rest |
//! | `profile` | what is kept of the answer about the user |
//!
//! There is no ID token, so nothing signed says for whom the access token is. It is believed because it came straight from
//! the provider's token endpoint, for a code that belongs to this login and to nothing else (PKCE); a token from
//! anywhere else is never asked about (RFC 6749, 10.16).

mod dialect;
mod profile;
pub mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::profile::Profile;
pub use self::settings::{Dialect, Mapping, OAuth2Settings};
use super::credential::{ClientAuth, Credential, Way};
use super::fault::Fault;
use super::http::{Http, HttpSettings, Shown};
use super::json::Object;
use super::registration::{Registration, SettingsFault};
use super::token_endpoint::{Client, TokenAnswer, TokenType};
use crate::authority::not_refreshed::NotRefreshed;
use crate::authority::provider::{
    AuthorizationRequest, EndSession, Exchange, ExchangeRequest, Grant, IdentityProvider, Offer, ProviderError,
    ProviderInfo, Redemption, RefreshRequest, Renewal, Rights, UserInfo, UserInfoRequest,
};
use crate::authority::provider_health::LastAsked;
use crate::crypto::Secret;
use crate::session::audit::Step;
use crate::session::identity::{Identity, IssuerRule};
use crate::session::login_wish::{LoginHints, Prompt};
use crate::session::record::Tokens;
use crate::session::time::Timestamp;

/// What its API answers.
const JSON: &str = "application/json";

/// An OAuth2 provider. Clones share everything.
#[derive(Clone)]
pub struct OAuth2Provider {
    info: ProviderInfo,
    settings: Arc<OAuth2Settings>,
    addresses: Arc<Addresses>,
    http: Arc<Http>,
    credential: Arc<Credential>,
}

/// Where the provider is asked.
struct Addresses {
    authorization: Url,
    token: Url,
    profile: Url,
    emails: Option<Url>,
    revocation: Option<Url>,
}

impl OAuth2Provider {
    /// The provider that `settings` describe. Asks nothing of it.
    ///
    /// # Errors
    /// Every fault of the settings.
    pub fn new(settings: OAuth2Settings, http: HttpSettings) -> Result<Self, Vec<SettingsFault>> {
        let addresses = settings.addresses()?;
        let faults = settings.faults(&addresses);
        if !faults.is_empty() {
            return Err(faults);
        }
        let own = &settings.registration;
        let guard = own.guard().map_err(|text| vec![own.fault("issuer", text)])?;
        let info = ProviderInfo {
            name: own.name.clone(),
            display_name: own.display_name.clone(),
            issuer: IssuerRule::Exact(own.issuer.clone()),
            extra_parameters: own.extra_parameters.clone(),
            tells_of_logins: false,
            form_post: own.form_post,
            names_users_once: false,
        };
        let http = Arc::new(Http::new(guard, &own.trust().unwrap_or_default(), http).seen_by(own.observer.clone()));
        let credential = Arc::new(Credential::of(own));
        Ok(Self { info, settings: Arc::new(settings), addresses: Arc::new(addresses), http, credential })
    }

    /// Who we are to the provider. Without metadata the body is what every server takes.
    fn client(&self, now: Timestamp) -> Client<'_> {
        let auth = match self.settings.registration.client_auth {
            ClientAuth::Auto => ClientAuth::Post,
            own => own,
        };
        Client { http: &self.http, credential: &self.credential, way: Way { auth, algorithms: &[], now }, proofs: None }
    }

    /// RFC 9207, 2.4. There is no metadata that says whether one has to come, so one that comes has to be right.
    fn check_response_issuer(&self, issuer: Option<&str>) -> Result<(), ProviderError> {
        let own = self.settings.response_issuer.as_ref().unwrap_or(&self.settings.registration.issuer);
        if issuer.is_none_or(|issuer| issuer == own) { Ok(()) } else { Err(ProviderError::Rejected("response.iss")) }
    }

    /// Some write errors under the status 200 (GitHub).
    fn check_refusal(&self, body: &Object) -> Result<(), Fault> {
        self.settings.dialect.error_in(body).map_or(Ok(()), |error| Err(Fault::OAuth(error)))
    }

    fn read(&self, body: &Object) -> Result<TokenAnswer, ProviderError> {
        let mut answer = TokenAnswer::read(body, TokenType::Bearer)?;
        answer.scopes = answer.scopes.map(|scopes| self.settings.dialect.scopes(scopes));
        Ok(answer)
    }

    /// What the provider's API says of the user of this access token.
    async fn profile(&self, access: &Secret, scopes: &[String]) -> Result<Profile, ProviderError> {
        let shown = Shown::bearer(access);
        let answer = self.http.get(&self.addresses.profile, &shown, JSON).await?;
        // 403 is what GitHub says of a client that asks too often, too: no verdict on the token.
        if answer.status == 401 {
            return Err(ProviderError::InvalidGrant(Fault::Status(answer.status).into()));
        }
        let mut profile = Profile::of(&answer.document()?, &self.settings)?;
        if let Some(emails) = &self.addresses.emails
            && self.settings.dialect.may_read_emails(scopes)
        {
            profile.take_email(&self.http.get(emails, &shown, JSON).await?.list()?);
        }
        Ok(profile)
    }

    fn tokens(&self, answer: TokenAnswer, now: Timestamp) -> Tokens {
        Tokens {
            is_bound: answer.is_bound,
            access: Some(answer.access),
            access_end: answer.expires_in.map(|life| now + life),
            scopes: answer.scopes.unwrap_or_default(),
            refresh: answer.refresh.filter(|_| self.settings.registration.keep_refresh_token),
            id: None,
            exchanged: Vec::new(),
        }
    }

    async fn exchange_code(&self, redemption: &Redemption) -> Result<(TokenAnswer, Profile), ProviderError> {
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", redemption.code.expose()),
            ("redirect_uri", &redemption.redirect_uri),
            ("code_verifier", redemption.code_verifier.expose()),
        ];
        redemption.trail.begin(Step::CodeRedeemed);
        let body = self.client(redemption.now).ask(&self.addresses.token, &grant).await?;
        self.check_refusal(&body)?;
        let mut answer = self.read(&body)?;
        let scopes = answer.scopes.get_or_insert_with(|| self.settings.registration.scopes.clone());
        redemption.trail.begin(Step::UserInfo);
        let profile = self.profile(&answer.access, scopes).await?;
        Ok((answer, profile))
    }
}

#[async_trait]
impl IdentityProvider for OAuth2Provider {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn last_asked(&self) -> Option<LastAsked> {
        self.http.last_asked()
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, ProviderError> {
        // Nothing that it answers says when the user authenticated.
        if request.max_age.is_some() {
            return Err(ProviderError::Unsupported(Offer::LoginAge));
        }
        let LoginHints { prompt, extra, acr_values, .. } = &request.hints;
        if !acr_values.is_empty() {
            return Err(ProviderError::Unsupported(Offer::LoginContext));
        }
        if *prompt == Some(Prompt::None) && !self.settings.dialect.logs_in_silently() {
            return Err(ProviderError::Unsupported(Offer::SilentLogin));
        }
        let own = &self.settings.registration;
        let mut url = self.addresses.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &own.client_id)
            .append_pair("redirect_uri", &request.redirect_uri)
            .append_pair("scope", &own.scopes.join(" "))
            .append_pair("state", request.state.expose())
            .append_pair("code_challenge", &request.code_challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(own.form_post.then_some(("response_mode", "form_post")))
            .extend_pairs(prompt.as_ref().map(|prompt| ("prompt", prompt.as_str())))
            .extend_pairs(extra);
        Ok(url.into())
    }

    async fn check_issuer(&self, response_issuer: Option<&str>, _within: Duration) -> Result<(), ProviderError> {
        self.check_response_issuer(response_issuer)
    }

    async fn redeem(&self, redemption: &Redemption) -> Result<Grant, ProviderError> {
        self.check_response_issuer(redemption.response_issuer.as_deref())?;
        if redemption.authenticated_after.is_some() {
            return Err(ProviderError::Unsupported(Offer::LoginAge));
        }
        let deadline = Instant::now() + redemption.within;
        let work = timeout_at(deadline, self.exchange_code(redemption)).await;
        let (answer, profile) = work.unwrap_or_else(|_| Err(Fault::Timeout.into()))?;
        let Registration { name, issuer, .. } = &self.settings.registration;
        let granted = answer.scopes.clone().unwrap_or_default();
        let mut identity = Identity {
            user_id: self.info.issuer.user_id(name, issuer, &profile.sub),
            provider: name.clone(),
            issuer: issuer.clone(),
            sub: profile.sub,
            email: profile.email,
            email_verified: profile.email_verified,
            name: profile.name,
            picture: profile.picture,
            claims: profile.claims,
            scopes: granted.clone(),
            roles: Vec::new(),
            permissions: Vec::new(),
            auth_time: None,
            acr: None,
            amr: Vec::new(),
        };
        profile.rights.give(&mut identity, &granted);
        Ok(Grant { identity, provider_session: None, tokens: self.tokens(answer, redemption.now) })
    }

    async fn refresh(&self, request: &RefreshRequest) -> Result<Renewal, NotRefreshed> {
        let body = self.client(request.now).refresh(&self.addresses.token, &request.refresh_token).await?;
        self.check_refusal(&body)?;
        let answer = self.read(&body).map_err(NotRefreshed::may_be_spent)?;
        Ok(Renewal { tokens: self.tokens(answer, request.now), rights: Rights::default() })
    }

    async fn user_info(&self, request: &UserInfoRequest<'_>) -> Result<UserInfo, ProviderError> {
        let identity = request.identity;
        let profile = self.profile(request.access_token, &identity.scopes).await?;
        if profile.sub != identity.sub {
            return Err(ProviderError::Rejected("profile.sub"));
        }
        let identity = Identity {
            email: profile.email,
            email_verified: profile.email_verified,
            name: profile.name,
            picture: profile.picture,
            claims: profile.claims,
            ..identity.clone()
        };
        Ok(UserInfo { identity, rights: profile.rights })
    }

    async fn exchange(&self, _request: &ExchangeRequest) -> Result<Exchange, ProviderError> {
        Err(ProviderError::Unsupported(Offer::TokenExchange))
    }

    async fn revoke(&self, token: &Secret, now: Timestamp) -> Result<(), ProviderError> {
        let Some(endpoint) = &self.addresses.revocation else { return Ok(()) };
        self.client(now).revoke(endpoint, token).await
    }

    async fn end_session_url(&self, _request: &EndSession) -> Result<Option<String>, ProviderError> {
        Ok(None)
    }
}
