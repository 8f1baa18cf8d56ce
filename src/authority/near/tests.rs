//! Owns the tests of the near cache. Does not know how an authority uses it.

use super::*;
use crate::crypto::{KeyRing, Secret};
use crate::session::credential::Credential;
use crate::session::identity::Identity;
use crate::session::key::{Partition, TenantNumber};
use crate::session::record::{Header, Marks, RefreshToken, Standing};
use crate::vault::TokenKey;

fn vault() -> Vault {
    let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
    Vault::new(&ring, &ring)
}

fn record(name: &str, marks: Marks) -> (SessionKey, Record) {
    let credential = Credential::new(TenantNumber(1), Partition::new(1).unwrap(), [1; 16], 1, [2; 32]);
    let identity = Identity { name: Some(name.to_owned()), ..nobody() };
    let moment = Timestamp::default();
    let standing = Standing {
        identity,
        created: moment,
        absolute_end: moment,
        remembered: false,
        by_token: false,
        generation_since: moment,
        stepped_up: false,
        fingerprint: None,
        user_agent: String::new(),
        client_address: String::new(),
        place: String::new(),
        provider_session: None,
        access_token_end: None,
        user_info_time: None,
        refresh_token: RefreshToken::None,
    };
    let body = vault().seal_body([1; 12], &credential, &marks, &standing, &TokenKey::new([3; 32])).into();
    let current = credential.secret_hash();
    let header = Header { revision: 1, generation: 1, current, other: None, last_active: None, fence: 0, marks };
    (credential.key, Record { header, body })
}

fn nobody() -> Identity {
    Identity {
        user_id: String::new(),
        provider: String::new(),
        issuer: String::new(),
        sub: String::new(),
        email: None,
        email_verified: false,
        name: None,
        picture: None,
        claims: serde_json::Map::new(),
        scopes: Vec::new(),
        roles: Vec::new(),
        permissions: Vec::new(),
        auth_time: None,
        acr: None,
        amr: Vec::new(),
    }
}

// security.md 75: what was opened once vouches for nothing else.
#[test]
fn only_what_was_opened_is_answered_from_memory() {
    let (near, vault, marks) = (Near::new(64), vault(), Marks::default());
    let (key, first) = record("Ada", marks);
    let once = near.standing(&vault, &key, &first).unwrap();
    assert!(Arc::ptr_eq(&once, &near.standing(&vault, &key, &first).unwrap()));

    let (_, second) = record("Grace", marks);
    assert_eq!(near.standing(&vault, &key, &second).unwrap().identity.name.as_deref(), Some("Grace"));

    let mut false_marks = second.clone();
    false_marks.header.marks.tenant = 1;
    assert!(near.standing(&vault, &key, &false_marks).is_err());
    let other = SessionKey { tenant: TenantNumber(2), ..key };
    assert!(near.standing(&vault, &other, &second).is_err());
    let cut = Record { body: second.body.slice(..second.body.len() - 1), ..second.clone() };
    assert!(near.standing(&vault, &key, &cut).is_err());
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

// store.md, 6: an insert that began before an invalidation never wins.
#[test]
fn what_was_read_before_it_was_forgotten_is_not_known() {
    let (near, vault) = (Near::new(64), vault());
    let (key, record) = record("Ada", Marks::default());
    let standing = near.standing(&vault, &key, &record).unwrap();
    let user = UserKey::of(key.tenant, &standing.identity.issuer, &standing.identity.sub);
    let stranger = SessionKey { id: [9; 16], ..key };
    let forget: [&dyn Fn(); 3] = [&|| near.forget(&key), &|| near.forget_user(&user), &|| near.forget_all()];
    for forget in forget {
        let before = near.reading(at(10), None);
        near.keep(&key, &record, &standing, before);
        assert!(near.known(&key, at(9)).is_some() && near.known(&stranger, at(9)).is_none());
        assert!(near.known(&key, at(10)).is_none(), "it is too old");
        forget();
        assert!(near.known(&key, at(9)).is_none());
        near.keep(&key, &record, &standing, before);
        assert!(near.known(&key, at(9)).is_none(), "the insert came too late");
        near.keep(&key, &record, &standing, near.reading(at(11), None));
        assert_eq!(near.known(&key, at(9)).unwrap().record, record);
    }
}

#[test]
fn the_room_is_bounded_and_what_is_asked_for_stays() {
    let (near, vault) = (Near::new(64), vault());
    let (key, record) = record("Ada", Marks::default());
    let standing = near.standing(&vault, &key, &record).unwrap();
    let reading = near.reading(at(10), None);
    near.keep(&key, &record, &standing, reading);
    for number in 0..10_000_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        near.keep(&SessionKey { id, ..key }, &record, &standing, reading);
        assert!(near.known(&key, at(9)).is_some());
    }
    let all: usize = near.sets.iter().map(|set| set.lock().unwrap().slots.len()).sum();
    assert_eq!(all, 64);
}

// However many ask, one writes a use down; and after one that came to no end nobody waits for the next.
#[test]
fn of_all_who_find_a_use_not_written_one_writes_it() {
    let (near, vault) = (Near::new(64), vault());
    let (key, record) = record("Ada", Marks::default());
    let (due, used) = (Timestamp::from_secs(100), Timestamp::from_secs(200));
    let turn = |length| near.begin_touch(&key, due, length);
    assert_eq!([turn(at(1)), turn(at(1)), turn(at(1))], [Turn::First, Turn::Another, Turn::Another], "known or not");
    near.standing(&vault, &key, &record).unwrap();
    assert_eq!([turn(at(2)), turn(at(2)), turn(at(3))], [Turn::Again, Turn::Another, Turn::Again]);
    // However many others are used meanwhile.
    for number in 0..8 {
        let mut id = key.id;
        id[15] = id[15].wrapping_add(number + 1);
        assert_eq!(near.begin_touch(&SessionKey { id, ..key }, due, at(3)), Turn::First);
    }
    assert_eq!(turn(at(3)), Turn::Another);
    // Whoever has read the record before it was written brings nothing back.
    near.used(&key, used);
    let standing = near.standing(&vault, &key, &record).unwrap();
    near.keep(&key, &record, &standing, near.reading(at(3), None));
    assert_eq!(turn(at(3)), Turn::Another, "it is written");
    assert_eq!(near.begin_touch(&key, used, at(3)), Turn::First, "and due again");
}
