//! Owns sealing what a call with an idempotency key was answered. Does not know what the answer says.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::compact::{deflate, inflate};
use super::encoding::{decode, encode};
use super::{NONCE_LEN, Vault, VaultError};
use crate::crypto::Secret;
use crate::session::kept_call::KeptCall;

const CONTEXT: [&[u8]; 2] = [b"kept call", &[1]];

/// The same as it is sealed.
#[derive(Encode, Decode)]
enum KeptCallForm {
    #[n(0)]
    Answer(#[n(0)] AnswerForm),
    #[n(1)]
    Failure(#[n(0)] u8),
}

#[derive(Encode, Decode)]
struct AnswerForm {
    #[n(0)]
    bytes: ByteVec,
    #[n(1)]
    credential: Option<String>,
}

impl Vault {
    /// Seals an answer: it opens only with the ring and all that names the call together.
    #[must_use]
    pub fn seal_kept_call(&self, nonce: [u8; NONCE_LEN], name: &[&[u8]], kept: &KeptCall) -> Vec<u8> {
        let form = match kept {
            KeptCall::Answer { bytes, credential } => {
                let credential = credential.as_ref().map(|text| text.expose().to_owned());
                KeptCallForm::Answer(AnswerForm { bytes: bytes.clone().into(), credential })
            }
            KeptCall::Failure(number) => KeptCallForm::Failure(*number),
        };
        self.kept.seal(nonce, name, &CONTEXT, &deflate(&encode(&form)))
    }

    /// Opens an answer.
    ///
    /// # Errors
    /// When its key is not loaded, or it is not what was sealed for a call of this name.
    pub fn open_kept_call(&self, name: &[&[u8]], sealed: &[u8]) -> Result<KeptCall, VaultError> {
        Ok(match decode(&inflate(&self.kept.open(name, &CONTEXT, sealed)?)?)? {
            KeptCallForm::Answer(AnswerForm { bytes, credential }) => {
                KeptCall::Answer { bytes: bytes.into(), credential: credential.map(Secret::new) }
            }
            KeptCallForm::Failure(number) => KeptCall::Failure(number),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Unsealable};

    // store.md 3: the server's keys are not enough, nor is the key without the credential, nor is it with another request.
    #[test]
    fn an_answer_opens_for_the_same_call_alone() {
        let ring = |text: &str| KeyRing::new(Secret::new(text), []);
        let vault = Vault::new(&ring("one for sessions"), &ring("one for csrf"));
        let credential = Some(Secret::new("sess_x"));
        let name: [&[u8]; 3] = [b"key", b"handle", b"request"];
        for kept in [KeptCall::Answer { bytes: b"answer".to_vec(), credential }, KeptCall::Failure(3)] {
            let sealed = vault.seal_kept_call([7; NONCE_LEN], &name, &kept);
            assert!(vault.open_kept_call(&name, &sealed) == Ok(kept));
            for other in [[b"kez", name[1], name[2]], [name[0], b"handlf", name[2]], [name[0], name[1], b"requesu"]] {
                assert!(vault.open_kept_call(&other, &sealed) == Err(VaultError::Sealed(Unsealable::Broken)));
            }
        }
    }
}
