//! Owns the CBOR form of what is sealed: numbered fields, so that a later version reads an earlier one.
//! Does not know keys.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::VaultError;
use super::short::{Address, Id};
use super::step_up::ValuesForm;
use crate::session::identity::Identity;
use crate::session::record::{RefreshToken, Standing};
use crate::session::time::Timestamp;

/// Encodes a form. Writing into memory can't fail.
pub(super) fn encode<T: Encode<()>>(form: &T) -> Vec<u8> {
    minicbor::to_vec(form).unwrap_or_default()
}

/// Reads a form back.
pub(super) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, VaultError> {
    minicbor::decode(bytes).map_err(|_| VaultError::Format)
}

/// A [`Standing`] as it is kept: texts first, since those that are alike shorten each other. A field is never
/// renumbered; a new one is optional.
#[derive(Encode, Decode)]
pub(super) struct StandingForm {
    #[n(0)]
    provider: String,
    #[n(1)]
    issuer: String,
    #[n(2)]
    sub: Id,
    /// Unless it is what provider and subject make.
    #[n(3)]
    user_id: Option<String>,
    #[n(4)]
    email: Option<String>,
    #[n(5)]
    name: Option<String>,
    #[n(6)]
    picture: Option<String>,
    #[n(7)]
    scopes: Vec<String>,
    #[n(8)]
    acr: Option<String>,
    #[n(9)]
    amr: Vec<String>,
    /// A JSON object.
    #[n(10)]
    claims: Option<ByteVec>,
    #[n(11)]
    user_agent: String,
    #[n(12)]
    client_address: Address,
    #[n(13)]
    provider_session: Option<Id>,
    #[n(14)]
    email_verified: bool,
    #[n(15)]
    created: u64,
    /// The other times in milliseconds after `created`.
    #[n(16)]
    auth_time: i64,
    #[n(17)]
    absolute_end: i64,
    #[n(18)]
    access_token_end: Option<i64>,
    #[n(19)]
    fingerprint: Option<ByteVec>,
    /// Unless it is false.
    #[n(20)]
    remembered: Option<bool>,
    /// Unless it is `created`.
    #[n(21)]
    generation_since: Option<i64>,
    /// Unless it is empty.
    #[n(22)]
    place: Option<String>,
    /// Whether there is a refresh token, unless it is false.
    #[n(23)]
    renewable: Option<bool>,
    #[n(24)]
    user_info_time: Option<i64>,
    /// The next four: unless they are empty or false.
    #[n(25)]
    roles: Option<Vec<String>>,
    #[n(26)]
    permissions: Option<Vec<String>>,
    #[n(27)]
    stepped_up: Option<bool>,
    /// Whether nobody said when the user authenticated, whatever `auth_time` says.
    #[n(28)]
    auth_time_unsaid: Option<bool>,
    /// Whether the refresh token was sent, unless it is false. Where there is none any more, it was refused.
    #[n(29)]
    refresh_sent: Option<bool>,
    /// Unless it is false.
    #[n(30)]
    by_token: Option<bool>,
}

