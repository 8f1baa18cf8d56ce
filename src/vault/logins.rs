//! Owns sealing what is kept of logins and logouts. Does not know stores.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::compact::{deflate, inflate};
use super::encoding::{HeldForm, KeptFailureForm, KeptForm, KeptLoginForm, LoginForm, decode, encode};
use super::sessions::{read_tokens, tokens_form};
use super::step_up::{needs_of, values_of};
use super::{NONCE_LEN, Vault, VaultError};
use crate::crypto::Secret;
use crate::session::binding::Binding;
use crate::session::key::{LoginKey, SessionKey, TenantNumber};
use crate::session::login::{HeldLogin, KeptAnswer, KeptFailure, KeptLogin, LoginState, PendingLogin};
use crate::session::mark::ProviderTag;
use crate::session::record::Marks;
use crate::session::time::Timestamp;

const VERSION: &[u8] = &[1];

impl Vault {
    /// Seals a login under way.
    #[must_use]
    pub fn seal_login(&self, nonce: [u8; NONCE_LEN], key: &LoginKey, login: &PendingLogin) -> Vec<u8> {
        self.login.seal(nonce, &[&key.id], &[b"login", VERSION], &encode(&LoginForm::from(login)))
    }

    /// Opens a login under way.
    ///
    /// # Errors
    /// When its key is not loaded, or it is not what was sealed for this login.
    pub fn open_login(&self, key: &LoginKey, sealed: &[u8]) -> Result<PendingLogin, VaultError> {
        decode::<LoginForm>(&self.login.open(&[&key.id], &[b"login", VERSION], sealed)?)?.try_into()
    }

    /// Seals a login that waits for a choice: it opens only with the ring, the state and the binding together.
    #[must_use]
    pub fn seal_held(
        &self,
        nonce: [u8; NONCE_LEN],
        state: &LoginState,
        binding: &Binding,
        held: &HeldLogin,
    ) -> Vec<u8> {
        let form = HeldForm {
            login: (&held.login).into(),
            standing: (&held.standing).into(),
            tokens: tokens_form(&held.tokens),
        };
        let subject: [&[u8]; 2] = [state.secret().expose(), binding.secret().expose()];
        self.held.seal(nonce, &subject, &[b"held login", VERSION], &deflate(&encode(&form)))
    }

    /// Opens a login that waits for a choice.
    ///
    /// # Errors
    /// When its key is not loaded, or state or binding are others.
    pub fn open_held(&self, state: &LoginState, binding: &Binding, sealed: &[u8]) -> Result<HeldLogin, VaultError> {
        let subject: [&[u8]; 2] = [state.secret().expose(), binding.secret().expose()];
        let form: HeldForm = decode(&inflate(&self.held.open(&subject, &[b"held login", VERSION], sealed)?)?)?;
        let (login, standing, tokens) = (form.login.try_into()?, form.standing.try_into()?, read_tokens(form.tokens)?);
        Ok(HeldLogin { login, standing, tokens })
    }

    /// Seals a kept answer: it opens only with the ring, the state and the binding together.
    #[must_use]
    pub fn seal_kept(
        &self,
        nonce: [u8; NONCE_LEN],
        state: &LoginState,
        binding: &Binding,
        kept: &KeptAnswer,
    ) -> Vec<u8> {
        let form = match kept {
            KeptAnswer::Session(kept) => KeptForm::Session(kept.into()),
            KeptAnswer::Failure(kept) => KeptForm::Failure(KeptFailureForm {
                reason: kept.reason,
                return_to: kept.return_to.clone(),
                request_id: kept.request_id.clone(),
            }),
        };
        let subject: [&[u8]; 2] = [state.secret().expose(), binding.secret().expose()];
        self.kept.seal(nonce, &subject, &[b"kept login", VERSION], &encode(&form))
    }

    /// Opens a kept answer.
    ///
    /// # Errors
    /// When its key is not loaded, or state or binding are others.
    pub fn open_kept(&self, state: &LoginState, binding: &Binding, sealed: &[u8]) -> Result<KeptAnswer, VaultError> {
        let subject: [&[u8]; 2] = [state.secret().expose(), binding.secret().expose()];
        Ok(match decode(&self.kept.open(&subject, &[b"kept login", VERSION], sealed)?)? {
            KeptForm::Session(form) => KeptAnswer::Session(form.try_into()?),
            KeptForm::Failure(KeptFailureForm { reason, return_to, request_id }) => {
                KeptAnswer::Failure(KeptFailure { reason, return_to, request_id })
            }
        })
    }
}

