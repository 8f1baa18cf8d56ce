//! Shows that a question on a stream is answered as a call is, and that a wrong one is its asker's own. Does not know of
//! time or load.

use std::time::Duration;

use bytes::Bytes;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response::Result as Answer;
use http::uri::PathAndQuery;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{Hall, Stream, active, failed};
use crate::rpc::serving::{by, context, key};
use crate::world::faults::Fault;
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    each_question_is_answered_as_a_call_is
    store_trouble_is_an_error_and_the_stream_goes_on
    a_malformed_question_ends_no_other
}

fn requiring(question: &v1::ValidateSessionRequest, requirements: v1::Requirements) -> v1::ValidateSessionRequest {
    v1::ValidateSessionRequest { requirements: Some(requirements), ..question.clone() }
}

/// Every kind of question there is, good and bad.
async fn table(hall: &Hall) -> Vec<v1::ValidateSessionRequest> {
    let question = hall.question();
    let posted = v1::ValidateSessionRequest { context: Some(context("POST", "/")), ..question.clone() };
    let fetch = v1::ValidateSessionRequest { answer_json: true, ..posted.clone() };
    let bare = v1::ValidateSessionRequest { context: None, ..question.clone() };
    let cookie = |value: &str| v1::Cookie { name: "__Host-session".into(), value: value.to_owned().into() };
    let forged = v1::ValidateSessionRequest { cookies: vec![cookie("sess_AAAA")], ..question.clone() };
    let mut other = Browser::default();
    hall.world.log_in(&mut other, "ada").await;
    let ended = v1::ValidateSessionRequest { cookies: crate::rpc::serving::cookies(&other), ..question.clone() };
    let target = Some(v1::session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {}));
    let revoke = v1::SessionServiceRevokeRequest { cookies: ended.cookies.clone(), target, ..Default::default() };
    hall.serving.sessions().await.revoke(by(Role::Edge, revoke)).await.unwrap();
    let needs_csrf = v1::Requirements { csrf: v1::CsrfRequirement::Required.into(), ..Default::default() };
    let scopes = |scope: &str| v1::Requirements { scopes: vec![scope.into()], ..Default::default() };
    let unknown = v1::Requirements { csrf: 99, ..Default::default() };
    vec![
        question.clone(),
        bare.clone(),
        v1::ValidateSessionRequest { cookies: Vec::new(), ..question.clone() },
        v1::ValidateSessionRequest::default(),
        forged,
        ended,
        posted,
        fetch,
        requiring(&question, scopes("openid")),
        requiring(&question, scopes("moon")),
        requiring(&question, scopes("")),
        requiring(&bare, needs_csrf),
        requiring(&question, unknown),
        v1::ValidateSessionRequest { context: Some(context("", "/")), ..question },
    ]
}

// contract.md, 8: the same question and answer as ValidateSession, errors per question.
async fn each_question_is_answered_as_a_call_is(kept: Kept) {
    let hall = Hall::open(kept).await;
    let (table, mut calls) = (table(&hall).await, hall.serving.sessions().await);
    let mut stream = Stream::open(&hall.serving).await;
    for (id, question) in (0..).zip(&table) {
        let question = Some(question.clone());
        let request = v1::CheckSessionsRequest { id, question, request_id: "req-1".into(), timeout: None };
        stream.ask.send(request).await.unwrap();
    }
    let answers = stream.next_by_id(table.len()).await;
    let mut errors = 0;
    for ((id, answer), question) in answers.iter().zip(table) {
        let mut call = by(Role::Edge, question);
        call.metadata_mut().insert("x-request-id", "req-1".parse().unwrap());
        match calls.validate_session(call).await {
            Ok(expected) => assert_eq!(*answer, Answer::Answer(expected.into_inner()), "question {id}"),
            Err(status) => {
                let error = failed(answer, status.code(), &status.get_details_error_info().unwrap().reason);
                assert_eq!((error.message.as_str(), error.request_id.as_str()), (status.message(), "req-1"));
                let fields = |violations: Vec<v1::CheckFieldViolation>| {
                    violations.into_iter().map(|one| (one.field, one.description)).collect::<Vec<_>>()
                };
                let bad = status.get_details_bad_request().unwrap().field_violations;
                let bad: Vec<_> = bad.into_iter().map(|one| (one.field, one.description)).collect();
                assert_eq!(fields(error.field_violations), bad, "question {id}");
                errors += 1;
            }
        }
    }
    assert_eq!(errors, 4);
    drop(stream.ask);
    assert!(stream.answers.message().await.unwrap().is_none(), "all was asked, and answered");
}

