//! Owns the answer that a login keeps for a callback delivered twice: keeping it, and repeating it.
//! Does not know how a login is completed.

use super::complete_callback::{Callback, Outcome, Taken};
use super::login_answer::LoginFailure;
use super::ports::{LoginEnd, Lookup};
use super::{Authority, Call, Error};
use crate::crypto::equal;
use crate::session::binding::Binding;
use crate::session::credential::Credential;
use crate::session::login::{KeptAnswer, KeptFailure, KeptLogin, PendingLogin};
use crate::session::request::RequestContext;

impl Authority {
    /// Keeps the answer, sealed for the binding that the login belongs to, until the login's own end: a late repeat is
    /// told that it is complete. `false` when the login has ended otherwise.
    pub(super) async fn keep_answer(
        &self,
        callback: &Callback,
        taken: &Taken,
        kept: &KeptAnswer,
    ) -> Result<bool, Error> {
        let Some(binding) = self.own_binding(callback, &taken.login) else { return Ok(false) };
        let sealed = self.vault.seal_kept(self.nonce(), &callback.state, binding, kept);
        let keep_for = taken.remaining.max(self.settings.logins.keep_answer_for);
        Ok(self.ports.logins.finish(&callback.key, LoginEnd::Done(sealed), keep_for).await?)
    }

    /// The binding that a login belongs to, of those that came.
    pub(super) fn own_binding<'a>(&self, callback: &'a Callback, login: &PendingLogin) -> Option<&'a Binding> {
        let tags = |binding: &Binding| self.vault.binding_hash.tags(&[binding.secret().expose()]).collect::<Vec<_>>();
        callback.bindings.iter().find(|binding| tags(binding).contains(&login.binding_hash))
    }

    /// Answers a callback that was delivered again with what the first one was told (contract.md, 5).
    pub(super) async fn repeat(
        &self,
        callback: &Callback,
        sealed: &[u8],
        context: &RequestContext,
        call: &Call,
    ) -> Result<Outcome, Error> {
        let opened = callback.bindings.iter().find_map(|own| self.vault.open_kept(&callback.state, own, sealed).ok());
        let again = match opened {
            Some(KeptAnswer::Failure(kept)) => return Ok(self.repeat_failure(&kept, context, call)),
            Some(KeptAnswer::Session(kept)) => match &callback.collects {
                Some(key) => match self.collect(callback, key, &kept, call).await? {
                    Ok(()) => self.repeat_session(callback, &kept).await?,
                    Err(failure) => return Ok(self.failure(failure, None, context, call)),
                },
                None => self.repeat_session(callback, &kept).await?,
            },
            None => None,
        };
        Ok(again.unwrap_or_else(|| self.failure(LoginFailure::AlreadyComplete, None, context, call)))
    }

    /// A failure burns its login, whatever code is brought; it is told under the request that the log knows it by.
    fn repeat_failure(&self, kept: &KeptFailure, context: &RequestContext, call: &Call) -> Outcome {
        let first = Call { request_id: kept.request_id.clone(), ..call.clone() };
        self.failure(LoginFailure::from_number(kept.reason), kept.return_to.as_deref(), context, &first)
    }

    /// The session's cookie is given again only to the same code, state and binding, for a short time, and only while it
    /// is the one in force: not after a rotation, and never when another step-up came first.
    async fn repeat_session(&self, callback: &Callback, kept: &KeptLogin) -> Result<Option<Outcome>, Error> {
        if self.ports.clock.now() >= kept.repeat_until || !equal(&kept.code_hash, &callback.code_hash()) {
            return Ok(None);
        }
        let Lookup::Found(record) = self.look_up(&kept.session).await? else { return Ok(None) };
        let given = Credential::read(kept.credential.expose().as_bytes(), &self.vault.credential);
        if !given.is_some_and(|given| given.matches(&record.header.current)) {
            return Ok(None);
        }
        let standing = self.vault.open_standing(&kept.session, &record.header.marks, &record.body)?;
        let times = standing.times(&record.header, self.settings.lifetimes_of(&standing));
        let view = self.view(kept.session, standing, times, kept.generation);
        let cookie = self.session_cookie(&kept.credential, &times);
        let return_to = kept.return_to.as_deref();
        self.completed(callback, cookie, view, return_to, kept.first_login).await.map(Some)
    }
}
