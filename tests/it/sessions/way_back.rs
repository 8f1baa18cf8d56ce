//! Shows what becomes of a browser that comes back from a login: it is sent to another one only where that may help, and by
//! itself never twice in a row. Does not know how a session is stepped up.

use std::time::Duration;

use gatelodge::authority::validate_session::{Outcome as Validated, Question, Requirements};
use gatelodge::session::need::{LoginNeeds, Needs};
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{COOKIE, Door};
use super::step_up::{begin, come_back, completed, failed, query};
use crate::rpc::serving::context;
use crate::world::faults::Fault;
use crate::world::replicas::until;
use crate::world::{Browser, Kept, Says, World, on_every_store};

on_every_store! {
    a_login_that_succeeded_and_was_no_help_leads_to_a_page_and_not_to_another_login
    a_page_without_a_session_leads_to_the_login_once
    a_login_asks_for_the_user_where_no_parameter_asks_for_what_is_missing
    a_step_up_that_comes_too_late_says_why_at_the_place_it_was_to_lead_to
    the_tokens_of_another_users_failed_step_up_are_given_back
}

fn no_older_than(seconds: i64) -> v1::Requirements {
    v1::Requirements { max_login_age: Some(prost_types::Duration { seconds, nanos: 0 }), ..Default::default() }
}

fn amr(values: &[&str]) -> v1::Requirements {
    v1::Requirements { amr_values: values.iter().map(|value| (*value).to_owned()).collect(), ..Default::default() }
}

fn says(door: &Door, says: Says) {
    *door.world.provider.says.lock().unwrap() = says;
}

/// What a browser gets that goes to a page.
async fn visit(door: &mut Door, browser: &Browser, target: &'static str, needs: v1::Requirements) -> Outcome {
    let mut seen = context("GET", target);
    (seen.sec_fetch_mode, seen.accept) = (Some("navigate".into()), Some("text/html".into()));
    door.ask(browser, |question| (question.context, question.requirements) = (Some(seen), Some(needs))).await
}

#[track_caller]
fn answer_of(outcome: Outcome) -> v1::HttpAnswer {
    match outcome {
        Outcome::Denied(denied) => denied.answer.unwrap(),
        Outcome::Inactive(inactive) => inactive.answer.unwrap(),
        Outcome::Active(active) => panic!("{active:?}"),
    }
}

fn page(answer: &v1::HttpAnswer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap().replace("&amp;", "&")
}

async fn a_login_that_succeeded_and_was_no_help_leads_to_a_page_and_not_to_another_login(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    door.world.clock.advance(Duration::from_mins(5));
    let first = answer_of(visit(&mut door, &browser, "/pay", no_older_than(60)).await);
    assert_eq!(first.status, 302);
    let login = first.location.split_once('?').unwrap().1.to_owned();
    // Taken in the last moment, and too old by the time that the browser is back.
    says(&door, Says { age: Duration::from_mins(1), ..Says::default() });
    let mut began = begin(&door, &browser, &login).await;
    completed(&come_back(&door, &mut began, "ada").await);
    door.world.clock.advance(Duration::from_secs(1));
    let again = answer_of(visit(&mut door, &began.browser, "/pay", no_older_than(60)).await);
    assert_eq!((again.status, again.location.as_str()), (403, ""));
    let page = page(&again);
    assert!(page.contains("/auth/web/login?provider=idp&max_age=60&prompt=login&step_up="), "{page}");
    assert!(page.contains("redirect_uri=%2Fpay"), "{page}");
    // Later on it is a request like any other.
    door.world.clock.advance(Duration::from_secs(10));
    let later = answer_of(visit(&mut door, &began.browser, "/pay", no_older_than(60)).await);
    assert_eq!(later.status, 302);
}

