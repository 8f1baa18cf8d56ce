//! Owns what becomes of a record when a credential comes that is not the one in force: a successor is taken into force,
//! what a failover lost is taken up, what was stolen ends the session. Does not know what the session is wanted for.

use futures::TryFutureExt as _;

use super::admit::{Admission, Admitted, Judgement};
use super::ports::{Lookup, Written};
use super::stream::EndedSessions;
use super::{Authority, Call, Error};
use crate::session::admission::{Chosen, InactiveReason};
use crate::session::audit::{Action, Entry};
use crate::session::credential::Credential;
use crate::session::event::What;
use crate::session::key::{SessionKey, UserKey};
use crate::session::record::{Ending, Other, Record, RefreshToken, Standing, Tokens};
use crate::session::request::RequestContext;
use crate::session::rotation::Standpoint;
use crate::vault::{TokenKey, promote_successor};

/// How often to look again at a record that somebody else changed meanwhile, as a refresh does several times.
pub(super) const ATTEMPTS: usize = 16;

impl Authority {
    /// Judges a record, and writes down what the presented credential changes of it.
    ///
    /// **Invariant:** no IO for the credential in force; and trouble in the store ends no session.
    pub(super) async fn settle(
        &self,
        call: &Call,
        chosen: &Chosen,
        mut record: Record,
        context: Option<&RequestContext>,
    ) -> Result<Admission, Error> {
        let key = &chosen.credential.key;
        let mut attempts = 0;
        loop {
            let admitted = match self.judge(chosen, record, context)? {
                Judgement::Living(admitted) => admitted,
                Judgement::OtherClient(user) => return Ok(self.refuse_other_client(call, key, user, context)),
                Judgement::Inactive(reason) => return Ok(Admission::Inactive(reason)),
                Judgement::Stolen { stepped_up, user } => {
                    let theft = Theft { credential: &chosen.credential, stepped_up, user };
                    Box::pin(self.end_stolen(call, theft, context)).await?;
                    return Ok(Admission::Inactive(InactiveReason::Revoked));
                }
            };
            let written = match admitted.standpoint {
                Standpoint::Successor if attempts < ATTEMPTS => Box::pin(self.promote(&admitted, call, context)).await,
                Standpoint::Lost if attempts < ATTEMPTS => Box::pin(self.adopt(&admitted, call, context)).await,
                _ => return Ok(Admission::Living(admitted)),
            };
            match written {
                Ok(Written::Yes | Written::RevisionChanged | Written::FenceLost) => (),
                Ok(Written::Gone) => return Ok(Admission::Inactive(InactiveReason::Revoked)),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(session = key.public(), error, "a rotation was not written down; it will be later");
                    return Ok(Admission::Living(admitted));
                }
            }
            record = match Box::pin(self.look_up(key)).await? {
                Lookup::Found(record) => record,
                Lookup::Gone(_) => return Ok(Admission::Inactive(InactiveReason::Revoked)),
            };
            attempts += 1;
        }
    }

    /// The successor came back, so it is in force; the one before has its grace from now on.
    async fn promote(
        &self,
        admitted: &Admitted,
        call: &Call,
        context: Option<&RequestContext>,
    ) -> Result<Written, Error> {
        let mut record = admitted.record.clone();
        record.body = promote_successor(&record.body)?.into();
        take_into_force(&admitted.credential, &mut record);
        let now = self.ports.clock.now();
        let standing = Standing { generation_since: now, stepped_up: false, ..Standing::clone(&admitted.standing) };
        let key = &admitted.credential.key;
        let written = self.change(key, What::Rotated, self.rewrite(key, record, &standing)).await?;
        if written == Written::Yes {
            self.say_rotated(admitted, call, context);
        }
        Ok(written)
    }

    /// Takes up a credential that the record does not know: the write that made it was acknowledged, and a failover
    /// lost it. The tokens went with it, since their key was wrapped for it there.
    async fn adopt(
        &self,
        admitted: &Admitted,
        call: &Call,
        context: Option<&RequestContext>,
    ) -> Result<Written, Error> {
        let credential = &admitted.credential;
        let mut record = admitted.record.clone();
        take_into_force(credential, &mut record);
        let now = self.ports.clock.now();
        let before = Standing::clone(&admitted.standing);
        let standing = Standing {
            generation_since: now,
            stepped_up: false,
            access_token_end: None,
            refresh_token: RefreshToken::None,
            ..before
        };
        let token_key = TokenKey::new(self.random());
        record.body =
            self.vault.seal_body(self.nonce(), credential, &record.header.marks, &standing, &token_key).into();
        let none = token_key.seal(self.nonce(), &credential.key, &Tokens::default());
        let fence = record.header.fence;
        let write = self.ports.sessions.write_tokens(&credential.key, fence, record, none).err_into();
        let written = self.change(&credential.key, What::Rotated, write).await?;
        if written == Written::Yes {
            tracing::warn!(
                session = credential.key.public(),
                generation = credential.generation,
                "the store has lost the write of a rotation: the credential is taken up, its tokens are gone"
            );
            self.say_rotated(admitted, call, context);
        }
        Ok(written)
    }

    /// Writes a record with this standing over the one before it; its revision is raised already.
    pub(super) async fn rewrite(
        &self,
        key: &SessionKey,
        mut record: Record,
        standing: &Standing,
    ) -> Result<Written, Error> {
        let marks = &record.header.marks;
        record.body = self.vault.reseal_standing(self.nonce(), key, marks, &record.body, standing)?.into();
        Ok(self.ports.sessions.rewrite(key, record).await?)
    }

    /// Ends a session of which a credential of before came back: whoever holds the present one logs in again, and
    /// nobody knows which of the two the user is (RFC 9700, 4.14.2, for refresh tokens).
    pub(super) async fn end_stolen(
        &self,
        call: &Call,
        theft: Theft<'_>,
        context: Option<&RequestContext>,
    ) -> Result<(), Error> {
        let Theft { credential, stepped_up, user } = theft;
        let key = &credential.key;
        let done = self.end_session_surely(key, Ending::Stolen).await;
        if let Some((ended, outcome)) = EndedSessions::of(&done).filter(|(ended, _)| ended.count > 0) {
            tracing::warn!(
                session = key.public(),
                generation = credential.generation,
                stepped_up,
                "an old credential came back: the session is ended as stolen"
            );
            let entry = self.entry(Action::Theft, call, context);
            let entry = Entry { outcome, session: Some(*key), user: Some(user), ..entry };
            self.audit(entry.ending(ended.count, &ended.sessions));
        }
        done.map(drop)
    }

    fn say_rotated(&self, admitted: &Admitted, call: &Call, context: Option<&RequestContext>) {
        let to = &admitted.credential;
        tracing::info!(session = to.key.public(), generation = to.generation, "a session's credential was rotated");
        if self.settings.audit.is_some_and(|audit| audit.rotations) {
            let user = self.user_of(&admitted.standing.identity);
            let entry = self.entry(Action::Rotated, call, context);
            self.audit(Entry { session: Some(to.key), user: Some(user), ..entry });
        }
    }
}

/// A credential of before that came back.
pub(super) struct Theft<'a> {
    pub(super) credential: &'a Credential,
    pub(super) stepped_up: bool,
    /// Whose session it is.
    pub(super) user: UserKey,
}

/// From now on this credential is in force, and the one that was is the one before.
fn take_into_force(credential: &Credential, record: &mut Record) {
    record.header.other = Some(Other::Previous(record.header.current));
    record.header.current = credential.secret_hash();
    record.header.generation = credential.generation;
    record.header.revision += 1;
}
