//! Shows many questions on one stream: none waits for another, each has its own time and place, and memory is bounded.
//! Does not know what the answers say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge::authority::Ports;
use gatelodge::authority::ports::Clock;
use gatelodge::rpc::policy::Role;
use gatelodge::session::time::Timestamp;
use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response::Result as Answer;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Endpoint;

use super::{Hall, Stream, active, failed};
use crate::rpc::serving::{by, validation};
use crate::world::faults::Fault;
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    a_slow_question_delays_no_other
    each_question_has_its_own_deadline
    who_waits_on_when_anothers_time_is_over_is_answered_as_soon_as_there_is_an_answer
    each_question_has_its_own_place
    what_is_known_or_forged_is_answered_though_every_place_is_taken
    a_panic_ends_one_question_alone
    a_caller_who_never_reads_costs_a_bounded_amount
    a_caller_who_never_reads_holds_no_place_beyond_a_deadline
}

/// Waits until the questions that were asked are with the store.
async fn at_work(hall: &Hall, number: usize) {
    let began = Instant::now();
    while hall.store.waiting() < number {
        assert!(began.elapsed() < Duration::from_secs(10), "they were never asked");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

// contract.md, 8: answered in whatever order they are ready.
async fn a_slow_question_delays_no_other(kept: Kept) {
    let hall = Hall::open(kept).await;
    let mut stream = Stream::open(&hall.serving).await;
    hall.store.set(Fault::Slow(Duration::from_secs(1)));
    stream.ask(1, hall.question()).await;
    at_work(&hall, 1).await;
    hall.store.set(None);
    let began = Instant::now();
    for id in 2..100 {
        stream.ask(id, hall.question()).await;
    }
    let others = stream.next_by_id(98).await;
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert!(!others.contains_key(&1));
    others.values().for_each(active);
    let (last, answer) = stream.next().await;
    assert_eq!(last, 1);
    active(&answer);
}

// security.md 128: each deadline is its own, and is kept a little early, so that the answer arrives in time.
async fn each_question_has_its_own_deadline(kept: Kept) {
    let hall = Hall::open(kept).await;
    let mut stream = Stream::open(&hall.serving).await;
    hall.store.set(Fault::Silent);
    let within = |id, millis: u64| v1::CheckSessionsRequest {
        id,
        question: Some(hall.question()),
        timeout: prost_types::Duration::try_from(Duration::from_millis(millis)).ok(),
        ..Default::default()
    };
    let began = Instant::now();
    for question in [within(1, 60_000), within(2, 900), within(3, 300), within(4, 600)] {
        stream.ask.send(question).await.unwrap();
    }
    at_work(&hall, 4).await;
    hall.store.set(None);
    stream.ask(5, hall.question()).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 5);
    active(&answer);
    for (expected, limit) in [(3, 300), (4, 600), (2, 900)] {
        let (id, answer) = stream.next().await;
        assert_eq!(id, expected);
        failed(&answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        assert!(began.elapsed() >= Duration::from_millis(limit * 3 / 4), "{id}: {:?}", began.elapsed());
    }
    stream.ask.send(within(6, 4_000_000)).await.unwrap();
    let error = failed(&stream.next().await.1, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(error.field_violations[0].field, "timeout");
}

async fn who_waits_on_when_anothers_time_is_over_is_answered_as_soon_as_there_is_an_answer(kept: Kept) {
    let hall = Hall::open(kept).await;
    let mut stream = Stream::open(&hall.serving).await;
    let began = Instant::now();
    // The first sets the stream's timer, and is answered before it goes off.
    for (id, seconds, pause) in [(1, 0.4, 50), (2, 9.0, 1200)] {
        hall.store.set(Fault::SlowToAnswer(Duration::from_millis(pause)));
        let timeout = prost_types::Duration::try_from(Duration::from_secs_f64(seconds)).ok();
        let question = Some(hall.question());
        stream.ask.send(v1::CheckSessionsRequest { id, question, timeout, ..Default::default() }).await.unwrap();
        if id == 1 {
            assert_eq!(stream.next().await.0, 1);
        }
    }
    let (id, answer) = stream.next().await;
    assert_eq!(id, 2);
    active(&answer);
    assert!(began.elapsed() < Duration::from_secs(5), "not at its own deadline: {:?}", began.elapsed());
}

// security.md 127: a stream is no way round the bound on what is at work.
async fn each_question_has_its_own_place(kept: Kept) {
    let hall = Hall::with(kept, |_| (), |settings| settings.max_in_flight = 2).await;
    let mut stream = Stream::open(&hall.serving).await;
    hall.store.set(Fault::Slow(Duration::from_millis(500)));
    for id in 1..=2 {
        stream.ask(id, hall.question()).await;
    }
    at_work(&hall, 2).await;
    stream.ask(3, hall.question()).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 3);
    let error = failed(&answer, Code::ResourceExhausted, "OVERLOADED");
    assert!(error.retry_after.is_some(), "it says when to come back");
    let call = hall.serving.sessions().await.validate_session(by(Role::Edge, hall.question())).await;
    crate::rpc::failed(call, Code::ResourceExhausted, "OVERLOADED");
    stream.next_by_id(2).await.values().for_each(active);
    hall.store.set(None);
    stream.ask(4, hall.question()).await;
    active(&stream.next().await.1);
    let _second = Stream::open(&hall.serving).await;
    let mut client = hall.serving.sessions().await;
    let third = client.check_sessions(by(Role::Edge, tokio_stream::pending())).await;
    crate::rpc::failed(third, Code::ResourceExhausted, "OVERLOADED");
}

// security.md 127: what is refused costs less than what waits, and what is answered at once costs no more than a refusal.
async fn what_is_known_or_forged_is_answered_though_every_place_is_taken(kept: Kept) {
    let hall = Hall::with(kept, |_| (), |settings| settings.max_in_flight = 2).await;
    hall.hears().await;
    let mut stream = Stream::open(&hall.serving).await;
    // From now on it is known.
    stream.ask(0, hall.question()).await;
    active(&stream.next().await.1);
    let mut unknown = Vec::new();
    for sub in ["bob", "cyd", "dan"] {
        let mut browser = Browser::default();
        hall.world.log_in(&mut browser, sub).await.result.unwrap();
        unknown.push(validation(&browser));
    }
    hall.store.set(Fault::Silent);
    for (id, question) in [1, 2].into_iter().zip(&unknown) {
        stream.ask(id, question.clone()).await;
    }
    at_work(&hall, 2).await;

    stream.ask(3, hall.question()).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 3);
    active(&answer);
    let mut forged = hall.browser.clone();
    for (_, value) in &mut forged.cookies {
        value.push('A');
    }
    stream.ask(4, validation(&forged)).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 4);
    let Answer::Answer(answer) = answer else { panic!("{answer:?}") };
    assert!(matches!(answer.outcome, Some(Outcome::Inactive(_))), "{answer:?}");
    stream.ask(5, unknown[2].clone()).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 5);
    failed(&answer, Code::ResourceExhausted, "OVERLOADED");
}

