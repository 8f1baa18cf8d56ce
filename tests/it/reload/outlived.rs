//! Shows what outlives the keys that signed and sealed it: API keys that were made at run time, and mint keys, on replicas over one
//! store, through their doors. Does not know how a replica learns of keys.

use gatelodge::app::keeper;
use gatelodge::authority::caller_keys::Reach;
use gatelodge::authority::reseal::Resealed;
use gatelodge::crypto::key_id_text;
use gatelodge::rpc::policy::Role;
use gatelodge::session::key_ring::RingKey;
use gatelodge_client::v1;
use tonic::Code;

use super::replicas::{DELAY, Replica, key, lost, replicas};
use crate::callers::{calls, listed, made, revoke};
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by};
use crate::world::faults::Fault;
use crate::world::log::Log;
use crate::world::{Browser, FaultyStore, Kept, on_every_store};

on_every_store! {
    an_api_key_outlives_the_key_that_signed_it
    an_api_key_whose_record_is_under_a_lost_key_is_trouble_and_hides_no_other
    lists_say_what_is_under_a_lost_key
    a_forged_key_that_names_another_signer_costs_one_list_of_keys
    what_a_replica_that_is_ahead_has_sealed_stays_under_its_key
    mint_keys_that_nobody_asks_for_outlive_the_key_that_sealed_them
    trouble_with_sealing_anew_is_told_when_it_lasts
}

/// Gives the first key an end, lets the second take its place, and seals anew what outlives it; then that end comes.
async fn rotate_out(all: &mut [Replica; 3], [old, new]: [&str; 2], is_resealed: bool) {
    let now = all[0].ports.clock.now();
    let old = RingKey { retire_after: Some(now + DELAY * 2), ..key(old, None) };
    let new = key(new, Some(now + DELAY));
    for replica in all.iter_mut() {
        replica.learn(&[old.clone(), new.clone()]);
    }
    all[0].world.clock.advance(DELAY);
    for replica in all.iter_mut() {
        replica.turn();
        if is_resealed {
            replica.world.authority.reseal(Reach::Several).await.unwrap();
        }
    }
    all[0].world.clock.advance(DELAY);
    all.iter_mut().for_each(Replica::turn);
}

