//! Owns which cookie goes back with an answer to a living session: a successor, the same credential again, or none.
//! Does not know what the answer says.

use super::admit::{Admitted, Judgement};
use super::ports::{Lookup, Written};
use super::rotate::ATTEMPTS;
use super::{Authority, Error};
use crate::crypto::SecretBytes;
use crate::session::admission::Chosen;
use crate::session::credential::Credential;
use crate::session::event::What;
use crate::session::record::{Other, Standing};
use crate::session::rotation::{self, Standpoint};
use crate::session::time::Timestamp;

/// What goes back to the browser.
#[derive(Default)]
pub(super) struct Delivery {
    /// A finished Set-Cookie value.
    pub(super) cookie: Option<String>,
    /// The generation of the successor that it holds; `None` when it holds none.
    pub(super) successor: Option<u32>,
}

impl Authority {
    /// What to give a browser that can be reached with this very answer (contract.md, 6: at most one cookie). Trouble
    /// on the way is for the log: the presented credential stays good.
    pub(super) async fn deliver(&self, admitted: &mut Admitted) -> Delivery {
        let successor = self.successor(admitted).await.unwrap_or_else(|error| {
            let session = admitted.credential.key.public();
            tracing::warn!(session, error = &error as &dyn std::error::Error, "the credential was not rotated");
            None
        });
        if let Some(next) = successor {
            let cookie = self.session_cookie(&next.text(&self.vault.credential), &admitted.times);
            return Delivery { cookie: Some(cookie), successor: Some(next.generation) };
        }
        let again = admitted.under_former_name || self.note_shorter_limit(admitted).await;
        let text = || admitted.credential.text(&self.vault.credential);
        Delivery { cookie: again.then(|| self.session_cookie(&text(), &admitted.times)), successor: None }
    }

    /// Whether [`Authority::deliver`] may have anything to give or to write down.
    pub(super) fn may_deliver(&self, admitted: &Admitted) -> bool {
        let is_due = || self.rotation_due(admitted).is_some_and(|due| due <= admitted.judged_at);
        let is_shorter = admitted.times.absolute_end != admitted.standing.absolute_end;
        admitted.standpoint != Standpoint::Current || admitted.under_former_name || is_shorter || is_due()
    }

    /// When the next generation of a session is due.
    pub(super) fn rotation_due(&self, admitted: &Admitted) -> Option<Timestamp> {
        rotation::due(&admitted.record.header, admitted.standing.generation_since, &self.settings.rotation)
    }

    /// The successor to deliver in place of the presented credential, if there is one or one is due. Of any number of
    /// calls at once, one makes it and the others give the same.
    async fn successor(&self, admitted: &mut Admitted) -> Result<Option<Credential>, Error> {
        for _ in 0..ATTEMPTS {
            let due = self.rotation_due(admitted).is_some_and(|due| due <= self.ports.clock.now());
            match admitted.standpoint {
                Standpoint::Awaiting | Standpoint::Predecessor => return Ok(self.issued(admitted)),
                Standpoint::Current if due => (),
                _ => return Ok(None),
            }
            let next = admitted.credential.next(SecretBytes::new(self.random()));
            match self.issue(admitted, &next).await? {
                Written::Yes => return Ok(Some(next)),
                Written::RevisionChanged => (),
                Written::Gone | Written::FenceLost => return Ok(None),
            }
            let Lookup::Found(record) = self.look_up(&admitted.credential.key).await? else {
                return Ok(None);
            };
            let chosen = Chosen { credential: admitted.credential.clone(), under_former_name: false };
            let Judgement::Living(again) = self.judge(&chosen, record, None)? else { return Ok(None) };
            (admitted.record, admitted.standing, admitted.standpoint) =
                (again.record, again.standing, again.standpoint);
        }
        Ok(None)
    }

    /// The successor that was issued already. There is none where a failover lost the step between.
    fn issued(&self, admitted: &Admitted) -> Option<Credential> {
        self.vault.open_successor(&admitted.credential, &admitted.record.body).ok()
    }

    /// Keeps a successor beside the credential in force: nothing changes until it is presented.
    async fn issue(&self, admitted: &Admitted, next: &Credential) -> Result<Written, Error> {
        let mut record = admitted.record.clone();
        record.body = self.vault.add_successor(&admitted.credential, next, &record.body)?.into();
        record.header.other = Some(Other::Next(next.secret_hash()));
        record.header.revision += 1;
        let written = self.ports.sessions.rewrite(&next.key, record).await?;
        self.near.forget(&next.key);
        Ok(written)
    }

    /// Whether the absolute limit was shortened since the browser was told of it. Then that is written down, so that
    /// the cookie is sent again once.
    async fn note_shorter_limit(&self, admitted: &Admitted) -> bool {
        let absolute_end = admitted.times.absolute_end;
        if absolute_end == admitted.standing.absolute_end {
            return false;
        }
        let mut record = admitted.record.clone();
        record.header.revision += 1;
        let standing = Standing { absolute_end, ..Standing::clone(&admitted.standing) };
        let key = &admitted.credential.key;
        let written = self.change(key, What::Changed, self.rewrite(key, record, &standing)).await;
        matches!(written, Ok(Written::Yes))
    }
}
