//! Owns that the session of a login of the route set `api` is collected once: by whoever presents the code, the state and the
//! binding, under one idempotency key. Does not know what is answered.

use std::time::Duration;

use super::callback::Callback;
use super::login_answer::LoginFailure;
use super::{Authority, Call, Error};
use crate::crypto::{Secret, equal};
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
        let answers = self.ports.answers.as_ref();
        let mut claims = self.claims(&place, &collector);
        Ok(match claims.make(answers, LEASE).await? {
            Ok(()) => {
                let is_noted = claims.keep(answers, &[], self.settings.logins.keep_answer_for).await?;
                if is_noted { Ok(()) } else { Err(LoginFailure::AlreadyComplete) }
            }
            Err(in_the_way) if in_the_way.is_same => Ok(()),
            Err(_) => Err(LoginFailure::AlreadyComplete),
        })
    }
}