// store.md 2: records without an end are sealed anew before a key retires. The text of an API key is its caller's.
async fn an_api_key_outlives_the_key_that_signed_it(kept: Kept) {
    let mut all = replicas(kept, &[key("first", None)]).await;
    let (shown, text) = made(&Serving::of(&all[0].world).await, "ci").await;
    rotate_out(&mut all, ["first", "second"], true).await;
    for replica in &all {
        let door = Serving::of(&replica.world).await;
        calls(&door, &text).await.unwrap();
        let [one] = &listed(&door).await[..] else { panic!() };
        assert!(one.by_former_secret && one.unreadable.is_empty(), "{one:?}");
        assert_eq!(v1::CallerKey { by_former_secret: false, ..one.clone() }, shown);
    }
    // One more, made under another key, and both gone.
    let (_, other) = made(&Serving::of(&all[1].world).await, "other").await;
    rotate_out(&mut all, ["second", "third"], true).await;
    let door = Serving::of(&all[2].world).await;
    for text in [&text, &other] {
        calls(&door, text).await.unwrap();
    }
    // It ends as any other.
    assert!(revoke(&door, &shown).await);
    failed(calls(&door, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    failed(calls(&Serving::of(&all[0].world).await, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    calls(&door, &other).await.unwrap();
}

// security.md 113: UNAUTHENTICATED only where it is certain.
async fn an_api_key_whose_record_is_under_a_lost_key_is_trouble_and_hides_no_other(kept: Kept) {
    let (old, new) = (key("old", None), key("new", None));
    let mut all = replicas(kept, std::slice::from_ref(&old)).await;
    let (shown, text) = made(&Serving::of(&all[0].world).await, "ci").await;
    // Known to be lost, or gone without a word.
    for keys in [vec![lost(&old), new.clone()], vec![new.clone()]] {
        for replica in &mut all {
            replica.learn(&keys);
        }
        for replica in &all {
            let door = Serving::of(&replica.world).await;
            failed(calls(&door, &text).await, Code::Unavailable, "KEY_UNAVAILABLE");
            assert_eq!(replica.world.authority.reseal_caller_keys(Reach::Tenant).await.unwrap(), 0);
        }
    }
    let store = FaultyStore::before(&mut all[2].ports);
    all[2].turn();
    let door = Serving::of(&all[2].world).await;
    for _ in 0..3 {
        failed(calls(&door, &text).await, Code::Unavailable, "KEY_UNAVAILABLE");
    }
    assert_eq!(store.count("caller_key"), 1, "that it does not open is remembered as any other reading");
    let door = Serving::of(&all[1].world).await;
    let (other, _) = made(&door, "zeta").await;
    let [first, second] = &listed(&door).await[..] else { panic!() };
    assert_eq!((first, &second.key_id, second.expire_time), (&other, &shown.key_id, shown.expire_time));
    assert!(second.unreadable.contains(&key_id_text(old.id)) && second.caller.is_empty(), "{second:?}");
    // It can be revoked all the same, and is good again once the key is back.
    all[0].learn(&[old, new]);
    calls(&Serving::of(&all[0].world).await, &text).await.unwrap();
    assert!(revoke(&door, &shown).await);
    assert_eq!(listed(&door).await, [other]);
}

async fn lists_say_what_is_under_a_lost_key(kept: Kept) {
    let (old, new) = (key("old", None), key("new", None));
    let mut all = replicas(kept, std::slice::from_ref(&old)).await;
    for sub in ["ada", "bob"] {
        all[0].world.log_in(&mut Browser::default(), sub).await.result.unwrap();
    }
    all[0].learn(&[lost(&old), new]);
    all[0].world.log_in(&mut Browser::default(), "eve").await.result.unwrap();
    let door = Serving::of(&all[0].world).await;
    let mut admin = door.admin().await;
    let users = admin.list_users(by(Role::Admin, v1::ListUsersRequest::default())).await.unwrap().into_inner();
    let sessions = admin.list_sessions(by(Role::Admin, v1::ListSessionsRequest::default())).await;
    let sessions = sessions.unwrap().into_inner();
    assert_eq!((users.users.len(), sessions.sessions.len()), (1, 1), "the others are listed");
    for (unreadable, what) in [(users.unreadable, "a user's profile"), (sessions.unreadable, "a session")] {
        let [one] = &unreadable[..] else { panic!("{unreadable:?}") };
        assert_eq!(one.count, 2);
        assert!(one.why.contains(what) && one.why.contains(&key_id_text(old.id)), "{one:?}");
    }
}

// store.md 2: replicas notice a date each at its own moment. A former key ends earlier than what outlives it.
async fn what_a_replica_that_is_ahead_has_sealed_stays_under_its_key(kept: Kept) {
    let mut all = replicas(kept, &[key("old", None)]).await;
    let keys = [key("old", None), key("new", Some(all[0].ports.clock.now() + DELAY))];
    for replica in &mut all {
        replica.learn(&keys);
    }
    all[0].world.clock.advance(DELAY);
    all[0].turn();
    all[0].world.log_in(&mut Browser::default(), "ada").await.result.unwrap();
    made(&Serving::of(&all[0].world).await, "ci").await;
    for late in [1, 2, 0] {
        let resealed = all[late].world.authority.reseal(Reach::Several).await.unwrap();
        assert_eq!(resealed, Resealed::default(), "{late}");
    }
}

// security.md 99, 108: what is forged is no work for the store.
async fn a_forged_key_that_names_another_signer_costs_one_list_of_keys(kept: Kept) {
    let mut all = replicas(kept, &[key("first", None)]).await;
    let (_, outliving) = made(&Serving::of(&all[0].world).await, "ci").await;
    rotate_out(&mut all, ["first", "second"], true).await;
    let (_, text) = made(&Serving::of(&all[0].world).await, "other").await;
    let store = FaultyStore::before(&mut all[0].ports);
    all[0].turn();
    let door = Serving::of(&all[0].world).await;
    for at in 0..20 {
        // The id of a key that there is, and of one that there is not; another signer; the rest as it was.
        let mut forged = text.clone().into_bytes();
        forged[if at % 2 == 0 { 20 } else { 90 }] = b'0' + at / 2;
        forged[70] = if forged[70] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        failed(calls(&door, &forged).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    }
    assert_eq!((store.count("caller_keys"), store.count("caller_key")), (1, 0));
    calls(&door, &outliving).await.unwrap();
    calls(&door, &outliving).await.unwrap();
    assert_eq!((store.count("caller_keys"), store.count("caller_key")), (1, 1));
}

async fn mint_keys_that_nobody_asks_for_outlive_the_key_that_sealed_them(kept: Kept) {
    for is_resealed in [true, false] {
        let mut all = replicas(kept, &[key("first", None)]).await;
        let published = all[0].world.authority.get_jwks().await.unwrap().jwks;
        rotate_out(&mut all, ["first", "second"], is_resealed).await;
        for replica in &all {
            let door = Serving::of(&replica.world).await;
            let jwks = door.tokens().await.get_jwks(by(Role::Backend, v1::GetJwksRequest::default())).await;
            if is_resealed {
                assert_eq!(jwks.unwrap().into_inner().jwks, published);
            } else {
                failed(jwks, Code::Unavailable, "KEY_UNAVAILABLE");
            }
        }
    }
}

async fn trouble_with_sealing_anew_is_told_when_it_lasts(kept: Kept) {
    let mut all = replicas(kept, &[key("old", None), key("new", None)]).await;
    let store = FaultyStore::before(&mut all[0].ports);
    all[0].turn();
    let reseal = async |is_again| {
        let log = Log::default();
        let listens = log.listen();
        let is_done = keeper::reseal(&all[0].world.authority, Reach::Several, is_again).await;
        drop(listens);
        let text = log.text();
        let said = text.lines().find(|line| line.contains("what outlives a key can't be sealed anew yet"));
        (is_done, said.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()))
    };
    store.set(Fault::Away);
    assert_eq!(reseal(false).await, (false, Some("DEBUG".to_owned())), "it may be over by the next time");
    assert_eq!(reseal(true).await, (false, Some("WARN".to_owned())));
    store.set(None);
    assert_eq!(reseal(true).await, (true, None));
}
