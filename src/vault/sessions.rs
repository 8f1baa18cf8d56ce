//! Owns sealing what is kept of a session: the standing under the server's ring, the tokens under a key of the session
//! that opens only with the ring and a credential's secret together. Does not know stores.

use super::compact::{deflate, deflate_standing, inflate, inflate_standing, lengthen, shorten};
use super::encoding::{ExchangedForm, StandingForm, TokensForm, decode, encode};
use super::pair::{join_body, split_body};
use super::{NONCE_LEN, Vault, VaultError};
use crate::crypto::{SealKey, SecretBytes, open_with, seal_with};
use crate::session::credential::Credential;
use crate::session::key::SessionKey;
use crate::session::record::{ExchangedToken, Marks, Standing, Tokens};
use crate::session::time::Timestamp;

/// The format of a body and of what is sealed in it.
pub(super) const VERSION: &[u8] = &[1];

/// The random key of a session's tokens. A change of the credential wraps it anew, and touches no token.
#[derive(Clone, Debug)]
pub struct TokenKey(pub(super) SealKey);

impl TokenKey {
    /// From fresh random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBytes::new(bytes))
    }
}

impl Vault {
    /// A record's body, for one credential: its form (1 byte), the wrapped key of the tokens (44), the sealed standing.
    #[must_use]
    pub fn seal_body(
        &self,
        nonce: [u8; NONCE_LEN],
        credential: &Credential,
        marks: &Marks,
        standing: &Standing,
        token_key: &TokenKey,
    ) -> Vec<u8> {
        let wrapped = self.wrap_token_key(credential, token_key);
        let sealed = self.seal_standing(nonce, &credential.key, marks, standing);
        join_body(&[&wrapped], &sealed)
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
        Ok(join_body(&wrapped, &self.seal_standing(nonce, key, marks, standing)))
    }

    fn seal_standing(&self, nonce: [u8; NONCE_LEN], key: &SessionKey, marks: &Marks, standing: &Standing) -> Vec<u8> {
        let plain = deflate_standing(&encode(&StandingForm::from(standing)));
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
        decode::<StandingForm>(&inflate_standing(&plain)?)?.try_into()
    }
}

impl TokenKey {
    /// Seals a session's tokens.
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE_LEN], key: &SessionKey, tokens: &Tokens) -> Vec<u8> {
        let form = tokens_form(tokens);
        seal_with(&self.0, nonce, &[b"tokens", VERSION, &key.to_bytes()], &deflate(&encode(&form)))
    }

    /// Opens a session's tokens.
    ///
    /// # Errors
    /// When they are not what was sealed for this session.
    pub fn open(&self, key: &SessionKey, sealed: &[u8]) -> Result<Tokens, VaultError> {
        let plain = inflate(&open_with(&self.0, &[b"tokens", VERSION, &key.to_bytes()], sealed)?)?;
        read_tokens(decode(&plain)?)
    }
}

/// Tokens as they are kept.
pub(super) fn tokens_form(tokens: &Tokens) -> TokensForm {
    TokensForm {
        access: tokens.access.as_ref().map(|token| shorten(token).into()),
        access_end: tokens.access_end.map(Timestamp::as_millis),
        scopes: tokens.scopes.clone(),
        refresh: tokens.refresh.as_ref().map(|token| shorten(token).into()),
        id: tokens.id.as_ref().map(|token| shorten(token).into()),
        is_bound: tokens.is_bound.then_some(true),
        exchanged: (!tokens.exchanged.is_empty()).then(|| tokens.exchanged.iter().map(exchanged_form).collect()),
    }
}

/// Reads [`tokens_form`].
pub(super) fn read_tokens(form: TokensForm) -> Result<Tokens, VaultError> {
    let token = |short: Option<minicbor::bytes::ByteVec>| short.map(|short| lengthen(&short)).transpose();
    Ok(Tokens {
        access: token(form.access)?,
        access_end: form.access_end.map(Timestamp::from_millis),
        scopes: form.scopes,
        refresh: token(form.refresh)?,
        id: token(form.id)?,
        is_bound: form.is_bound.unwrap_or_default(),
        exchanged: form.exchanged.unwrap_or_default().into_iter().map(exchanged).collect::<Result<_, _>>()?,
    })
}

fn exchanged_form(token: &ExchangedToken) -> ExchangedForm {
    ExchangedForm {
        audience: token.audience.clone(),
        access: shorten(&token.access).into(),
        end: token.end.as_millis(),
        scopes: token.scopes.clone(),
        is_bound: token.is_bound.then_some(true),
    }
}

fn exchanged(form: ExchangedForm) -> Result<ExchangedToken, VaultError> {
    Ok(ExchangedToken {
        audience: form.audience,
        access: lengthen(&form.access)?,
        is_bound: form.is_bound.unwrap_or_default(),
        end: Timestamp::from_millis(form.end),
        scopes: form.scopes,
    })
}

