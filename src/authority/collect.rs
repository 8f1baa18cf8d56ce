//! Owns that the session of a login of the route set `api` is collected once: by whoever presents the code, the state and the
//! binding, under one idempotency key. Does not know what is answered.

use std::time::Duration;

use super::answer_store::{Claim, Claimed};
use super::callback::Callback;
use super::login_answer::LoginFailure;
use super::{Authority, Call, Error};
use crate::crypto::{Secret, equal};
use crate::session::key::AnswerKey;
use crate::session::login::KeptLogin;

/// Between claiming a session and noting that it is collected there is one write.
const LEASE: Duration = Duration::from_secs(5);

impl Authority {
    /// Notes who collects the session that a login has made, or says why this request may not: its state and binding have
    /// opened what is kept of it. A repeat with the same key may, as long as the session's first cookie can be had.
    pub(super) async fn collect(
        &self,
        callback: &Callback,
        key: &Secret,
        kept: &KeptLogin,
        call: &Call,
    ) -> Result<Result<(), LoginFailure>, Error> {
        if !equal(&kept.code_hash, &callback.code_hash()) {
            return Ok(Err(LoginFailure::CodeRefused));
        }
        if self.ports.clock.now() >= kept.repeat_until {
            return Ok(Err(LoginFailure::Expired));
        }
        let (state, caller) = (callback.state.secret().expose(), call.caller().as_bytes());
        let place: [&[u8]; 2] = [b"collected login", state];
        let collector: [&[u8]; 4] = [b"collected by", state, caller, key.expose().as_bytes()];
        // Under the oldest key, as the answers of named calls are.
        let hash = |parts: &[&[u8]]| self.vault.call.tags(parts).last().unwrap_or_default();
        let at = AnswerKey::of(self.settings.tenant, hash(&place));
        let claim = Claim { by: self.random(), request: hash(&collector) };
        let is_own = |other: [u8; 16]| self.vault.call.tags(&collector).any(|own| own == other);
        Ok(match self.ports.answers.claim_call(&at, &claim, LEASE).await? {
            Claimed::Taken => {
                let keep_for = self.settings.logins.keep_answer_for;
                let is_noted = self.ports.answers.keep_answer(&at, &claim, Vec::new(), keep_for).await?;
                if is_noted { Ok(()) } else { Err(LoginFailure::AlreadyComplete) }
            }
            Claimed::AtWork(other) | Claimed::Answered(other, _) if is_own(other) => Ok(()),
            Claimed::AtWork(_) | Claimed::Answered(..) => Err(LoginFailure::AlreadyComplete),
        })
    }
}
