//! Owns what `cargo bench --bench failover` shows: for how long sessions have no answer when the Redis primary that keeps them
//! is killed, with Sentinel and in a Cluster. Does not know how another one is chosen.
//!
//! Beside it stands how long the servers themselves took: from the kill until another one says that it is the primary. Two
//! authorities are asked, one that keeps answers (`cache`, as by default) and one that asks the store each time. An answer
//! that somebody is logged out ends the measurement. The last line is one JSON object. `-- --quick` shows only that it works.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "what it costs is for `start` and `login`")]
mod authority;
#[path = "../parts/browser.rs"]
mod browser;
#[path = "../parts/cpu.rs"]
mod cpu;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/provider.rs"]
mod provider;
mod servers;
#[path = "../parts/spread.rs"]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatelodge_client::{Client, ClientOptions, Verdict, v1};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::authority::Authority;
use self::browser::Browser;
use self::program::Result;
use self::servers::{Kind, Servers};
use self::spread::{Spread, rounded};

const PATIENCE: Duration = Duration::from_mins(1);
/// How long each session waits between its questions.
const PAUSE: Duration = Duration::from_millis(10);

/// A session that is answered for so long has been answered for good: what is kept is too old long before.
const CALM: Duration = Duration::from_secs(8);

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    rounds: usize,
    sessions: usize,
}

/// What one failover was like, in seconds.
struct Round {
    servers: f64,
    keeping: f64,
    asking: f64,
}

/// What is shown of it.
type Figure = fn(&Round) -> f64;

fn main() -> ExitCode {
    let size = if program::is_quick() { Size { rounds: 1, sessions: 6 } } else { Size { rounds: 5, sessions: 24 } };
    program::run(measure(size))
}

async fn measure(size: Size) -> Result<()> {
    let issuer = provider::start().await?;
    let mut out = std::io::stdout();
    let mut object = serde_json::Map::new();
    writeln!(out, "seconds from the kill of a primary: median (least to most) of {}", size.rounds)?;
    for (kind, name) in [(Kind::Sentinel, "sentinel"), (Kind::Cluster, "cluster")] {
        let mut rounds = Vec::new();
        for _ in 0..size.rounds {
            rounds.push(round(kind, &issuer, size.sessions).await?);
        }
        let figures: [(&str, &str, Figure); 3] = [
            ("promoted", "until another server says that it is the primary", |round| round.servers),
            ("without_answer", "a session without an answer, longest", |round| round.asking),
            ("without_answer_kept", "the same where answers are kept", |round| round.keeping),
        ];
        for (key, what, figure) in figures {
            let Spread { median, least, most } = Spread::of(rounds.iter().map(figure).collect());
            writeln!(out, "  {name:<9} {what:<50} {median:.2} ({least:.2} to {most:.2})")?;
            object.insert(format!("{name}_{key}_s"), rounded(median, 2));
            object.insert(format!("{name}_{key}_most_s"), rounded(most, 2));
        }
    }
    object.insert("rounds".to_owned(), json!(size.rounds));
    object.insert("sessions".to_owned(), json!(size.sessions));
    writeln!(out, "{}", serde_json::Value::Object(object))?;
    Ok(())
}

async fn round(kind: Kind, issuer: &str, sessions: usize) -> Result<Round> {
    let mut servers = tokio::task::spawn_blocking(move || Servers::start(kind)).await??;
    let edge = provider::key()?;
    let store = servers.configuration();
    let configuration = provider::configuration(issuer, &[("edge", &edge)]);
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let [one, two] = &folders;
    let keeping = Authority::start(one.path(), &store, &configuration)?;
    let asking = Authority::start(two.path(), &store, &format!("{configuration}cache: {{ enabled: false }}\n"))?;
    for authority in [&keeping, &asking] {
        authority.serving(Instant::now() + PATIENCE).await?;
    }
    let to = |authority: &Authority| Client::connect(&ClientOptions::new(authority.address.clone(), edge.expose()));
    let clients = [to(&keeping)?, to(&asking)?];
    let mut browser = Browser::known_at(issuer, clients.first().ok_or("no client")?).await?;
    let mut cookies = Vec::new();
    for _ in 0..sessions {
        cookies.push(browser.log_in(&[]).await?.0);
    }
    // Until the replicas have them; a login that dies with the primary is no fault of the authority's.
    sleep(Duration::from_secs(2)).await;
    let (killed, mut asked) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for (place, client) in clients.iter().enumerate() {
        for cookies in &cookies {
            let (client, cookies, killed) = (client.clone(), cookies.clone(), Arc::clone(&killed));
            asked.spawn(async move { Result::Ok((place, longest_without_answer(&client, &cookies, &killed).await?)) });
        }
    }
    sleep(Duration::from_millis(500)).await;
    killed.store(true, Ordering::SeqCst);
    let (servers, took) = tokio::task::spawn_blocking(move || {
        let took = servers.kill();
        (servers, took)
    })
    .await?;
    let mut longest = [0_f64; 2];
    while let Some(done) = asked.join_next().await {
        let (place, seconds) = done??;
        if let Some(own) = longest.get_mut(place) {
            *own = own.max(seconds);
        }
    }
    drop(servers);
    let [keeping, asking] = longest;
    Ok(Round { servers: took?.as_secs_f64(), keeping, asking })
}

/// Asks about a session until it has been answered for some seconds on end after the kill, and says for how long it was not.
async fn longest_without_answer(client: &Client, cookies: &[v1::Cookie], killed: &AtomicBool) -> Result<f64> {
    let begin = Instant::now();
    let (mut last, mut longest, mut calm_since) = (begin, Duration::ZERO, None);
    while calm_since.is_none_or(|since: Instant| since.elapsed() <= CALM) {
        let question =
            v1::ValidateSessionRequest { cookies: cookies.to_vec(), ..v1::ValidateSessionRequest::default() };
        match client.sessions().check(question).await {
            Ok(answer) => match answer.verdict {
                Verdict::Active(_) => {
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                    if killed.load(Ordering::SeqCst) {
                        calm_since.get_or_insert(last);
                    }
                }
                other => return Err(format!("a failover was a logout: {other:?}").into()),
            },
            Err(_) => calm_since = None,
        }
        if begin.elapsed() > PATIENCE * 2 {
            return Err("a session never has an answer again".into());
        }
        sleep(PAUSE).await;
    }
    Ok(longest.as_secs_f64())
}
