//! Owns what must hold of users, of room for newer sessions, and of what belongs to sessions, in every store. Does not
//! know which store it is.

use std::time::Duration;

use gatelodge::authority::ports::{
    Creation, Joining, KeptAttributes, KeptUser, LoginEnd, LoginTaken, NewSession, UserLookup, Written,
};
use gatelodge::session::key::{ProviderSessionKey, SessionKey, UserKey};
use gatelodge::session::record::Ending;
use gatelodge::session::time::Timestamp;

use super::bench::{BINDING, Bench, LONG, SHORT, TENANT, fresh, new_session, record, user};

/// A session about to be made by a login of somebody with this profile.
async fn with_profile(bench: &Bench, user: &UserKey, profile: &[u8]) -> NewSession {
    let new = new_session(bench.store.time().await.unwrap(), user);
    NewSession { profile: Some(profile.to_vec()), ..new }
}

async fn known(bench: &Bench, user: &UserKey) -> KeptUser {
    match bench.store.user(user).await.unwrap() {
        UserLookup::Found(kept) => kept,
        other => panic!("{other:?}"),
    }
}

async fn walked(bench: &Bench) -> Vec<UserKey> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = bench.store.users(TENANT, from, 2).await.unwrap();
        assert!(page.users.len() <= 2);
        found.extend(page.users.into_iter().map(|(user, _)| user));
        from = page.next;
        if from.is_none() {
            return found;
        }
    }
}

pub async fn a_login_makes_or_changes_its_users_record(bench: &Bench) {
    let user = user();
    assert_eq!(bench.store.user(&user).await.unwrap(), UserLookup::Unknown);
    let first = with_profile(bench, &user, b"first").await;
    let began = first.began;
    let Creation::Created(made) = bench.store.create(first).await.unwrap() else { panic!("refused") };
    assert!(made.first_login && made.ended.is_empty());
    let second = NewSession { began: began + SHORT, ..with_profile(bench, &user, b"second").await };
    let Creation::Created(made) = bench.store.create(second).await.unwrap() else { panic!("refused") };
    assert!(!made.first_login);
    let kept = known(bench, &user).await;
    assert_eq!((kept.profile.as_slice(), kept.facts.logins, kept.facts.disabled), (b"second".as_slice(), 2, false));
    assert_eq!((kept.facts.first_login, kept.facts.last_login), (began, began + SHORT));
    // One that is refused changes nothing.
    let refused = NewSession { user_cap: 1, ..with_profile(bench, &user, b"third").await };
    assert_eq!(bench.store.create(refused).await.unwrap(), Creation::TooMany);
    assert_eq!(known(bench, &user).await, kept);
    assert!(!bench.store.reseal_user(&user, b"first", b"another".to_vec()).await.unwrap());
    assert!(bench.store.reseal_user(&user, b"second", b"another".to_vec()).await.unwrap());
    assert_eq!(known(bench, &user).await, KeptUser { profile: b"another".to_vec(), ..kept });
}

pub async fn users_are_walked_once_each(bench: &Bench) {
    let mut users: Vec<_> = (0..7).map(|_| user()).collect();
    for user in &users {
        bench.store.create(with_profile(bench, user, b"profile").await).await.unwrap();
    }
    let mut found = walked(bench).await;
    found.sort_by_key(|user| (user.partition, user.hash));
    users.sort_by_key(|user| (user.partition, user.hash));
    assert_eq!(found, users);
    bench.store.delete_user(&users[3], LONG, LONG, LONG).await.unwrap();
    users.remove(3);
    let mut found = walked(bench).await;
    found.sort_by_key(|user| (user.partition, user.hash));
    assert_eq!(found, users);
    for user in &users {
        bench.store.delete_user(user, LONG, LONG, LONG).await.unwrap();
    }
}

pub async fn a_disabled_user_has_and_gets_no_session(bench: &Bench) {
    let user = user();
    assert_eq!(bench.store.disable_user(&user, LONG, LONG).await.unwrap(), None);
    let new = with_profile(bench, &user, b"profile").await;
    let key = new.key;
    bench.store.create(new).await.unwrap();
    assert_eq!(bench.store.disable_user(&user, LONG, SHORT).await.unwrap(), Some(1));
    assert!(bench.is_gone(&key).await && known(bench, &user).await.facts.disabled);
    bench.pass(SHORT * 2).await;
    let again = with_profile(bench, &user, b"profile").await;
    assert_eq!(bench.store.create(again).await.unwrap(), Creation::Disabled);
    assert!(bench.store.enable_user(&user).await.unwrap());
    let again = with_profile(bench, &user, b"profile").await;
    assert!(matches!(bench.store.create(again).await.unwrap(), Creation::Created(made) if !made.first_login));
    bench.store.delete_user(&user, LONG, LONG, LONG).await.unwrap();
}

