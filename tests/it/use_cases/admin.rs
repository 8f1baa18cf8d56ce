//! Owns the tests of listing, showing and revoking sessions from outside the browser. Does not know callers' rights.

use std::sync::Arc;

use gatelodge::authority::Error;
use gatelodge::authority::list_sessions::{Filter, Question};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;

use crate::world::{Browser, ISSUER, World};

async fn page(
    world: &World,
    user_id: &str,
    page_size: usize,
    page_token: &str,
) -> Result<(Vec<String>, String), Error> {
    let filter = Filter { user_id: user_id.into(), ..Filter::default() };
    let question = Question { filter, page_size, page_token: page_token.into() };
    let page = world.authority.list_sessions(&question).await?;
    Ok((page.sessions.iter().map(|session| session.key.public()).collect(), page.next_page_token))
}

async fn all(world: &World, user_id: &str, page_size: usize) -> Vec<String> {
    let (mut found, mut token) = page(world, user_id, page_size, "").await.unwrap();
    while !token.is_empty() {
        let (more, next) = page(world, user_id, page_size, &token).await.unwrap();
        found.extend(more);
        token = next;
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_living_session_is_listed_once_page_by_page() {
    let world = World::new();
    let mut expected = Vec::new();
    for sub in ["ada", "ada", "bob", "ada", "cy"] {
        let session = world.log_in(&mut Browser::default(), sub).await.result.unwrap();
        expected.push((sub, session.key.public()));
    }
    let of = |sub: Option<&str>| {
        let mut ids: Vec<_> =
            expected.iter().filter(|(own, _)| sub.is_none_or(|s| s == *own)).map(|(_, id)| id.clone()).collect();
        ids.sort();
        ids
    };
    for size in [1, 2, 100] {
        assert_eq!(all(&world, "", size).await, of(None), "{size}");
        assert_eq!(all(&world, "idp_ada", size).await, of(Some("ada")), "{size}");
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_filter_alone() {
    let world = World::new();
    for _ in 0..3 {
        world.log_in(&mut Browser::default(), "ada").await;
    }
    let (_, token) = page(&world, "idp_ada", 1, "").await.unwrap();
    for (user, token) in
        [("idp_bob", token.clone()), ("", token.clone()), ("idp_ada", format!("{token}A")), ("", "x".into())]
    {
        let refused = page(&world, user, 1, &token).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidField { field: "page_token", .. }));
    }
}

#[tokio::test]
async fn a_revoked_session_is_dead_and_the_others_live() {
    let world = World::new();
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let session = world.log_in(&mut one, "ada").await.result.unwrap();
    world.log_in(&mut other, "ada").await;
    let target = Target::Session(session.key.public());
    for expected in [1, 0] {
        assert_eq!(world.authority.revoke_as_admin(&call(), &target, "lost laptop").await.unwrap(), expected);
    }
    assert!(matches!(world.validate(one.fetch("GET", "/")).await, Outcome::Inactive(_)));
    assert!(matches!(world.validate(other.fetch("GET", "/")).await, Outcome::Active(_)));
    let gone = world.authority.get_session(&session.key.public()).await;
    assert!(matches!(gone, Err(Error::SessionNotFound)));
}

#[tokio::test]
async fn revoking_a_user_ends_all_of_theirs_and_nobody_elses() {
    let world = World::new();
    let (mut one, mut two, mut bob) = (Browser::default(), Browser::default(), Browser::default());
    world.log_in(&mut one, "ada").await;
    world.log_in(&mut two, "ada").await;
    world.log_in(&mut bob, "bob").await;
    let count = world.authority.revoke_as_admin(&call(), &Target::User("idp_ada".into()), "left").await.unwrap();
    assert_eq!(count, 2);
    for (browser, alive) in [(one, false), (two, false), (bob, true)] {
        assert_eq!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)), alive);
    }
}

// Whoever takes a provider off the login page wants to end its users' sessions, of all times.
#[tokio::test]
async fn the_users_of_a_provider_that_is_not_offered_any_more_are_found() {
    let (mut kept, mut ada, mut bob) = (None, Browser::default(), Browser::default());
    let before = World::built(&["idp"], |_| (), |ports| kept = Some(ports.clone()));
    let session = before.log_in(&mut ada, "ada").await.result.unwrap().key.public();
    before.log_in(&mut bob, "bob").await;
    let after = |registry: Registry| {
        World::built(
            &["other"],
            |_| (),
            |ports| {
                (ports.sessions, ports.logins) = (kept.as_ref().unwrap().sessions.clone(), ports.logins.clone());
                ports.providers = Arc::new(registry);
            },
        )
    };
    let none = || Registry::new(Vec::new(), HttpSettings::default()).unwrap();
    let removed = after(none());
    let refused = removed.authority.revoke_as_admin(&call(), &Target::User("idp_ada".into()), "").await.unwrap_err();
    assert!(refused.to_string().contains("`enabled: false`") && refused.to_string().contains("name each session"));

    let disabled = after(none().with_others([("idp", ISSUER)]));
    assert_eq!(all(&disabled, "idp_ada", 10).await, [session]);
    assert_eq!(disabled.authority.revoke_as_admin(&call(), &Target::User("idp_ada".into()), "").await.unwrap(), 1);
    assert!(matches!(before.validate(ada.fetch("GET", "/")).await, Outcome::Inactive(_)));
    assert!(matches!(before.validate(bob.fetch("GET", "/")).await, Outcome::Active(_)));
}

#[tokio::test]
async fn what_is_not_an_id_is_refused_by_name() {
    let world = World::new();
    for user in ["ada", "nope_ada", "idp_", "_"] {
        let refused = world.authority.revoke_as_admin(&call(), &Target::User(user.into()), "").await;
        assert!(matches!(refused, Err(Error::InvalidField { field: "user_id", .. })), "{user}");
    }
    let refused = world.authority.get_session("sess_x").await;
    assert!(matches!(refused, Err(Error::InvalidField { field: "session_id", .. })));
}

fn call() -> gatelodge::authority::Call {
    World::call()
}
