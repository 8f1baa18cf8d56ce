//! Owns the bearer tokens of the fake: those that a test issues, and each session's own. Does not know browsers.

use std::time::Duration;

use tonic::{Code, Request, Response, Status};

use super::answers::{failure, json_answer, problem, request_id, token_refused, told};
use super::channels::ISSUER;
use super::front_ends::user;
use super::judge::Missing;
use super::people::{Login, State, now};
use super::{FakeAuthority, World, unguessable};
use crate::v1::token_service_server::TokenService;
use crate::v1::validate_token_response::Outcome;
use crate::v1::{self, DeniedReason, TokenInactiveReason};

/// Whether a bearer token is good, or why it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenState {
    /// It is good.
    #[default]
    Active,
    /// It has expired.
    Expired,
    /// Its issuer has withdrawn it.
    Withdrawn,
}

/// Whose a bearer token is, and what it is good for: see [`FakeAuthority::issue_token`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOf {
    /// The default is `fake_1`. Empty for a token that speaks for a program alone.
    pub user_id: String,
    /// The OAuth2 client that it was given to. Empty for none.
    pub client_id: String,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// Empty for none.
    pub email: String,
    /// Whether it says that the email address is verified, if there is one. The default is that it does.
    pub email_verified: bool,
    /// The scopes that it was granted.
    pub scopes: Vec<String>,
    /// What it permits beyond scopes.
    pub permissions: Vec<String>,
    /// The roles that it names.
    pub roles: Vec<String>,
    /// The authentication context class of the login. Empty for none.
    pub acr: String,
    /// The authentication methods of the login.
    pub amr: Vec<String>,
    /// How long ago the user authenticated.
    pub login_age: Duration,
    /// Whether it is good.
    pub state: TokenState,
    /// The token itself. The default is one that nobody can guess.
    pub token: Option<String>,
}

impl Default for TokenOf {
    fn default() -> Self {
        Self {
            user_id: "fake_1".into(),
            client_id: String::new(),
            audiences: Vec::new(),
            email: String::new(),
            email_verified: true,
            scopes: Vec::new(),
            permissions: Vec::new(),
            roles: Vec::new(),
            acr: String::new(),
            amr: Vec::new(),
            login_age: Duration::ZERO,
            state: TokenState::Active,
            token: None,
        }
    }
}

/// A token as the fake keeps it.
pub(super) struct Issued {
    active: v1::ActiveToken,
    login: Login,
    state: TokenState,
}

impl FakeAuthority {
    /// Makes an access token, to be sent as `Authorization: Bearer`. One that is made again under the same text takes the
    /// place of the former.
    #[must_use]
    pub fn issue_token(&self, of: TokenOf) -> String {
        let token = of.token.unwrap_or_else(|| format!("token_{}", unguessable()));
        let identity = v1::Identity {
            tenant: "default".into(),
            provider: "fake".into(),
            issuer: ISSUER.into(),
            sub: of.user_id.split_once('_').map_or(of.user_id.as_str(), |(_, sub)| sub).to_owned(),
            user_id: of.user_id,
            email_verified: of.email_verified && !of.email.is_empty(),
            email: of.email,
            scopes: of.scopes,
            permissions: of.permissions.clone(),
            roles: of.roles,
            acr: of.acr,
            amr: of.amr,
            ..Default::default()
        };
        let active = v1::ActiveToken {
            kind: v1::TokenKind::Jwt.into(),
            identity: Some(identity),
            client_id: of.client_id,
            audiences: of.audiences,
            permissions: of.permissions,
            ..Default::default()
        };
        let issued = Issued { active, login: Login::ago(of.login_age), state: of.state };
        self.world().tokens.insert(token.clone(), issued);
        token
    }

    /// Says whether a token that was issued is good from now on.
    pub fn set_token_state(&self, token: &str, state: TokenState) {
        if let Some(issued) = self.world().tokens.get_mut(token) {
            issued.state = state;
        }
    }
}

const PREFIX: &str = "access_";

/// A session's access token for this audience; its own where that is empty.
pub(super) fn token_of(session_id: &str, audience: &str) -> String {
    let at = if audience.is_empty() { "" } else { "@" };
    format!("{PREFIX}{session_id}{at}{audience}")
}

#[tonic::async_trait]
impl TokenService for FakeAuthority {
    async fn validate_token(
        &self,
        request: Request<v1::ValidateTokenRequest>,
    ) -> Result<Response<v1::ValidateTokenResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        let outcome = Some(self.world().validate_token(request.get_ref(), &id));
        Ok(Response::new(v1::ValidateTokenResponse { outcome }))
    }

    async fn mint_token(&self, _: Request<v1::MintTokenRequest>) -> Result<Response<v1::MintTokenResponse>, Status> {
        Err(failure(Code::FailedPrecondition, "MINTING_OFF", "The fake authority mints no tokens."))
    }

    async fn get_jwks(&self, _: Request<v1::GetJwksRequest>) -> Result<Response<v1::GetJwksResponse>, Status> {
        Err(failure(Code::FailedPrecondition, "MINTING_OFF", "The fake authority mints no tokens."))
    }
}