impl From<&PendingLogin> for LoginForm {
    fn from(login: &PendingLogin) -> Self {
        Self {
            provider: login.provider.clone(),
            redirect_uri: login.redirect_uri.clone(),
            nonce: login.nonce.clone(),
            code_verifier: login.code_verifier.expose().to_owned(),
            return_to: login.return_to.clone(),
            max_age: login.needs.max_age.map(|age| age.as_secs()),
            prior: login.prior.map(|prior| prior.to_bytes().to_vec().into()),
            binding_hash: login.binding_hash.to_vec().into(),
            remember: login.remember.then_some(true),
            values: values_of(&login.needs),
            step_up: login.step_up.map(|session| session.to_bytes().to_vec().into()),
            began: Some(login.began.as_millis()),
            form_post: login.form_post.then_some(true),
            born: [login.born.everything, login.born.tenant, login.born.provider],
        }
    }
}

impl TryFrom<LoginForm> for PendingLogin {
    type Error = VaultError;

    fn try_from(form: LoginForm) -> Result<Self, VaultError> {
        let [everything, tenant, provider] = form.born;
        let session = |bytes: ByteVec| SessionKey::from_bytes(&bytes).ok_or(VaultError::Format);
        Ok(Self {
            born: Marks { everything, tenant, provider, of: ProviderTag::of(&form.provider) },
            provider: form.provider,
            redirect_uri: form.redirect_uri,
            form_post: form.form_post.unwrap_or_default(),
            nonce: form.nonce,
            code_verifier: Secret::new(form.code_verifier),
            return_to: form.return_to,
            began: Timestamp::from_millis(form.began.unwrap_or_default()),
            needs: needs_of(form.values, form.max_age),
            prior: form.prior.map(session).transpose()?,
            step_up: form.step_up.map(session).transpose()?,
            binding_hash: form.binding_hash.as_slice().try_into().map_err(|_| VaultError::Format)?,
            remember: form.remember.unwrap_or_default(),
        })
    }
}

impl From<&KeptLogin> for KeptLoginForm {
    fn from(kept: &KeptLogin) -> Self {
        Self {
            session: kept.session.to_bytes().to_vec().into(),
            generation: kept.generation,
            credential: kept.credential.expose().to_owned(),
            code_hash: kept.code_hash.to_vec().into(),
            return_to: kept.return_to.clone(),
            repeat_until: kept.repeat_until.as_millis(),
            first_login: kept.first_login.then_some(true),
        }
    }
}

impl TryFrom<KeptLoginForm> for KeptLogin {
    type Error = VaultError;

    fn try_from(form: KeptLoginForm) -> Result<Self, VaultError> {
        Ok(Self {
            session: SessionKey::from_bytes(&form.session).ok_or(VaultError::Format)?,
            generation: form.generation,
            credential: Secret::new(form.credential),
            code_hash: form.code_hash.as_slice().try_into().map_err(|_| VaultError::Format)?,
            return_to: form.return_to,
            repeat_until: Timestamp::from_millis(form.repeat_until),
            first_login: form.first_login.unwrap_or_default(),
        })
    }
}

/// What the `state` parameter of a logout carries: it comes back from the provider, and nothing is kept for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutState {
    /// The tenant whose logout it is.
    pub tenant: TenantNumber,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Where to go; `None` for the landing place.
    pub return_to: Option<String>,
}

impl LogoutState {
    /// The tenant whose number the parameter's value carries, before anybody has verified it.
    #[must_use]
    pub fn claimed_tenant(text: &str) -> Option<TenantNumber> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.first_chunk().map(|number| TenantNumber(u32::from_be_bytes(*number)))
    }
}

/// The same as it is sealed.
#[derive(Encode, Decode)]
struct LogoutForm {
    #[n(0)]
    expires: u64,
    #[n(1)]
    return_to: Option<String>,
}

const ID_LEN: usize = 16;

impl Vault {
    /// Seals a logout's state into the parameter's value: base64url of the tenant's number (4 bytes), the id, and what is
    /// sealed under both.
    #[must_use]
    pub fn seal_logout(&self, nonce: [u8; NONCE_LEN], id: [u8; ID_LEN], state: &LogoutState) -> Secret {
        let form = LogoutForm { expires: state.expires.as_millis(), return_to: state.return_to.clone() };
        let tenant = state.tenant.0.to_be_bytes();
        let sealed = self.logout.seal(nonce, &[&id], &[b"logout", VERSION, &tenant], &encode(&form));
        Secret::new(URL_SAFE_NO_PAD.encode([&tenant[..], &id, &sealed].concat()))
    }

    /// Reads the parameter's value; `None` for whatever this authority has not sealed.
    #[must_use]
    pub fn open_logout(&self, text: &str) -> Option<LogoutState> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<4>()?;
        let (id, sealed) = rest.split_first_chunk::<ID_LEN>()?;
        let form: LogoutForm = decode(&self.logout.open(&[id], &[b"logout", VERSION, tenant], sealed).ok()?).ok()?;
        let (tenant, expires) = (TenantNumber(u32::from_be_bytes(*tenant)), Timestamp::from_millis(form.expires));
        Some(LogoutState { tenant, expires, return_to: form.return_to })
    }
}
