//! Owns changing what a session is while it is in use: read, change, write over what was read, again if somebody else
//! has written meanwhile. Does not know what is changed.

use futures::TryFutureExt as _;

use super::ports::{Lookup, Written};
use super::{Authority, Error};
use crate::session::event::What;
use crate::session::key::SessionKey;
use crate::session::record::Standing;

/// How often to try before the session counts as too busy.
const ATTEMPTS: usize = 32;

impl Authority {
    /// Changes a session's standing, and answers it as it is then; `None` when the session is gone.
    pub(super) async fn change_standing(
        &self,
        key: &SessionKey,
        change: impl Fn(&mut Standing) + Send + Sync,
    ) -> Result<Option<Standing>, Error> {
        for _ in 0..ATTEMPTS {
            let Lookup::Found(mut record) = self.look_up(key).await? else { return Ok(None) };
            let marks = record.header.marks;
            let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
            change(&mut standing);
            record.body = self.vault.reseal_standing(self.nonce(), key, &marks, &record.body, &standing)?.into();
            record.header.revision += 1;
            match self.change(key, What::Changed, self.ports.sessions.rewrite(key, record).err_into()).await? {
                Written::Yes => return Ok(Some(standing)),
                Written::Gone => return Ok(None),
                Written::RevisionChanged | Written::FenceLost => (),
            }
        }
        Err(Error::StoreUnavailable("the session changes too fast".into()))
    }
}
