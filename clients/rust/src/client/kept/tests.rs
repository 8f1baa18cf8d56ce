//! Owns the tests of what is kept. Does not know a network.

use super::*;
use crate::verdict::{Asked, Verdict};

const LONG: Duration = Duration::from_mins(1);

fn question(cookie: &'static str) -> v1::ValidateSessionRequest {
    let cookies = vec![v1::Cookie { name: "session".into(), value: cookie.into() }];
    let context = v1::RequestContext { method: "GET".into(), user_agent: Some("A".into()), ..Default::default() };
    v1::ValidateSessionRequest { cookies, context: Some(context), can_set_cookies: true, ..Default::default() }
}

fn key(question: &v1::ValidateSessionRequest) -> Option<Key<'_>> {
    Key::of(question, &Asked::of(question))
}

/// Leaked, so that a test can hold what is asked.
fn look(kept: &Kept, question: v1::ValidateSessionRequest) -> Look<'_> {
    kept.look(key(Box::leak(Box::new(question))).unwrap(), Instant::now())
}

fn checked() -> Checked {
    Checked { verdict: Verdict::Inactive(Box::default()), settings_version: "v1".into() }
}

fn told(position: u8, kind: Option<v1::SessionEventKind>) -> v1::WatchSessionsResponse {
    let event = |kind: v1::SessionEventKind| v1::SessionEvent {
        kind: kind.into(),
        session_id: "sid_1".into(),
        ..Default::default()
    };
    v1::WatchSessionsResponse {
        events: kind.map(event).into_iter().collect(),
        position: vec![position].into(),
        reset: false,
        max_staleness: Some(prost_types::Duration { seconds: 5, nanos: 0 }),
    }
}

fn ask(kept: &Kept) -> Asking<'_> {
    match look(kept, question("a")) {
        Look::Ask(asking) => asking,
        _ => panic!("it is known, or nobody vouches for it"),
    }
}

fn answer(asking: Asking<'_>, position: u8, keep_for: Duration) {
    let keeping = Keeping { session_id: "sid_1".into(), position: vec![position].into(), keep_for };
    asking.answer(&Ok(checked()), Some(keeping));
}

fn is_known(kept: &Kept) -> bool {
    matches!(look(kept, question("a")), Look::Known(_))
}

