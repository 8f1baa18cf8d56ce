//! Owns the tests of what is seen while a change is on its way to the disk. Does not know how it is written.

use futures::FutureExt as _;
use futures::future::join_all;

use super::*;
use crate::authority::ports::{Clock, Creation, Lookup, NewSession, SessionStore as _};
use crate::session::key::{SessionKey, TenantNumber, UserKey};
use crate::session::record::{Ending, Header, Marks, Record};
use crate::session::time::Timestamp;
use crate::store::embedded::EmbeddedStore;

const LONG: Duration = Duration::from_mins(10);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_800_000_000)
    }
}

fn open(folder: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(Some(&folder.path().join("sessions.redb")), Arc::new(Noon)).unwrap()
}

fn session(number: u64, replaces: Vec<SessionKey>) -> NewSession {
    let user = UserKey::of(TenantNumber(1), "https://issuer.example", "somebody");
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let (current, marks) = ([1; 16], Marks::default());
    let header = Header { revision: 1, generation: 1, current, other: None, last_active: None, fence: 0, marks };
    NewSession {
        key: SessionKey { tenant: user.tenant, partition: user.partition, id },
        user,
        record: Record { header, body: bytes::Bytes::new() },
        tokens: None,
        keep_for: LONG,
        tokens_for: LONG,
        login_started: Timestamp::from_secs(u64::from(u32::MAX)),
        replaces,
        remember_for: LONG,
        user_cap: usize::MAX,
        makes_room: false,
        began: Timestamp::default(),
        notes_beginning: false,
        profile: None,
    }
}

#[tokio::test]
async fn a_session_that_is_ended_before_it_is_on_disk_still_ends_those_it_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let (old, new) = (session(1, vec![]), session(2, vec![session(1, vec![]).key]));
    let keys = [old.key, new.key];
    assert!(matches!(store.create(old).await.unwrap(), Creation::Created(_)));
    let held = store.file.as_ref().unwrap().begin_write().unwrap();
    let mut creating = store.create(new);
    assert!(creating.as_mut().now_or_never().is_none(), "it is shown before it is on disk");
    let mut ending = store.end(&keys[1], Ending::Revoked, LONG);
    assert!(ending.as_mut().now_or_never().is_none());
    drop(held);
    assert_eq!((creating.await.unwrap(), ending.await.unwrap()), (Creation::RevokedMeanwhile, false));
    let gone = [Lookup::Gone(Some(Ending::Replaced)), Lookup::Gone(Some(Ending::Revoked))];
    assert_eq!([store.read(&keys[0]).await.unwrap(), store.read(&keys[1]).await.unwrap()], gone);
    drop(store);
    let store = open(&folder);
    assert_eq!([store.read(&keys[0]).await.unwrap(), store.read(&keys[1]).await.unwrap()], gone);
}

// Until the newer one is on disk nothing says that they end: whoever lists or ends a user's sessions sees them.
#[tokio::test]
async fn a_session_that_makes_room_is_listed_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let (old, user) = (session(1, vec![]), session(1, vec![]).user);
    let oldest = old.key;
    assert!(matches!(store.create(old).await.unwrap(), Creation::Created(_)));
    let held = store.file.as_ref().unwrap().begin_write().unwrap();
    let room = |number| NewSession { user_cap: 1, makes_room: true, ..session(number, vec![]) };
    let mut second = store.create(room(2));
    assert!(second.as_mut().now_or_never().is_none());
    let listed = async || store.sessions_of(&user).await.unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(listed().await, [oldest]);
    // A third makes room by ending the second, which is not there yet: the first is on its way out already.
    let mut third = store.create(room(3));
    assert!(third.as_mut().now_or_never().is_none());
    drop(held);
    let made = |creation| match creation {
        Creation::Created(made) => made.ended,
        other => panic!("{other:?}"),
    };
    assert_eq!((made(second.await.unwrap()), made(third.await.unwrap())), (vec![oldest], vec![session(2, vec![]).key]));
    assert_eq!(listed().await, [session(3, vec![]).key]);
}

#[tokio::test]
async fn a_disk_that_is_behind_makes_grants_wait_and_revocations_fail_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let kept = session(0, vec![]);
    let key = kept.key;
    assert!(matches!(store.create(kept).await.unwrap(), Creation::Created(_)));
    let held = store.file.as_ref().unwrap().begin_write().unwrap();
    let mut creating: Vec<_> = (1..=PLACES as u64 + 1).map(|number| store.create(session(number, vec![]))).collect();
    assert!(creating.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
    assert_eq!(store.journal.places.available_permits(), 0);
    let unknown = session(u64::MAX, vec![]).key;
    let mut ending: Vec<_> = (1..PLACES_TO_REVOKE).map(|_| store.end(&unknown, Ending::Revoked, LONG)).collect();
    assert!(ending.iter_mut().all(|one| one.as_mut().now_or_never().is_none()), "revocations are not held up");
    // The last place, and one too many: not stored, and said so. It is gone all the same, and can be asked again.
    ending.push(store.end(&unknown, Ending::Revoked, LONG));
    assert!(ending.last_mut().unwrap().as_mut().now_or_never().is_none());
    assert!(matches!(store.end(&key, Ending::Revoked, LONG).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
    drop(held);
    assert!(join_all(creating).await.into_iter().all(|made| matches!(made.unwrap(), Creation::Created(_))));
    assert!(join_all(ending).await.into_iter().all(|ended| !ended.unwrap()));
    assert!(!store.end(&key, Ending::Revoked, LONG).await.unwrap());
    drop(store);
    assert_eq!(open(&folder).read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
}
