//! Shows when checks share a stream, that nothing is lost when it ends, and that nobody notices which way a check went.
//! Does not know what a session is.

use std::time::Duration;

use gatelodge_client::v1::check_sessions_response::Result as Outcome;
use gatelodge_client::v1::{self, ErrorReason};
use gatelodge_client::{Client, ClientOptions, Error, Verdict};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::authority::{Authority, KEY, active, outcome};
use crate::stream::{Manner, polite};

const ENOUGH: usize = 8;

fn yes() -> v1::ValidateSessionResponse {
    outcome(v1::validate_session_response::Outcome::Active(active())).unwrap()
}

fn question() -> v1::ValidateSessionRequest {
    v1::ValidateSessionRequest::default()
}

fn failure(reason: &str, code: Code) -> v1::CheckError {
    v1::CheckError {
        code: code as u32,
        reason: reason.into(),
        message: "no".into(),
        request_id: "req-9".into(),
        retry_after: None,
        field_violations: Vec::new(),
    }
}

/// An authority that says yes, by call and, in this manner, by stream.
async fn authority(manner: Manner) -> Authority {
    let authority = Authority::start().await;
    authority.validate.say([Ok(yes())]);
    authority.stream.be(manner);
    authority
}

async fn check(client: &Client) -> Result<(), Error> {
    match client.sessions().check(question()).await?.verdict {
        Verdict::Active(_) => Ok(()),
        other => panic!("{other:?}"),
    }
}