fn knowing() -> Kept {
    let kept = Kept::new(8);
    kept.hear(&told(1, None));
    answer(ask(&kept), 1, LONG);
    assert!(is_known(&kept));
    kept
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_good_while_the_stream_is_whole_and_it_is_young() {
    let kept = Kept::new(8);
    assert!(matches!(look(&kept, question("a")), Look::Alone), "nobody vouches yet");
    let kept2 = knowing();
    tokio::time::advance(SILENCE).await;
    assert!(matches!(look(&kept2, question("a")), Look::Alone), "no message came");
    assert!(kept2.known_up_to().is_empty());
    kept2.hear(&told(2, None));
    assert!(is_known(&kept2), "the stream went on where it was");
    kept2.hear(&v1::WatchSessionsResponse { max_staleness: None, ..told(3, None) });
    assert!(matches!(look(&kept2, question("a")), Look::Alone), "the authority hears nothing itself");
    kept2.hear(&told(4, None));
    kept2.broken();
    assert!(matches!(look(&kept2, question("a")), Look::Alone));
    kept2.hear(&told(5, None));
    answer_again(&kept2).await;
}

async fn answer_again(kept: &Kept) {
    kept.forget_all();
    answer(ask(kept), 5, Duration::from_millis(700));
    assert!(is_known(kept));
    tokio::time::advance(Duration::from_millis(701)).await;
    assert!(!is_known(kept), "older than the answer allows");
}

#[test]
fn what_is_forgotten_is_asked_again() {
    // Every kind of the contract, and one of a later one.
    for kind in (1..).map_while(|number| v1::SessionEventKind::try_from(number).ok()) {
        let kept = knowing();
        kept.hear(&told(2, Some(kind)));
        assert!(!is_known(&kept), "{kind:?}");
    }
    let kept = knowing();
    let mut later = told(2, Some(v1::SessionEventKind::Revoked));
    later.events[0].kind = 99;
    kept.hear(&later);
    assert!(!is_known(&kept), "a kind that is not known");
    let kept = knowing();
    kept.hear(&v1::WatchSessionsResponse { reset: true, ..told(2, None) });
    assert!(!is_known(&kept));
    let kept = knowing();
    kept.forget_cookies(&["a".into()]);
    assert!(!is_known(&kept));
}

// store.md, 6.
#[test]
fn an_insert_that_began_before_an_invalidation_never_wins() {
    let kept = Kept::new(8);
    kept.hear(&told(1, None));
    let early = ask(&kept);
    kept.hear(&told(5, Some(v1::SessionEventKind::Revoked)));
    answer(early, 9, LONG);
    assert!(!is_known(&kept), "it was asked before");
    // The authority that was asked had heard less than the one that is watched.
    answer(ask(&kept), 4, LONG);
    assert!(!is_known(&kept), "it rests on less than was heard");
    answer(ask(&kept), 5, LONG);
    assert!(is_known(&kept));
}

// A revocation made here is known at once; the authority that is asked next may not have heard of it.
#[tokio::test(start_paused = true)]
async fn what_this_client_has_ended_is_asked_for_until_everybody_knows() {
    let kept = knowing();
    assert_eq!(kept.known_up_to(), [1].as_slice());
    kept.has_told(&[7].as_slice().into());
    kept.forget_all();
    assert_eq!(kept.known_up_to(), [7].as_slice());
    answer(ask(&kept), 6, LONG);
    assert!(!is_known(&kept), "it rests on less");
    kept.hear(&told(3, None));
    kept.has_told(&[5].as_slice().into());
    kept.has_told(&Bytes::new());
    assert_eq!(kept.known_up_to(), [7].as_slice(), "it never goes down");
    kept.broken();
    assert_eq!(kept.known_up_to(), [7].as_slice(), "also while nobody vouches");
    assert_eq!(kept.position(), [3].as_slice(), "the stream goes on where it was");
    kept.hear(&told(8, None));
    assert_eq!(kept.known_up_to(), [8].as_slice());
    answer(ask(&kept), 8, LONG);
    assert!(is_known(&kept));
}

// A reset may come of an authority that lags behind: for as long as anybody may rest on less, what was heard counts. After
// that positions may begin anew.
#[tokio::test(start_paused = true)]
async fn a_reset_lowers_no_position_before_its_time() {
    let kept = knowing();
    kept.hear(&told(5, None));
    kept.hear(&v1::WatchSessionsResponse { reset: true, ..told(2, None) });
    assert_eq!((kept.known_up_to(), kept.position()), ([5].as_slice().into(), [2].as_slice().into()));
    answer(ask(&kept), 4, LONG);
    assert!(!is_known(&kept), "it rests on less than was heard");
    answer(ask(&kept), 5, LONG);
    assert!(is_known(&kept));
    tokio::time::advance(STALENESS).await;
    kept.hear(&v1::WatchSessionsResponse { reset: true, ..told(2, None) });
    tokio::time::advance(STALENESS).await;
    kept.hear(&told(2, None));
    assert_eq!(kept.known_up_to(), [2].as_slice(), "the log begins anew");
    answer(ask(&kept), 2, LONG);
    assert!(is_known(&kept));
}

#[test]
fn who_asks_after_something_was_forgotten_does_not_wait_for_what_was_asked_before() {
    let kept = Kept::new(8);
    kept.hear(&told(1, None));
    let first = ask(&kept);
    assert!(matches!(look(&kept, question("a")), Look::Asked(_)));
    kept.forget_all();
    let second = ask(&kept);
    drop(first);
    assert!(matches!(look(&kept, question("a")), Look::Asked(_)), "the second is being asked still");
    drop(second);
    drop(ask(&kept));
}

#[test]
fn the_room_is_bounded_and_what_does_not_fit_is_asked_each_time() {
    let kept = knowing();
    for cookie in ["b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        let Look::Ask(asking) = look(&kept, question(cookie)) else { panic!("{cookie} is known") };
        answer(asking, 1, LONG);
    }
    assert_eq!(kept.state().room.len(), 8);
    assert!(is_known(&kept));
}

#[test]
fn a_question_is_the_same_as_far_as_its_answer_depends_on_it() {
    let of = |change: &dyn Fn(&mut v1::ValidateSessionRequest)| {
        let mut question = question("a");
        change(&mut question);
        question
    };
    let context = |change: &dyn Fn(&mut v1::RequestContext)| of(&|question| change(question.context.as_mut().unwrap()));
    let kept = Essence::of(&question("a"));
    let same = [
        context(&|context| context.target = "/elsewhere".into()),
        context(&|context| context.accept = Some("text/html".into())),
        of(&|question| question.as_of_position = "x".into()),
    ];
    assert!(same.iter().all(|same| kept.is_of(same) && Essence::of(same) == kept));
    let needs =
        |change: &dyn Fn(&mut v1::Requirements)| of(&|question| change(question.requirements.get_or_insert_default()));
    let others = vec![
        context(&|context| context.user_agent = Some("B".into())),
        context(&|context| context.user_agent = None),
        context(&|context| context.user_agent = Some("AA".into())),
        context(&|context| context.accept_language = context.user_agent.take()),
        context(&|context| context.peer_address = Some("192.0.2.1".into())),
        context(&|context| context.x_forwarded_for = vec!["192.0.2.1".into()]),
        context(&|context| context.forwarded = vec![Bytes::new()]),
        context(&|context| context.host = Some(Bytes::new())),
        context(&|context| context.x_tenant_id = Some("b".into())),
        context(&|context| context.place = Some("here".into())),
        of(&|question| question.cookies[0].name = "sessiona".into()),
        of(&|question| question.cookies.push(v1::Cookie::default())),
        of(&|question| question.touch = Some(true)),
        needs(&|_| ()),
        needs(&|needs| needs.csrf = v1::CsrfRequirement::NotRequired.into()),
        needs(&|needs| needs.max_login_age = Some(prost_types::Duration { seconds: 0, nanos: 1 })),
        needs(&|needs| needs.email_verified = true),
        needs(&|needs| needs.acr_values = vec!["a".into()]),
        needs(&|needs| needs.amr_values = vec!["a".into()]),
        needs(&|needs| needs.permissions = vec!["a".into()]),
        needs(&|needs| needs.any_permissions = vec!["a".into()]),
        needs(&|needs| needs.any_scopes = vec!["a".into()]),
        needs(&|needs| needs.roles = vec!["a".into()]),
        needs(&|needs| needs.scopes = vec!["a".into(), "b".into()]),
        needs(&|needs| needs.scopes = vec!["ab".into()]),
        of(&|question| question.cookies[0].value = "b".into()),
        of(&|question| question.can_set_cookies = false),
        of(&|question| question.context = None),
        needs(&|needs| needs.scopes = vec!["a".into()]),
    ];
    for (at, other) in others.iter().enumerate() {
        let essence = Essence::of(other);
        let same: Vec<_> = others.iter().enumerate().filter(|(_, another)| essence.is_of(another)).collect();
        assert!(
            !kept.is_of(other) && key(other).is_some() && matches!(same[..], [(same, _)] if same == at),
            "row {at}"
        );
    }
    let never = [
        context(&|context| context.method = "POST".into()),
        context(&|context| context.upgrade = Some("websocket".into())),
        of(&|question| question.issue_csrf_token = true),
        of(&|question| question.cookies.clear()),
    ];
    assert!(!never.iter().any(|never| key(never).is_some()));
}

/// The question of one client among many of the same person.
fn from(client: String) -> v1::ValidateSessionRequest {
    let mut question = question("a");
    question.context.as_mut().unwrap().user_agent = Some(client.into());
    question
}

fn keep(kept: &Kept, question: v1::ValidateSessionRequest) {
    match look(kept, question) {
        Look::Ask(asking) => answer(asking, 1, LONG),
        _ => panic!("it is known, or nobody vouches for it"),
    }
}

// What has ended leaves the memory, and its credential with it, though nobody asks about it again.
#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_held() {
    let together = || {
        let kept = Kept::new(8);
        kept.hear(&told(1, None));
        let mut question = question("a");
        question.cookies.push(v1::Cookie { name: "session".into(), value: "b".into() });
        keep(&kept, question);
        kept
    };
    for cookie in ["a", "b"] {
        let kept = together();
        kept.forget_cookies(&["c".into()]);
        assert_eq!(kept.state().room.len(), 1);
        kept.forget_cookies(&[cookie.into()]);
        assert_eq!(kept.state().room.len(), 0, "it was found by {cookie} beside another");
    }
    let ends: [fn(&Kept); 3] = [
        |kept| kept.hear(&told(2, Some(v1::SessionEventKind::Revoked))),
        |kept| kept.forget_cookies(&["a".into()]),
        |kept| kept.forget_named("sid_1"),
    ];
    for end in ends {
        let kept = knowing();
        end(&kept);
        assert_eq!(kept.state().room.len(), 0);
    }
    let kept = knowing();
    for position in 2..70 {
        tokio::time::advance(Duration::from_secs(1)).await;
        kept.hear(&told(position, None));
    }
    assert_eq!(kept.state().room.len(), 0, "it was swept out");
    let kept = knowing();
    tokio::time::advance(LONG * 2).await;
    kept.broken();
    assert_eq!(kept.state().room.len(), 0, "nobody vouches any more");
}

