//! Owns the CBOR form of what is sealed: numbered fields, so that a later version reads an earlier one.
//! Does not know keys.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::VaultError;
use crate::session::identity::Identity;
use crate::session::record::Standing;
use crate::session::time::Timestamp;

/// Encodes a form. Writing into memory can't fail.
pub(super) fn encode<T: Encode<()>>(form: &T) -> Vec<u8> {
    minicbor::to_vec(form).unwrap_or_default()
}

/// Reads a form back.
pub(super) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, VaultError> {
    minicbor::decode(bytes).map_err(|_| VaultError::Format)
}

/// A [`Standing`] as it is kept. A field is never renumbered; a new one is optional.
#[derive(Encode, Decode)]
pub(super) struct StandingForm {
    #[n(0)]
    user_id: String,
    #[n(1)]
    provider: String,
    #[n(2)]
    issuer: String,
    #[n(3)]
    sub: String,
    #[n(4)]
    email: Option<String>,
    #[n(5)]
    email_verified: bool,
    #[n(6)]
    name: Option<String>,
    #[n(7)]
    picture: Option<String>,
    /// A JSON object.
    #[n(8)]
    claims: Option<ByteVec>,
    #[n(9)]
    scopes: Vec<String>,
    #[n(10)]
    auth_time: u64,
    #[n(11)]
    acr: Option<String>,
    #[n(12)]
    amr: Vec<String>,
    #[n(13)]
    created: u64,
    #[n(14)]
    absolute_end: u64,
    #[n(15)]
    fingerprint: Option<ByteVec>,
    #[n(16)]
    user_agent: String,
    #[n(17)]
    client_address: String,
    #[n(18)]
    provider_session: Option<String>,
    #[n(19)]
    access_token_end: Option<u64>,
    /// 20 to 22 are for what rotation and devices keep.
    #[n(23)]
    renewable: Option<bool>,
    #[n(24)]
    user_info_time: Option<u64>,
}

impl From<&Standing> for StandingForm {
    fn from(standing: &Standing) -> Self {
        let identity = &standing.identity;
        let claims =
            (!identity.claims.is_empty()).then(|| serde_json::to_vec(&identity.claims).unwrap_or_default().into());
        Self {
            user_id: identity.user_id.clone(),
            provider: identity.provider.clone(),
            issuer: identity.issuer.clone(),
            sub: identity.sub.clone(),
            email: identity.email.clone(),
            email_verified: identity.email_verified,
            name: identity.name.clone(),
            picture: identity.picture.clone(),
            claims,
            scopes: identity.scopes.clone(),
            auth_time: identity.auth_time.as_millis(),
            acr: identity.acr.clone(),
            amr: identity.amr.clone(),
            created: standing.created.as_millis(),
            absolute_end: standing.absolute_end.as_millis(),
            fingerprint: standing.fingerprint.map(|hash| hash.to_vec().into()),
            user_agent: standing.user_agent.clone(),
            client_address: standing.client_address.clone(),
            provider_session: standing.provider_session.clone(),
            access_token_end: standing.access_token_end.map(Timestamp::as_millis),
            renewable: standing.renewable.then_some(true),
            user_info_time: standing.user_info_time.map(Timestamp::as_millis),
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
        Ok(Self {
            identity: Identity {
                user_id: form.user_id,
                provider: form.provider,
                issuer: form.issuer,
                sub: form.sub,
                email: form.email,
                email_verified: form.email_verified,
                name: form.name,
                picture: form.picture,
                claims,
                scopes: form.scopes,
                auth_time: Timestamp::from_millis(form.auth_time),
                acr: form.acr,
                amr: form.amr,
            },
            created: Timestamp::from_millis(form.created),
            absolute_end: Timestamp::from_millis(form.absolute_end),
            fingerprint,
            user_agent: form.user_agent,
            client_address: form.client_address,
            provider_session: form.provider_session,
            access_token_end: form.access_token_end.map(Timestamp::from_millis),
            renewable: form.renewable.unwrap_or_default(),
            user_info_time: form.user_info_time.map(Timestamp::from_millis),
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
}

/// A kept answer of a login.
#[derive(Encode, Decode)]
pub(super) struct KeptForm {
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
}

/// What the `state` of a logout carries.
#[derive(Encode, Decode)]
pub(super) struct LogoutForm {
    #[n(0)]
    pub(super) expires: u64,
    #[n(1)]
    pub(super) return_to: Option<String>,
}