// security.md 113, 114: trouble is UNAVAILABLE with advice, ends no session, and no other question.
async fn store_trouble_is_an_error_and_the_stream_goes_on(kept: Kept) {
    let hall = Hall::open(kept).await;
    let mut stream = Stream::open(&hall.serving).await;
    hall.store.set(Fault::Away);
    stream.ask(1, hall.question()).await;
    let (_, answer) = stream.next().await;
    let error = failed(&answer, Code::Unavailable, "STORE_UNAVAILABLE");
    assert!(Duration::try_from(error.retry_after.unwrap()).unwrap() > Duration::ZERO);
    assert!(!error.message.contains("on purpose"), "the cause is for the log");
    hall.store.set(Fault::Panics);
    stream.ask(2, hall.question()).await;
    failed(&stream.next().await.1, Code::Internal, "INTERNAL");
    hall.store.set(None);
    stream.ask(3, hall.question()).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 3);
    active(&answer);
}

/// A question whose bytes are the test's own.
#[derive(Clone, PartialEq, prost::Message)]
struct Raw {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(bytes = "bytes", tag = "2")]
    question: Bytes,
    #[prost(string, tag = "4")]
    request_id: String,
}

// security.md 105: what is no question is refused in the caller's own words, and the others go on.
async fn a_malformed_question_ends_no_other(kept: Kept) {
    let hall = Hall::open(kept).await;
    let good = Bytes::from(prost::Message::encode_to_vec(&hall.question()));
    let raw = |id, question: &[u8], request_id: &str| {
        let question = Bytes::copy_from_slice(question);
        Raw { id, question, request_id: request_id.to_owned() }
    };
    let questions = [
        raw(1, &good, ""),
        raw(2, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "mine"),
        raw(3, b"\x0a\x7f", "a\nb"),
        raw(4, &good, &"x".repeat(65)),
    ];
    let mut grpc = tonic::client::Grpc::new(hall.serving.channel().await);
    grpc.ready().await.unwrap();
    let mut request = tonic::Request::new(tokio_stream::iter(questions));
    request.metadata_mut().insert("authorization", format!("Bearer {}", key(Role::Edge)).parse().unwrap());
    request.metadata_mut().insert("x-request-id", "stream-1".parse().unwrap());
    let path = PathAndQuery::from_static("/gatelodge.v1.SessionService/CheckSessions");
    let codec = tonic_prost::ProstCodec::<Raw, v1::CheckSessionsResponse>::default();
    let answers = grpc.streaming(request, path, codec).await.unwrap().into_inner();
    let mut stream = Stream { ask: tokio::sync::mpsc::channel(1).0, answers };
    let answers = stream.next_by_id(4).await;
    active(&answers[&1]);
    active(&answers[&4]);
    for (id, name) in [(2, "mine"), (3, "stream-1.3")] {
        let error = failed(&answers[&id], Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!((error.field_violations[0].field.as_str(), error.request_id.as_str()), ("question", name));
    }
    assert!(stream.end().await.is_none());
}

// What can't be told apart from the next message ends the stream, after an answer to all that came before.
#[tokio::test]
async fn what_is_no_message_ends_the_stream_and_answers_stay() {
    let hall = Hall::open(Kept::Memory).await;
    let mut stream = Stream::open(&hall.serving).await;
    for id in 0..20 {
        stream.ask(id, hall.question()).await;
    }
    let mut large = hall.question();
    large.cookies.push(v1::Cookie { name: "session".into(), value: vec![b'x'; 4 << 20].into() });
    stream.ask(20, large).await;
    let answers = stream.next_by_id(20).await;
    answers.values().for_each(active);
    let status = stream.end().await.expect("it is refused");
    crate::rpc::failed::<()>(Err(status), Code::InvalidArgument, "INVALID_FIELD");
}
