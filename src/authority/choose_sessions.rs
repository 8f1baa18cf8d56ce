//! Owns a login whose user has as many sessions as one may have, and is asked which of them end: it waits, sealed, until
//! the choice comes. Does not know how a session is made.

use std::time::Duration;

use super::complete_callback::{Outcome, Taken, Unfinished, Visit};
use super::login_answer::{LoginFailure, Refusal};
use super::make_session::Known;
use super::settings::OnExceed;
use super::validate_session::DeniedReason;
use super::{Authority, Error, SessionView};
use crate::session::key::{SessionKey, UserKey};
use crate::session::login::HeldLogin;
use crate::session::origin::{self, OriginJudgement};
use crate::session::parameters::Parameters;
use crate::session::request::RequestContext;
use crate::session::time::Timestamp;

/// Which sessions end, so that there is room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// These.
    Sessions(Vec<SessionKey>),
    /// The oldest, as many as it takes.
    Oldest,
    /// None: the login is given up.
    Cancel,
}

/// A login that waits for a choice.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What its session would be.
    pub session: SessionView,
    /// The user's sessions, the newest first.
    pub sessions: Vec<SessionView>,
    /// How many there may be.
    pub limit: usize,
    /// How long it waits.
    pub wait: Duration,
}

impl Authority {
    /// Reads a choice; `None` where none came. Only a page of this edge can send one: an origin that is not allowed is
    /// refused, beside that the state is needed, which no other page knows, and the binding.
    pub(super) fn read_choice(
        &self,
        parameters: &Parameters,
        context: &RequestContext,
    ) -> Result<Option<Choice>, Refusal> {
        let Some(text) = parameters.get("end") else { return Ok(None) };
        self.check_origin(context)?;
        let key = |id: &str| SessionKey::from_public(self.settings.tenant, id.trim());
        Ok(Some(match text {
            "oldest" => Choice::Oldest,
            "cancel" => Choice::Cancel,
            ids => {
                let keys: Option<Vec<_>> = ids.split(',').map(key).collect();
                Choice::Sessions(keys.ok_or_else(|| Refusal::malformed("The parameter end names no sessions"))?)
            }
        }))
    }

    /// Refuses what a page of an origin sends that is not allowed.
    pub(super) fn check_origin(&self, context: &RequestContext) -> Result<(), Refusal> {
        let own = &self.settings.public_base_url;
        if origin::judge(context, own, &self.settings.csrf.allowed_origins) == OriginJudgement::Refused {
            let trouble = self.denial(&DeniedReason::OriginRefused);
            return Err(Refusal { failure: LoginFailure::RequestMalformed, trouble });
        }
        Ok(())
    }

    /// Whether a user who has too many sessions is asked.
    pub(super) fn asks(&self) -> bool {
        self.settings.session_limit.is_some_and(|limit| limit.on_exceed == OnExceed::Ask)
    }

    /// Lets a login wait for its user's choice, and asks for it.
    pub(super) async fn hold(&self, visit: &Visit<'_>, taken: &Taken, known: Known) -> Result<Outcome, Error> {
        let held = HeldLogin { login: taken.login.clone(), standing: known.standing, tokens: known.tokens };
        let binding = self.own_binding(visit.callback, &taken.login);
        let sealed = binding.map(|own| self.vault.seal_held(self.nonce(), &visit.callback.state, own, &held));
        // A choice that does not make room lengthens nothing: else a login could wait until the marks that kill it lapse.
        let ttl = if visit.callback.choice.is_none() { self.settings.logins.ttl } else { taken.remaining };
        let waits = match sealed {
            Some(sealed) => self.ports.logins.hold(&visit.callback.key, sealed, ttl).await?,
            None => false,
        };
        if waits {
            return self.ask(visit, held).await;
        }
        self.revoke_at_provider(&held.login.provider, &held.tokens);
        Ok(self.failure(LoginFailure::Interrupted, None, visit.context, visit.call))
    }

    /// Asks again, where the callback is delivered again while its login waits.
    pub(super) async fn ask_again(&self, visit: &Visit<'_>, sealed: &[u8]) -> Result<Outcome, Error> {
        let held = self.open_held(visit, sealed)?;
        self.ask(visit, held).await
    }

    /// Opens a login that waits. Which of the bindings it belongs to is not known before.
    pub(super) fn open_held(&self, visit: &Visit<'_>, sealed: &[u8]) -> Result<HeldLogin, Error> {
        let state = &visit.callback.state;
        let mut opened = visit.callback.bindings.iter().map(|own| self.vault.open_held(state, own, sealed));
        let first = opened.next().ok_or_else(|| Error::Internal("a login was taken without a binding".into()))?;
        Ok(first.or_else(|error| opened.find_map(Result::ok).ok_or(error))?)
    }

    async fn ask(&self, visit: &Visit<'_>, held: HeldLogin) -> Result<Outcome, Error> {
        let identity = &held.standing.identity;
        let user = UserKey::of(self.settings.tenant, &identity.issuer, &identity.sub);
        let mut sessions = self.living(self.ports.sessions.sessions_of(&user).await?);
        newest_first(&mut sessions);
        let times = held.standing.times_at(self.ports.clock.now());
        let nowhere = SessionKey { tenant: user.tenant, partition: user.partition, id: [0; 16] };
        let waiting = Waiting {
            session: self.view(nowhere, held.standing, times, 0),
            sessions,
            limit: self.settings.session_limit.map_or(self.settings.sessions_per_user, |limit| limit.most),
            wait: self.settings.logins.ttl,
        };
        tracing::info!(
            provider = held.login.provider,
            tenant = self.settings.tenant_name,
            caller = visit.call.caller(),
            request_id = visit.call.request_id,
            "a login waits for its user to choose which sessions end"
        );
        let mut answer = self.choice_answer(visit, &waiting, held.login.return_to.as_deref());
        // The choice has to come with it, and may come late.
        if let Some(binding) = self.own_binding(visit.callback, &held.login) {
            answer.set_cookies.push(self.binding_cookie(binding, held.login.form_post, waiting.wait));
        }
        Ok(Outcome { answer, result: Err(Unfinished::Waiting(waiting.into())), first_login: false, token: None })
    }
}

/// Sorts sessions as their user sees them.
pub(super) fn newest_first(sessions: &mut [SessionView]) {
    sessions.sort_by_key(|session| std::cmp::Reverse(place(session)));
}

/// A session's place among those of its user: use does not move it.
pub(super) fn place(session: &SessionView) -> (Timestamp, [u8; 16]) {
    (session.times.created, session.key.id)
}
