//! Owns the verbs `audit` and `explain`, from the outside, against an authority in this process. Does not know how entries are
//! kept.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;

use super::asking::{ask, json};
use crate::audit::{ALL, listed};
use crate::rpc::serving::{Serving, key};
use crate::world::{Browser, World, state_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_is_listed_and_a_failed_login_explained() {
    let world = World::with(|settings| settings.audit = Some(ALL));
    let serving = Serving::of(&world).await;
    let (code, said, _) = ask(&serving, &["audit"]).await;
    assert_eq!((code, said.as_str()), (0, "Nothing of the kind was written down.\n"));
    world.log_in(&mut Browser::default(), "ada").await.result.unwrap();
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    world.callback(&browser, &format!("error=access_denied&state={}", state_of(&started.answer))).await;
    listed(&serving, v1::AuditFilter::default(), 4).await;

    let (code, said, _) = ask(&serving, &["audit", "-o", "json"]).await;
    let all = json(&said);
    assert_eq!((code, all.as_array().unwrap().len()), (0, 4));
    let (_, said, _) = ask(&serving, &["audit", "--failures"]).await;
    assert!(said.lines().count() == 2 && said.contains("login_completed") && said.contains("access_denied"), "{said}");
    for (filter, count) in [
        (&["--user", "idp_ada"][..], 1),
        (&["--action", "login_begun,theft"], 2),
        (&["--request", "test", "--limit", "3"], 3),
        (&["--caller", "nobody"], 0),
        (&["--since", "2030-01-01T00:00:00Z"], 0),
    ] {
        let (code, said, err) = ask(&serving, &[&["audit", "-o", "json"], filter].concat()).await;
        assert_eq!((code, json(&said).as_array().unwrap().len()), (0, count), "{filter:?}: {err}");
    }
    let (code, said, _) = ask(&serving, &["explain", "test"]).await;
    assert_eq!(code, 0);
    let failed: Vec<_> = said.lines().filter(|line| line.trim_start().starts_with("failed")).collect();
    assert!(failed.len() == 1 && failed[0].contains("provider_answer"), "{said}");
    assert!(said.contains("the provider sent the browser back with the error access_denied"), "{said}");
    let (code, said, err) = ask(&serving, &["explain", "never"]).await;
    assert!(code == 66 && said.is_empty() && err.contains("no audit entry is kept"), "{code} {said} {err}");
    for wrong in [&["audit", "--action", "dancing"][..], &["explain"], &["audit", "--follow", "--limit", "3"]] {
        assert_eq!(ask(&serving, wrong).await.0, 64, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_followed_line_by_line() {
    let world = World::with(|settings| settings.audit = Some(ALL));
    let mut serving = Serving::of(&world).await;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_gatelodge"))
        .env_clear()
        .env("GATELODGE_ADDRESS", format!("http://{}", serving.address))
        .env("GATELODGE_API_KEY", key(Role::Admin))
        .args(["audit", "--follow", "--action", "login_completed", "-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (said, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
    // It may not have begun to listen yet: then it is told of a later one.
    let line = loop {
        world.clock.advance(Duration::from_millis(500));
        world.log_in(&mut Browser::default(), "ada").await.result.unwrap();
        if let Ok(line) = tokio::time::timeout(Duration::from_millis(500), lines.recv()).await {
            break json(&line.unwrap());
        }
    };
    assert_eq!((&line["user_id"], &line["action"]), (&"idp_ada".into(), &"login_completed".into()));
    serving.stop();
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(ended.code(), Some(69));
}