/// A clock that breaks when it is told to, once.
struct Breaking {
    clock: Arc<dyn Clock>,
    breaks: AtomicBool,
}

impl Clock for Breaking {
    fn now(&self) -> Timestamp {
        assert!(!self.breaks.swap(false, Ordering::SeqCst), "on purpose");
        self.clock.now()
    }
}

async fn a_panic_ends_one_question_alone(kept: Kept) {
    let (put, mut breaking) = (kept.ready().await, None);
    let break_it = |ports: &mut Ports| {
        put(ports);
        let clock = Arc::new(Breaking { clock: Arc::clone(&ports.clock), breaks: AtomicBool::new(false) });
        ports.clock = clock.clone();
        breaking = Some(clock);
    };
    let hall = Hall::over(break_it, |_| (), |_| ()).await;
    let mut stream = Stream::open(&hall.serving).await;
    // One that waits when another one breaks, which never comes so far as to wait.
    hall.store.set(Fault::HoldsAnswersOf(&["read", "read_with_marks", "read_among_many"]));
    stream.ask(1, hall.question()).await;
    at_work(&hall, 1).await;
    breaking.unwrap().breaks.store(true, Ordering::SeqCst);
    stream.ask(2, hall.question()).await;
    let (id, answer) = stream.next().await;
    assert_eq!(id, 2);
    failed(&answer, Code::Internal, "INTERNAL");
    assert_eq!(hall.store.waiting(), 1);
    hall.store.set(None);
    stream.ask(3, hall.question()).await;
    stream.next_by_id(2).await.values().for_each(active);
}