// An event that does not say of whom it speaks may speak of anybody.
#[test]
fn an_event_that_names_nobody_forgets_everybody() {
    use v1::SessionEventKind::{Changed, Refreshed, Revoked, Rotated};
    for kind in [Revoked, Rotated, Refreshed, Changed] {
        let kept = knowing();
        let mut told = told(2, Some(kind));
        told.events[0].session_id.clear();
        kept.hear(&told);
        assert!(!is_known(&kept), "{kind:?}");
    }
}

#[test]
fn one_person_takes_no_room_from_others() {
    let kept = Kept::new(100);
    kept.hear(&told(1, None));
    for number in 0..100 {
        keep(&kept, from(format!("client {number}")));
    }
    assert_eq!(kept.state().room.len(), 16);
    let kept = Kept::new(100);
    kept.hear(&told(1, None));
    keep(&kept, from("x".repeat(20_000)));
    assert_eq!(kept.state().room.len(), 0, "it is too large");
    for number in 0..16 {
        keep(&kept, from(format!("{number:015000}")));
    }
    assert_eq!(kept.state().room.len(), 13, "200 kB are full");
    kept.hear(&told(2, Some(v1::SessionEventKind::Revoked)));
    answer(ask(&kept), 2, LONG);
    assert_eq!(kept.state().room.len(), 1, "there is room again");
}

#[test]
fn who_asks_very_differently_at_the_same_time_asks_alone() {
    let kept = Kept::new(100);
    kept.hear(&told(1, None));
    let asking: Vec<_> = (0..50).map(|number| look(&kept, from(number.to_string()))).collect();
    assert_eq!(asking.iter().filter(|look| matches!(look, Look::Ask(_))).count(), 16);
    assert!(matches!(look(&kept, from("3".into())), Look::Asked(_)));
    drop(asking);
    assert!(kept.state().asking.is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_one_request_is_sent_is_told_to_no_other() {
    let kept = knowing();
    kept.forget_all();
    let asking = ask(&kept);
    let Look::Asked(mut other) = look(&kept, question("a")) else { panic!("it is being asked") };
    // No session: the answer sends a browser to the login, and back to the page that it wanted.
    asking.answer(&Ok(checked()), None);
    assert!(matches!(*other.wait_for(Option::is_some).await.unwrap(), Some(Brought::Own)));
    let asking = ask(&kept);
    let Look::Asked(mut other) = look(&kept, question("a")) else { panic!("it is being asked") };
    answer(asking, 1, LONG);
    assert!(matches!(*other.wait_for(Option::is_some).await.unwrap(), Some(Brought::Same(_))));
}
