//! Shows how a session is stepped up: its user logs in again as was asked for, and it goes on under a new credential.
//! Does not know how an edge carries it.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::ports::Heard;
use gatelodge::rpc::policy::Role;
use gatelodge::session::event::{Event, What};
use gatelodge::session::key::TenantNumber;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{AFTER, COOKIE, Door, GRACE, active, denied, inactive, rotating};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, Says, on_every_store};

on_every_store! {
    a_stronger_login_of_the_same_user_goes_on_with_the_session
    what_was_asked_for_is_checked_and_not_believed
    another_user_gets_a_session_of_their_own_and_the_former_one_ends
    a_revoked_session_is_not_stepped_up
    a_session_that_ran_out_meanwhile_is_followed_by_another
    what_was_under_way_with_the_former_credential_is_refused_and_ends_nothing
    a_pending_successor_is_never_taken_for_the_stepped_up_credential
    limits_are_not_counted_anew
    a_callback_delivered_twice_gives_the_same_credential
    a_step_up_is_bound_to_its_browser_and_in_time
    what_an_application_keeps_and_new_tokens_open_after_a_step_up
    racing_step_ups_leave_one_session_that_lives
}

/// What a route needs whose users have to have logged in in this way.
pub fn acr(values: &[&str]) -> v1::Requirements {
    v1::Requirements { acr_values: values.iter().map(|value| (*value).to_owned()).collect(), ..Default::default() }
}

/// From now on the provider says that logins are of this class.
pub fn says(door: &Door, acr: &str) {
    *door.world.provider.says.lock().unwrap() =
        Says { acr: Some(acr.into()), amr: vec!["pwd".into()], ..Says::default() };
}

/// A denied request's login query.
pub async fn query(door: &mut Door, browser: &Browser, needs: v1::Requirements) -> String {
    match door.ask(browser, |question| question.requirements = Some(needs)).await {
        Outcome::Denied(denied) => denied.login_query,
        other => panic!("not denied: {other:?}"),
    }
}

pub struct Began {
    pub browser: Browser,
    pub state: String,
}

/// Begins a login, as the edge does it.
pub async fn begin(door: &Door, browser: &Browser, query: &str) -> Began {
    let answer = start(door, browser, query).await;
    assert_eq!(answer.failure, None);
    let answer = answer.answer.unwrap();
    let mut browser = browser.clone();
    browser.keep(&answer.set_cookies);
    let location = url::Url::parse(&answer.location).unwrap();
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    Began { browser, state }
}

async fn start(door: &Door, browser: &Browser, query: &str) -> v1::StartLoginResponse {
    let question = v1::StartLoginRequest {
        query: query.to_owned().into(),
        cookies: cookies(browser),
        context: Some(context("GET", "/auth/web/login")),
        ..Default::default()
    };
    door.serving.logins().await.start_login(by(Role::Edge, question)).await.unwrap().into_inner()
}

/// The user comes back from the provider, as this one.
pub async fn come_back(door: &Door, began: &mut Began, sub: &str) -> v1::CompleteCallbackResponse {
    let code = door.world.provider.code_for(sub);
    deliver(door, began, &code).await
}

async fn deliver(door: &Door, began: &mut Began, code: &str) -> v1::CompleteCallbackResponse {
    let question = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(
            format!("code={code}&state={}", began.state).into(),
        )),
        cookies: cookies(&began.browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    let mut logins = door.serving.logins().await;
    let answer = logins.complete_callback(by(Role::Edge, question)).await.unwrap().into_inner();
    began.browser.keep(&answer.answer.as_ref().unwrap().set_cookies);
    answer
}

#[track_caller]
pub fn completed(answer: &v1::CompleteCallbackResponse) -> (String, u32) {
    match answer.outcome.as_ref().unwrap() {
        Completed::Completed(login) => {
            let session = login.session.clone().unwrap();
            (session.session_id, session.generation)
        }
        other => panic!("not complete: {other:?}"),
    }
}

#[track_caller]
pub fn failed(answer: &v1::CompleteCallbackResponse) -> v1::LoginFailure {
    match answer.outcome.as_ref().unwrap() {
        Completed::Failure(failure) => v1::LoginFailure::try_from(*failure).unwrap(),
        other => panic!("not failed: {other:?}"),
    }
}

pub async fn session_id(door: &mut Door, browser: &Browser) -> String {
    active(door.ask(browser, |_| ()).await).session.unwrap().session_id
}

/// Steps the door's session up, as its own user.
async fn stepped_up(door: &mut Door) -> Browser {
    let browser = door.browser.clone();
    let query = query(door, &browser, acr(&["2"])).await;
    let mut began = begin(door, &browser, &query).await;
    says(door, "2");
    completed(&come_back(door, &mut began, "ada").await);
    began.browser
}

