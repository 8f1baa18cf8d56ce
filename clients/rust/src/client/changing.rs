//! Owns what is forgotten of kept answers when this client itself changes or ends sessions (clients/README.md, "Keeping
//! answers"). Does not know how a call is carried, or what is kept.

use bytes::Bytes;
use tonic::Code;

use super::Client;
use super::call::Answered;
use super::error::Error;
use super::kept::Kept;
use crate::v1::{self, ErrorReason};

/// Whose sessions a call may have ended, beside those behind the cookies that it presented.
pub(super) enum Ended {
    Nobodys,
    /// The session with this id.
    One(String),
    Anybodys,
}

/// Whose word leads to the end of sessions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Their user's, or an admin's.
    Theirs,
    /// A provider's, which counts for nothing before its keys have judged it.
    Providers,
}

impl Word {
    /// Whether a status says that nothing was done: the call was turned away before it began.
    fn is_unheard(self, failure: &Error) -> bool {
        use Code::{FailedPrecondition, InvalidArgument, PermissionDenied, Unauthenticated, Unimplemented};
        let codes = [InvalidArgument, Unauthenticated, PermissionDenied, FailedPrecondition, Unimplemented];
        let has_no_keys = self == Self::Providers && failure.is(ErrorReason::ProviderUnavailable);
        codes.contains(&failure.code()) || failure.is(ErrorReason::Overloaded) || has_no_keys
    }
}

/// What a call tells of what it has ended.
pub(super) struct Ending {
    pub(super) ended: Ended,
    /// Where the event stream tells of it; empty where it does not.
    pub(super) position: Bytes,
}

/// Forgets what it says when the call has come back, or is given up.
struct Leaving<'a> {
    kept: &'a Kept,
    cookies: Vec<Bytes>,
    ended: Ended,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.kept.forget_cookies(&self.cookies);
        match &self.ended {
            Ended::Nobodys => (),
            Ended::One(session_id) => self.kept.forget_named(session_id),
            Ended::Anybodys => self.kept.forget_all(),
        }
    }
}

impl Client {
    /// Makes a call that changes the session behind these cookies. When it has come back, whatever became of it, nothing
    /// that was kept of the session is used any more.
    pub(super) async fn changing<A>(
        &self,
        cookies: &[v1::Cookie],
        call: impl Future<Output = Result<A, Error>>,
    ) -> Result<A, Error> {
        let call = Box::pin(call);
        let _leaving = self.leaving(cookies, Ended::Nobodys);
        call.await
    }

    /// Makes a call that ends sessions, perhaps others than those behind these cookies. Where nobody can say which, since it
    /// failed halfway, was given up, or is the repeat of one whose answer was lost, nothing that was kept is used any more.
    /// Anybody can make a call be turned away: that costs nobody anything.
    pub(super) async fn ending<A>(
        &self,
        cookies: &[v1::Cookie],
        word: Word,
        call: impl Future<Output = Answered<A>>,
        told: impl FnOnce(&A) -> Ending,
    ) -> Result<A, Error> {
        let call = Box::pin(call);
        let mut leaving = self.leaving(cookies, Ended::Anybodys);
        let Answered { outcome, is_repeat } = call.await;
        if let Some(leaving) = &mut leaving {
            let ended = match &outcome {
                Ok(answer) => {
                    let Ending { ended, position } = told(answer);
                    leaving.kept.has_told(&position);
                    ended
                }
                Err(failure) if word.is_unheard(failure) => Ended::Nobodys,
                Err(_) => Ended::Anybodys,
            };
            if !is_repeat {
                leaving.ended = ended;
            }
        }
        outcome
    }

    fn leaving(&self, cookies: &[v1::Cookie], ended: Ended) -> Option<Leaving<'_>> {
        let kept = self.shared.kept.as_deref()?;
        Some(Leaving { kept, cookies: cookies.iter().map(|cookie| cookie.value.clone()).collect(), ended })
    }
}
