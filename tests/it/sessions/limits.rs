//! Shows what becomes of a login beyond the limit of sessions at once: refused, room made by the oldest, or a choice.
//! Does not know how a store counts.

use futures::future::join_all;
use gatelodge::authority::settings::{OnExceed, SessionLimit};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome;
use gatelodge_client::v1::{self, LoginFailure};

use super::door::{Door, active, inactive};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, on_every_store, state_of};

on_every_store! {
    a_login_beyond_the_limit_is_refused_and_says_so
    the_oldest_session_makes_room
    the_limit_is_exact_under_a_hundred_racing_logins
    of_a_hundred_racing_logins_as_many_as_may_come_in_and_the_others_are_asked
    of_a_hundred_choices_at_once_one_gets_the_place
    a_login_waits_for_a_choice_and_the_chosen_session_ends
    a_fetch_is_asked_in_json_and_answers_in_json
    a_choice_is_for_the_browser_that_was_asked_and_its_own_page
    a_login_that_waits_can_be_given_up
    of_two_logins_that_wait_at_once_one_gets_the_place
}

/// A world whose users may have so many sessions.
async fn limited(kept: Kept, most: usize, on_exceed: OnExceed) -> Door {
    Door::closed(kept, |settings| settings.session_limit = Some(SessionLimit { most, on_exceed })).await
}

/// A browser that comes back from the provider as Ada: with it, the callback's query and the login's state.
async fn arriving(door: &Door) -> (Browser, String, String) {
    let mut browser = Browser::default();
    let started = door.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let state = state_of(&started.answer);
    let code = door.world.provider.code_for("ada");
    (browser, format!("code={code}&state={state}"), state)
}

async fn complete(
    door: &Door,
    browser: &mut Browser,
    response: Response,
    change: impl FnOnce(&mut v1::RequestContext),
) -> v1::CompleteCallbackResponse {
    let method = if matches!(response, Response::Query(_)) { "GET" } else { "POST" };
    let mut seen = context(method, "/auth/web/callback");
    change(&mut seen);
    let response = Some(response);
    let request =
        v1::CompleteCallbackRequest { response, cookies: cookies(browser), context: Some(seen), ..Default::default() };
    let answer = door.serving.logins().await.complete_callback(by(Role::Edge, request)).await.unwrap().into_inner();
    browser.keep(&answer.answer.as_ref().unwrap().set_cookies);
    answer
}

async fn query(door: &Door, browser: &mut Browser, query: &str) -> v1::CompleteCallbackResponse {
    complete(door, browser, Response::Query(query.to_owned().into()), |_| ()).await
}

async fn choose(door: &Door, browser: &mut Browser, form: &str) -> v1::CompleteCallbackResponse {
    let own = |seen: &mut v1::RequestContext| seen.origin = Some("https://app.example.com".into());
    complete(door, browser, Response::Form(form.to_owned().into()), own).await
}

/// Logs Ada in once more, and answers the session's id, where it was made.
async fn log_in(door: &Door) -> (Browser, Result<String, LoginFailure>) {
    let (mut browser, brought, _) = arriving(door).await;
    let outcome = query(door, &mut browser, &brought).await.outcome.unwrap();
    let made = match outcome {
        Outcome::Completed(made) => Ok(made.session.unwrap().session_id),
        Outcome::Failure(failure) => Err(failure.try_into().unwrap()),
        Outcome::Waiting(waiting) => panic!("{waiting:?}"),
    };
    (browser, made)
}

async fn living(door: &Door) -> Vec<String> {
    let request = v1::ListSessionsRequest { user_id: "idp_ada".into(), page_size: 200, ..Default::default() };
    let page = door.serving.admin().await.list_sessions(by(Role::Admin, request)).await.unwrap().into_inner();
    let mut ids: Vec<_> = page.sessions.into_iter().map(|session| session.info.unwrap().session_id).collect();
    ids.sort();
    ids
}

async fn a_login_beyond_the_limit_is_refused_and_says_so(kept: Kept) {
    let door = limited(kept, 2, OnExceed::Refuse).await;
    let (first, _) = log_in(&door).await;
    log_in(&door).await.1.unwrap();
    let (mut browser, brought, _) = arriving(&door).await;
    let refused = query(&door, &mut browser, &brought).await;
    assert_eq!(refused.outcome, Some(Outcome::Failure(LoginFailure::TooManySessions.into())));
    let answer = refused.answer.unwrap();
    assert_eq!(answer.status, 403);
    assert!(String::from_utf8_lossy(&answer.body).contains("Log out somewhere else first."));
    assert_eq!(door.world.provider.revoked.lock().unwrap().len(), 1, "its refresh token is for nobody");
    // A login in a browser that has a session ends that one, and needs no more room.
    let mut again = first.clone();
    door.world.log_in(&mut again, "ada").await.result.unwrap();
    assert_eq!(door.world.revoke(&again).await, 1);
    log_in(&door).await.1.unwrap();
    assert_eq!(living(&door).await.len(), 2);
}

