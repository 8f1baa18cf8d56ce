//! Owns the order of the measurement: every server in turn, round by round, so that what disturbs the machine disturbs
//! all of them. Does not know what the figures mean.

use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;
use prost::Message as _;

use crate::load::{Asker, Round, Way};
use crate::process::Server;
use crate::protocol::{Kind, Order};
use crate::redis_server::RedisServer;
use crate::{Result, Size, collector, session};

/// How many calls are kept in flight.
pub const IN_FLIGHT: [usize; 3] = [1, 32, 128];

/// Each server, and what it is compared with.
pub const PAIRS: [(Kind, Kind); 5] = [
    (Kind::Embedded, Kind::Echo),
    (Kind::Near, Kind::Echo),
    (Kind::Redis, Kind::EchoGet),
    (Kind::NearSeen, Kind::Near),
    (Kind::RedisSeen, Kind::Redis),
];

/// The same for checks on a stream, all beside the one echo of it.
pub const STREAMS: [(Kind, Kind); 5] = [
    (Kind::Embedded, Kind::Echo),
    (Kind::Near, Kind::Echo),
    (Kind::Redis, Kind::Echo),
    (Kind::NearSeen, Kind::Near),
    (Kind::RedisSeen, Kind::Redis),
];

/// Those that judge all that can be judged, beside themselves when they are asked plainly and compare no fingerprint.
pub const DEMANDING: [Kind; 3] = [Kind::Embedded, Kind::Near, Kind::Redis];

/// One round of one server.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub kind: Kind,
    pub way: Way,
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
    ways: &'static [Way],
}

/// Measures every server at every number in flight.
pub async fn measure(redis: &RedisServer, size: Size) -> Result<Vec<Measured>> {
    let order = |kind| Order { kind, redis: None, all_on: false, collector: None, answer: Vec::new() };
    let mut embedded = Lane::start(&order(Kind::Embedded)).await?;
    let question = embedded.question.clone();
    // The first validation of a session writes its use down; the second one's answer is the usual one.
    embedded.asker.ask(question.clone()).await?;
    let answer = embedded.asker.ask(question.clone()).await?.encode_to_vec();
    let echo = Lane::like(&embedded, &Order { answer: answer.clone(), ..order(Kind::Echo) }).await?;
    let over_redis = |kind, answer| Order { redis: Some(redis.address.clone()), answer, ..order(kind) };
    let near = Lane::start(&over_redis(Kind::Near, Vec::new())).await?;
    let redis = Lane::start(&over_redis(Kind::Redis, Vec::new())).await?;
    let collector = Some(collector::start().await?);
    let seen = |kind| Order { collector: collector.clone(), ..over_redis(kind, Vec::new()) };
    let near_seen = Lane::start(&seen(Kind::NearSeen)).await?;
    let redis_seen = Lane::start(&seen(Kind::RedisSeen)).await?;
    let echo_get = Lane::like(&embedded, &over_redis(Kind::EchoGet, answer)).await?;
    let all_on = |order| Order { all_on: true, ..order };
    let embedded_all = Lane::start(&all_on(order(Kind::Embedded))).await?;
    let near_all = Lane::start(&all_on(over_redis(Kind::Near, Vec::new()))).await?;
    let redis_all = Lane::start(&all_on(over_redis(Kind::Redis, Vec::new()))).await?;
    let mut lanes = [embedded, embedded_all, echo, near, near_seen, near_all, redis, redis_seen, redis_all, echo_get];

    let mut measured = Vec::new();
    for in_flight in IN_FLIGHT {
        for number in 0..=size.rounds {
            for (lane, way) in lanes.iter().flat_map(|lane| lane.ways.iter().map(move |way| (lane, *way))) {
                let kind = lane.server.kind;
                let before = lane.server.cpu_seconds()?;
                let round = lane.asker.round(way, &lane.question, in_flight, size.round).await?;
                let cpu = lane.server.cpu_seconds()? - before;
                // The first round is the warm-up.
                if number > 0 {
                    measured.push(Measured { kind, way, in_flight, number, round, cpu });
                }
            }
            lanes.reverse();
        }
    }
    Ok(measured)
}

impl Lane {
    /// Ours, asked about the session that it has made.
    async fn start(order: &Order) -> Result<Self> {
        let server = Server::start(order)?;
        let mut asker = Asker::connect(&server.ready.address, &server.ready.api_key).await?;
        let question = session::question(&server.ready.credential);
        let with_token = v1::ValidateSessionRequest { issue_csrf_token: true, ..question.clone() };
        let Some(Outcome::Active(active)) = asker.ask(with_token).await?.outcome else {
            return Err("the session that was made does not live".into());
        };
        if order.all_on {
            let question = session::demanding(&question, &active.csrf_token);
            return Ok(Self { server, asker, question, ways: &[Way::Demanding] });
        }
        Ok(Self { server, asker, question, ways: &[Way::Call, Way::Stream] })
    }

    /// An echo, asked what another lane asks, with its key.
    async fn like(other: &Self, order: &Order) -> Result<Self> {
        let server = Server::start(order)?;
        let asker = Asker::connect(&server.ready.address, &other.server.ready.api_key).await?;
        let ways: &[_] = if order.kind == Kind::EchoGet { &[Way::Call] } else { &[Way::Call, Way::Stream] };
        Ok(Self { server, asker, question: other.question.clone(), ways })
    }
}
