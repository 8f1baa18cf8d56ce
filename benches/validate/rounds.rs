//! Owns the order of the measurement: every server in turn, round by round, so that what disturbs the machine disturbs
//! all of them. Does not know what the figures mean.

use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;
use prost::Message as _;

use crate::load::{Asker, Round, Way};
use crate::process::Server;
use crate::protocol::{Kind, Order};
use crate::redis_server::RedisServer;
use crate::{Result, Size, session};

/// How many calls are kept in flight.
pub const IN_FLIGHT: [usize; 3] = [1, 32, 128];

/// Each server, and what it is compared with.
pub const PAIRS: [(Kind, Kind); 3] =
    [(Kind::Embedded, Kind::Echo), (Kind::Near, Kind::Echo), (Kind::Redis, Kind::EchoGet)];

/// The same for checks on a stream, all beside the one echo of it.
pub const STREAMS: [(Kind, Kind); 3] =
    [(Kind::Embedded, Kind::Echo), (Kind::Near, Kind::Echo), (Kind::Redis, Kind::Echo)];

/// Those that are asked for all that can be asked for, beside themselves when asked plainly. The fingerprint is judged in
/// both, as it is by default.
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
    /// Of ours: the same about a request that changes something, with every requirement.
    demanding: Option<v1::ValidateSessionRequest>,
}

/// Measures every server at every number in flight.
pub async fn measure(redis: &RedisServer, size: Size) -> Result<Vec<Measured>> {
    let order = |kind| Order { kind, redis: None, answer: Vec::new() };
    let mut embedded = Lane::start(&order(Kind::Embedded)).await?;
    let question = embedded.question.clone();
    // The first validation of a session writes its use down; the second one's answer is the usual one.
    embedded.asker.ask(question.clone()).await?;
    let answer = embedded.asker.ask(question.clone()).await?.encode_to_vec();
    let echo = Lane::like(&embedded, &Order { answer: answer.clone(), ..order(Kind::Echo) }).await?;
    let over_redis = |kind, answer| Order { redis: Some(redis.address.clone()), answer, ..order(kind) };
    let near = Lane::start(&over_redis(Kind::Near, Vec::new())).await?;
    let redis = Lane::start(&over_redis(Kind::Redis, Vec::new())).await?;
    let echo_get = Lane::like(&embedded, &over_redis(Kind::EchoGet, answer)).await?;
    let mut lanes = [embedded, echo, near, redis, echo_get];

    let mut measured = Vec::new();
    for in_flight in IN_FLIGHT {
        for number in 0..=size.rounds {
            let ways = [Way::Call, Way::Demanding, Way::Stream];
            for (lane, way) in lanes.iter().flat_map(|lane| ways.map(|way| (lane, way))) {
                let kind = lane.server.kind;
                let question = match way {
                    Way::Stream if kind == Kind::EchoGet => continue,
                    Way::Call | Way::Stream => &lane.question,
                    Way::Demanding => match &lane.demanding {
                        Some(demanding) => demanding,
                        None => continue,
                    },
                };
                let before = lane.server.cpu_seconds()?;
                let round = lane.asker.round(way, question, in_flight, size.round).await?;
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
        let demanding = Some(session::demanding(&question, &active.csrf_token));
        Ok(Self { server, asker, question, demanding })
    }

    /// An echo, asked what another lane asks, with its key.
    async fn like(other: &Self, order: &Order) -> Result<Self> {
        let server = Server::start(order)?;
        let asker = Asker::connect(&server.ready.address, &other.server.ready.api_key).await?;
        Ok(Self { server, asker, question: other.question.clone(), demanding: None })
    }
}
