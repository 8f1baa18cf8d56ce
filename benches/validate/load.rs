//! Owns the load: calls in flight over one connection, as an edge has it, each with the metadata that an edge sends.
//! Does not know who answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response::Result as Answer;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

use crate::Result;

/// How checks travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each is a call.
    Call,
    /// Each is a call, and asks for all that can be asked for.
    Demanding,
    /// All of them are on one stream.
    Stream,
}

/// Asks one server.
#[derive(Clone)]
pub struct Asker {
    client: SessionServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
    request_id: MetadataValue<Ascii>,
}

impl Asker {
    /// Connects.
    pub async fn connect(address: &str, api_key: &str) -> Result<Self> {
        let channel = Endpoint::from_shared(address.to_owned())?.tcp_nodelay(true).connect().await?;
        let mut authorization: MetadataValue<Ascii> = format!("Bearer {api_key}").parse()?;
        authorization.set_sensitive(true);
        Ok(Self {
            client: SessionServiceClient::new(channel),
            authorization,
            request_id: MetadataValue::from_static("4bf92f3577b34da6a3ce929d0e0e4736"),
        })
    }

    /// Asks once.
    pub async fn ask(&mut self, question: v1::ValidateSessionRequest) -> Result<v1::ValidateSessionResponse> {
        let mut request = Request::new(question);
        request.set_timeout(Duration::from_secs(2));
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request.metadata_mut().insert("x-request-id", self.request_id.clone());
        Ok(self.client.validate_session(request).await?.into_inner())
    }

    /// Keeps `in_flight` calls going for `length`. Answers how many a second were answered `active`, and how many in
    /// all; any other answer is an error.
    pub async fn round(
        &self,
        way: Way,
        question: &v1::ValidateSessionRequest,
        in_flight: usize,
        length: Duration,
    ) -> Result<Round> {
        let over = Arc::new(AtomicBool::new(false));
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        if way == Way::Stream {
            let (asker, question, over) = (self.clone(), question.clone(), Arc::clone(&over));
            let timeout = Some(prost_types::Duration { seconds: 2, nanos: 0 });
            let request_id = asker.request_id.to_str()?.to_owned();
            let question = v1::CheckSessionsRequest { id: 1, question: Some(question), timeout, request_id };
            tasks.spawn(async move {
                let authorization = asker.authorization;
                let opening = |questions| {
                    let mut request = Request::new(questions);
                    request.metadata_mut().insert("authorization", authorization);
                    request
                };
                keep_full(asker.client, opening, question, in_flight, &over).await
            });
        }
        for _ in 0..if way == Way::Stream { 0 } else { in_flight } {
            let (mut asker, question, over) = (self.clone(), question.clone(), Arc::clone(&over));
            tasks.spawn(async move {
                let mut calls = 0_u32;
                while !over.load(Ordering::Relaxed) {
                    let answer = asker.ask(question.clone()).await?;
                    if !matches!(answer.outcome, Some(Outcome::Active(_))) {
                        return Err("a living session was answered otherwise than active".into());
                    }
                    calls += 1;
                }
                Result::Ok(calls)
            });
        }
        tokio::time::sleep(length).await;
        over.store(true, Ordering::Relaxed);
        let mut calls = 0;
        while let Some(done) = tasks.join_next().await {
            calls += done??;
        }
        let calls = f64::from(calls);
        Ok(Round { calls, per_second: calls / begin.elapsed().as_secs_f64() })
    }
}

/// Keeps one stream full of checks, and counts their answers.
async fn keep_full(
    mut client: SessionServiceClient<Channel>,
    opening: impl FnOnce(ReceiverStream<v1::CheckSessionsRequest>) -> Request<ReceiverStream<v1::CheckSessionsRequest>>,
    question: v1::CheckSessionsRequest,
    in_flight: usize,
    over: &AtomicBool,
) -> Result<u32> {
    let (ask, questions) = mpsc::channel(in_flight);
    for _ in 0..in_flight {
        ask.try_send(question.clone())?;
    }
    let mut answers = client.check_sessions(opening(ReceiverStream::new(questions))).await?.into_inner();
    let (mut ask, mut calls) = (Some(ask), 0);
    while let Some(answer) = answers.message().await? {
        let Some(Answer::Answer(v1::ValidateSessionResponse { outcome: Some(Outcome::Active(_)), .. })) = answer.result
        else {
            return Err("a living session was answered otherwise than active".into());
        };
        calls += 1;
        match &ask {
            Some(open) if !over.load(Ordering::Relaxed) => open.try_send(question.clone())?,
            _ => ask = None,
        }
    }
    Ok(calls)
}

/// What a round has shown.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Calls that were answered.
    pub calls: f64,
    /// The same for each second.
    pub per_second: f64,
}
