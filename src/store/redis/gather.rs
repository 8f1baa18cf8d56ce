//! Owns reads that travel together: what is asked for at the same moment goes out as one MGET, which costs the server and
//! us little more than one GET. Does not know what is read.

use std::sync::{Arc, Mutex, PoisonError};

use redis::cmd;
use tokio::sync::oneshot;

use super::link::Link;
use crate::authority::ports::{StoreError, StoreResult};

/// So many keys go out in one command at most: a longer one would keep others waiting.
const LONGEST: usize = 256;

/// The value of a key, if there is one that is a string.
type Kept = StoreResult<Option<Vec<u8>>>;

/// Reads of one server that have not gone out yet.
pub struct Gather {
    link: Arc<Link>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

struct Waiting {
    key: Vec<u8>,
    tell: oneshot::Sender<Kept>,
}

impl Gather {
    pub fn new(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), waiting: Arc::default() }
    }

    /// Reads a key with whatever else is asked for before this task lets another one run. Whoever goes away leaves the
    /// others' answers as they are.
    pub async fn get(&self, key: Vec<u8>) -> Kept {
        let (tell, told) = oneshot::channel();
        let first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Waiting { key, tell });
            waiting.len() == 1
        };
        if first {
            tokio::spawn(send(Arc::clone(&self.link), Arc::clone(&self.waiting)));
        }
        told.await.unwrap_or_else(|gone| Err(StoreError::Unavailable(gone.into())))
    }
}

async fn send(link: Arc<Link>, waiting: Arc<Mutex<Vec<Waiting>>>) {
    let mut all = std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
    while all.len() > LONGEST {
        let rest = all.split_off(LONGEST);
        tokio::spawn(fetch(Arc::clone(&link), std::mem::replace(&mut all, rest)));
    }
    fetch(link, all).await;
}

async fn fetch(link: Arc<Link>, waiting: Vec<Waiting>) {
    let mut command = cmd("MGET");
    for one in &waiting {
        command.arg(&one.key);
    }
    match link.command::<Vec<Option<Vec<u8>>>>(&command).await {
        Ok(values) if values.len() == waiting.len() => {
            for (one, value) in waiting.into_iter().zip(values) {
                // Nobody is told who has gone away.
                let _ = one.tell.send(Ok(value));
            }
        }
        Ok(_) => tell(waiting, &Arc::new(StoreError::Unreadable("MGET has lost a key".into()))),
        Err(error) => tell(waiting, &Arc::new(error)),
    }
}

fn tell(waiting: Vec<Waiting>, error: &Arc<StoreError>) {
    for one in waiting {
        let cause = Arc::clone(error).into();
        let shared = match **error {
            StoreError::Unavailable(_) => StoreError::Unavailable(cause),
            StoreError::Unreplicated(_) => StoreError::Unreplicated(cause),
            StoreError::Unreadable(_) => StoreError::Unreadable(cause),
        };
        let _ = one.tell.send(Err(shared));
    }
}