async fn a_stronger_login_of_the_same_user_goes_on_with_the_session(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let before = active(door.ask(&browser, |question| question.issue_csrf_token = true).await);
    let (old, token) = (before.session.unwrap(), before.csrf_token);
    door.world.clock.advance(Duration::from_mins(5));

    let needs =
        v1::Requirements { max_login_age: Some(prost_types::Duration { seconds: 600, nanos: 0 }), ..acr(&["3", "2"]) };
    let query = query(&mut door, &browser, needs.clone()).await;
    assert!(query.starts_with("provider=idp&max_age=600&acr_values=3+2&step_up="), "{query}");
    let mut began = begin(&door, &browser, &format!("{query}&redirect_uri=/pay")).await;
    let wish = door.world.provider.wishes.lock().unwrap().last().unwrap().clone();
    assert_eq!((wish.hints.acr_values, wish.max_age), (vec!["3".into(), "2".into()], Some(Duration::from_mins(10))));

    says(&door, "2");
    let mark = vec![Event { tenant: TenantNumber(1), what: What::KeysRotated }];
    // Whoever has read nothing yet knows of no history.
    door.events.next(None, Duration::ZERO).await.unwrap();
    let position = door.events.announce(mark).await.unwrap();
    let answer = come_back(&door, &mut began, "ada").await;
    assert_eq!(completed(&answer), (old.session_id.clone(), old.generation + 1));
    assert_eq!(answer.answer.unwrap().location, "/pay");
    assert_ne!(began.browser.cookie(COOKIE), browser.cookie(COOKIE));
    let after = active(door.ask(&began.browser, |question| question.requirements = Some(needs)).await);
    let new = after.session.unwrap();
    assert_eq!((&new.session_id, new.generation, new.create_time), (&old.session_id, 2, old.create_time));
    assert_eq!(new.absolute_expire_time, old.absolute_expire_time, "it lives no longer");
    assert_eq!(
        (after.identity.unwrap().acr, after.judged.unwrap().acr_values),
        ("2".into(), vec!["3".into(), "2".into()])
    );

    assert_eq!(denied(door.post(&began.browser, &token).await), v1::DeniedReason::CsrfRotated);
    let heard = door.events.next(Some(position), Duration::from_secs(5)).await.unwrap();
    let Heard::Events(events) = heard else { panic!("a reset") };
    assert_eq!(events.first().map(|(_, event)| event.what.clone()), Some(What::Rotated(Door::key(&new))));
    assert!(door.log.text().contains("a session was stepped up"));
}

// security.md 34.
async fn what_was_asked_for_is_checked_and_not_believed(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let id = session_id(&mut door, &browser).await;
    let otp = v1::Requirements { amr_values: vec!["otp".into()], ..Default::default() };
    let age =
        v1::Requirements { max_login_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }), ..Default::default() };
    door.world.clock.advance(Duration::from_mins(2));
    let weak = Says { acr: Some("1".into()), amr: vec!["pwd".into()], ..Says::default() };
    let old = Says { age: Duration::from_mins(2), ..weak.clone() };
    let silent = Says { acr: None, ..weak.clone() };
    for (needs, said) in [(acr(&["2"]), weak.clone()), (acr(&["2"]), silent), (otp, weak), (age, old)] {
        let query = query(&mut door, &browser, needs).await;
        // Whoever takes out what the query says in plain gets no weaker login.
        let sealed = query.split('&').find(|pair| pair.starts_with("step_up=")).unwrap();
        for query in [query.as_str(), sealed] {
            let mut began = begin(&door, &browser, query).await;
            *door.world.provider.says.lock().unwrap() = said.clone();
            let answer = come_back(&door, &mut began, "ada").await;
            assert_eq!(failed(&answer), v1::LoginFailure::AuthenticationUnmet, "{query}");
            let again = active(door.ask(&began.browser, |_| ()).await).session.unwrap();
            assert_eq!((&again.session_id, again.generation), (&id, 1), "it is as it was");
        }
    }
    assert!(door.world.provider.revoked.lock().unwrap().is_empty(), "the session's own grant would go too");

    // Asked for without a session to step up, it is checked as well.
    says(&door, "1");
    let nobody = Browser::default();
    let mut began = begin(&door, &nobody, "acr_values=2").await;
    assert_eq!(failed(&come_back(&door, &mut began, "ada").await), v1::LoginFailure::AuthenticationUnmet);
    assert_eq!(began.browser.cookie(COOKIE), None);
}

