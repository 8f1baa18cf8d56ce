//! Owns what is believed of a session: what the store says, and what this authority has heard against it. Does not know
//! who asks.

use crate::authority::ports::Lookup;
use crate::authority::{Authority, Error};
use crate::session::event::Position;
use crate::session::key::SessionKey;
use crate::session::mark::MarksNow;
use crate::session::record::Ending;

impl Authority {
    /// What the store knows of a session, and whether it has been ended in another way than by taking it out: by a mark,
    /// or by an end that this authority knows of. Marks are read with the session while the stream is broken.
    pub(in crate::authority) async fn look_up(&self, key: &SessionKey) -> Result<Lookup, Error> {
        self.look_up_as_of(key, None).await
    }

    /// The same for somebody who has heard of events up to here: this authority may have heard less.
    pub(in crate::authority) async fn look_up_as_of(
        &self,
        key: &SessionKey,
        as_of: Option<Position>,
    ) -> Result<Lookup, Error> {
        let has_heard = self.stream.has_heard(as_of) && self.stream.is_trusted(self.ports.clock.running());
        let lookup = if has_heard {
            self.read(key).await?
        } else {
            let (lookup, marks) = self.ports.sessions.read_with_marks(key).await?;
            self.stream.learn(&marks);
            lookup
        };
        Ok(match lookup {
            Lookup::Found(record) if self.stream.kills(&record.header.marks) || self.stream.is_revoked(key) => {
                Lookup::Gone(Some(Ending::Revoked))
            }
            other => other,
        })
    }

    /// The marks that a login notes when it begins, as the store has them: an end that this authority has not heard of yet
    /// is older than the login, and must not end its session.
    pub(in crate::authority) async fn marks_for_login(&self) -> Result<MarksNow, Error> {
        self.stream.learn(&self.ports.sessions.marks(self.settings.tenant).await?);
        Ok(MarksNow::clone(&self.stream.marks()))
    }
}
