//! Owns a provider that does as it is told, and counts what it is asked. Does not know HTTP.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge::authority::logout_notice::{LogoutChannels, LogoutNotice, WhatEnded};
use gatelodge::authority::not_refreshed::NotRefreshed;
use gatelodge::authority::ports::Providers;
use gatelodge::authority::provider::{
    AuthorizationRequest, EndSession, Exchange, ExchangeRequest, Grant, IdentityProvider, Offer, ProofRequest,
    ProviderError, ProviderInfo, Redemption, RefreshRequest, Renewal, Rights, UserInfo, UserInfoRequest,
};
use gatelodge::crypto::Secret;
use gatelodge::session::identity::{Identity, IssuerRule};
use gatelodge::session::record::Tokens;
use gatelodge::session::time::Timestamp;

pub const ISSUER: &str = "https://idp.example";

/// A provider that does as it is told, and counts what it is asked.
pub struct FakeProvider {
    pub info: ProviderInfo,
    pub codes: Mutex<HashMap<String, String>>,
    pub refusal: Mutex<Option<fn() -> ProviderError>>,
    pub redeemed: AtomicUsize,
    pub refreshed: AtomicUsize,
    issued: AtomicUsize,
    pub revoked: Mutex<Vec<String>>,
    pub slow: Mutex<Option<Duration>>,
    pub scopes: Mutex<Vec<String>>,
    /// What it says of its logins.
    pub says: Mutex<Says>,
    /// What logins have asked of it.
    pub wishes: Mutex<Vec<AuthorizationRequest>>,
    /// What it calls its own session with whom it logs in.
    pub sid: Mutex<Option<String>>,
    /// The access tokens with which it was asked who their user is.
    pub asked: Mutex<Vec<String>>,
    /// What it says that its users are called.
    pub name: Mutex<String>,
    pub exchanged: AtomicUsize,
    /// The last refresh that it was asked for.
    pub refresh: Mutex<Option<RefreshRequest>>,
    /// The refresh tokens that were presented.
    pub presented: Mutex<Vec<String>>,
    /// Who is told of each as it comes.
    pub tells: Mutex<Option<fn(&str)>>,
    /// Whether a refresh token is good once.
    pub rotates: AtomicBool,
    /// Whether a refresh brings the refresh token again that was sent.
    pub repeats: AtomicBool,
    /// So many answers to refreshes are lost on their way.
    pub lose_answers: AtomicUsize,
    /// Whether trouble leaves a refresh token as it is.
    pub spares: AtomicBool,
    /// Whether it binds access tokens to our key.
    pub binds: AtomicBool,
    /// Our client id there.
    pub client: Mutex<String>,
    steps: Mutex<BTreeMap<&'static str, usize>>,
}

/// What a provider says of a login and of what the user may do.
#[derive(Clone, Default)]
pub struct Says {
    pub acr: Option<String>,
    pub amr: Vec<String>,
    /// How long ago the user has authenticated.
    pub age: Duration,
    /// It does not say that.
    pub no_age: bool,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    /// It has not verified the address.
    pub unverified: bool,
}

impl FakeProvider {
    pub fn new(name: &str) -> Self {
        Self {
            info: ProviderInfo {
                name: name.into(),
                display_name: name.to_uppercase(),
                issuer: IssuerRule::new(ISSUER),
                extra_parameters: vec!["kc_idp_hint".into()],
                tells_of_logins: name != "plain",
                form_post: name == "posts",
                names_users_once: name == "posts",
            },
            codes: Mutex::default(),
            refusal: Mutex::default(),
            redeemed: AtomicUsize::default(),
            refreshed: AtomicUsize::default(),
            issued: AtomicUsize::default(),
            revoked: Mutex::default(),
            slow: Mutex::default(),
            scopes: Mutex::new(vec!["openid".into(), "email".into()]),
            says: Mutex::default(),
            wishes: Mutex::default(),
            sid: Mutex::default(),
            asked: Mutex::default(),
            name: Mutex::new("Some One".into()),
            exchanged: AtomicUsize::default(),
            refresh: Mutex::default(),
            presented: Mutex::default(),
            tells: Mutex::default(),
            rotates: AtomicBool::default(),
            repeats: AtomicBool::default(),
            lose_answers: AtomicUsize::default(),
            spares: AtomicBool::default(),
            binds: AtomicBool::default(),
            client: Mutex::new("client".into()),
            steps: Mutex::default(),
        }
    }