/// A stream whose caller takes no more than 64 kB of answers that it does not read.
async fn narrow(hall: &Hall) -> Stream {
    let (ask, questions) = mpsc::channel(1);
    // By default a client of tonic takes megabytes.
    let endpoint = Endpoint::from_shared(format!("http://{}", hall.serving.address)).unwrap();
    let channel = endpoint.initial_stream_window_size(65_535).connect().await.unwrap();
    let opening = by(Role::Edge, ReceiverStream::new(questions));
    let answers = SessionServiceClient::new(channel).check_sessions(opening).await.unwrap().into_inner();
    Stream { ask, answers }
}

// security.md 127: what is not read is not asked for either; the others do not notice.
async fn a_caller_who_never_reads_costs_a_bounded_amount(kept: Kept) {
    const MANY: usize = 20_000;
    let hall = Hall::with(kept, |_| (), |settings| settings.max_in_flight = 300).await;
    let Stream { ask, answers } = narrow(&hall).await;
    // About a kilobyte each, answered without IO: the caller could ask as fast as it can write.
    let mut question = validation(&Browser::default());
    question.context.as_mut().unwrap().target = "x".repeat(1000).into();
    let mut asked = 0;
    while asked < MANY {
        let request =
            v1::CheckSessionsRequest { id: asked as u64, question: Some(question.clone()), ..Default::default() };
        match timeout(Duration::from_secs(1), ask.send(request)).await {
            Ok(sent) => sent.unwrap(),
            Err(_) => break,
        }
        asked += 1;
    }
    // What is on the way fills the windows of HTTP/2, which are a mebibyte there and 64 kB back; beyond that only what is at work.
    assert!(asked < 4_000, "{asked} questions were taken from a caller who reads no answer");

    let mut other = Stream::open(&hall.serving).await;
    for id in 0..200 {
        other.ask(id, hall.question()).await;
    }
    other.next_by_id(200).await.values().for_each(active);

    drop(ask);
    let mut stream = Stream { ask: mpsc::channel(1).0, answers };
    assert_eq!(stream.next_by_id(asked).await.len(), asked, "what was taken is answered");
    assert!(stream.end().await.is_none());
}

// security.md 127, 128: what waits has its deadline also while no answer can leave.
async fn a_caller_who_never_reads_holds_no_place_beyond_a_deadline(kept: Kept) {
    let hall = Hall::with(kept, |_| (), |settings| settings.max_in_flight = 2).await;
    let stream = narrow(&hall).await;
    hall.store.set(Fault::Silent);
    for id in 0..2 {
        let time = prost_types::Duration::try_from(Duration::from_secs(3)).ok();
        let question = Some(hall.question());
        let request = v1::CheckSessionsRequest { id, question, timeout: time, ..Default::default() };
        stream.ask.send(request).await.unwrap();
    }
    at_work(&hall, 2).await;
    hall.store.set(None);
    // Answered at once: several times what is taken of them.
    for id in 2..1000 {
        stream.ask(id, validation(&Browser::default())).await;
    }
    let mut calls = hall.serving.sessions().await;
    let began = Instant::now();
    while calls.validate_session(by(Role::Edge, hall.question())).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "their time is over, and they hold their places");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

// What is asked for at the same moment travels together, as one command.
#[tokio::test]
async fn the_reads_of_questions_that_come_together_travel_together() {
    let server = tokio::task::spawn_blocking(|| crate::redis::Server::start(&[])).await.unwrap();
    let hall = Hall::open_at(&server).await;
    let mut stream = Stream::open(&hall.serving).await;
    // While the stream of events is broken, marks are read with each session.
    hall.hears().await;
    let before = commands(&server);
    let (ask, number) = (stream.ask.clone(), 200);
    // All are written before the connection's task runs: one runtime thread.
    for id in 0..number {
        let question = v1::CheckSessionsRequest { id, question: Some(hall.question()), ..Default::default() };
        ask.try_send(question).unwrap();
    }
    stream.next_by_id(usize::try_from(number).unwrap()).await.values().for_each(active);
    let [get, mget] = [0, 1].map(|at| commands(&server)[at] - before[at]);
    assert!(get == 0 && (1..=50).contains(&mget), "{number} reads cost {get} GET and {mget} MGET");
}

/// How often GET and MGET were called.
fn commands(server: &crate::redis::Server) -> [u64; 2] {
    let stats: String = ::redis::cmd("INFO").arg("commandstats").query(&mut server.admin()).unwrap();
    ["cmdstat_get:calls=", "cmdstat_mget:calls="].map(|name| {
        let found = stats.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.split(',').next());
        found.map_or(0, |calls| calls.parse().unwrap())
    })
}
