//! Owns OpenID Connect towards one provider: the port's methods, in the order in which the protocol needs them.
//! Does not know sessions, nor any other provider. The crate `openidconnect` is known in this folder alone.
//!
//! | file | what it is |
//! |---|---|
//! | [`settings`] | what an operator says |
//! | `metadata`, `keys`, `documents` | what the provider publishes, and how it is kept |
//! | `compact`, `claims`, `signature` | the ID token: its form, its claims, its signature |
//! | `authorization` | where a browser is sent for a login |
//! | `refresh` | what the answer to a refresh is worth |
//! | `profile`, `userinfo`, `rights` | what is kept of the claims, and where else they are looked for |
//! | `apple` | what Apple says beside the code |
//! | `logout_token` | the end of a session there, told by the provider |
//! | `signed` | the signature of any other token |
//! | `access_token`, `introspection`, `exchange` | tokens that others present, and tokens for others |
//!
//! The token answer is read by our own strict reader, and the claims are judged by our own rules, each with a name;
//! `openidconnect` then verifies the signature and judges the claims for a second time. Its own token request can
//! do neither: it reads the ID token while it parses the answer, and drops status and reason.

/// Refuses a token of this kind by the check of that name.
macro_rules! refuse {
    ($kind:expr, $check:literal) => {
        rejected(match $kind {
            TokenKind::Id => concat!("id_token.", $check),
            TokenKind::Logout => concat!("logout_token.", $check),
            TokenKind::Userinfo => concat!("userinfo.", $check),
        })
    };
}

mod access_token;
mod algorithm;
mod apple;
mod authorization;
mod claims;
mod compact;
mod documents;
mod exchange;
mod introspection;
mod keys;
mod logout_token;
mod metadata;
mod profile;
mod refresh;
mod rights;
pub mod settings;
mod signature;
mod signed;
mod userinfo;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::claims::{Claims, Expected};
use self::documents::Documents;
use self::introspection::Introspections;
use self::metadata::Metadata;
use self::profile::Profile;
pub use self::settings::{AccessTokenSettings, Dialect, LogoutSettings, OidcSettings, PushedRequests, Userinfo};
use self::signature::Unverified;
use self::userinfo::Asked;
use super::credential::{Credential, Way};
use super::dpop::{Proofs, Proven};
use super::fault::Fault;
use super::http::{Http, HttpSettings};
use super::registration::SettingsFault;
use super::token_endpoint::{Client, TokenAnswer, TokenType};
use crate::authority::access_token::{TokenCheck, TokenFault, TokenVerdict};
use crate::authority::logout_notice::{LogoutChannels, LogoutNotice};
use crate::authority::not_refreshed::NotRefreshed;
use crate::authority::provider::{
    AuthorizationRequest, EndSession, Exchange, ExchangeRequest, Grant, IdentityProvider, Offer, ProofRequest,
    ProviderError, ProviderInfo, Redemption, RefreshRequest, Renewal, UserInfo, UserInfoRequest,
};
use crate::authority::provider_health::LastAsked;
use crate::crypto::Secret;
use crate::session::audit::Step;
use crate::session::identity::{Identity, IssuerRule};
use crate::session::record::Tokens;
use crate::session::time::Timestamp;

/// An OpenID provider. Clones share everything.
#[derive(Clone)]
pub struct OidcProvider {
    info: ProviderInfo,
    settings: Arc<OidcSettings>,
    http: Arc<Http>,
    credential: Arc<Credential>,
    proofs: Option<Arc<Proofs>>,
    documents: Documents,
    introspections: Arc<Introspections>,
}

/// What a token is given out as, where checks are the same for all.
#[derive(Clone, Copy)]
enum TokenKind {
    Id,
    Logout,
    Userinfo,
}

/// Refuses by the check of that name.
fn rejected<T>(check: &'static str) -> Result<T, ProviderError> {
    Err(ProviderError::Rejected(check))
}

