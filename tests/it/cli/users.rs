//! Owns the verbs `users` and the filters of `sessions list`, from the outside, against an authority in this process.
//! Does not know how users are kept.

use std::time::Duration;

use serde_json::Value;

use super::asking::{ask, json};
use crate::rpc::serving::Serving;
use crate::store::bench::{new_session, user};
use crate::world::{Browser, World};

async fn done(serving: &Serving, arguments: &[&str]) -> String {
    let (code, out, err) = ask(serving, arguments).await;
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_shown_disabled_enabled_and_deleted() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    assert_eq!(done(&serving, &["users", "list"]).await, "Nobody has logged in.\n");
    for sub in ["ada", "ada", "bob"] {
        world.log_in(&mut Browser::default(), sub).await.result.unwrap();
    }
    let listed = json(&done(&serving, &["users", "list", "-o", "json"]).await);
    let mut ids: Vec<_> = listed.as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["idp_ada", "idp_bob"]);
    let one = json(&done(&serving, &["users", "list", "--limit", "1", "-o", "json"]).await);
    assert_eq!(one.as_array().unwrap().len(), 1);
    let table = done(&serving, &["users", "list"]).await;
    assert!(table.contains("USER ID") && table.contains("ada@example.com"), "{table}");

    let ada = json(&done(&serving, &["users", "get", "idp_ada", "-o", "json"]).await);
    let shown = [&ada["state"], &ada["email"], &ada["provider"], &ada["sub"], &ada["logins"], &ada["deleted"]];
    assert_eq!(
        shown,
        [&"active".into(), &"ada@example.com".into(), &"idp".into(), &"ada".into(), &"2".into(), &Value::Null]
    );
    let lines = done(&serving, &["users", "get", "idp_ada"]).await;
    assert!(lines.lines().any(|line| line.split_whitespace().eq(["state", "active"])), "{lines}");

    let disabled = done(&serving, &["users", "disable", "idp_ada", "--reason", "left"]).await;
    assert_eq!(disabled, "The user is disabled; 2 sessions were ended.\n");
    let again = done(&serving, &["users", "disable", "idp_ada", "-o", "json"]).await;
    assert_eq!(json(&again)["revoked_count"], 0);
    assert_eq!(json(&done(&serving, &["users", "get", "idp_ada", "-o", "json"]).await)["state"], "disabled");
    assert_eq!(done(&serving, &["users", "enable", "idp_ada"]).await, "The user may log in again.\n");
    assert_eq!(done(&serving, &["users", "delete", "idp_bob"]).await, "The user is deleted; 1 session was ended.\n");
    let bob = json(&done(&serving, &["users", "get", "idp_bob", "-o", "json"]).await);
    assert!(bob["state"] == "deleted" && bob["deleted"].is_string() && bob["email"] == "", "{bob}");

    for verb in ["get", "disable", "enable", "delete"] {
        let (code, _, said) = ask(&serving, &["users", verb, "idp_nobody"]).await;
        assert!(code == 66 && !said.is_empty(), "{verb}: {code} {said}");
        assert_eq!(ask(&serving, &["users", verb, ""]).await.0, 64, "{verb}");
    }
}

// A script that takes a part for the whole does harm; the list itself stays as it can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_cut_says_that_there_are_more_on_standard_error() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    for number in 0..3 {
        world.log_in(&mut Browser::default(), &format!("user{number}")).await.result.unwrap();
    }
    for what in ["users", "sessions"] {
        for (limit, is_cut) in [("2", true), ("3", false), ("4", false)] {
            let (code, out, err) = ask(&serving, &[what, "list", "--limit", limit, "-o", "json"]).await;
            let listed = json(&out).as_array().unwrap().len();
            assert_eq!((code, listed), (0, if is_cut { 2 } else { 3 }), "{what} {limit}: {err}");
            let said = "note: there are more than 2; --limit says how many to list\n";
            assert_eq!(err, if is_cut { said } else { "" }, "{what} {limit}");
        }
    }
}

// More than a preview looks at one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_of_very_many_says_what_it_has_counted() {
    let (mut sessions, most) = (None, 10_001);
    let world = World::built(&["idp"], |_| (), |ports| sessions = Some(ports.sessions.clone()));
    let (serving, sessions) = (Serving::of(&world).await, sessions.unwrap());
    for _ in 0..most {
        sessions.create(new_session(sessions.time().await.unwrap(), &user())).await.unwrap();
    }
    let dry = async |target: &[&str]| done(&serving, &[&["sessions", "revoke", "--dry-run"], target].concat()).await;
    for (target, of) in [
        (&["--whole-tenant"][..], "of this tenant"),
        (&["--provider", "idp"], "of this tenant, by whichever provider"),
        (&["--everything"], "of all tenants"),
    ] {
        let expected = format!("At most {most} would be ended: so many sessions there are {of}. Nothing was.\n");
        assert_eq!(dry(target).await, expected, "{target:?}");
    }
    let counted = json(&dry(&["--whole-tenant", "-o", "json"]).await);
    assert_eq!(counted, serde_json::json!({ "count": most, "exact": false }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_by_what_they_have_in_common() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    // The world begins at 2027-01-15T08:00:00Z.
    let mut ids = Vec::new();
    for (sub, sid) in [("ada", "s1"), ("ada", "s2"), ("bob", "s1")] {
        *world.provider.sid.lock().unwrap() = Some(sid.to_owned());
        ids.push(world.log_in(&mut Browser::default(), sub).await.result.unwrap().key.public());
        world.clock.advance(Duration::from_secs(10));
    }
    let table: [(&[&str], &[usize]); 8] = [
        (&[], &[0, 1, 2]),
        (&["--user", "idp_ada"], &[0, 1]),
        (&["--provider", "idp"], &[0, 1, 2]),
        (&["--provider-session", "idp:s1"], &[0, 2]),
        (&["--provider-session", "idp:s1", "--user", "idp_bob"], &[2]),
        (&["--since", "2027-01-15T08:00:10Z"], &[1, 2]),
        (&["--until", "2027-01-15T08:00:10Z"], &[0]),
        (&["--since", "2027-01-15T08:00:05Z", "--until", "2027-01-15T08:00:15Z"], &[1]),
    ];
    for (filter, expected) in table {
        let listed = json(&done(&serving, &[&["sessions", "list", "-o", "json"], filter].concat()).await);
        let mut found: Vec<_> =
            listed.as_array().unwrap().iter().map(|session| session["session_id"].as_str().unwrap()).collect();
        let mut expected: Vec<_> = expected.iter().map(|at| ids[*at].as_str()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    let dry = done(&serving, &["sessions", "revoke", "--provider-session", "idp:s1", "--dry-run"]).await;
    assert_eq!(dry, "2 would be ended; nothing was.\n");
    assert_eq!(
        done(&serving, &["sessions", "revoke", "--provider-session", "idp:s1"]).await,
        "2 sessions were ended.\n"
    );
    for wrong in [
        &["--provider-session", "s1"][..],
        &["--since", "yesterday"],
        &["--provider", "idp", "--provider-session", "idp:s1"],
    ] {
        assert_eq!(ask(&serving, &[&["sessions", "list"], wrong].concat()).await.0, 64, "{wrong:?}");
    }
}