impl World {
    fn validate_token(&self, question: &v1::ValidateTokenRequest, request_id: &str) -> Outcome {
        let needed = question.requirements.clone().unwrap_or_default();
        let (active, age) = match self.read_token(&question.token) {
            Ok(found) => found,
            Err(reason) => return Outcome::Inactive(inactive(reason, question.answer_user, request_id)),
        };
        if !needed.audience.is_empty() && !active.audiences.contains(&needed.audience) {
            let reason = TokenInactiveReason::OtherAudience;
            return Outcome::Inactive(inactive(reason, question.answer_user, request_id));
        }
        let identity = active.identity.clone().unwrap_or_default();
        if let Some(missing) = Missing::of(&identity, age, &of_a_session(needed.clone())) {
            return Outcome::Denied(denied(missing, &needed, request_id));
        }
        let answer = question.answer_user.then(|| json_answer(200, &user(&identity)));
        let asked = question.refresh && !identity.user_id.is_empty();
        let refresh_time = asked.then(|| prost_types::Timestamp { seconds: now(), nanos: 0 });
        Outcome::Active(v1::ActiveToken { judged: Some(needed), answer, refresh_time, ..active })
    }

    /// Whose a token is, and how long ago they authenticated.
    fn read_token(&self, token: &[u8]) -> Result<(v1::ActiveToken, Duration), TokenInactiveReason> {
        if token.is_empty() {
            return Err(TokenInactiveReason::None);
        }
        let token = std::str::from_utf8(token).map_err(|_| TokenInactiveReason::Forged)?;
        if let Some(issued) = self.tokens.get(token) {
            return match issued.state {
                TokenState::Active => Ok((issued.active.clone(), issued.login.age())),
                TokenState::Expired => Err(TokenInactiveReason::Expired),
                TokenState::Withdrawn => Err(TokenInactiveReason::Ended),
            };
        }
        let of_session = token.strip_prefix(PREFIX).ok_or(TokenInactiveReason::Forged)?;
        let (session_id, audience) =
            of_session.split_once('@').map_or((of_session, None), |(id, audience)| (id, Some(audience.to_owned())));
        let one = self.by_id(session_id).ok_or(TokenInactiveReason::Forged)?;
        if one.state != State::Active {
            let is_gone = self.deleted.contains(&one.identity.user_id);
            return Err(if is_gone { TokenInactiveReason::UserGone } else { TokenInactiveReason::Ended });
        }
        let active = v1::ActiveToken {
            kind: v1::TokenKind::Jwt.into(),
            identity: Some(one.identity.clone()),
            permissions: one.identity.permissions.clone(),
            session: Some(one.info.clone()),
            audiences: audience.into_iter().collect(),
            ..Default::default()
        };
        Ok((active, one.login.age()))
    }
}

/// What the same would ask of a session.
fn of_a_session(needed: v1::TokenRequirements) -> v1::Requirements {
    let v1::TokenRequirements {
        scopes,
        any_scopes,
        permissions,
        any_permissions,
        roles,
        acr_values,
        amr_values,
        email_verified,
        max_login_age,
        audience: _,
    } = needed;
    v1::Requirements {
        scopes,
        any_scopes,
        permissions,
        any_permissions,
        roles,
        acr_values,
        amr_values,
        email_verified,
        max_login_age,
        csrf: v1::CsrfRequirement::NotRequired.into(),
    }
}

fn inactive(reason: TokenInactiveReason, of_user: bool, request_id: &str) -> v1::InactiveToken {
    if of_user && reason == TokenInactiveReason::UserGone {
        let answer = Some(problem(404, "user_not_found", "User not found", "Log in again.", request_id));
        return v1::InactiveToken { reason: reason.into(), answer };
    }
    let (word, challenge) = match reason {
        TokenInactiveReason::None => ("not_signed_in", "Bearer"),
        _ if of_user => ("invalid_token", "Bearer"),
        _ => ("invalid_token", "Bearer error=\"invalid_token\""),
    };
    let answer = token_refused(401, word, "Could not validate credentials", challenge.to_owned(), request_id);
    v1::InactiveToken { reason: reason.into(), answer: Some(answer) }
}

fn denied(missing: Missing, needed: &v1::TokenRequirements, request_id: &str) -> v1::DeniedToken {
    use v1::TokenDeniedReason as Token;
    let (word, detail, _) = told(&missing);
    let status = if missing.is_mended_by_login() { 401 } else { 403 };
    let answer = Some(token_refused(status, word, &detail, challenge(&missing, needed), request_id));
    let mut said = v1::DeniedToken { answer, ..Default::default() };
    let (reason, list) = match missing.reason {
        DeniedReason::ScopeMissing => (Token::ScopeMissing, Some(&mut said.missing_scopes)),
        DeniedReason::PermissionMissing => (Token::PermissionMissing, Some(&mut said.missing_permissions)),
        DeniedReason::RoleMissing => (Token::RoleMissing, Some(&mut said.missing_roles)),
        DeniedReason::AcrMissing => (Token::AcrMissing, Some(&mut said.missing_acr_values)),
        DeniedReason::AmrMissing => (Token::AmrMissing, Some(&mut said.missing_amr_values)),
        DeniedReason::EmailNotVerified => (Token::EmailNotVerified, None),
        _ => (Token::LoginTooOld, None),
    };
    if let Some(list) = list {
        *list = missing.names;
    }
    said.set_reason(reason);
    said
}

/// What a token would have to have (RFC 6750, 3); of a login, what it has to be asked for (RFC 9470, 3).
fn challenge(missing: &Missing, needed: &v1::TokenRequirements) -> String {
    if missing.is_mended_by_login() {
        let classes = needed.acr_values.join(" ");
        let classes = if classes.is_empty() { classes } else { format!(", acr_values=\"{classes}\"") };
        let age = needed.max_login_age.map(|age| format!(", max_age=\"{}\"", age.seconds)).unwrap_or_default();
        return format!("Bearer error=\"insufficient_user_authentication\"{classes}{age}");
    }
    let is_scope = missing.reason == DeniedReason::ScopeMissing;
    let scope = if is_scope { format!(", scope=\"{}\"", missing.names.join(" ")) } else { String::new() };
    format!("Bearer error=\"insufficient_scope\"{scope}")
}
