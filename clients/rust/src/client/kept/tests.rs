//! Owns the tests of what is kept. Does not know a network.

use super::*;
use crate::verdict::{Asked, Verdict};

const LONG: Duration = Duration::from_mins(1);

fn question(cookie: &'static str) -> v1::ValidateSessionRequest {
    let cookies = vec![v1::Cookie { name: "session".into(), value: cookie.into() }];
    let context = v1::RequestContext { method: "GET".into(), user_agent: Some("A".into()), ..Default::default() };
    v1::ValidateSessionRequest { cookies, context: Some(context), can_set_cookies: true, ..Default::default() }
}

fn key(question: &v1::ValidateSessionRequest) -> Option<Key> {
    Key::of(question, &Asked::of(question))
}

fn checked() -> Checked {
    Checked { verdict: Verdict::Inactive(v1::InactiveSession::default()), settings_version: "v1".into() }
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
    match kept.look(key(&question("a")).unwrap()) {
        Look::Ask(asking) => asking,
        _ => panic!("it is known, or nobody vouches for it"),
    }
}

fn answer(asking: Asking<'_>, position: u8, keep_for: Duration) {
    let keeping = Keeping { session_id: "sid_1".into(), position: vec![position].into(), keep_for };
    asking.answer(&Ok(checked()), Some(keeping));
}

fn is_known(kept: &Kept) -> bool {
    matches!(kept.look(key(&question("a")).unwrap()), Look::Known(_))
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
    assert!(matches!(kept.look(key(&question("a")).unwrap()), Look::Broken), "nobody vouches yet");
    let kept2 = knowing();
    tokio::time::advance(SILENCE).await;
    assert!(matches!(kept2.look(key(&question("a")).unwrap()), Look::Broken), "no message came");
    assert!(kept2.known_up_to().is_empty());
    kept2.hear(&told(2, None));
    assert!(is_known(&kept2), "the stream went on where it was");
    kept2.hear(&v1::WatchSessionsResponse { max_staleness: None, ..told(3, None) });
    assert!(matches!(kept2.look(key(&question("a")).unwrap()), Look::Broken), "the authority hears nothing itself");
    kept2.hear(&told(4, None));
    kept2.broken();
    assert!(matches!(kept2.look(key(&question("a")).unwrap()), Look::Broken));
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
    use v1::SessionEventKind::{Changed, ProviderRevoked, Refreshed, Revoked, Rotated, TenantRevoked, UserRevoked};
    for kind in [Revoked, Rotated, Refreshed, Changed, UserRevoked, ProviderRevoked, TenantRevoked] {
        let kept = knowing();
        kept.hear(&told(2, Some(kind)));
        assert!(!is_known(&kept), "{kind:?}");
    }
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
    assert!(matches!(kept.look(key(&question("a")).unwrap()), Look::Asked(_)));
    kept.forget_all();
    let second = ask(&kept);
    drop(first);
    assert!(matches!(kept.look(key(&question("a")).unwrap()), Look::Asked(_)), "the second is being asked still");
    drop(second);
    drop(ask(&kept));
}

#[test]
fn the_room_is_bounded_and_what_does_not_fit_is_asked_each_time() {
    let kept = knowing();
    for cookie in ["b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        let Look::Ask(asking) = kept.look(key(&question(cookie)).unwrap()) else { panic!("{cookie} is known") };
        answer(asking, 1, LONG);
    }
    assert_eq!(kept.state().answers.len(), 8);
    assert!(is_known(&kept));
}

#[test]
fn a_question_is_the_same_as_far_as_its_answer_depends_on_it() {
    let of = |change: &dyn Fn(&mut v1::ValidateSessionRequest)| {
        let mut question = question("a");
        change(&mut question);
        key(&question).map(|key| key.question)
    };
    let context = |change: &dyn Fn(&mut v1::RequestContext)| of(&|question| change(question.context.as_mut().unwrap()));
    let same = of(&|_| ()).unwrap();
    assert_eq!(context(&|context| context.target = "/elsewhere".into()), Some(same.clone()));
    assert_eq!(context(&|context| context.accept = Some("text/html".into())), Some(same.clone()));
    assert_eq!(of(&|question| question.as_of_position = "x".into()), Some(same.clone()));
    let others = [
        context(&|context| context.user_agent = Some("B".into())),
        context(&|context| context.peer_address = Some("192.0.2.1".into())),
        of(&|question| question.cookies[0].value = "b".into()),
        of(&|question| question.can_set_cookies = false),
        of(&|question| question.context = None),
        of(&|question| {
            question.requirements = Some(v1::Requirements { scopes: vec!["a".into()], ..Default::default() });
        }),
    ];
    assert!(others.iter().all(|other| other.as_ref().is_some_and(|other| *other != same)));
    let never = [
        context(&|context| context.method = "POST".into()),
        context(&|context| context.upgrade = Some("websocket".into())),
        of(&|question| question.issue_csrf_token = true),
        of(&|question| question.cookies.clear()),
    ];
    assert!(never.iter().all(Option::is_none));
}

#[tokio::test(start_paused = true)]
async fn where_one_request_is_sent_is_told_to_no_other() {
    let kept = knowing();
    kept.forget_all();
    let asking = ask(&kept);
    let Look::Asked(mut other) = kept.look(key(&question("a")).unwrap()) else { panic!("it is being asked") };
    // No session: the answer sends a browser to the login, and back to the page that it wanted.
    asking.answer(&Ok(checked()), None);
    assert!(matches!(*other.wait_for(Option::is_some).await.unwrap(), Some(Brought::Own)));
    let asking = ask(&kept);
    let Look::Asked(mut other) = kept.look(key(&question("a")).unwrap()) else { panic!("it is being asked") };
    answer(asking, 1, LONG);
    assert!(matches!(*other.wait_for(Option::is_some).await.unwrap(), Some(Brought::Same(_))));
}
