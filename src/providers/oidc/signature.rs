//! Owns the verification of an ID token: form, claims, then the signature with the provider's keys, fetched anew once
//! when the key is unknown. Does not know how the token came.

use std::str::FromStr as _;
use std::time::{Duration, SystemTime};

use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKey};
use openidconnect::{ClientId, IssuerUrl, JsonWebKeySet, Nonce};

use super::claims::{self, Claims, Expected};
use super::compact::Compact;
use super::documents::Documents;
use super::keys::Keys;
use super::metadata::Metadata;
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::kept::Purpose;

/// Why an ID token is not verified.
pub(super) enum Unverified {
    /// It did not pass a check.
    Refused(ProviderError),
    /// It passed every other check, and the key that it names can't be had now.
    NoKey(Box<Claims>, ProviderError),
}

impl From<ProviderError> for Unverified {
    fn from(error: ProviderError) -> Self {
        Self::Refused(error)
    }
}

impl From<Unverified> for ProviderError {
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::Refused(error) | Unverified::NoKey(_, error) => error,
        }
    }
}

/// Verifies an ID token in full (security.md 22 to 37). What is cheap to refuse is refused before any key is touched.
pub(super) async fn verify(
    token: &Secret,
    metadata: &Metadata,
    documents: &Documents,
    expected: &Expected<'_>,
) -> Result<Claims, Unverified> {
    let compact = Compact::read(token.expose(), &metadata.algorithms)?;
    let Compact { algorithm, key_id, claims, .. } = compact;
    let claims = claims::judge(claims, algorithm, expected)?;

    let keys = match documents.keys().await {
        Ok(keys) => keys,
        Err(fault) => return Err(Unverified::NoKey(claims.into(), fault.into())),
    };
    let is_signed_by = |keys: &Keys| {
        let fitting = keys.fitting(algorithm, key_id.as_deref(), &claims.issuer);
        fitting.into_iter().any(|key| is_signed_with(token, key, algorithm, &claims, expected))
    };
    if is_signed_by(&keys) {
        return Ok(claims);
    }
    // Only a key that we can't know yet is worth asking for: a bad signature by a known one is bad.
    let names_one_of = |keys: &Keys| key_id.as_deref().is_some_and(|id| keys.knows(id));
    let bad = ProviderError::Rejected("id_token.signature");
    if names_one_of(&keys) {
        return Err(bad.into());
    }
    match documents.newer_keys(&keys, Purpose::Login).await {
        Ok(Some(newer)) if is_signed_by(&newer) => Ok(claims),
        Ok(Some(newer)) if key_id.is_none() || names_one_of(&newer) => Err(bad.into()),
        // Not published yet, or we have asked too often.
        Ok(_) => Err(Unverified::NoKey(claims.into(), bad)),
        Err(fault) => Err(Unverified::NoKey(claims.into(), fault.into())),
    }
}

/// Lets the library verify the signature, and judge the claims for a second time.
fn is_signed_with(
    token: &Secret,
    key: &CoreJsonWebKey,
    algorithm: super::algorithm::Algorithm,
    claims: &Claims,
    expected: &Expected<'_>,
) -> bool {
    let Ok(issuer) = IssuerUrl::new(claims.issuer.clone()) else { return false };
    let Ok(token) = CoreIdToken::from_str(token.expose()) else { return false };
    // The library allows its clock no leeway at all: ours is set back by it, so that both judge `exp` alike.
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(expected.now.as_millis());
    let judged_at = now - expected.leeway;
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new(expected.client_id.to_owned()),
        issuer,
        JsonWebKeySet::new(vec![key.clone()]),
    )
    .set_allowed_algs([algorithm.core()])
    .set_time_fn(move || judged_at.into());
    match expected.nonce {
        Some(nonce) => token.claims(&verifier, &Nonce::new(nonce.to_owned())).is_ok(),
        None => token.claims(&verifier, |_: Option<&Nonce>| Ok(())).is_ok(),
    }
}
