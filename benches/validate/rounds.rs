//! Owns the order of the measurement: every server in turn, round by round, so that what disturbs the machine disturbs
//! all of them. Does not know what the figures mean.

use gatelodge_client::v1;
use prost::Message as _;

use crate::load::{Asker, Round};
use crate::process::Server;
use crate::protocol::{Kind, Order};
use crate::redis_server::RedisServer;
use crate::{Result, Size, session};

/// How many calls are kept in flight.
pub const IN_FLIGHT: [usize; 3] = [1, 32, 128];

/// Each server, and what it is compared with.
pub const PAIRS: [(Kind, Kind); 2] = [(Kind::Embedded, Kind::Echo), (Kind::Redis, Kind::EchoGet)];

/// One round of one server.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub kind: Kind,
    pub in_flight: usize,
    pub number: usize,
    pub round: Round,
    /// What the server's process had of the processors meanwhile, in seconds.
    pub cpu: f64,
}

struct Lane {
    server: Server,
    asker: Asker,
    question: v1::ValidateSessionRequest,
}

/// Measures every server at every number in flight.
pub async fn measure(redis: &RedisServer, size: Size) -> Result<Vec<Measured>> {
    let order = |kind| Order { kind, redis: None, answer: Vec::new() };
    let mut embedded = lane(&order(Kind::Embedded), None).await?;
    let question = embedded.question.clone();
    // The first validation of a session writes its use down; the second one's answer is the usual one.
    embedded.asker.ask(question.clone()).await?;
    let answer = embedded.asker.ask(question.clone()).await?.encode_to_vec();
    let echo = lane(&Order { answer: answer.clone(), ..order(Kind::Echo) }, Some(&question)).await?;
    let over_redis = |kind, answer| Order { redis: Some(redis.address.clone()), answer, ..order(kind) };
    let redis = lane(&over_redis(Kind::Redis, Vec::new()), None).await?;
    let echo_get = lane(&over_redis(Kind::EchoGet, answer), Some(&question)).await?;
    let mut lanes = [embedded, echo, redis, echo_get];

    let mut measured = Vec::new();
    for in_flight in IN_FLIGHT {
        for number in 0..=size.rounds {
            for lane in &lanes {
                let before = lane.server.cpu_seconds()?;
                let round = lane.asker.round(&lane.question, in_flight, size.round).await?;
                let cpu = lane.server.cpu_seconds()? - before;
                // The first round is the warm-up.
                if number > 0 {
                    measured.push(Measured { kind: lane.server.kind, in_flight, number, round, cpu });
                }
            }
            lanes.reverse();
        }
    }
    Ok(measured)
}

async fn lane(order: &Order, question: Option<&v1::ValidateSessionRequest>) -> Result<Lane> {
    let server = Server::start(order)?;
    let asker = Asker::connect(&server.ready.address, &server.ready.api_key).await?;
    let question = question.cloned().unwrap_or_else(|| session::question(&server.ready.credential));
    Ok(Lane { server, asker, question })
}