async fn another_user_gets_a_session_of_their_own_and_the_former_one_ends(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let id = session_id(&mut door, &browser).await;
    let query = query(&mut door, &browser, acr(&["2"])).await;
    let mut began = begin(&door, &browser, &query).await;
    says(&door, "2");
    let (new, generation) = completed(&come_back(&door, &mut began, "grace").await);
    assert!(new != id && generation == 1);
    assert_eq!(inactive(door.ask(&browser, |_| ()).await), v1::InactiveReason::Revoked);
    let identity = active(door.ask(&began.browser, |_| ()).await).identity.unwrap();
    assert_eq!(identity.sub, "grace");
}

async fn a_revoked_session_is_not_stepped_up(kept: Kept) {
    for keeps_cookie in [true, false] {
        let mut door = Door::open(kept, |_| ()).await;
        let browser = door.browser.clone();
        let query = query(&mut door, &browser, acr(&["2"])).await;
        let mut began = begin(&door, &browser, &query).await;
        says(&door, "2");
        assert_eq!(door.world.revoke(&browser).await, 1);
        if !keeps_cookie {
            began.browser.cookies.retain(|(name, _)| name != COOKIE);
        }
        let answer = come_back(&door, &mut began, "ada").await;
        assert_eq!(failed(&answer), v1::LoginFailure::RevokedMeanwhile);
        assert!(answer.answer.unwrap().set_cookies.is_empty());
        assert!(matches!(door.ask(&browser, |_| ()).await, Outcome::Inactive(_)));
    }
}

async fn a_session_that_ran_out_meanwhile_is_followed_by_another(kept: Kept) {
    let mut door = Door::open(kept, |settings| {
        settings.lifetimes.idle = Duration::from_mins(5);
    })
    .await;
    let browser = door.browser.clone();
    let id = session_id(&mut door, &browser).await;
    let query = query(&mut door, &browser, acr(&["2"])).await;
    let mut began = begin(&door, &browser, &query).await;
    says(&door, "2");
    door.world.clock.advance(Duration::from_mins(6));
    let (new, generation) = completed(&come_back(&door, &mut began, "ada").await);
    assert!(new != id && generation == 1);
    assert!(matches!(door.ask(&began.browser, |_| ()).await, Outcome::Active(_)));
}

async fn what_was_under_way_with_the_former_credential_is_refused_and_ends_nothing(kept: Kept) {
    let mut door = Door::open(kept, |settings| settings.rotation.grace = GRACE).await;
    let old = door.browser.clone();
    active(door.ask(&old, |_| ()).await);
    let new = stepped_up(&mut door).await;
    for _ in 0..3 {
        assert_eq!(inactive(door.ask(&old, |_| ()).await), v1::InactiveReason::Revoked, "no grace");
        assert!(matches!(door.ask(&new, |_| ()).await, Outcome::Active(_)), "and no theft");
        door.world.clock.advance(GRACE / 3);
    }
    assert_eq!(inactive(door.ask(&old, |_| ()).await), v1::InactiveReason::Revoked);
    assert!(matches!(door.ask(&new, |_| ()).await, Outcome::Inactive(_)), "so late it is theft");
    let text = door.log.text();
    let line = text.lines().find(|line| line.contains("the session is ended as stolen")).expect(&text);
    assert!(line.contains("stepped_up=true"), "which may be none: {line}");
}

async fn a_pending_successor_is_never_taken_for_the_stepped_up_credential(kept: Kept) {
    let mut door = Door::due(kept).await;
    let old = door.browser.clone();
    // Issued, and not presented: its answer is still on its way.
    let (successor, _) = door.rotated().await;
    let new = stepped_up(&mut door).await;
    assert_eq!(inactive(door.ask(&successor, |_| ()).await), v1::InactiveReason::Revoked);
    assert_eq!(inactive(door.ask(&old, |_| ()).await), v1::InactiveReason::Revoked);
    assert!(matches!(door.ask(&new, |_| ()).await, Outcome::Active(_)));
    // And rotation by age goes on from there.
    door.world.clock.advance(AFTER);
    door.browser = new;
    let (next, _) = door.rotated().await;
    assert!(matches!(door.ask(&next, |_| ()).await, Outcome::Active(_)));
    door.world.clock.advance(GRACE.saturating_sub(Duration::from_secs(1)));
    assert!(matches!(door.ask(&door.browser.clone(), |_| ()).await, Outcome::Active(_)), "with a grace again");
}

async fn limits_are_not_counted_anew(kept: Kept) {
    let mut door = Door::open(kept, |settings| {
        rotating(settings);
        settings.sessions_per_user = 1;
    })
    .await;
    let new = stepped_up(&mut door).await;
    assert!(matches!(door.ask(&new, |_| ()).await, Outcome::Active(_)));
}

