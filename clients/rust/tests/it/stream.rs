//! Owns an authority's stream of checks, that behaves as told and remembers what it was asked. Does not know what is right.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response::Result as Outcome;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

pub type Answers = Pin<Box<dyn tokio_stream::Stream<Item = Result<v1::CheckSessionsResponse, Status>> + Send>>;

/// How a stream behaves.
#[derive(Clone, Default)]
pub enum Manner {
    /// The authority is of the past: it has none.
    #[default]
    Missing,
    /// It answers every question with this.
    Answers(Outcome),
    /// So many questions are answered, and none of the others when it ends with this.
    EndsAfter(usize, Outcome, Status),
    /// It answers nothing.
    Silent,
}

/// The streams of an authority.
#[derive(Clone, Default)]
pub struct Stream(Arc<Inner>);

#[derive(Default)]
struct Inner {
    manner: Mutex<Manner>,
    opened: AtomicUsize,
    closed: AtomicUsize,
    asked: Mutex<Vec<v1::CheckSessionsRequest>>,
    keys: Mutex<Vec<String>>,
}

impl Stream {
    /// How streams behave that are opened from now on.
    pub fn be(&self, manner: Manner) {
        *self.0.manner.lock().unwrap() = manner;
    }

    /// How many were asked for.
    pub fn opened(&self) -> usize {
        self.0.opened.load(Ordering::SeqCst)
    }

    /// How many of them the client has closed.
    pub fn closed(&self) -> usize {
        self.0.closed.load(Ordering::SeqCst)
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<v1::CheckSessionsRequest> {
        self.0.asked.lock().unwrap().clone()
    }

    /// The keys that opened them.
    pub fn keys(&self) -> Vec<String> {
        self.0.keys.lock().unwrap().clone()
    }

    pub fn open(&self, request: Request<Streaming<v1::CheckSessionsRequest>>) -> Result<Response<Answers>, Status> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        let key = request.metadata().get("authorization").map(|key| key.to_str().unwrap().to_owned());
        self.0.keys.lock().unwrap().extend(key);
        let manner = self.0.manner.lock().unwrap().clone();
        if matches!(manner, Manner::Missing) {
            return Err(Status::unimplemented("this authority has no such method"));
        }
        let (tell, answers) = tokio::sync::mpsc::channel(1024);
        tokio::spawn(serve(Arc::clone(&self.0), manner, request.into_inner(), tell));
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}

async fn serve(
    inner: Arc<Inner>,
    manner: Manner,
    mut questions: Streaming<v1::CheckSessionsRequest>,
    tell: tokio::sync::mpsc::Sender<Result<v1::CheckSessionsResponse, Status>>,
) {
    let mut number = 0;
    while let Ok(Some(question)) = questions.message().await {
        let id = question.id;
        inner.asked.lock().unwrap().push(question);
        number += 1;
        let answer = |result: &Outcome| Ok(v1::CheckSessionsResponse { id, result: Some(result.clone()) });
        match &manner {
            Manner::Missing | Manner::Silent => (),
            Manner::EndsAfter(answered, _, end) if number > *answered => {
                let _ = tell.send(Err(end.clone())).await;
                return;
            }
            Manner::Answers(result) | Manner::EndsAfter(_, result, _) => _ = tell.send(answer(result)).await,
        }
    }
    inner.closed.fetch_add(1, Ordering::SeqCst);
}

/// How an authority ends a stream that did nothing wrong.
pub fn polite() -> Status {
    let details = ErrorDetails::with_error_info("STREAM_ENDED", "gatelodge", [("request_id".into(), "r".into())]);
    Status::with_error_details(Code::Unavailable, "the stream ends", details)
}
