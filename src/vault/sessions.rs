//! Owns sealing what is kept of a session: the standing under the server's ring, the tokens under a key of the session
//! that opens only with the ring and the credential's secret together. Does not know stores.

use super::compact::{deflate, inflate, lengthen, shorten};
use super::encoding::{ExchangedForm, StandingForm, TokensForm, decode, encode};
use super::{NONCE_LEN, Vault, VaultError};
use crate::crypto::{SealKey, SecretBytes, open_with, seal_with};
use crate::session::credential::Credential;
use crate::session::key::SessionKey;
use crate::session::record::{ExchangedToken, Marks, Standing, Tokens};
use crate::session::time::Timestamp;

/// The format of a body and of what is sealed in it.
const VERSION: &[u8] = &[1];

/// The random key of a session's tokens. A change of the credential wraps it anew, and touches no token.
#[derive(Clone, Debug)]
pub struct TokenKey(SealKey);

impl TokenKey {
    /// From fresh random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBytes::new(bytes))
    }
}

/// Fresh random nonces for one sealing of a body.
#[derive(Clone, Copy)]
pub struct BodyNonces {
    /// For the standing.
    pub standing: [u8; NONCE_LEN],
    /// For the wrapped key of the tokens.
    pub token_key: [u8; NONCE_LEN],
}

impl Vault {
    /// A record's body: format version (1 byte), length of the wrapped key (1), the wrapped key, the sealed standing.
    #[must_use]
    pub fn seal_body(
        &self,
        nonces: BodyNonces,
        credential: &Credential,
        marks: &Marks,
        standing: &Standing,
        token_key: &TokenKey,
    ) -> Vec<u8> {
        let wrapped = self.token_key.seal(
            nonces.token_key,
            &[&credential.key.to_bytes(), credential.secret().expose()],
            &[b"token key", VERSION],
            token_key.0.expose(),
        );
        let sealed = self.seal_standing(nonces.standing, &credential.key, marks, standing);
        join_body(&wrapped, &sealed)
    }

    /// The same body with another standing: what needs no credential.
    ///
    /// # Errors
    /// When the body is of another format.
    pub fn reseal_standing(
        &self,
        nonce: [u8; NONCE_LEN],
        key: &SessionKey,
        marks: &Marks,
        body: &[u8],
        standing: &Standing,
    ) -> Result<Vec<u8>, VaultError> {
        let (wrapped, _) = split_body(body)?;
        Ok(join_body(wrapped, &self.seal_standing(nonce, key, marks, standing)))
    }

    fn seal_standing(&self, nonce: [u8; NONCE_LEN], key: &SessionKey, marks: &Marks, standing: &Standing) -> Vec<u8> {
        let plain = encode(&StandingForm::from(standing));
        self.standing.seal(nonce, &[&key.to_bytes()], &[b"standing", VERSION, &mark_bytes(marks)], &plain)
    }

    /// Opens the standing in a record's body.
    ///
    /// # Errors
    /// When its key is not loaded, or it is not what was sealed for this session and these marks.
    pub fn open_standing(&self, key: &SessionKey, marks: &Marks, body: &[u8]) -> Result<Standing, VaultError> {
        let (_, sealed) = split_body(body)?;
        let context: [&[u8]; 3] = [b"standing", VERSION, &mark_bytes(marks)];
        let plain = self.standing.open(&[&key.to_bytes()], &context, sealed)?;
        decode::<StandingForm>(&plain)?.try_into()
    }

    /// Unwraps the key of a session's tokens. Only the current credential's secret does it.
    ///
    /// # Errors
    /// When the ring's key is not loaded, or the credential is not the one it was wrapped for.
    pub fn open_token_key(&self, credential: &Credential, body: &[u8]) -> Result<TokenKey, VaultError> {
        let (wrapped, _) = split_body(body)?;
        let subject: [&[u8]; 2] = [&credential.key.to_bytes(), credential.secret().expose()];
        let plain = self.token_key.open(&subject, &[b"token key", VERSION], wrapped)?;
        plain.try_into().map(TokenKey::new).map_err(|_| VaultError::Format)
    }
}

impl TokenKey {
    /// Seals a session's tokens.
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE_LEN], key: &SessionKey, tokens: &Tokens) -> Vec<u8> {
        let form = TokensForm {
            access: tokens.access.as_ref().map(|token| shorten(token).into()),
            access_end: tokens.access_end.map(Timestamp::as_millis),
            scopes: tokens.scopes.clone(),
            refresh: tokens.refresh.as_ref().map(|token| shorten(token).into()),
            id: tokens.id.as_ref().map(|token| shorten(token).into()),
            exchanged: (!tokens.exchanged.is_empty()).then(|| tokens.exchanged.iter().map(exchanged_form).collect()),
        };
        seal_with(&self.0, nonce, &[b"tokens", VERSION, &key.to_bytes()], &deflate(&encode(&form)))
    }

    /// Opens a session's tokens.
    ///
    /// # Errors
    /// When they are not what was sealed for this session.
    pub fn open(&self, key: &SessionKey, sealed: &[u8]) -> Result<Tokens, VaultError> {
        let plain = inflate(&open_with(&self.0, &[b"tokens", VERSION, &key.to_bytes()], sealed)?)?;
        let form = decode::<TokensForm>(&plain)?;
        let token = |short: Option<minicbor::bytes::ByteVec>| short.map(|short| lengthen(&short)).transpose();
        Ok(Tokens {
            access: token(form.access)?,
            access_end: form.access_end.map(Timestamp::from_millis),
            scopes: form.scopes,
            refresh: token(form.refresh)?,
            id: token(form.id)?,
            exchanged: form.exchanged.unwrap_or_default().into_iter().map(exchanged).collect::<Result<_, _>>()?,
        })
    }
}

fn exchanged_form(token: &ExchangedToken) -> ExchangedForm {
    ExchangedForm {
        audience: token.audience.clone(),
        access: shorten(&token.access).into(),
        end: token.end.as_millis(),
        scopes: token.scopes.clone(),
    }
}

fn exchanged(form: ExchangedForm) -> Result<ExchangedToken, VaultError> {
    let end = Timestamp::from_millis(form.end);
    Ok(ExchangedToken { audience: form.audience, access: lengthen(&form.access)?, end, scopes: form.scopes })
}

fn mark_bytes(marks: &Marks) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&marks.everything.to_be_bytes());
    bytes[8..16].copy_from_slice(&marks.tenant.to_be_bytes());
    bytes[16..].copy_from_slice(&marks.provider.to_be_bytes());
    bytes
}

fn join_body(wrapped: &[u8], sealed: &[u8]) -> Vec<u8> {
    // A wrapped key is 64 bytes long: 4 of key id, 12 of nonce, 32 of key, 16 of tag.
    let length = u8::try_from(wrapped.len()).unwrap_or(0);
    [VERSION, &[length], wrapped, sealed].concat()
}

fn split_body(body: &[u8]) -> Result<(&[u8], &[u8]), VaultError> {
    match body {
        [1, length, rest @ ..] => rest.split_at_checked(usize::from(*length)).ok_or(VaultError::Format),
        _ => Err(VaultError::Format),
    }
}