async fn a_page_without_a_session_leads_to_the_login_once(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let nobody = Browser::default();
    let first = answer_of(visit(&mut door, &nobody, "/pay?a=1", v1::Requirements::default()).await);
    assert_eq!((first.status, first.location.as_str()), (302, "/auth/web/login?redirect_uri=%2Fpay%3Fa%3D1"));
    // The provider has refused, and the browser is back.
    let back = "/pay?a=1&error=access_denied&request_id=r-1";
    let second = answer_of(visit(&mut door, &nobody, back, v1::Requirements::default()).await);
    assert_eq!((second.status, second.location.as_str()), (401, ""));
    assert!(page(&second).contains("/auth/web/login?redirect_uri=%2Fpay%3Fa%3D1"), "{}", page(&second));
}

async fn a_login_asks_for_the_user_where_no_parameter_asks_for_what_is_missing(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    door.world.clock.advance(Duration::from_mins(5));
    let acr = |needs| v1::Requirements { acr_values: vec!["2".into()], ..needs };
    for (needs, prompts) in [
        (acr(v1::Requirements::default()), false),
        (acr(no_older_than(600)), false),
        (amr(&["otp"]), true),
        (acr(amr(&["otp"])), true),
        (no_older_than(60), true),
        (acr(no_older_than(60)), true),
    ] {
        let query = query(&mut door, &browser, needs.clone()).await;
        assert_eq!(query.contains("&prompt=login&"), prompts, "{needs:?}: {query}");
    }
    // That is a way to it, and not asked for in itself: not every provider says when.
    let query = query(&mut door, &browser, amr(&["otp"])).await;
    says(&door, Says { no_age: true, amr: vec!["otp".into()], ..Says::default() });
    let mut began = begin(&door, &browser, &query).await;
    completed(&come_back(&door, &mut began, "ada").await);
}

async fn a_step_up_that_comes_too_late_says_why_at_the_place_it_was_to_lead_to(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let query = query(&mut door, &browser, amr(&["otp"])).await;
    let mut began = begin(&door, &browser, &format!("{query}&redirect_uri=/pay")).await;
    says(&door, Says { amr: vec!["otp".into()], ..Says::default() });
    let session = match door.ask(&browser, |_| ()).await {
        Outcome::Active(active) => Door::key(&active.session.unwrap()),
        other => panic!("{other:?}"),
    };
    door.faults.set(Fault::EndsSessionBefore("step_up", session));
    let answer = come_back(&door, &mut began, "ada").await;
    assert_eq!(failed(&answer), v1::LoginFailure::RevokedMeanwhile);
    let answer = answer.answer.unwrap();
    assert!(answer.location.starts_with("/pay?error=revoked_meanwhile&"), "{answer:?}");
    assert_eq!(began.browser.cookie(COOKIE), browser.cookie(COOKIE));
}

async fn the_tokens_of_another_users_failed_step_up_are_given_back(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let query = query(&mut door, &browser, amr(&["otp"])).await;
    for (user, revoked) in [("ada", 0), ("mallory", 1)] {
        let mut began = begin(&door, &browser, &query).await;
        assert_eq!(failed(&come_back(&door, &mut began, user).await), v1::LoginFailure::AuthenticationUnmet);
        until(|| door.world.provider.revoked.lock().unwrap().len() == revoked).await;
    }
}

// OAuth2 has no words for when and how: a login at such a provider is no way to that.
#[tokio::test]
async fn nobody_is_sent_to_a_login_that_can_not_say_what_is_needed() {
    let world = World::with_providers(&["plain"], |_| ());
    let mut browser = Browser::default();
    world.provider.says.lock().unwrap().no_age = true;
    world.log_in(&mut browser, "ada").await;
    let login = LoginNeeds { max_age: Some(Duration::from_mins(5)), ..LoginNeeds::default() };
    let requirements = Requirements { needs: Needs { login, ..Needs::default() }, ..Requirements::default() };
    let question = Question { presented: browser.get("/pay"), requirements, ..Question::default() };
    let Validated::Denied(denied) = world.authority.validate_session(&World::call(), question).await.unwrap() else {
        panic!("not denied")
    };
    assert_eq!((denied.login_query.as_str(), denied.answer.unwrap().status), ("", 403));
}