/// Work that is given up at `deadline`; what others wait for too goes on.
async fn in_time<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(Fault::Timeout.into()))
}

impl OidcProvider {
    /// The provider that `settings` describe. Asks nothing of it: that is done when it is first needed.
    ///
    /// # Errors
    /// Every fault of the settings.
    pub fn new(settings: OidcSettings, http: HttpSettings) -> Result<Self, Vec<SettingsFault>> {
        let faults = settings.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let own = settings.registration.clone();
        Self::reached(settings, http).map_err(|text| vec![own.fault("issuer", text)])
    }

    /// One that is heard when it says that a session has ended there, and asked for nothing but its keys; `None` where its
    /// issuer's address can't be used.
    pub(super) fn that_only_tells(settings: OidcSettings, http: HttpSettings) -> Option<Self> {
        Self::reached(settings, http).ok()
    }

    fn reached(settings: OidcSettings, http: HttpSettings) -> Result<Self, &'static str> {
        let own = &settings.registration;
        let (guard, metadata) = (own.guard()?, settings.metadata_address()?);
        let http = Arc::new(Http::new(guard, &own.trust().unwrap_or_default(), http).seen_by(own.observer.clone()));
        let info = ProviderInfo {
            name: own.name.clone(),
            display_name: own.display_name.clone(),
            issuer: IssuerRule::new(&own.issuer),
            extra_parameters: own.extra_parameters.clone(),
            tells_of_logins: true,
            form_post: own.form_post,
            names_users_once: settings.dialect == Dialect::Apple,
        };
        let credential = Arc::new(Credential::of(own));
        let proofs = own.dpop_key.as_ref().and_then(Proofs::by).map(Arc::new);
        let settings = Arc::new(settings);
        let documents = Documents::new(http.clone(), settings.clone(), metadata);
        let introspections = Arc::new(Introspections::new());
        Ok(Self { info, settings, http, credential, proofs, documents, introspections })
    }

    async fn metadata(&self, within: Duration) -> Result<Arc<Metadata>, ProviderError> {
        in_time(Instant::now() + within, async { Ok(self.documents.metadata().await?) }).await
    }

    /// Who we are to the provider, as its metadata wants to be told.
    fn client<'a>(&'a self, metadata: &'a Metadata, now: Timestamp) -> Client<'a> {
        let way = Way { auth: metadata.client_auth, algorithms: &metadata.assertion_algorithms, now };
        Client { http: &self.http, credential: &self.credential, way, proofs: self.proofs.as_deref() }
    }

    /// RFC 9207, 2.4: compared as text, before the code goes anywhere (security.md 13, 14).
    fn check_response_issuer(&self, metadata: &Metadata, issuer: Option<&str>) -> Result<(), ProviderError> {
        match issuer {
            Some(issuer) if self.info.issuer.admits(issuer) => Ok(()),
            None if !metadata.names_itself => Ok(()),
            _ => rejected("response.iss"),
        }
    }

    /// Sends the code and verifies the ID token that it brings.
    async fn exchange(&self, redemption: &Redemption) -> Result<(Arc<Metadata>, TokenAnswer, Claims), ProviderError> {
        let trail = &redemption.trail;
        trail.begin(Step::Metadata);
        let metadata = self.documents.metadata().await?;
        trail.begin(Step::ResponseIssuer);
        self.check_response_issuer(&metadata, redemption.response_issuer.as_deref())?;
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", redemption.code.expose()),
            ("redirect_uri", &redemption.redirect_uri),
            ("code_verifier", redemption.code_verifier.expose()),
        ];
        trail.begin(Step::CodeRedeemed);
        let answer = self.client(&metadata, redemption.now).ask(&metadata.token, &grant).await?;
        let answer = TokenAnswer::read(&answer, self.token_type())?;
        let Some(token) = answer.id.clone() else { return rejected("token_response.id_token") };
        trail.begin(Step::IdToken);
        let Redemption { authenticated_after, now, .. } = *redemption;
        let login = Login { nonce: Some(&redemption.nonce), authenticated_after, now };
        let claims = self.verify(&metadata, &answer, &token, login).await?;
        if redemption.response_issuer.as_ref().is_some_and(|issuer| *issuer != claims.issuer) {
            return rejected("response.iss");
        }
        if !self.settings.admits_directory(&claims.all) {
            return rejected("id_token.directory");
        }
        Ok((metadata, answer, claims))
    }

    async fn verify(
        &self,
        metadata: &Metadata,
        answer: &TokenAnswer,
        token: &Secret,
        login: Login<'_>,
    ) -> Result<Claims, Unverified> {
        let expected = Expected {
            issuer: &self.info.issuer,
            client_id: &self.settings.registration.client_id,
            nonce: login.nonce,
            access_token: &answer.access,
            authenticated_after: login.authenticated_after,
            now: login.now,
            leeway: self.settings.clock_leeway,
            max_token_age: self.settings.max_id_token_age,
        };
        signature::verify(token, metadata, &self.documents, &expected).await
    }

    /// Of which type the access tokens are that it gives us.
    const fn token_type(&self) -> TokenType {
        if self.proofs.is_some() { TokenType::Dpop } else { TokenType::Bearer }
    }

    fn tokens(&self, answer: TokenAnswer, now: Timestamp) -> Tokens {
        Tokens {
            access: Some(answer.access),
            is_bound: answer.is_bound,
            access_end: answer.expires_in.map(|life| now + life),
            scopes: answer.scopes.unwrap_or_default(),
            refresh: answer.refresh.filter(|_| self.settings.registration.keep_refresh_token),
            id: answer.id,
            exchanged: Vec::new(),
        }
    }
}