fn unless_empty(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

pub(super) fn plain_user_id(provider: &str, sub: &str) -> String {
    format!("{provider}_{sub}")
}

impl From<&Standing> for StandingForm {
    fn from(standing: &Standing) -> Self {
        let identity = &standing.identity;
        let claims =
            (!identity.claims.is_empty()).then(|| serde_json::to_vec(&identity.claims).unwrap_or_default().into());
        let user_id = Some(&identity.user_id).filter(|id| **id != plain_user_id(&identity.provider, &identity.sub));
        let created = standing.created.as_millis();
        let after = |time: Timestamp| time.as_millis().wrapping_sub(created).cast_signed();
        Self {
            provider: identity.provider.clone(),
            issuer: identity.issuer.clone(),
            sub: Id(identity.sub.clone()),
            user_id: user_id.cloned(),
            email: identity.email.clone(),
            name: identity.name.clone(),
            picture: identity.picture.clone(),
            scopes: identity.scopes.clone(),
            acr: identity.acr.clone(),
            amr: identity.amr.clone(),
            claims,
            user_agent: standing.user_agent.clone(),
            client_address: Address(standing.client_address.clone()),
            provider_session: standing.provider_session.clone().map(Id),
            email_verified: identity.email_verified,
            created,
            auth_time: identity.auth_time.map_or(0, after),
            absolute_end: after(standing.absolute_end),
            access_token_end: standing.access_token_end.map(after),
            fingerprint: standing.fingerprint.map(|hash| hash.to_vec().into()),
            remembered: standing.remembered.then_some(true),
            generation_since: Some(after(standing.generation_since)).filter(|after| *after != 0),
            place: Some(&standing.place).filter(|place| !place.is_empty()).cloned(),
            renewable: standing.refresh_token.is_there().then_some(true),
            user_info_time: standing.user_info_time.map(after),
            roles: unless_empty(&identity.roles),
            permissions: unless_empty(&identity.permissions),
            stepped_up: standing.stepped_up.then_some(true),
            auth_time_unsaid: identity.auth_time.is_none().then_some(true),
            refresh_sent: matches!(standing.refresh_token, RefreshToken::Sent | RefreshToken::Refused).then_some(true),
            by_token: standing.by_token.then_some(true),
        }
    }
}

impl TryFrom<StandingForm> for Standing {
    type Error = VaultError;

    fn try_from(form: StandingForm) -> Result<Self, VaultError> {
        let claims = match form.claims {
            Some(json) => serde_json::from_slice(&json).map_err(|_| VaultError::Format)?,
            None => serde_json::Map::new(),
        };
        let fingerprint = match form.fingerprint {
            Some(hash) => Some(hash.as_slice().try_into().map_err(|_| VaultError::Format)?),
            None => None,
        };
        let at = |after: i64| Timestamp::from_millis(form.created.wrapping_add(after.cast_unsigned()));
        Ok(Self {
            identity: Identity {
                user_id: form.user_id.unwrap_or_else(|| plain_user_id(&form.provider, &form.sub.0)),
                provider: form.provider,
                issuer: form.issuer,
                sub: form.sub.0,
                email: form.email,
                email_verified: form.email_verified,
                name: form.name,
                picture: form.picture,
                claims,
                scopes: form.scopes,
                roles: form.roles.unwrap_or_default(),
                permissions: form.permissions.unwrap_or_default(),
                auth_time: (form.auth_time_unsaid != Some(true)).then(|| at(form.auth_time)),
                acr: form.acr,
                amr: form.amr,
            },
            created: at(0),
            absolute_end: at(form.absolute_end),
            remembered: form.remembered.unwrap_or_default(),
            by_token: form.by_token.unwrap_or_default(),
            generation_since: at(form.generation_since.unwrap_or_default()),
            stepped_up: form.stepped_up.unwrap_or_default(),
            fingerprint,
            user_agent: form.user_agent,
            client_address: form.client_address.0,
            place: form.place.unwrap_or_default(),
            provider_session: form.provider_session.map(|id| id.0),
            access_token_end: form.access_token_end.map(at),
            refresh_token: match (form.renewable.unwrap_or_default(), form.refresh_sent.unwrap_or_default()) {
                (false, false) => RefreshToken::None,
                (true, false) => RefreshToken::Kept,
                (true, true) => RefreshToken::Sent,
                (false, true) => RefreshToken::Refused,
            },
            user_info_time: form.user_info_time.map(at),
        })
    }
}

/// Tokens as they are kept, each in the form that [`super::compact`] gave it.
#[derive(Encode, Decode)]
pub(super) struct TokensForm {
    #[n(0)]
    pub(super) access: Option<ByteVec>,
    #[n(1)]
    pub(super) access_end: Option<u64>,
    #[n(2)]
    pub(super) scopes: Vec<String>,
    #[n(3)]
    pub(super) refresh: Option<ByteVec>,
    #[n(4)]
    pub(super) id: Option<ByteVec>,
    #[n(5)]
    pub(super) exchanged: Option<Vec<ExchangedForm>>,
    /// Left out of a bearer token's form.
    #[n(6)]
    pub(super) is_bound: Option<bool>,
}

/// An exchanged token as it is kept.
#[derive(Encode, Decode)]
pub(super) struct ExchangedForm {
    #[n(0)]
    pub(super) audience: String,
    #[n(1)]
    pub(super) access: ByteVec,
    #[n(2)]
    pub(super) end: u64,
    #[n(3)]
    pub(super) scopes: Vec<String>,
    #[n(4)]
    pub(super) is_bound: Option<bool>,
}

/// A login under way, as it is kept.
#[derive(Encode, Decode)]
pub(super) struct LoginForm {
    #[n(0)]
    pub(super) provider: String,
    #[n(1)]
    pub(super) redirect_uri: String,
    #[n(2)]
    pub(super) nonce: String,
    #[n(3)]
    pub(super) code_verifier: String,
    #[n(4)]
    pub(super) return_to: Option<String>,
    #[n(5)]
    pub(super) max_age: Option<u64>,
    #[n(6)]
    pub(super) prior: Option<ByteVec>,
    #[n(7)]
    pub(super) binding_hash: ByteVec,
    /// The marks of everything, tenant and provider.
    #[n(9)]
    pub(super) born: [u64; 3],
    #[n(8)]
    pub(super) remember: Option<bool>,
    /// What was asked of it beside its age; unless that is nothing.
    #[n(10)]
    pub(super) values: Option<ValuesForm>,
    /// The session to be stepped up.
    #[n(11)]
    pub(super) step_up: Option<ByteVec>,
    #[n(12)]
    pub(super) began: Option<u64>,
    /// Whether its answer has to be posted; unless it has not.
    #[n(13)]
    pub(super) form_post: Option<bool>,
}

/// A login that waits for a choice: the forms of its login, of what its session would have been, and of its tokens.
#[derive(Encode, Decode)]
pub(super) struct HeldForm {
    #[n(0)]
    pub(super) login: LoginForm,
    #[n(1)]
    pub(super) standing: StandingForm,
    #[n(2)]
    pub(super) tokens: TokensForm,
}

/// A kept answer of a login.
#[derive(Encode, Decode)]
pub(super) enum KeptForm {
    #[n(0)]
    Session(#[n(0)] KeptLoginForm),
    #[n(1)]
    Failure(#[n(0)] KeptFailureForm),
}

/// The answer of a login that failed.
#[derive(Encode, Decode)]
pub(super) struct KeptFailureForm {
    #[n(0)]
    pub(super) reason: u8,
    #[n(1)]
    pub(super) return_to: Option<String>,
    #[n(2)]
    pub(super) request_id: String,
}

/// The answer of a login that made a session.
#[derive(Encode, Decode)]
pub(super) struct KeptLoginForm {
    #[n(0)]
    pub(super) session: ByteVec,
    #[n(1)]
    pub(super) generation: u32,
    #[n(2)]
    pub(super) credential: String,
    #[n(3)]
    pub(super) code_hash: ByteVec,
    #[n(4)]
    pub(super) return_to: Option<String>,
    #[n(5)]
    pub(super) repeat_until: u64,
    #[n(6)]
    pub(super) first_login: Option<bool>,
}