pub async fn a_deleted_user_is_remembered_for_a_while(bench: &Bench) {
    let user = user();
    assert_eq!(bench.store.delete_user(&user, LONG, LONG, LONG).await.unwrap(), None);
    let new = with_profile(bench, &user, b"profile").await;
    let key = new.key;
    bench.store.create(new).await.unwrap();
    assert_eq!(bench.store.delete_user(&user, LONG, SHORT, SHORT * 4).await.unwrap(), Some(1));
    assert!(bench.is_gone(&key).await);
    assert!(matches!(bench.store.user(&user).await.unwrap(), UserLookup::Deleted(_)));
    assert_eq!(bench.store.delete_user(&user, LONG, SHORT, LONG).await.unwrap(), Some(0), "it was done");
    assert!(!bench.store.enable_user(&user).await.unwrap());
    bench.pass(SHORT * 4).await;
    assert_eq!(bench.store.user(&user).await.unwrap(), UserLookup::Unknown);
}

pub async fn room_is_made_by_exactly_the_oldest(bench: &Bench) {
    let user = user();
    let now = bench.store.time().await.unwrap();
    let at = |seconds: u64| Timestamp::from_secs(1_700_000_000 + seconds);
    let mut keys = Vec::new();
    for began in [30, 10, 20, 40] {
        let new = NewSession { began: at(began), notes_beginning: began > 10, ..new_session(now, &user) };
        keys.push(new.key);
        bench.store.create(new).await.unwrap();
    }
    // A write of the record, which knows neither user nor beginning, keeps both.
    assert_eq!(bench.store.rewrite(&keys[2], record(2)).await.unwrap(), Written::Yes);
    assert_eq!(bench.found(&keys[2]).await, record(2));
    // One that has gone by itself is not counted.
    let short = NewSession { keep_for: SHORT, ..new_session(now, &user) };
    bench.store.create(short).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    let making_room = async |user_cap, replaces| {
        let new = new_session(bench.store.time().await.unwrap(), &user);
        let new = NewSession { user_cap, replaces, makes_room: true, began: at(50), notes_beginning: true, ..new };
        match bench.store.create(new).await.unwrap() {
            Creation::Created(made) => made.ended,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(making_room(5, vec![]).await, [], "there is room");
    assert_eq!(making_room(5, vec![keys[3]]).await, [], "the one that is replaced makes room");
    assert_eq!(making_room(4, vec![]).await, [keys[1], keys[2]]);
    assert_eq!(bench.store.sessions_of(&user).await.unwrap().len(), 4);
    for (key, lives) in keys.iter().zip([true, false, false, false]) {
        assert_eq!(bench.is_gone(key).await, !lives);
    }
    assert_eq!(bench.store.read(&keys[1]).await.unwrap(), gone(Ending::Replaced));
    assert_eq!(bench.store.tokens(&keys[1]).await.unwrap(), None);
}

fn gone(why: Ending) -> gatelodge::authority::ports::Lookup {
    gatelodge::authority::ports::Lookup::Gone(Some(why))
}

pub async fn attributes_are_changed_over_the_version_before_and_end_with_their_session(bench: &Bench) {
    let key = bench.session(&user()).await;
    let version = |version, sealed: &[u8]| KeptAttributes { version, sealed: sealed.to_vec() };
    assert_eq!(bench.store.attributes(&key).await.unwrap(), None);
    for wrong in [0, 2] {
        let written = bench.store.put_attributes(&key, version(wrong, b"x"), LONG).await.unwrap();
        assert_eq!(written, Written::RevisionChanged);
    }
    assert_eq!(bench.store.put_attributes(&key, version(1, b"one"), LONG).await.unwrap(), Written::Yes);
    assert_eq!(bench.store.put_attributes(&key, version(1, b"two"), LONG).await.unwrap(), Written::RevisionChanged);
    assert_eq!(bench.store.put_attributes(&key, version(2, b"two"), LONG).await.unwrap(), Written::Yes);
    assert_eq!(bench.store.attributes(&key).await.unwrap(), Some(version(2, b"two")));
    bench.store.end(&key, Ending::Revoked, LONG).await.unwrap();
    assert_eq!(bench.store.attributes(&key).await.unwrap(), None);
    assert_eq!(bench.store.put_attributes(&key, version(3, b"x"), LONG).await.unwrap(), Written::Gone);
}

pub async fn a_providers_session_names_those_that_joined_until_they_part(bench: &Bench) {
    let own = || ProviderSessionKey::of(TENANT, "idp", &format!("{:02x?}", fresh::<8>()));
    let (of, other) = (own(), own());
    let key = || SessionKey::of(TENANT, user().partition, &fresh());
    let (first, second, third, began) = (key(), key(), key(), bench.store.time().await.unwrap());
    for (session, count) in [(&first, 1), (&second, 2), (&second, 2)] {
        assert_eq!(bench.store.join(&of, session, began, LONG).await.unwrap(), Joining::Joined(count));
    }
    bench.store.join(&other, &third, began, SHORT).await.unwrap();
    let names = async |of| {
        let mut names: Vec<_> = bench.store.joined(of).await.unwrap().into_iter().map(|(session, _)| session).collect();
        names.sort();
        names
    };
    let mut both = vec![first, second];
    both.sort();
    assert_eq!((names(&of).await, names(&other).await), (both, vec![third]));
    bench.store.part(&of, &[first, third]).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!((names(&of).await, names(&other).await), (vec![second], vec![]));
}

// A logout by `sid` can't slip past a login in flight: whatever has begun is among the names, or never joins.
pub async fn an_ended_provider_session_is_joined_by_no_login_that_has_begun(bench: &Bench) {
    let of = ProviderSessionKey::of(TENANT, "idp", &format!("{:02x?}", fresh::<8>()));
    let key = || SessionKey::of(TENANT, user().partition, &fresh());
    let (first, second, store) = (key(), key(), &bench.store);
    let names = |joined: Vec<(SessionKey, _)>| joined.into_iter().map(|(session, _)| session).collect::<Vec<_>>();
    let early = store.time().await.unwrap();
    assert_eq!(store.join(&of, &first, early, LONG).await.unwrap(), Joining::Joined(1));
    bench.pass(Duration::from_millis(2)).await;
    assert_eq!(names(store.end_joined(&of, LONG).await.unwrap()), [first]);
    for _ in 0..2 {
        assert_eq!(store.join(&of, &second, early, LONG).await.unwrap(), Joining::EndedMeanwhile);
    }
    assert_eq!(names(store.joined(&of).await.unwrap()), [first], "and its name is not kept");
    bench.pass(Duration::from_millis(2)).await;
    let later = store.time().await.unwrap();
    assert_eq!(store.join(&of, &second, later, LONG).await.unwrap(), Joining::Joined(2), "the user may come back");
    store.end_joined(&of, LONG).await.unwrap();
    assert_eq!(store.join(&of, &second, later, LONG).await.unwrap(), Joining::EndedMeanwhile, "and end again");

    // Nobody was there: the end is noted all the same, and goes in time.
    let empty = ProviderSessionKey::of(TENANT, "idp", &format!("{:02x?}", fresh::<8>()));
    assert!(store.end_joined(&empty, SHORT).await.unwrap().is_empty());
    assert_eq!(store.join(&empty, &second, early, LONG).await.unwrap(), Joining::EndedMeanwhile);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    bench.sweep().await;
    assert_eq!(store.join(&empty, &second, early, LONG).await.unwrap(), Joining::Joined(1));
}

pub async fn a_login_waits_for_a_choice_and_is_taken_once_more(bench: &Bench) {
    let key = bench.login(LONG).await;
    let store = &bench.store;
    assert_eq!(store.resume(&key, &[BINDING], LONG).await.unwrap(), LoginTaken::Missing, "nobody was asked");
    assert!(!store.hold(&key, b"held".to_vec(), LONG).await.unwrap(), "nobody has it");
    let LoginTaken::Taken { started, .. } = store.take(&key, &[BINDING], LONG).await.unwrap() else { panic!() };
    assert!(store.hold(&key, b"held".to_vec(), LONG).await.unwrap());
    for _ in 0..2 {
        assert_eq!(store.take(&key, &[BINDING], LONG).await.unwrap(), LoginTaken::Waiting(b"held".to_vec()));
    }
    assert_eq!(store.resume(&key, &[[9; 16]], LONG).await.unwrap(), LoginTaken::OtherBrowser);
    match store.resume(&key, &[BINDING], LONG).await.unwrap() {
        LoginTaken::Taken { sealed, started: since, remaining } => {
            assert_eq!((sealed.as_slice(), since), (b"held".as_slice(), started));
            assert!(remaining <= LONG && remaining > LONG / 2);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.resume(&key, &[BINDING], LONG).await.unwrap(), LoginTaken::Busy);
    assert!(store.hold(&key, b"again".to_vec(), LONG).await.unwrap(), "it may wait once more");
    assert!(matches!(store.resume(&key, &[BINDING], LONG).await.unwrap(), LoginTaken::Taken { .. }));
    assert!(store.finish(&key, LoginEnd::Done(b"answer".to_vec()), LONG).await.unwrap());
    assert_eq!(store.resume(&key, &[BINDING], LONG).await.unwrap(), LoginTaken::Done(b"answer".to_vec()));
    assert!(!store.hold(&key, b"held".to_vec(), LONG).await.unwrap());
}
