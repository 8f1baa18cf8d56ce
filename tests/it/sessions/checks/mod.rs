//! Owns the tests of many checks on one stream (contract.md, 8): a stream before a served authority, on every store.
//! Does not know what a session is.
//!
//! | file | what is shown |
//! |---|---|
//! | `questions` | each is answered as a call would be; one that is wrong ends no other |
//! | `crowd` | order, deadlines, places, panics, a caller who never reads, reads that travel together |
//! | `ends` | a server that stops, a stream that is old, a caller that goes away |

mod crowd;
mod ends;
mod questions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::Ports;
use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::ServerSettings;
use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response::Result as Answer;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use crate::rpc::serving::{Serving, by, validation};
use crate::world::{Browser, FaultyStore, Kept, World};

/// A stream, and who asks on it.
pub(super) struct Stream {
    ask: mpsc::Sender<v1::CheckSessionsRequest>,
    answers: Streaming<v1::CheckSessionsResponse>,
}

impl Stream {
    pub(super) async fn open(serving: &Serving) -> Self {
        let (ask, questions) = mpsc::channel(1024);
        let answers = serving.sessions().await.check_sessions(by(Role::Edge, ReceiverStream::new(questions))).await;
        Self { ask, answers: answers.unwrap().into_inner() }
    }

    pub(super) async fn ask(&self, id: u64, question: v1::ValidateSessionRequest) {
        let question = v1::CheckSessionsRequest { id, question: Some(question), ..Default::default() };
        self.ask.send(question).await.unwrap();
    }

    /// The next answer, with its id.
    pub(super) async fn next(&mut self) -> (u64, Answer) {
        let answer = tokio::time::timeout(Duration::from_secs(10), self.answers.message()).await.expect("an answer");
        let answer = answer.unwrap().expect("the stream goes on");
        (answer.id, answer.result.unwrap())
    }

    async fn next_by_id(&mut self, number: usize) -> BTreeMap<u64, Answer> {
        let mut found = BTreeMap::new();
        for _ in 0..number {
            let (id, answer) = self.next().await;
            assert!(found.insert(id, answer).is_none(), "{id} was answered twice");
        }
        found
    }

    /// How it ends; `None` when all was asked and answered.
    async fn end(&mut self) -> Option<Status> {
        match tokio::time::timeout(Duration::from_secs(10), self.answers.message()).await.expect("an end") {
            Ok(None) => None,
            Ok(Some(answer)) => panic!("another answer: {answer:?}"),
            Err(status) => Some(status),
        }
    }
}

/// A served authority over a store that can be told to fail, with somebody logged in.
struct Hall {
    world: World,
    store: Arc<FaultyStore>,
    serving: Serving,
    browser: Browser,
}

impl Hall {
    async fn open(kept: Kept) -> Self {
        Self::with(kept, |_| (), |_| ()).await
    }

    async fn with(kept: Kept, change: impl FnOnce(&mut Settings), serve: impl FnOnce(&mut ServerSettings)) -> Self {
        Self::over(kept.ready().await, change, serve).await
    }

    /// Over a Redis server of the test's own.
    async fn open_at(server: &crate::redis::Server) -> Self {
        let store = crate::world::connected_to(server).await;
        let put = |ports: &mut Ports| {
            (ports.sessions, ports.logins, ports.events) = (store.clone(), store.clone(), store);
        };
        Self::over(put, |_| (), |_| ()).await
    }

    async fn over(
        put: impl FnOnce(&mut Ports),
        change: impl FnOnce(&mut Settings),
        serve: impl FnOnce(&mut ServerSettings),
    ) -> Self {
        let mut store = None;
        let world = World::built(&["idp"], change, |ports| {
            put(ports);
            store = Some(FaultyStore::before(ports));
        });
        let mut browser = Browser::default();
        world.log_in(&mut browser, "ada").await;
        let serving = Serving::with(&world, serve).await;
        let hall = Self { world, store: store.unwrap(), serving, browser };
        // The first use of a session is written down; the answers after it are alike.
        hall.serving.sessions().await.validate_session(by(Role::Edge, hall.question())).await.unwrap();
        hall
    }

    /// Waits until the authority hears of everything: from then on it goes on from what it knows.
    async fn hears(&self) {
        while !self.world.authority.hears_everything() {
            self.world.authority.beat().await.unwrap();
            self.world.authority.hear(Duration::from_millis(50)).await.unwrap();
        }
    }

    fn question(&self) -> v1::ValidateSessionRequest {
        validation(&self.browser)
    }
}

#[track_caller]
fn active(answer: &Answer) {
    let outcome = match answer {
        Answer::Answer(answer) => answer.outcome.as_ref(),
        Answer::Error(error) => panic!("an error: {error:?}"),
    };
    assert!(matches!(outcome, Some(Outcome::Active(_))), "{outcome:?}");
}

/// The question failed, so and for this reason.
#[track_caller]
fn failed(answer: &Answer, code: Code, reason: &str) -> v1::CheckError {
    let Answer::Error(error) = answer else { panic!("no error: {answer:?}") };
    assert_eq!((error.code, error.reason.as_str()), (code as u32, reason), "{error:?}");
    assert!(!error.request_id.is_empty() && !error.message.is_empty(), "{error:?}");
    error.clone()
}