fn mark_bytes(marks: &Marks) -> [u8; 28] {
    let mut bytes = [0; 28];
    bytes[..8].copy_from_slice(&marks.everything.to_be_bytes());
    bytes[8..16].copy_from_slice(&marks.tenant.to_be_bytes());
    bytes[16..24].copy_from_slice(&marks.provider.to_be_bytes());
    bytes[24..].copy_from_slice(&marks.of.0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};
    use crate::session::identity::Identity;
    use crate::session::key::{Partition, TenantNumber};
    use crate::session::record::RefreshToken;

    /// A body of version 1, as it was written once.
    const GOLDEN: &str = "0132a83e18e1215e262ffdd3cce19d635a26a8dbcde36e16fe33458c38b927a04892a042d92bf65ff687ee5da632a83e\
        1803030303030303030303030324f32775ad94d1803f603e7f1fcbef349c85719991b6ff96c74f82271eeeb5948f5196\
        39155ba9bf484aeb3e801da6bf0fd93b1b6510fc170f85b05c4a91ff656d8d1ac301924ffa47b2bb12d4fe3df098aa88\
        67588b815a420183e046f74d1004de708f6fd517d04213656f14ca65f54d0b1ea358b19d2b64af83828de575b4f2f107\
        eaf5e18f5d3c8caa5915459ff3778301435bccabc3e519ee";

    fn vault() -> Vault {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        Vault::new(&ring, &ring)
    }

    fn credential() -> Credential {
        Credential::new(TenantNumber(1), Partition::new(1).unwrap(), [1; 16], 1, [2; 32])
    }

    fn standing() -> Standing {
        let identity = Identity {
            user_id: "idp_f3a1b2c4-5d6e-4f70-8a9b-0c1d2e3f4a5b".into(),
            provider: "idp".into(),
            issuer: "https://login.example.com/realms/customers".into(),
            sub: "f3a1b2c4-5d6e-4f70-8a9b-0c1d2e3f4a5b".into(),
            email: Some("ada@example.com".into()),
            email_verified: true,
            name: Some("Ada".into()),
            picture: Some("https://login.example.com/pictures/ada.png".into()),
            claims: serde_json::from_str(r#"{"groups":["staff"]}"#).unwrap(),
            scopes: vec!["openid".into(), "email".into()],
            roles: Vec::new(),
            permissions: Vec::new(),
            auth_time: Some(Timestamp::from_secs(1_799_999_990)),
            acr: Some("1".into()),
            amr: vec!["pwd".into()],
        };
        Standing {
            identity,
            created: Timestamp::from_millis(1_800_000_000_123),
            absolute_end: Timestamp::from_millis(1_800_086_400_123),
            remembered: false,
            by_token: false,
            generation_since: Timestamp::from_millis(1_800_000_000_123),
            stepped_up: false,
            fingerprint: Some([7; 16]),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64)".into(),
            client_address: "203.0.113.7".into(),
            place: String::new(),
            provider_session: Some("108234567890123456789".into()),
            access_token_end: Some(Timestamp::from_millis(1_800_000_300_123)),
            user_info_time: None,
            refresh_token: RefreshToken::None,
        }
    }

    // Deflating may change with its library; what was sealed once is read for ever.
    #[test]
    fn golden_bytes() {
        let (marks, credential) = (Marks { everything: 1, tenant: 2, provider: 3, ..Marks::default() }, credential());
        let byte = |at| u8::from_str_radix(&GOLDEN[at..at + 2], 16).unwrap();
        let golden: Vec<u8> = (0..GOLDEN.len()).step_by(2).map(byte).collect();
        assert_eq!(vault().open_standing(&credential.key, &marks, &golden).unwrap(), standing());
        assert_eq!(vault().open_token_key(&credential, &golden).unwrap().0.expose(), &[4; 32]);
    }

    #[test]
    fn every_standing_comes_back() {
        let plain = standing();
        let mut other =
            Standing { remembered: true, generation_since: plain.absolute_end, place: "Oslo".into(), ..standing() };
        (other.stepped_up, other.by_token) = (true, true);
        other.identity = Identity {
            user_id: "idp_tenant_sub".into(),
            sub: "sub".into(),
            auth_time: None,
            claims: serde_json::Map::new(),
            email: None,
            name: None,
            picture: None,
            permissions: vec!["orders:read".into()],
            acr: None,
            ..plain.identity.clone()
        };
        let all = [RefreshToken::Kept, RefreshToken::Sent, RefreshToken::Refused];
        let all = all.map(|refresh_token| Standing { refresh_token, ..standing() });
        for standing in [plain, other].into_iter().chain(all) {
            let body = vault().seal_body([3; 12], &credential(), &Marks::default(), &standing, &TokenKey::new([4; 32]));
            assert_eq!(vault().open_standing(&credential().key, &Marks::default(), &body).unwrap(), standing);
        }
    }
}