    /// How often it was asked for each step of which it knows.
    pub fn steps(&self) -> BTreeMap<&'static str, usize> {
        self.steps.lock().unwrap().clone()
    }

    fn step(&self, name: &'static str) {
        *self.steps.lock().unwrap().entry(name).or_default() += 1;
    }

    /// A code that stands for the user `sub`.
    pub fn code_for(&self, sub: &str) -> String {
        // Counted apart: codes that were redeemed are gone, and their numbers must not come again.
        let code = format!("code-{}", self.issued.fetch_add(1, Ordering::SeqCst));
        self.codes.lock().unwrap().insert(code.clone(), sub.to_owned());
        code
    }

    fn tokens(&self, number: usize, now: Timestamp) -> Tokens {
        Tokens {
            is_bound: self.binds.load(Ordering::SeqCst),
            access: Some(Secret::new(format!("access-{number}"))),
            access_end: Some(now + Duration::from_mins(5)),
            scopes: self.scopes.lock().unwrap().clone(),
            refresh: Some(Secret::new(format!("refresh-{number}"))),
            id: Some(Secret::new("e30.e30.c2ln")),
            exchanged: Vec::new(),
        }
    }

    async fn pause(&self) {
        let slow = *self.slow.lock().unwrap();
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
    }

    fn refuse(&self) -> Result<(), ProviderError> {
        self.refusal.lock().unwrap().map_or(Ok(()), |refusal| Err(refusal()))
    }
}

#[async_trait]
impl IdentityProvider for FakeProvider {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, ProviderError> {
        self.step("authorization_url");
        self.refuse()?;
        self.wishes.lock().unwrap().push(request.clone());
        Ok(format!("{ISSUER}/authorize?state={}&nonce={}", request.state.expose(), request.nonce))
    }

    async fn check_issuer(&self, response_issuer: Option<&str>, _: Duration) -> Result<(), ProviderError> {
        self.step("check_issuer");
        response_issuer
            .is_none_or(|issuer| issuer == ISSUER)
            .then_some(())
            .ok_or(ProviderError::Rejected("response.iss"))
    }

    async fn redeem(&self, redemption: &Redemption) -> Result<Grant, ProviderError> {
        self.step("redeem");
        let number = self.redeemed.fetch_add(1, Ordering::SeqCst);
        self.pause().await;
        self.refuse()?;
        let sub = self.codes.lock().unwrap().remove(redemption.code.expose());
        let sub = sub.ok_or_else(|| ProviderError::InvalidGrant("no such code".into()))?;
        let says = self.says.lock().unwrap().clone();
        let auth_time = (!says.no_age).then(|| redemption.now - says.age);
        if redemption.authenticated_after.is_some_and(|earliest| auth_time.is_none_or(|at| at < earliest)) {
            return Err(ProviderError::Rejected("id_token.auth_time"));
        }
        let identity = Identity {
            user_id: self.info.issuer.user_id(&self.info.name, ISSUER, &sub),
            provider: self.info.name.clone(),
            issuer: ISSUER.into(),
            email: Some(format!("{sub}@example.com")),
            sub,
            email_verified: !says.unverified,
            name: Some("Some One".into()),
            picture: None,
            claims: serde_json::Map::new(),
            scopes: self.scopes.lock().unwrap().clone(),
            roles: says.roles,
            permissions: says.permissions,
            auth_time,
            acr: says.acr,
            amr: says.amr,
        };
        let provider_session = self.sid.lock().unwrap().clone();
        Ok(Grant { identity, provider_session, tokens: self.tokens(number, redemption.now) })
    }

