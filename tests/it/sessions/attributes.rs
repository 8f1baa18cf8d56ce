//! Shows what applications keep with a session: versions, bounds, its end. Does not know how it is sealed.

use std::collections::HashMap;

use futures::future::join_all;
use gatelodge::authority::settings::AttributeLimits;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::get_attributes_response::Outcome as Got;
use gatelodge_client::v1::update_attributes_response::Outcome;

use tonic::Code;

use super::door::{Door, active};
use crate::rpc::serving::{by, context, cookies};
use crate::rpc::{failed, fields_of};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    what_is_kept_is_read_again_until_the_session_ends
    of_racing_changes_each_version_has_one
    what_is_too_much_or_misnamed_is_refused
    what_is_kept_outlives_a_rotation
    a_page_needs_its_token_to_change_anything
}

async fn get(door: &mut Door, browser: &Browser) -> Option<(HashMap<String, Vec<u8>>, u64)> {
    let request = v1::GetAttributesRequest { cookies: cookies(browser), context: None };
    match door.sessions.get_attributes(by(Role::Backend, request)).await.unwrap().into_inner().outcome.unwrap() {
        Got::Attributes(kept) => {
            Some((kept.values.into_iter().map(|(name, value)| (name, value.to_vec())).collect(), kept.version))
        }
        Got::Inactive(_) => None,
        Got::Denied(denied) => panic!("{denied:?}"),
    }
}

fn change(browser: &Browser, version: u64, set: &[(&str, &[u8])], remove: &[&str]) -> v1::UpdateAttributesRequest {
    v1::UpdateAttributesRequest {
        cookies: cookies(browser),
        context: None,
        expected_version: version,
        set: set.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec().into())).collect(),
        remove: remove.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    }
}

async fn put(door: &mut Door, request: v1::UpdateAttributesRequest) -> Result<u64, String> {
    match door.sessions.update_attributes(by(Role::Backend, request)).await {
        Ok(answer) => match answer.into_inner().outcome.unwrap() {
            Outcome::Attributes(kept) => Ok(kept.version),
            Outcome::Inactive(_) => Err("inactive".into()),
            Outcome::Denied(_) => Err("denied".into()),
        },
        Err(status) => Err(crate::rpc::reason(&status)),
    }
}

async fn what_is_kept_is_read_again_until_the_session_ends(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    assert_eq!(get(&mut door, &browser).await, Some((HashMap::new(), 0)));
    let binary: &[u8] = b"\0\xff";
    assert_eq!(put(&mut door, change(&browser, 0, &[("cart", b"17"), ("org:id", binary)], &[])).await, Ok(1));
    assert_eq!(put(&mut door, change(&browser, 1, &[("cart", b"18")], &["org:id", "never"])).await, Ok(2));
    let cart = |value: &[u8]| HashMap::from([("cart".to_owned(), value.to_vec())]);
    assert_eq!(get(&mut door, &browser).await, Some((cart(b"18"), 2)));
    assert_eq!(put(&mut door, change(&browser, 1, &[("cart", b"19")], &[])).await, Err("VERSION_CONFLICT".into()));
    assert_eq!(get(&mut door, &browser).await, Some((cart(b"18"), 2)), "nothing was changed");
    let mut other = Browser::default();
    door.world.log_in(&mut other, "ada").await.result.unwrap();
    assert_eq!(get(&mut door, &other).await, Some((HashMap::new(), 0)), "each session has its own");
    door.world.revoke(&browser).await;
    assert_eq!(get(&mut door, &browser).await, None);
    assert_eq!(put(&mut door, change(&browser, 2, &[], &[])).await, Err("inactive".into()));
}

async fn of_racing_changes_each_version_has_one(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let calls = (0..20).map(|number: u8| {
        let (mut sessions, request) = (door.sessions.clone(), change(&browser, 0, &[("who", &[number])], &[]));
        async move { sessions.update_attributes(by(Role::Backend, request)).await.is_ok() }
    });
    let won = join_all(calls).await.into_iter().filter(|won| *won).count();
    assert_eq!((won, get(&mut door, &browser).await.unwrap().1), (1, 1));
}

/// What is to be set and removed, and the field that is refused.
type Refused<'a> = (&'a [(&'a str, &'a [u8])], &'a [&'a str], &'a str);

async fn what_is_too_much_or_misnamed_is_refused(kept: Kept) {
    let limits = AttributeLimits { bytes: 20, count: 3 };
    let mut door = Door::open(kept, |settings| settings.attributes = limits).await;
    let browser = door.browser.clone();
    assert_eq!(put(&mut door, change(&browser, 0, &[("a", &[1; 19])], &[])).await, Ok(1));
    let (long, longest) = ("n".repeat(65), "n".repeat(64));
    let refused: [Refused<'_>; 10] = [
        (&[("a", &[1; 20])], &[], "set"),
        (&[("b", b"")], &[], "set"),
        (&[("a", b""), ("b", b""), ("c", b""), ("d", b"")], &[], "set"),
        (&[("", b"")], &[], "set"),
        (&[("no spaces", b"")], &[], "set"),
        (&[(&long, b"")], &[], "set"),
        (&[], &[""], "remove"),
        (&[], &["a", "no spaces"], "remove"),
        (&[("b", b"")], &["a", &long], "remove"),
        (&[("a", b"")], &["a"], "remove"),
    ];
    for (set, remove, field) in refused {
        let asked = door.sessions.update_attributes(by(Role::Backend, change(&browser, 1, set, remove))).await;
        let status = failed(asked, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(fields_of(&status), [field], "{set:?} {remove:?}");
    }
    assert_eq!(put(&mut door, change(&browser, 1, &[], &[&longest])).await, Ok(2), "a name that nothing is kept under");
    // What makes room in the same change is allowed.
    assert_eq!(put(&mut door, change(&browser, 2, &[("b", &[1; 19])], &["a"])).await, Ok(3));
}

async fn what_is_kept_outlives_a_rotation(kept: Kept) {
    let mut door = Door::due(kept).await;
    let browser = door.browser.clone();
    assert_eq!(put(&mut door, change(&browser, 0, &[("cart", b"17")], &[])).await, Ok(1));
    let (next, _) = door.rotated().await;
    active(door.ask(&next, |_| ()).await);
    let (values, version) = get(&mut door, &next).await.unwrap();
    assert_eq!((values["cart"].as_slice(), version), (b"17".as_slice(), 1));
    assert_eq!(put(&mut door, change(&next, 1, &[("cart", b"18")], &[])).await, Ok(2));
}

async fn a_page_needs_its_token_to_change_anything(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let mut request = change(&browser, 0, &[("cart", b"17")], &[]);
    request.context = Some(context("POST", "/cart"));
    assert_eq!(put(&mut door, request).await, Err("denied".into()));
    assert_eq!(get(&mut door, &browser).await.unwrap().1, 0);
}
