//! Owns the load: calls in flight over one connection, as an edge has it, each with the metadata that an edge sends.
//! Does not know who answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge_client::v1;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

use crate::Result;

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
        question: &v1::ValidateSessionRequest,
        in_flight: usize,
        length: Duration,
    ) -> Result<Round> {
        let over = Arc::new(AtomicBool::new(false));
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
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

/// What a round has shown.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Calls that were answered.
    pub calls: f64,
    /// The same for each second.
    pub per_second: f64,
}