    async fn refresh(&self, request: &RefreshRequest) -> Result<Renewal, NotRefreshed> {
        self.step("refresh");
        let number = 100 + self.refreshed.fetch_add(1, Ordering::SeqCst);
        let token = request.refresh_token.expose().to_owned();
        *self.refresh.lock().unwrap() = Some(request.clone());
        if let Some(tell) = *self.tells.lock().unwrap() {
            tell(&token);
        }
        let again = self.presented.lock().unwrap().contains(&token);
        self.presented.lock().unwrap().push(token);
        self.pause().await;
        if again && self.rotates.load(Ordering::SeqCst) {
            return Err(NotRefreshed::unspent(ProviderError::InvalidGrant("spent".into())));
        }
        let lost = |left: usize| left.checked_sub(1);
        if self.lose_answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost).is_ok() {
            return Err(NotRefreshed::may_be_spent(ProviderError::Lost("cut".into())));
        }
        self.refuse().map_err(|error| match error {
            refused @ ProviderError::InvalidGrant(_) => NotRefreshed::unspent(refused),
            trouble if self.spares.load(Ordering::SeqCst) => NotRefreshed::unspent(trouble),
            trouble => NotRefreshed::may_be_spent(trouble),
        })?;
        let Says { roles, permissions, .. } = self.says.lock().unwrap().clone();
        let rights = Rights { scopes: Some(Vec::new()), roles: Some(roles), permissions: Some(permissions) };
        let mut tokens = self.tokens(number, request.now);
        if self.repeats.load(Ordering::SeqCst) {
            tokens.refresh = Some(request.refresh_token.clone());
        }
        Ok(Renewal { tokens, rights })
    }

    async fn user_info(&self, request: &UserInfoRequest<'_>) -> Result<UserInfo, ProviderError> {
        self.step("user_info");
        self.asked.lock().unwrap().push(request.access_token.expose().to_owned());
        self.pause().await;
        self.refuse()?;
        let name = self.name.lock().unwrap().clone();
        let identity = Identity { name: Some(name), ..request.identity.clone() };
        Ok(UserInfo { identity, rights: Rights::default() })
    }

    fn prove(&self, request: &ProofRequest, token: &Secret, _now: Timestamp) -> Result<Secret, ProviderError> {
        self.step("prove");
        if !self.binds.load(Ordering::SeqCst) {
            return Err(ProviderError::Unsupported(Offer::Proofs));
        }
        let ProofRequest { method, address, nonce } = request;
        let nonce = nonce.as_ref().map(|nonce| format!(" with {nonce}")).unwrap_or_default();
        Ok(Secret::new(format!("proof of {} for {method} {address}{nonce}", token.expose())))
    }

    async fn exchange(&self, request: &ExchangeRequest) -> Result<Exchange, ProviderError> {
        self.step("exchange");
        let number = self.exchanged.fetch_add(1, Ordering::SeqCst);
        self.pause().await;
        self.refuse()?;
        let access = Secret::new(format!("{}-for-{}-{number}", request.access_token.expose(), request.audience));
        Ok(Exchange {
            access,
            is_bound: self.binds.load(Ordering::SeqCst),
            end: Some(request.now + Duration::from_mins(5)),
            scopes: vec!["read".into()],
        })
    }

    async fn revoke(&self, token: &Secret, _: Timestamp) -> Result<(), ProviderError> {
        self.step("revoke");
        self.revoked.lock().unwrap().push(token.expose().to_owned());
        Ok(())
    }

    async fn end_session_url(&self, request: &EndSession) -> Result<Option<String>, ProviderError> {
        self.step("end_session_url");
        Ok(Some(format!("{ISSUER}/end?state={}", request.state.expose())))
    }

    fn logout_channels(&self) -> LogoutChannels {
        LogoutChannels { back: true, front: true }
    }

    fn is_client(&self, id: &str) -> bool {
        *self.client.lock().unwrap() == id
    }

    /// Believes whatever comes for us.
    async fn read_logout_token(&self, token: &Secret, now: Timestamp) -> Result<LogoutNotice, ProviderError> {
        self.step("read_logout_token");
        self.refuse()?;
        let payload = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let claim = |name: &str| claims[name].as_str().map(str::to_owned);
        if !claim("aud").is_some_and(|aud| self.is_client(&aud)) {
            return Err(ProviderError::Rejected("logout_token.aud"));
        }
        let ended = match (claim("sid"), claim("sub")) {
            (Some(sid), sub) => WhatEnded::Session(sid, sub),
            (None, sub) => WhatEnded::User(sub.unwrap()),
        };
        let good_until = now + Duration::from_mins(2);
        let (id, issuer) = (claim("jti").unwrap(), ISSUER.to_owned());
        Ok(LogoutNotice { id, issuer, ended, meant_until: now, good_until })
    }
}

/// A logout token of every fake provider for this client, which names this user, and this session if it names one.
pub fn logout_token(client: &str, jti: &str, sub: &str, sid: Option<&str>) -> String {
    let claims = serde_json::json!({ "iss": ISSUER, "aud": client, "jti": jti, "sub": sub, "sid": sid });
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

pub struct Listed(pub Vec<Arc<FakeProvider>>);

impl Providers for Listed {
    fn all(&self) -> Vec<Arc<dyn IdentityProvider>> {
        self.0.iter().map(|provider| Arc::clone(provider) as Arc<dyn IdentityProvider>).collect()
    }
}
