//! Shows how a stream ends: politely when the server stops or the stream is old, at once when its caller is gone.
//! Does not know what is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::{Client, ClientOptions, Verdict};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{Hall, Stream, active};
use crate::rpc::serving::{Serving, by, key};
use crate::world::faults::Fault;
use crate::world::{Kept, on_every_store};

on_every_store! {
    a_server_that_stops_answers_what_it_has_read_and_says_to_reopen
    a_rolling_restart_fails_no_check
    a_stream_is_no_older_than_a_connection
    what_a_caller_that_is_gone_has_asked_is_dropped
}

#[track_caller]
fn polite(end: Option<Status>) {
    let status = end.expect("it does not end well");
    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!((status.code(), reason.as_str()), (Code::Unavailable, "STREAM_ENDED"), "{status:?}");
}

// security.md 123: in-flight done, nothing lost, and an idle stream does not hold the server.
async fn a_server_that_stops_answers_what_it_has_read_and_says_to_reopen(kept: Kept) {
    let mut hall = Hall::open(kept).await;
    let (mut stream, mut idle) = (Stream::open(&hall.serving).await, Stream::open(&hall.serving).await);
    hall.store.set(Fault::Slow(Duration::from_millis(400)));
    for id in 0..20 {
        stream.ask(id, hall.question()).await;
    }
    let began = Instant::now();
    while hall.store.waiting() < 20 {
        assert!(began.elapsed() < Duration::from_secs(10), "they were never asked");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let began = Instant::now();
    hall.serving.stop();
    stream.next_by_id(20).await.values().for_each(active);
    polite(stream.end().await);
    polite(idle.end().await);
    hall.serving.ended().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

// security.md 123: a rolling restart under load fails no check of the client, which goes on by calls and opens a stream at
// the next server.
async fn a_rolling_restart_fails_no_check(kept: Kept) {
    let hall = Hall::open(kept).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let serve = || {
        let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        Serving::at(listener, &hall.world, |settings| settings.drain = Duration::from_secs(5))
    };
    let mut first = serve();
    let options = ClientOptions::new(format!("http://{}", first.address), key(Role::Edge)).keep_answers(0);
    let client = Client::connect(&options).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let mut asking = JoinSet::new();
    for _ in 0..32 {
        let (client, question, over) = (client.clone(), hall.question(), Arc::clone(&over));
        asking.spawn(async move {
            let mut checks = 0;
            while !over.load(Ordering::Relaxed) {
                let checked = client.sessions().check(question.clone()).await.unwrap();
                assert!(matches!(checked.verdict, Verdict::Active(_)), "{checked:?}");
                checks += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            checks
        });
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let second = serve();
        first.stop();
        let began = Instant::now();
        std::mem::replace(&mut first, second).ended().await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(3), "the client holds it up: {:?}", began.elapsed());
    }
    over.store(true, Ordering::Relaxed);
    let checks: u32 = asking.join_all().await.into_iter().sum();
    assert!(checks > 100, "{checks}");
}

async fn a_stream_is_no_older_than_a_connection(kept: Kept) {
    let age = Duration::from_millis(300);
    let hall = Hall::with(kept, |_| (), |settings| settings.max_connection_age = age).await;
    let (mut stream, began) = (Stream::open(&hall.serving).await, Instant::now());
    stream.ask(1, hall.question()).await;
    active(&stream.next().await.1);
    polite(stream.end().await);
    assert!(began.elapsed() + Duration::from_millis(50) >= age, "{:?}", began.elapsed());
}

// security.md 128: dropped work leaks nothing.
async fn what_a_caller_that_is_gone_has_asked_is_dropped(kept: Kept) {
    let hall = Hall::with(kept, |_| (), |settings| settings.max_in_flight = 4).await;
    let stream = Stream::open(&hall.serving).await;
    hall.store.set(Fault::Silent);
    for id in 0..4 {
        stream.ask(id, hall.question()).await;
    }
    let mut calls = hall.serving.sessions().await;
    let began = Instant::now();
    while hall.store.waiting() < 4 {
        assert!(began.elapsed() < Duration::from_secs(10), "they were never asked");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    hall.store.set(None);
    let refused = calls.validate_session(by(Role::Edge, hall.question())).await;
    crate::rpc::failed(refused, Code::ResourceExhausted, "OVERLOADED");
    drop(stream);
    let began = Instant::now();
    while calls.validate_session(by(Role::Edge, hall.question())).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "a caller that is gone holds its places");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