async fn a_callback_delivered_twice_gives_the_same_credential(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let query = query(&mut door, &browser, acr(&["2"])).await;
    let began = begin(&door, &browser, &query).await;
    says(&door, "2");
    let code = door.world.provider.code_for("ada");
    let mut given = Vec::new();
    for _ in 0..3 {
        // The browser that repeats it may not have got the first answer.
        let mut again = Began { browser: began.browser.clone(), state: began.state.clone() };
        completed(&deliver(&door, &mut again, &code).await);
        given.push(again.browser.cookie(COOKIE).unwrap().to_owned());
    }
    given.dedup();
    assert_eq!(given.len(), 1);
    assert_ne!(given[0], browser.cookie(COOKIE).unwrap());
}

async fn a_step_up_is_bound_to_its_browser_and_in_time(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let id = session_id(&mut door, &browser).await;
    let query = query(&mut door, &browser, acr(&["2"])).await;
    says(&door, "2");
    // Somebody else's link: an ordinary login, and the session that it names is nobody's business.
    let mut elsewhere = begin(&door, &Browser::default(), &query).await;
    let (other, _) = completed(&come_back(&door, &mut elsewhere, "mallory").await);
    assert_ne!(other, id);
    assert_eq!(session_id(&mut door, &browser).await, id);

    let bent = query.replace("step_up=", "step_up=A");
    let refused = start(&door, &browser, &bent).await;
    assert_eq!(refused.failure(), v1::LoginFailure::RequestMalformed);
    door.world.clock.advance(Duration::from_mins(10));
    assert_eq!(start(&door, &browser, &query).await.failure(), v1::LoginFailure::Expired);
}

async fn what_an_application_keeps_and_new_tokens_open_after_a_step_up(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let set = [("cart".to_owned(), "7".into())].into();
    let update = v1::UpdateAttributesRequest { cookies: cookies(&browser), set, ..Default::default() };
    door.sessions.update_attributes(by(Role::Backend, update)).await.unwrap();
    let token = async |door: &mut Door, browser: &Browser| {
        let question = v1::GetAccessTokenRequest { cookies: cookies(browser), ..Default::default() };
        let answer = door.sessions.get_access_token(by(Role::Backend, question)).await.unwrap().into_inner();
        match answer.outcome.unwrap() {
            v1::get_access_token_response::Outcome::AccessToken(token) => token.value,
            v1::get_access_token_response::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
        }
    };
    let first = token(&mut door, &browser).await;
    let new = stepped_up(&mut door).await;
    assert_ne!(token(&mut door, &new).await, first, "the tokens of the new login");
    let question = v1::GetAttributesRequest { cookies: cookies(&new), ..Default::default() };
    let answer = door.sessions.get_attributes(by(Role::Backend, question)).await.unwrap().into_inner();
    let Some(v1::get_attributes_response::Outcome::Attributes(kept)) = answer.outcome else { panic!("{answer:?}") };
    assert_eq!(kept.values["cart"].as_ref(), b"7");
}

async fn racing_step_ups_leave_one_session_that_lives(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let browser = door.browser.clone();
    let id = session_id(&mut door, &browser).await;
    let mut began = Vec::new();
    for _ in 0..8 {
        let query = query(&mut door, &browser, acr(&["2"])).await;
        began.push(begin(&door, &browser, &query).await);
    }
    says(&door, "2");
    let (door, again) = (&door, |began: &Began| Began { browser: began.browser.clone(), state: began.state.clone() });
    let codes: Vec<_> = began.iter().map(|_| door.world.provider.code_for("ada")).collect();
    let repeats: Vec<_> = began.iter().map(again).collect();
    let ends = began.iter_mut().zip(&codes);
    let ends = ends.map(async |(began, code)| (deliver(door, began, code).await, began.browser.clone()));
    let mut ends = join_all(ends).await;
    // Reloaded, what was overtaken gives nobody a credential that was never in force.
    for (mut began, code) in repeats.into_iter().zip(&codes) {
        ends.push((deliver(door, &mut began, code).await, began.browser));
    }
    let mut living = std::collections::BTreeSet::new();
    for (answer, browser) in ends {
        if let Some(Completed::Completed(_)) = &answer.outcome {
            assert_eq!(completed(&answer).0, id, "never a second session");
            let mut question = v1::ValidateSessionRequest { cookies: cookies(&browser), ..Default::default() };
            question.context = Some(context("GET", "/"));
            let outcome = door.sessions.clone().validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
            if matches!(outcome.outcome, Some(Outcome::Active(_))) {
                living.insert(browser.cookie(COOKIE).unwrap().to_owned());
            }
        }
    }
    assert_eq!(living.len(), 1);
}
