//! Owns stepping a session up: its own user has logged in again, as was asked for, so it goes on under a new credential with
//! what the new login says. Does not know how the login was verified.

use super::admit::{Admission, Admitted};
use super::callback::{Taken, Visit};
use super::login_answer::LoginFailure;
use super::make_session::{Known, NewlyMade, Stop};
use super::ports::{Lookup, Written};
use super::rotate::ATTEMPTS;
use super::stream::Untold;
use super::{Authority, Call, Error};
use crate::crypto::SecretBytes;
use crate::session::admission::{Chosen, InactiveReason};
use crate::session::credential::Credential;
use crate::session::event::What;
use crate::session::key::SessionKey;
use crate::session::login::{KeptAnswer, KeptLogin};
use crate::session::record::{Header, Record, Standing};
use crate::session::rotation;

impl Authority {
    /// Steps up the session that the login was begun for. `None` where the login makes a session like any other: it was for
    /// none, another user came back, or the session has ended by itself meanwhile.
    ///
    /// **Invariant:** the answer is kept before the session changes, so there is no moment at which nobody can get the
    /// credential in force: before the write it is the one that the browser holds, after it the one that a repeated
    /// callback is given.
    pub(super) async fn step_up(
        &self,
        visit: &Visit<'_>,
        taken: &Taken,
        known: &Known,
    ) -> Result<Option<NewlyMade>, Stop> {
        let Some(session) = taken.login.step_up else { return Ok(None) };
        let Some(chosen) = self.choose(visit.presented).ok().filter(|own| own.credential.key == session) else {
            return self.gone(&session).await;
        };
        let mut admitted = match self.admit_again(visit.call, &chosen, known).await? {
            Again::Itself(admitted) => admitted,
            Again::AnotherLogin => return Ok(None),
            Again::Revoked => return Err(Stop::Failed(LoginFailure::RevokedMeanwhile)),
        };
        if let Some(sid) = &known.standing.provider_session
            && admitted.standing.provider_session.as_ref() != Some(sid)
            && !self.join_provider_session(&known.standing.identity.provider, sid, &session, taken.started).await?
        {
            return Err(Stop::Failed(LoginFailure::RevokedMeanwhile));
        }
        let generation = rotation::stepped_up(&admitted.record.header);
        let mut next = admitted.credential.later(generation, SecretBytes::new(self.random()));
        if !self.keep_answer(visit.callback, taken, &self.kept(visit, taken, &next)).await? {
            return Err(Stop::Failed(LoginFailure::Interrupted));
        }
        let mut untold = self.untold();
        untold.doubt(What::Changed(session));
        for _ in 0..ATTEMPTS {
            match self.write_step_up(&admitted, &next, known).await? {
                Written::Yes => return Ok(Some(self.stepped_up(&admitted, &next, known, untold).await)),
                Written::Gone => return Err(Stop::TooLate(LoginFailure::RevokedMeanwhile)),
                Written::RevisionChanged | Written::FenceLost => (),
            }
            if self.is_written(&next).await? {
                return Ok(Some(self.stepped_up(&admitted, &next, known, untold).await));
            }
            admitted = match self.admit_again(visit.call, &chosen, known).await? {
                Again::Itself(admitted) => admitted,
                Again::AnotherLogin | Again::Revoked => return Err(Stop::TooLate(LoginFailure::RevokedMeanwhile)),
            };
            // A rotation came between. A repeated callback does not get this one; but whoever waits for it does.
            next =
                next.later(next.generation.max(rotation::stepped_up(&admitted.record.header)), next.secret().clone());
        }
        Err(Stop::TooLate(LoginFailure::Interrupted))
    }

    /// The browser does not hold the session any more. If somebody has ended it, this login does not bring it back.
    async fn gone(&self, session: &SessionKey) -> Result<Option<NewlyMade>, Stop> {
        match self.look_up(session).await? {
            Lookup::Gone(Some(_)) => Err(Stop::Failed(LoginFailure::RevokedMeanwhile)),
            Lookup::Gone(None) | Lookup::Found(_) => Ok(None),
        }
    }

