//! Owns sealing what a denied request's login query carries. Does not know when a request is denied.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::encoding::{decode, encode};
use super::{NONCE_LEN, Vault};
use crate::crypto::Secret;
use crate::session::key::SessionKey;
use crate::session::need::LoginNeeds;
use crate::session::step_up::StepUp;
use crate::session::time::Timestamp;

const VERSION: &[u8] = &[1];
const ID_LEN: usize = 16;

/// Authentication context classes and methods.
#[derive(Encode, Decode)]
pub(super) struct ValuesForm {
    #[n(0)]
    acr_values: Vec<String>,
    #[n(1)]
    amr_values: Vec<String>,
}

#[derive(Encode, Decode)]
struct StepUpForm {
    #[n(0)]
    session: ByteVec,
    #[n(1)]
    generation: u32,
    #[n(2)]
    expires: u64,
    #[n(3)]
    max_age: Option<u64>,
    #[n(4)]
    values: Option<ValuesForm>,
    /// Unless it is false.
    #[n(5)]
    prompts: Option<bool>,
}

/// What is needed of a login beside its age, as it is kept.
pub(super) fn values_of(needs: &LoginNeeds) -> Option<ValuesForm> {
    let LoginNeeds { acr_values, amr_values, .. } = needs.clone();
    (!acr_values.is_empty() || !amr_values.is_empty()).then_some(ValuesForm { acr_values, amr_values })
}

/// Reads [`values_of`], and the age in seconds.
pub(super) fn needs_of(values: Option<ValuesForm>, max_age: Option<u64>) -> LoginNeeds {
    let (classes, methods) = values.map_or_else(Default::default, |form| (form.acr_values, form.amr_values));
    LoginNeeds { acr_values: classes, amr_values: methods, max_age: max_age.map(Duration::from_secs) }
}

impl Vault {
    /// Seals the wish to step a session up into the parameter's value.
    #[must_use]
    pub fn seal_step_up(&self, nonce: [u8; NONCE_LEN], id: [u8; ID_LEN], step_up: &StepUp) -> Secret {
        let form = StepUpForm {
            session: step_up.session.to_bytes().to_vec().into(),
            generation: step_up.generation,
            expires: step_up.expires.as_millis(),
            max_age: step_up.needs.max_age.map(|age| age.as_secs()),
            values: values_of(&step_up.needs),
            prompts: step_up.prompts.then_some(true),
        };
        let sealed = self.step_up.seal(nonce, &[&id], &[b"step-up", VERSION], &encode(&form));
        Secret::new(URL_SAFE_NO_PAD.encode([&id[..], &sealed].concat()))
    }

    /// Reads the parameter's value; `None` for whatever this authority has not sealed.
    #[must_use]
    pub fn open_step_up(&self, text: &str) -> Option<StepUp> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, sealed) = bytes.split_first_chunk::<ID_LEN>()?;
        let form: StepUpForm = decode(&self.step_up.open(&[id], &[b"step-up", VERSION], sealed).ok()?).ok()?;
        Some(StepUp {
            session: SessionKey::from_bytes(&form.session)?,
            generation: form.generation,
            needs: needs_of(form.values, form.max_age),
            prompts: form.prompts.unwrap_or_default(),
            expires: Timestamp::from_millis(form.expires),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyRing;
    use crate::session::key::{Partition, TenantNumber};

    #[test]
    fn a_step_up_reads_back_and_no_changed_one_does() {
        let vault = |secret| {
            let ring = KeyRing::new(Secret::new(secret), []);
            Vault::new(&ring, &ring)
        };
        let session = SessionKey { tenant: TenantNumber(1), partition: Partition::new(7).unwrap(), id: [3; 16] };
        let expires = Timestamp::from_secs(100);
        for (needs, prompts) in [
            (LoginNeeds::default(), false),
            (
                LoginNeeds {
                    acr_values: vec!["2".into(), "1".into()],
                    amr_values: vec!["otp".into()],
                    max_age: Some(Duration::from_mins(5)),
                },
                true,
            ),
        ] {
            let step_up = StepUp { session, generation: 4, needs, prompts, expires };
            let text = vault("one").seal_step_up([1; 12], [2; 16], &step_up);
            assert_eq!(vault("one").open_step_up(text.expose()), Some(step_up));
            assert_eq!(vault("two").open_step_up(text.expose()), None);
            for position in 0..text.expose().len() {
                let mut bent = text.expose().to_owned();
                bent.replace_range(position..=position, if bent.as_bytes()[position] == b'A' { "B" } else { "A" });
                assert_eq!(vault("one").open_step_up(&bent), None, "{position}");
            }
        }
        assert_eq!(vault("one").open_step_up(""), None);
    }
}
