//! Owns what the embedded store's file must survive: restarts, a second process, versions to come, rubbish.
//! Does not know what the tables are called, except where it forges one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::answer_store::{Claim, Claimed};
use gatelodge::authority::logout_store::LogoutClaim;
use gatelodge::authority::ports::{
    AnswerStore as _, Creation, Joining, KeptAttributes, LeaseAttempt, LoginEnd, LoginStore as _, LoginTaken,
    LogoutStore as _, Lookup, NewSession, OpenLogin, SessionStore as _, UserLookup, UserStore as _, Written,
};
use gatelodge::session::key::{AnswerKey, LoginKey, LogoutTokenKey, ProviderSessionKey, SessionKey, TenantNumber};
use gatelodge::session::mark::MarkTarget;
use gatelodge::session::record::Ending;
use gatelodge::session::time::Timestamp;
use gatelodge::store::embedded::{EmbeddedStore, OpenError};

use super::bench::{BINDING, CREATED, LONG, SHORT, SetClock, TENANT, fresh, new_session, record, user};

struct OnFile {
    clock: Arc<SetClock>,
    folder: tempfile::TempDir,
}

impl OnFile {
    fn new() -> Self {
        Self { clock: SetClock::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("made/by/the/store/sessions.redb")
    }

    fn open(&self) -> Arc<EmbeddedStore> {
        EmbeddedStore::open(Some(&self.path()), self.clock.clone()).unwrap()
    }

    fn fault(&self) -> (OpenError, String) {
        let Err(error) = EmbeddedStore::open(Some(&self.path()), self.clock.clone()) else { panic!("it opened") };
        let text = error.to_string();
        assert!(text.contains(self.path().to_str().unwrap()), "{text}");
        (error, text)
    }
}

async fn create(store: &EmbeddedStore, new: NewSession) -> SessionKey {
    let key = new.key;
    assert!(matches!(store.create(new).await.unwrap(), Creation::Created(_)));
    key
}

// A call that was answered before a restart is answered the same after it; one that nobody finished is anybody's.
#[tokio::test]
async fn the_answer_to_a_call_is_there_again_after_a_restart_and_who_was_at_one_is_not() {
    let file = OnFile::new();
    let [answered, at_work] = [1, 2].map(|id| AnswerKey::of(TENANT, [id; 16]));
    let claim = Claim { by: [3; 16], request: [4; 16] };
    let store = file.open();
    for call in [answered, at_work] {
        assert_eq!(store.claim_call(&call, &claim, LONG).await.unwrap(), Claimed::Taken);
    }
    assert!(store.keep_answer(&answered, &claim, b"sealed".to_vec(), LONG).await.unwrap());
    drop(store);
    let store = file.open();
    let other = Claim { by: [5; 16], ..claim };
    let kept = Claimed::Answered(claim.request, b"sealed".to_vec());
    assert_eq!(store.claim_call(&answered, &other, LONG).await.unwrap(), kept);
    assert_eq!(store.claim_call(&at_work, &other, LONG).await.unwrap(), Claimed::Taken);
    file.clock.advance(LONG);
    store.sweep().await;
    drop(store);
    assert_eq!(file.open().claim_call(&answered, &other, LONG).await.unwrap(), Claimed::Taken);
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let file = OnFile::new();
    let (user, revoked) = (user(), user());
    let login = LoginKey::of(TENANT, &fresh());
    let store = file.open();
    let now = store.time().await.unwrap();
    let key = create(&store, new_session(now, &user)).await;
    let replaced = create(&store, new_session(now, &user)).await;
    let replacing = create(&store, NewSession { replaces: vec![replaced], ..new_session(now, &user) }).await;
    let short = create(&store, NewSession { keep_for: SHORT, ..new_session(now, &user) }).await;
    let ended = create(&store, new_session(now, &user)).await;
    store.end(&ended, Ending::Revoked, LONG).await.unwrap();
    store.end_user(&revoked, LONG, LONG).await.unwrap();
    store.raise(&MarkTarget::Tenant(TenantNumber(9)), LONG).await.unwrap();
    store.raise(&MarkTarget::Provider(TenantNumber(9), "idp".into()), LONG).await.unwrap();
    let marks = store.marks(TenantNumber(9)).await.unwrap();
    assert!(marks.tenant > 0 && marks.providers.len() == 1);
    let at = Timestamp::from_secs(1_700_000_007);
    store.touch(&key, at, at, LONG * 2).await.unwrap();
    let LeaseAttempt::Taken(lease) = store.lease(&key, LONG).await.unwrap() else { panic!("no lease") };
    let written = store.write_tokens(&key, lease.fence(), record(2), b"new tokens".to_vec()).await.unwrap();
    assert_eq!(written, Written::Yes);
    store.open(&login, OpenLogin { sealed: b"sealed".to_vec(), binding: BINDING, most: None }, LONG).await.unwrap();
    store.take(&login, &[BINDING], SHORT).await.unwrap();
    store.note(&login, &key).await.unwrap();
    drop((lease, store));

    file.clock.advance(SHORT);
    let store = file.open();
    assert_eq!(store.marks(TenantNumber(9)).await.unwrap(), marks);
    let Lookup::Found(found) = store.read(&key).await.unwrap() else { panic!("gone") };
    assert_eq!((found.header.revision, found.body.clone()), (2, record(2).body));
    assert_eq!(found.header.last_active, Some(Timestamp::from_secs(1_700_000_007)), "a clean end writes touches too");
    assert_eq!(store.tokens(&key).await.unwrap().as_deref(), Some(b"new tokens".as_slice()));
    assert_eq!(store.read(&replaced).await.unwrap(), Lookup::Gone(Some(Ending::Replaced)));
    assert_eq!(store.read(&ended).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
    assert_eq!(store.tokens(&ended).await.unwrap(), None);
    assert_eq!(store.read(&short).await.unwrap(), Lookup::Gone(None));
    let mut living: Vec<_> = store.sessions_of(&user).await.unwrap().into_iter().map(|(key, _)| key).collect();
    let mut expected = vec![key, replacing];
    living.sort();
    expected.sort();
    assert_eq!(living, expected);
    let refused = NewSession { login_started: now, ..new_session(now, &revoked) };
    assert_eq!(store.create(refused).await.unwrap(), Creation::RevokedMeanwhile);
    assert_eq!(store.take(&login, &[BINDING], LONG).await.unwrap(), LoginTaken::Interrupted(Some(key)));
    // The touch made it live longer than it was made for.
    file.clock.advance(LONG + SHORT);
    assert!(matches!(store.read(&key).await.unwrap(), Lookup::Found(_)));
    assert!(matches!(store.read(&replacing).await.unwrap(), Lookup::Gone(_)));
}

#[tokio::test]
async fn users_and_what_belongs_to_sessions_are_there_again_after_a_restart() {
    let file = OnFile::new();
    let store = file.open();
    let (ada, eve, now) = (user(), user(), store.time().await.unwrap());
    let known = |of| NewSession { profile: Some(b"profile".to_vec()), ..new_session(now, of) };
    let (key, _) = (create(&store, known(&ada)).await, create(&store, known(&eve)).await);
    store.delete_user(&eve, LONG, LONG, LONG).await.unwrap();
    let kept = KeptAttributes { version: 1, sealed: b"sealed".to_vec() };
    assert_eq!(store.put_attributes(&key, kept.clone(), LONG).await.unwrap(), Written::Yes);
    let of = ProviderSessionKey::of(TENANT, "idp", "sid");
    store.join(&of, &key, now, LONG).await.unwrap();
    let ended = ProviderSessionKey::of(TENANT, "idp", "ended");
    store.end_joined(&ended, LONG).await.unwrap();
    let spent = LogoutTokenKey::of(TENANT, "idp", "jti");
    store.spend(&spent, LONG).await.unwrap();
    let login = LoginKey::of(TENANT, &fresh());
    store.open(&login, OpenLogin { sealed: b"sealed".to_vec(), binding: BINDING, most: None }, LONG).await.unwrap();
    store.take(&login, &[BINDING], LONG).await.unwrap();
    assert!(store.hold(&login, b"held".to_vec(), LONG).await.unwrap());
    let before = store.user(&ada).await.unwrap();
    drop(store);
    let store = file.open();
    assert_eq!(store.user(&ada).await.unwrap(), before);
    assert!(matches!(store.user(&eve).await.unwrap(), UserLookup::Deleted(_)));
    assert_eq!(store.attributes(&key).await.unwrap(), Some(kept));
    assert_eq!(store.joined(&of).await.unwrap(), [(key, now)]);
    assert_eq!(store.claim_token(&spent, [1; 16], LONG).await.unwrap(), LogoutClaim::Done);
    assert_eq!(store.join(&ended, &key, now, LONG).await.unwrap(), Joining::EndedMeanwhile);
    assert_eq!(store.take(&login, &[BINDING], LONG).await.unwrap(), LoginTaken::Waiting(b"held".to_vec()));
    store.disable_user(&ada, LONG, LONG).await.unwrap();
    drop(store);
    let store = file.open();
    assert!(matches!(store.user(&ada).await.unwrap(), UserLookup::Found(user) if user.facts.disabled));
    assert_eq!(store.attributes(&key).await.unwrap(), None);
}

#[tokio::test]
async fn a_write_on_its_way_does_not_bring_a_replaced_session_back() {
    let file = OnFile::new();
    let store = file.open();
    let (user, now) = (user(), store.time().await.unwrap());
    let replaced = create(&store, new_session(now, &user)).await;
    let LeaseAttempt::Taken(lease) = store.lease(&replaced, LONG).await.unwrap() else { panic!("no lease") };
    // The write is ordered while the creation is on its way to the disk: the session is still there.
    let (created, written) = tokio::join!(
        store.create(NewSession { replaces: vec![replaced], ..new_session(now, &user) }),
        store.write_tokens(&replaced, lease.fence(), record(2), b"new".to_vec())
    );
    assert_eq!((created.unwrap(), written.unwrap()), (CREATED, Written::Gone));
    drop((lease, store));
    let store = file.open();
    assert_eq!(store.read(&replaced).await.unwrap(), Lookup::Gone(Some(Ending::Replaced)));
    assert_eq!(store.tokens(&replaced).await.unwrap(), None);
}

#[tokio::test]
async fn a_sweep_empties_memory_and_file() {
    let file = OnFile::new();
    let store = file.open();
    let now = store.time().await.unwrap();
    let login = LoginKey::of(TENANT, &fresh());
    store.open(&login, OpenLogin { sealed: b"sealed".to_vec(), binding: BINDING, most: None }, SHORT).await.unwrap();
    store.finish(&login, LoginEnd::Failed(1), SHORT).await.unwrap();
    let (one, two) = (user(), user());
    create(&store, NewSession { keep_for: SHORT, ..new_session(now, &one) }).await;
    let key = create(&store, new_session(now, &two)).await;
    store.end(&key, Ending::Revoked, SHORT).await.unwrap();
    store.end_user(&two, SHORT, SHORT).await.unwrap();
    assert_eq!(store.sweep().await, 0);
    file.clock.advance(SHORT);
    // A session, a tombstone, a mark and a login.
    assert_eq!(store.sweep().await, 4);
    assert_eq!(store.sweep().await, 0);
    drop(store);
    // What had been left in the file would be swept again.
    assert_eq!(file.open().sweep().await, 0);
}

#[tokio::test(start_paused = true)]
async fn sweeping_goes_on_until_the_store_is_gone() {
    let clock = SetClock::new();
    let store = EmbeddedStore::open(None, clock.clone()).unwrap();
    let sweeping = tokio::spawn(store.sweeping(Duration::from_mins(1)));
    create(&store, NewSession { keep_for: SHORT, ..new_session(store.time().await.unwrap(), &user()) }).await;
    clock.advance(SHORT);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(store.sweep().await, 0, "it has been swept already");
    drop(store);
    tokio::time::timeout(Duration::from_mins(2), sweeping).await.expect("it ends with the store").unwrap();
}

#[tokio::test]
async fn a_second_opening_is_told_who_has_the_file() {
    let file = OnFile::new();
    let store = file.open();
    let (error, text) = file.fault();
    assert!(matches!(error, OpenError::InUse { .. }) && text.contains("in use by another process"), "{text}");
    drop(store);
    file.open();
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let file = OnFile::new();
    drop(file.open());
    forge(&file.path(), |transaction| {
        let mut meta = transaction.open_table(redb::TableDefinition::<&str, u32>::new("meta")).unwrap();
        meta.insert("format", 2).unwrap();
    });
    let (error, text) = file.fault();
    assert!(matches!(error, OpenError::Newer { found: 2, known: 1, .. }), "{text}");
}

#[tokio::test]
async fn a_record_of_a_later_version_is_not_passed_over() {
    let file = OnFile::new();
    let store = file.open();
    let key = create(&store, new_session(store.time().await.unwrap(), &user())).await;
    drop(store);
    let name = [&key.tenant.0.to_be_bytes(), key.partition.number().to_be_bytes().as_slice(), &key.id].concat();
    for (forged, expected) in [(vec![2; 200], "format 2"), (vec![1; 40], "cut short"), (vec![], "cut short")] {
        forge(&file.path(), |transaction| {
            let definition = redb::TableDefinition::<&[u8], &[u8]>::new("sessions");
            let mut sessions = transaction.open_table(definition).unwrap();
            sessions.insert(name.as_slice(), [vec![0; 16], forged.clone()].concat().as_slice()).unwrap();
        });
        let (error, text) = file.fault();
        let OpenError::Unreadable { source, .. } = error else { panic!("{text}") };
        assert!(source.to_string().contains(expected), "{source}");
    }
}

#[tokio::test]
async fn a_file_that_is_something_else_is_left_alone() {
    let file = OnFile::new();
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    std::fs::write(file.path(), b"my letters to the editor, which nobody must overwrite".repeat(100)).unwrap();
    assert!(matches!(file.fault().0, OpenError::Unreadable { .. }));
    assert!(std::fs::read(file.path()).unwrap().starts_with(b"my letters"));
    let folder = OnFile::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    assert!(matches!(folder.fault().0, OpenError::Io { .. }));
}

// security.md 76 asks for sealed records; the file is for its owner alone all the same.
#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = OnFile::new();
    let _store = file.open();
    assert_eq!(std::fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

fn forge(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let transaction = redb::Database::open(path).unwrap().begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}