/// What an ID token has to agree with.
#[derive(Clone, Copy)]
struct Login<'a> {
    nonce: Option<&'a str>,
    authenticated_after: Option<Timestamp>,
    now: Timestamp,
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn last_asked(&self) -> Option<LastAsked> {
        self.http.last_asked()
    }

    async fn knock(&self) {
        self.documents.knock(&self.http).await;
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, ProviderError> {
        self.address_for(request).await
    }

    async fn check_issuer(&self, response_issuer: Option<&str>, within: Duration) -> Result<(), ProviderError> {
        self.check_response_issuer(&*self.metadata(within).await?, response_issuer)
    }

    async fn redeem(&self, redemption: &Redemption) -> Result<Grant, ProviderError> {
        let deadline = Instant::now() + redemption.within;
        let (metadata, mut answer, claims) = in_time(deadline, self.exchange(redemption)).await?;
        let now = redemption.now;
        let of_access = self.claims_of_access(&metadata, &answer.access, &claims.sub, now);
        let of_access = timeout_at(deadline, of_access).await.ok().flatten().unwrap_or_default();
        redemption.trail.begin(Step::UserInfo);
        let asked = Asked { access: &answer.access, is_bound: answer.is_bound, issuer: &claims.issuer, now };
        let userinfo = self.userinfo(&metadata, &claims, &of_access, asked, deadline).await?;
        let mut profile = Profile::of(&claims, &userinfo, &self.settings)?;
        if self.settings.dialect == Dialect::Apple {
            profile.name = profile.name.or_else(|| apple::name_in(redemption.response_user.as_ref()?));
        }
        let rights = self.settings.registration.rights.find(&[&claims.all, &of_access, &userinfo]);
        let granted = answer.scopes.get_or_insert_with(|| self.settings.registration.scopes.clone()).clone();
        let mut identity = Identity {
            user_id: self.info.issuer.user_id(&self.info.name, &claims.issuer, &claims.sub),
            provider: self.info.name.clone(),
            issuer: claims.issuer,
            sub: claims.sub,
            email: profile.email,
            email_verified: profile.email_verified,
            name: profile.name,
            picture: profile.picture,
            claims: profile.claims,
            scopes: granted.clone(),
            roles: Vec::new(),
            permissions: Vec::new(),
            auth_time: claims.auth_time,
            acr: claims.acr,
            amr: claims.amr,
        };
        rights.give(&mut identity, &granted);
        Ok(Grant { identity, provider_session: claims.sid, tokens: self.tokens(answer, now) })
    }

    async fn refresh(&self, request: &RefreshRequest) -> Result<Renewal, NotRefreshed> {
        self.renew(request).await
    }

    async fn user_info(&self, request: &UserInfoRequest<'_>) -> Result<UserInfo, ProviderError> {
        let metadata = self.documents.metadata().await?;
        if metadata.userinfo.is_none() {
            return Err(ProviderError::Unsupported(Offer::UserInfo));
        }
        let UserInfoRequest { access_token, is_bound, now, .. } = *request;
        let asked = Asked { access: access_token, is_bound, issuer: &request.identity.issuer, now };
        let answer = self.ask_userinfo(&metadata, asked).await?;
        match answer.status {
            401 => return Err(ProviderError::InvalidGrant(Fault::Status(401).into())),
            // The token is good, and not enough (RFC 6750, 3.1): that says nothing against it.
            403 => return rejected("userinfo.scope"),
            _ => (),
        }
        let (userinfo, identity) = (self.read_userinfo(&metadata, &answer, asked).await?, request.identity);
        profile::same_user(&userinfo, &identity.issuer, &identity.sub)?;
        let rights = self.rights_beside_tokens(&metadata, &userinfo, request);
        Ok(UserInfo { identity: profile::renewed(identity, &userinfo, &self.settings)?, rights })
    }

    async fn exchange(&self, request: &ExchangeRequest) -> Result<Exchange, ProviderError> {
        self.exchange_token(request).await
    }

    fn prove(&self, request: &ProofRequest, token: &Secret, now: Timestamp) -> Result<Secret, ProviderError> {
        let proofs = self.proofs.as_ref().ok_or(ProviderError::Unsupported(Offer::Proofs))?;
        let address = Url::parse(&request.address).map_err(|_| Fault::Invalid("the address of a proof"))?;
        let proven = Proven { method: &request.method, address: &address, token: Some(token), now };
        Ok(proofs.proof(proven, request.nonce.as_deref())?)
    }

    fn token_check(&self) -> TokenCheck {
        self.settings.access_tokens.check
    }

    async fn check_token(&self, token: &Secret, now: Timestamp) -> Result<TokenVerdict, ProviderError> {
        match self.settings.access_tokens.check {
            TokenCheck::Off => Ok(TokenVerdict::Bad(TokenFault::UnknownIssuer)),
            TokenCheck::Jwt => self.check_jwt(token, now).await,
            TokenCheck::Introspection => self.introspect(token, now).await,
        }
    }

    async fn revoke(&self, token: &Secret, now: Timestamp) -> Result<(), ProviderError> {
        let metadata = self.documents.metadata().await?;
        let Some(endpoint) = &metadata.revocation else { return Ok(()) };
        self.client(&metadata, now).revoke(endpoint, token).await
    }

    async fn end_session_url(&self, request: &EndSession) -> Result<Option<String>, ProviderError> {
        let Some(mut url) = self.metadata(request.within).await?.end_session.clone() else { return Ok(None) };
        if let Some(token) = &request.id_token_hint {
            url.query_pairs_mut().append_pair("id_token_hint", token.expose());
        }
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.registration.client_id)
            .append_pair("post_logout_redirect_uri", &request.post_logout_redirect_uri)
            .append_pair("state", request.state.expose());
        Ok(Some(url.into()))
    }

    fn logout_channels(&self) -> LogoutChannels {
        self.settings.logout.channels
    }

    fn is_client(&self, id: &str) -> bool {
        self.settings.registration.client_id == id
    }

    async fn read_logout_token(&self, token: &Secret, now: Timestamp) -> Result<LogoutNotice, ProviderError> {
        self.check_logout_token(token, now).await
    }
}
