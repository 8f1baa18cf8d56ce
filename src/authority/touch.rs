//! Owns writing down that a session was used: once in a touch interval, however many ask at once, and at the cost of the
//! first of them. Does not know what it was used for.

use super::admit::Admitted;
use super::near::Turn;
use super::ports::Touched;
use super::{Authority, Error};
use crate::session::key::SessionKey;
use crate::session::time::{Lifetimes, Times, Timestamp};

/// A use that is to be written down.
#[derive(Clone, Copy)]
struct Use {
    key: SessionKey,
    /// The times of the session when it is written.
    times: Times,
    /// Of a session that was used after this nothing is to be written.
    due: Timestamp,
    limits: Lifetimes,
}

impl Authority {
    /// Writes down that the session was used, where that is due, and answers whether it is still there. A session that
    /// nobody had presented gets its own life in this step, so it is waited for; that it fails ends nobody's session, and
    /// nobody waits for it again: until it succeeds it is tried beside the answers.
    pub(super) async fn touch(&self, admitted: &mut Admitted) -> bool {
        if !admitted.touch_due {
            return true;
        }
        let (now, limits) = (self.ports.clock.now(), *self.settings.lifetimes_of(&admitted.standing));
        let used = Use {
            key: admitted.credential.key,
            times: Times { last_active: admitted.times.last_active.max(now), ..admitted.times },
            due: now - limits.touch_interval,
            limits,
        };
        match self.near.begin_touch(&used.key, used.due, self.ports.clock.running()) {
            Turn::First => match self.write_use(used, now).await {
                Ok(Touched::Yes) => admitted.times = used.times,
                Ok(Touched::NotDue(at)) => admitted.times.last_active = admitted.times.last_active.max(at),
                Ok(Touched::Gone) => return false,
                Err(error) => not_written(&used.key, &error),
            },
            Turn::Again => {
                let authority = self.clone();
                self.ports.beside.run(Box::pin(async move {
                    if let Err(error) = authority.write_use(used, now).await {
                        not_written(&used.key, &error);
                    }
                }));
            }
            Turn::Another => (),
        }
        true
    }

    async fn write_use(&self, used: Use, now: Timestamp) -> Result<Touched, Error> {
        let Use { key, times, due, limits } = used;
        let keep_for = times.keep_for(now, &limits);
        let touched = self.ports.sessions.touch(&key, now, due, keep_for).await?;
        match touched {
            Touched::Yes => self.near.used(&key, now),
            Touched::NotDue(at) => self.near.used(&key, at),
            Touched::Gone => self.near.forget(&key),
        }
        Ok(touched)
    }
}

fn not_written(key: &SessionKey, error: &Error) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(session = key.public(), error, "use of the session was not written down");
}