    async fn admit_again(&self, call: &Call, chosen: &Chosen, known: &Known) -> Result<Again, Error> {
        let mut admitted = match self.admit_chosen(call, chosen, None, None).await? {
            Admission::Living(admitted) => admitted,
            Admission::Inactive(InactiveReason::Ended | InactiveReason::Expired | InactiveReason::Idle) => {
                return Ok(Again::AnotherLogin);
            }
            Admission::Inactive(_) => return Ok(Again::Revoked),
        };
        let (own, back) = (&admitted.standing.identity, &known.standing.identity);
        if (&own.issuer, &own.sub) != (&back.issuer, &back.sub) {
            return Ok(Again::AnotherLogin);
        }
        Ok(if self.touch(&mut admitted).await { Again::Itself(admitted) } else { Again::Revoked })
    }

    /// Whether this credential is in force: the answer to our own write may have been lost.
    async fn is_written(&self, next: &Credential) -> Result<bool, Error> {
        let found = self.look_up(&next.key).await?;
        Ok(matches!(found, Lookup::Found(record) if next.matches(&record.header.current)))
    }

    async fn write_step_up(&self, admitted: &Admitted, next: &Credential, known: &Known) -> Result<Written, Error> {
        let key = &next.key;
        // What an application keeps with the session opens with the same key.
        let token_key = self.vault.open_token_key(&admitted.credential, &admitted.record.body)?;
        let standing = self.stepped_up_standing(admitted, known);
        let header = Header {
            revision: admitted.record.header.revision + 1,
            generation: next.generation,
            current: next.secret_hash(),
            other: None,
            ..admitted.record.header
        };
        let body = self.vault.seal_body(self.nonce(), next, &header.marks, &standing, &token_key);
        let tokens = token_key.seal(self.nonce(), key, &known.tokens);
        Ok(self.ports.sessions.step_up(key, Record { header, body: body.into() }, tokens).await?)
    }

    /// The session lives no longer than it would have, and all else is as of the new login.
    fn stepped_up_standing(&self, admitted: &Admitted, known: &Known) -> Standing {
        Standing {
            created: admitted.standing.created,
            absolute_end: admitted.standing.absolute_end,
            remembered: admitted.standing.remembered,
            generation_since: self.ports.clock.now(),
            stepped_up: true,
            ..known.standing.clone()
        }
    }

    /// Answers only when nobody relies any more on what was before: the former credential is dead wherever it is presented.
    async fn stepped_up(&self, admitted: &Admitted, next: &Credential, known: &Known, mut untold: Untold) -> NewlyMade {
        untold.settle(&What::Changed(next.key), Some(What::Rotated(next.key)));
        self.tell(untold).await;
        tracing::info!(session = next.key.public(), generation = next.generation, "a session was stepped up");
        let cookie = self.session_cookie(&next.text(&self.vault.credential), &admitted.times);
        let standing = self.stepped_up_standing(admitted, known);
        let view = self.view(next.key, standing, admitted.times, next.generation);
        NewlyMade { cookie, view, first_login: false }
    }

    fn kept(&self, visit: &Visit<'_>, taken: &Taken, next: &Credential) -> KeptAnswer {
        KeptAnswer::Session(KeptLogin {
            session: next.key,
            generation: next.generation,
            credential: next.text(&self.vault.credential),
            code_hash: visit.callback.code_hash(),
            return_to: taken.login.return_to.clone(),
            repeat_until: self.ports.clock.now() + self.settings.logins.keep_answer_for,
            first_login: false,
        })
    }
}

/// What the session to be stepped up is when its user is back.
enum Again {
    /// It lives, and it is theirs.
    Itself(Box<Admitted>),
    /// There is nothing to step up: it has ended by itself, or is another user's.
    AnotherLogin,
    /// Somebody has ended it.
    Revoked,
}