async fn the_oldest_session_makes_room(kept: Kept) {
    let mut door = limited(kept, 2, OnExceed::EndOldest).await;
    let mut browsers = Vec::new();
    for _ in 0..4 {
        browsers.push(log_in(&door).await.0);
        door.world.clock.advance(std::time::Duration::from_secs(1));
    }
    for (at, browser) in browsers.iter().enumerate() {
        let seen = door.ask(browser, |_| ()).await;
        if at < 2 {
            assert_eq!(inactive(seen), v1::InactiveReason::Revoked, "{at}");
        } else {
            active(seen);
        }
    }
    let other = door.world.log_in(&mut Browser::default(), "bob").await;
    other.result.unwrap();
    assert_eq!(living(&door).await.len(), 2, "nobody else's");
}

async fn the_limit_is_exact_under_a_hundred_racing_logins(kept: Kept) {
    for (on_exceed, made) in [(OnExceed::Refuse, 5), (OnExceed::EndOldest, 100)] {
        let door = limited(kept, 5, on_exceed).await;
        let outcomes = join_all((0..100).map(|_| log_in(&door))).await;
        let ids: Vec<_> = outcomes.into_iter().filter_map(|(_, made)| made.ok()).collect();
        assert_eq!(ids.len(), made, "{on_exceed:?}");
        let living = living(&door).await;
        assert_eq!(living.len(), 5, "{on_exceed:?}");
        assert!(living.iter().all(|id| ids.contains(id)));
    }
}

async fn of_a_hundred_racing_logins_as_many_as_may_come_in_and_the_others_are_asked(kept: Kept) {
    let door = limited(kept, 5, OnExceed::Ask).await;
    let outcomes = join_all((0..100).map(async |_| {
        let (mut browser, brought, _) = arriving(&door).await;
        query(&door, &mut browser, &brought).await.outcome.unwrap()
    }));
    let (mut made, mut asked) = (0, 0);
    for outcome in outcomes.await {
        match outcome {
            Outcome::Completed(_) => made += 1,
            Outcome::Waiting(waiting) => asked += usize::from(waiting.sessions.len() == 5),
            Outcome::Failure(failure) => panic!("{failure:?}"),
        }
    }
    assert_eq!((made, asked, living(&door).await.len()), (5, 95, 5));
}

// All were asked while one session had the only place, and all choose that it ends.
async fn of_a_hundred_choices_at_once_one_gets_the_place(kept: Kept) {
    let mut door = limited(kept, 1, OnExceed::Ask).await;
    let (first, id) = log_in(&door).await;
    let id = id.unwrap();
    let waiting = join_all((0..100).map(async |_| {
        let (mut browser, brought, state) = arriving(&door).await;
        let asked = query(&door, &mut browser, &brought).await;
        assert!(matches!(asked.outcome, Some(Outcome::Waiting(_))), "{:?}", asked.outcome);
        (browser, state)
    }));
    let waiting = waiting.await;
    door.world.clock.advance(std::time::Duration::from_secs(1));
    let chosen = join_all(waiting.into_iter().map(async |(mut browser, state)| {
        let outcome = choose(&door, &mut browser, &format!("state={state}&end={id}")).await.outcome.unwrap();
        (browser, outcome)
    }));
    let (mut made, mut asked) = (Vec::new(), 0);
    for (browser, outcome) in chosen.await {
        match outcome {
            Outcome::Completed(completed) => made.push((browser, completed.session.unwrap().session_id)),
            Outcome::Waiting(_) => asked += 1,
            Outcome::Failure(failure) => panic!("{failure:?}"),
        }
    }
    assert_eq!((made.len(), asked), (1, 99), "the others are asked again");
    assert_eq!(living(&door).await, [made[0].1.clone()]);
    active(door.ask(&made[0].0, |_| ()).await);
    assert_eq!(inactive(door.ask(&first, |_| ()).await), v1::InactiveReason::Revoked);
}