/// So many checks at the same moment.
async fn many(client: &Client, number: usize) {
    let mut tasks = JoinSet::new();
    for _ in 0..number {
        let client = client.clone();
        tasks.spawn(async move { check(&client).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
}

/// Asks enough at a time until a stream carries it.
async fn on_a_stream(authority: &Authority, client: &Client) {
    let (began, before) = (Instant::now(), authority.stream.asked().len());
    while authority.stream.asked().len() == before {
        assert!(began.elapsed() < Duration::from_secs(10), "no stream carries a question");
        many(client, ENOUGH).await;
    }
}

#[tokio::test]
async fn few_checks_are_calls_and_many_share_a_stream() {
    let authority = authority(Manner::Answers(Outcome::Answer(yes()))).await;
    let client = authority.client();
    for _ in 0..3 {
        many(&client, ENOUGH - 1).await;
    }
    assert_eq!(authority.stream.opened(), 0, "it is not worth a stream");
    on_a_stream(&authority, &client).await;
    let by_call = authority.validate.count();
    many(&client, 100).await;
    check(&client.for_request("req-1").with_deadline(Duration::from_millis(700))).await.unwrap();
    assert_eq!(authority.validate.count(), by_call, "while it is open every check takes it");
    assert_eq!((authority.stream.opened(), authority.stream.keys()), (1, vec![format!("Bearer {KEY}")]));
    let last = authority.stream.asked().pop().unwrap();
    let patience = Duration::try_from(last.timeout.unwrap()).unwrap();
    assert!((Duration::from_millis(300)..=Duration::from_millis(700)).contains(&patience), "{patience:?}");
    assert_eq!((last.request_id.as_str(), last.question), ("req-1", Some(question())));
    drop(client);
    let began = Instant::now();
    while authority.stream.closed() == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "a client that is gone keeps its stream");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_authority_from_the_past_is_asked_by_calls_and_not_bothered() {
    let authority = authority(Manner::Missing).await;
    let client = authority.client();
    for _ in 0..5 {
        many(&client, 3 * ENOUGH).await;
    }
    assert_eq!((authority.stream.opened(), authority.validate.count()), (1, 15 * ENOUGH));
}

#[tokio::test]
async fn one_option_turns_it_off() {
    let authority = authority(Manner::Answers(Outcome::Answer(yes()))).await;
    let options = ClientOptions::new(format!("http://{}", authority.address), KEY).check_stream(false);
    many(&Client::connect(&options).unwrap(), 3 * ENOUGH).await;
    assert_eq!((authority.stream.opened(), authority.validate.count()), (0, 3 * ENOUGH));
}

// security.md 123: a server that stops fails no check, whether it says so or is cut off in the middle.
#[tokio::test]
async fn what_a_stream_leaves_unanswered_is_asked_by_calls() {
    for end in [polite(), Status::unavailable("cut"), Status::internal("broken")] {
        let authority = authority(Manner::EndsAfter(20, Outcome::Answer(yes()), end.clone())).await;
        let client = authority.client();
        on_a_stream(&authority, &client).await;
        let by_call = authority.validate.count();
        many(&client, 100).await;
        assert!(authority.validate.count() > by_call, "{end:?}");
        authority.stream.be(Manner::Answers(Outcome::Answer(yes())));
        on_a_stream(&authority, &client).await;
        assert!(authority.stream.opened() > 1, "it is opened again: {end:?}");
    }
}

#[tokio::test]
async fn a_stream_that_carries_no_answer_is_given_up() {
    let authority = authority(Manner::Silent).await;
    let client = authority.client().with_deadline(Duration::from_millis(1200));
    let began = Instant::now();
    while authority.stream.asked().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "no stream carries a question");
        let mut tasks = JoinSet::new();
        for _ in 0..ENOUGH {
            let client = client.clone();
            tasks.spawn(async move { client.sessions().check(question()).await.map(drop) });
        }
        for lost in tasks.join_all().await.into_iter().filter_map(Result::err) {
            assert!(lost.is(ErrorReason::DeadlineExceeded), "{lost}");
        }
    }
    let asked = authority.stream.asked().len();
    many(&client, 3 * ENOUGH).await;
    assert_eq!((authority.stream.opened(), authority.stream.asked().len()), (1, asked), "calls answer");
}

// Whoever has no time to wait says nothing about the stream, and neither does one question of many.
#[tokio::test]
async fn an_impatient_caller_closes_the_stream_for_nobody() {
    let authority = authority(Manner::Answers(Outcome::Answer(yes()))).await;
    let client = authority.client();
    on_a_stream(&authority, &client).await;
    let impatient = client.with_deadline(Duration::from_micros(1));
    for _ in 0..50 {
        let _ = impatient.sessions().check(question()).await;
    }
    on_a_stream(&authority, &client).await;
    assert_eq!((authority.stream.opened(), authority.stream.closed()), (1, 0));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_slot() {
    let authority = authority(Manner::Answers(Outcome::Answer(yes()))).await;
    let client = authority.client();
    on_a_stream(&authority, &client).await;
    for _ in 0..3 {
        let before = authority.stream.asked().len();
        let calls = authority.validate.count();
        // Each is polled once, so it is on its way, and then dropped.
        for _ in 0..200 {
            let sessions = client.sessions();
            let mut leaving = Box::pin(sessions.check(question()));
            tokio::select! { biased; _ = &mut leaving => (), () = std::future::ready(()) => () }
        }
        check(&client).await.unwrap();
        assert_eq!((authority.stream.asked().len(), authority.validate.count()), (before + 201, calls));
    }
}

#[tokio::test]
async fn a_failure_on_the_stream_is_the_failure_of_a_call() {
    let violation = v1::CheckFieldViolation { field: "requirements.scopes".into(), description: "at most 64".into() };
    let refused =
        v1::CheckError { field_violations: vec![violation], ..failure("INVALID_FIELD", Code::InvalidArgument) };
    let authority = authority(Manner::Answers(Outcome::Error(refused))).await;
    let client = authority.client();
    let error = loop {
        let mut tasks = JoinSet::new();
        for _ in 0..ENOUGH {
            let client = client.clone();
            tasks.spawn(async move { client.sessions().check(question()).await.map(drop) });
        }
        if let Some(error) = tasks.join_all().await.into_iter().find_map(Result::err) {
            break error;
        }
    };
    assert!(error.is(ErrorReason::InvalidField) && !error.is_retryable());
    assert_eq!((error.code(), error.request_id(), error.message()), (Code::InvalidArgument, Some("req-9"), "no"));
    assert_eq!(error.field_violations()[0].field, "requirements.scopes");
}

#[tokio::test]
async fn only_unavailable_is_asked_again_and_no_sooner_than_told() {
    let wait = prost_types::Duration { seconds: 0, nanos: 300_000_000 };
    let away = v1::CheckError { retry_after: Some(wait), ..failure("STORE_UNAVAILABLE", Code::Unavailable) };
    let authority = authority(Manner::EndsAfter(1, Outcome::Error(away), polite())).await;
    let client = authority.client();
    let began = Instant::now();
    while authority.stream.asked().len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(10), "no stream carries a question");
        many(&client, ENOUGH).await;
    }
    assert!(began.elapsed() >= Duration::from_millis(300), "the one that failed waited: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_stream_of_ones_own_can_be_had() {
    let authority = authority(Manner::Answers(Outcome::Answer(yes()))).await;
    let ask = |id| v1::CheckSessionsRequest { id, question: Some(question()), ..Default::default() };
    let client = authority.client();
    let mut answers = client.sessions().check_sessions(tokio_stream::iter([ask(7), ask(8)])).await.unwrap();
    let mut ids = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(matches!(answer.result, Some(Outcome::Answer(_))));
        ids.push(answer.id);
    }
    assert_eq!((ids, authority.stream.keys()), (vec![7, 8], vec![format!("Bearer {KEY}")]));
    authority.stream.be(Manner::Missing);
    let error = client.sessions().check_sessions(tokio_stream::iter([ask(9)])).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
}