async fn a_login_waits_for_a_choice_and_the_chosen_session_ends(kept: Kept) {
    let mut door = limited(kept, 2, OnExceed::Ask).await;
    let (first, id) = log_in(&door).await;
    let id = id.unwrap();
    door.world.clock.advance(std::time::Duration::from_mins(5));
    let (second, _) = log_in(&door).await;
    let (mut third, brought, state) = arriving(&door).await;
    let asked = query(&door, &mut third, &brought).await;
    let page = asked.answer.unwrap();
    let Some(Outcome::Waiting(waiting)) = asked.outcome else { panic!("{:?}", asked.outcome) };
    assert_eq!((waiting.limit, waiting.sessions.len()), (2, 2));
    assert_eq!(waiting.identity.unwrap().user_id, "idp_ada");
    assert!(page.set_cookies.iter().all(|cookie| !cookie.contains("sess_")), "no session yet");
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    for part in ["method=\"post\"", "action=\"/auth/web/callback\"", &id, "Unknown device", "5 minutes ago"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let policy = page.headers.iter().find(|header| header.name == "content-security-policy").unwrap();
    assert!((page.status, policy.value.contains("form-action 'self' ;")) == (200, true), "{}", policy.value);
    active(door.ask(&first, |_| ()).await);

    // The browser loads the page again: it is asked again, and the code was sent once.
    let again = query(&door, &mut third, &brought).await;
    assert!(matches!(again.outcome, Some(Outcome::Waiting(_))));
    assert_eq!(door.world.provider.redeemed.load(std::sync::atomic::Ordering::SeqCst), 3);

    let form = format!("state={state}&end={id}");
    let made = choose(&door, &mut third, &form).await;
    let Some(Outcome::Completed(completed)) = made.outcome else { panic!("{:?}", made.outcome) };
    assert!(!completed.new_user);
    let answer = made.answer.unwrap();
    assert_eq!((answer.status, answer.location.as_str()), (303, "/home"));
    assert_eq!(inactive(door.ask(&first, |_| ()).await), v1::InactiveReason::Revoked);
    active(door.ask(&second, |_| ()).await);
    active(door.ask(&third, |_| ()).await);
    // Sent twice it is answered twice; another choice is too late.
    let mut same = Browser { cookies: third.cookies.clone(), ..Browser::default() };
    assert!(matches!(choose(&door, &mut same, &form).await.outcome, Some(Outcome::Completed(_))));
    let late = choose(&door, &mut same, &format!("state={state}&end=oldest")).await;
    assert_eq!(late.outcome, Some(Outcome::Failure(LoginFailure::AlreadyComplete.into())));
    assert_eq!(living(&door).await.len(), 2);
}

async fn a_fetch_is_asked_in_json_and_answers_in_json(kept: Kept) {
    let mut door = limited(kept, 1, OnExceed::Ask).await;
    let (first, _) = log_in(&door).await;
    let (mut browser, brought, _) = arriving(&door).await;
    let fetch = |seen: &mut v1::RequestContext| {
        (seen.sec_fetch_mode, seen.accept) = (Some("cors".into()), Some("application/json".into()));
    };
    let asked = complete(&door, &mut browser, Response::Query(brought.into()), fetch).await.answer.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!((asked.status, &body["reason"], &body["limit"]), (409, &"choose_sessions".into(), &1.into()));
    assert_eq!(body["sessions"][0]["device"], "Unknown device");
    // A session that is not the user's, or is gone by now, ends nothing: there is still no room.
    let nobody = serde_json::json!({ "state": body["state"], "end": "sid_AAAAAAAAAAAAAAAAAAAAAAAA" }).to_string();
    let asked = complete(&door, &mut browser, Response::Json(nobody.into()), fetch).await;
    assert!(matches!(asked.outcome, Some(Outcome::Waiting(_))), "{:?}", asked.outcome);
    let oldest = serde_json::json!({ "state": body["state"], "end": "oldest" }).to_string();
    let made = complete(&door, &mut browser, Response::Json(oldest.into()), fetch).await;
    assert!(matches!(made.outcome, Some(Outcome::Completed(_))), "{:?}", made.outcome);
    assert!(matches!(door.ask(&first, |_| ()).await, v1::validate_session_response::Outcome::Inactive(_)));
    active(door.ask(&browser, |_| ()).await);
}

// security.md 3, 70: another browser lacks the binding, another page the state, and a link can't choose.
async fn a_choice_is_for_the_browser_that_was_asked_and_its_own_page(kept: Kept) {
    let door = limited(kept, 1, OnExceed::Ask).await;
    log_in(&door).await.1.unwrap();
    let (mut browser, brought, state) = arriving(&door).await;
    query(&door, &mut browser, &brought).await;
    let form = format!("state={state}&end=oldest");
    let failure = |answer: v1::CompleteCallbackResponse| match answer.outcome {
        Some(Outcome::Failure(failure)) => LoginFailure::try_from(failure).unwrap(),
        other => panic!("{other:?}"),
    };
    let mut stranger = Browser::default();
    assert_eq!(failure(choose(&door, &mut stranger, &form).await), LoginFailure::OtherBrowser);
    let mut stranger = arriving(&door).await.0;
    assert_eq!(failure(choose(&door, &mut stranger, &form).await), LoginFailure::OtherBrowser);
    let elsewhere = |seen: &mut v1::RequestContext| seen.origin = Some("https://evil.example".into());
    let refused = complete(&door, &mut browser, Response::Form(form.clone().into()), elsewhere).await;
    assert_eq!(refused.answer.as_ref().unwrap().status, 403);
    assert_eq!(failure(refused), LoginFailure::RequestMalformed);
    assert_eq!(failure(query(&door, &mut browser, &form).await), LoginFailure::RequestMalformed);
    for wrong in ["end=", "end=x", "end=oldest&end=oldest", "end=oldest&code=1"] {
        let refused = choose(&door, &mut browser, &format!("state={state}&{wrong}")).await;
        assert_eq!(failure(refused), LoginFailure::RequestMalformed, "{wrong}");
    }
    let unasked = arriving(&door).await;
    let early = choose(&door, &mut unasked.0.clone(), &format!("state={}&end=oldest", unasked.2)).await;
    assert_eq!(failure(early), LoginFailure::Expired, "nobody was asked");
    assert!(matches!(choose(&door, &mut browser, &form).await.outcome, Some(Outcome::Completed(_))));
}

async fn a_login_that_waits_can_be_given_up(kept: Kept) {
    let mut door = limited(kept, 1, OnExceed::Ask).await;
    let (first, _) = log_in(&door).await;
    let (mut browser, brought, state) = arriving(&door).await;
    query(&door, &mut browser, &brought).await;
    let gone = choose(&door, &mut browser, &format!("state={state}&end=cancel")).await;
    assert_eq!(gone.outcome, Some(Outcome::Failure(LoginFailure::Cancelled.into())));
    assert_eq!(door.world.provider.revoked.lock().unwrap().len(), 1, "its refresh token is for nobody");
    active(door.ask(&first, |_| ()).await);
    let late = choose(&door, &mut browser, &format!("state={state}&end=oldest")).await;
    assert_eq!(late.outcome, Some(Outcome::Failure(LoginFailure::Cancelled.into())));
}

// Both were asked while one place was taken: the second to choose finds it taken by the first.
async fn of_two_logins_that_wait_at_once_one_gets_the_place(kept: Kept) {
    for oldest in [false, true] {
        let mut door = limited(kept, 1, OnExceed::Ask).await;
        let (first, id) = log_in(&door).await;
        let end = if oldest { "oldest".to_owned() } else { id.unwrap() };
        let (mut one, brought, state) = arriving(&door).await;
        let (mut two, also_brought, other_state) = arriving(&door).await;
        for (browser, brought) in [(&mut one, brought), (&mut two, also_brought)] {
            assert!(matches!(query(&door, browser, &brought).await.outcome, Some(Outcome::Waiting(_))));
        }
        door.world.clock.advance(std::time::Duration::from_secs(1));
        let forms = (format!("state={state}&end={end}"), format!("state={other_state}&end={end}"));
        let (a, b) = tokio::join!(choose(&door, &mut one, &forms.0), choose(&door, &mut two, &forms.1));
        let made = [&a, &b].map(|answer| matches!(answer.outcome, Some(Outcome::Completed(_))));
        let asked = [&a, &b].map(|answer| matches!(answer.outcome, Some(Outcome::Waiting(_))));
        assert_eq!(living(&door).await.len(), 1, "never two: {made:?}");
        assert_eq!(inactive(door.ask(&first, |_| ()).await), v1::InactiveReason::Revoked);
        if oldest {
            assert_eq!(made, [true, true], "whoever comes second ends the one before");
            continue;
        }
        assert_eq!((made[0] ^ made[1], asked[0] ^ asked[1]), (true, true), "the other is asked again: {a:?} {b:?}");
        let (winner, loser, state) = if made[0] { (&one, &mut two, &other_state) } else { (&two, &mut one, &state) };
        active(door.ask(winner, |_| ()).await);
        let again = choose(&door, loser, &format!("state={state}&end=oldest")).await;
        assert!(matches!(again.outcome, Some(Outcome::Completed(_))), "{:?}", again.outcome);
        assert_eq!(living(&door).await.len(), 1);
    }
}
