//! Owns what `cargo bench --bench checks` shows: checks of the Rust client as calls of their own beside checks that share
//! one stream (`CheckSessions`), against a whole `gatelodge serve` over the loopback. Does not know how a client shares one.
//!
//! Nothing is kept, so that everything is asked. Both ways take turns, with so many checks under way at the same time. The
//! last line is one JSON object. `-- --quick` takes seconds and shows only that it works.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "its memory is for `start`")]
mod authority;
#[path = "../parts/browser.rs"]
mod browser;
#[path = "../parts/cpu.rs"]
mod cpu;
#[path = "../parts/opening.rs"]
mod opening;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/provider.rs"]
mod provider;
#[path = "../parts/spread.rs"]
#[expect(dead_code, reason = "the least and the most are for others")]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use gatelodge_client::{Client, ClientOptions, Verdict, v1};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::authority::Authority;
use self::opening::Opening;
use self::program::Result;
use self::spread::{Spread, rounded};

const AT_ONCE: [usize; 3] = [8, 64, 256];
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1500);
const QUICK_ROUND: Duration = Duration::from_millis(150);

/// What a round brought: checks a second, and microseconds of processors for each.
struct Figures {
    per_second: f64,
    here: f64,
    there: f64,
}

fn main() -> ExitCode {
    let is_quick = program::is_quick();
    let (rounds, round) = if is_quick { (1, QUICK_ROUND) } else { (ROUNDS, ROUND) };
    program::run(measure(rounds, round))
}

async fn measure(rounds: usize, round: Duration) -> Result<()> {
    let opening = Opening::new(|configuration| configuration).await?;
    let (authority, key) = (&opening.authority, &opening.key);
    let client = |stream| {
        let options = ClientOptions::new(authority.address.clone(), key.expose()).keep_answers(0);
        Client::connect(&options.check_stream(stream))
    };
    let ways = [("calls", client(false)?), ("stream", client(true)?)];
    let (cookies, _) = opening.browser().await?.log_in(&[]).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "checks under way, a second, and microseconds of CPU for each: here + at the authority")?;
    let mut line = serde_json::Map::from_iter([("bench".to_owned(), json!("checks"))]);
    for at_once in AT_ONCE {
        let mut brought: [Vec<Figures>; 2] = Default::default();
        for _ in 0..=rounds {
            for ((_, client), brought) in ways.iter().zip(&mut brought) {
                brought.push(ask(client, authority, &cookies, at_once, round).await?);
            }
        }
        for ((name, _), brought) in ways.iter().zip(brought) {
            // In the first round connection and stream are made.
            let middle = |of: fn(&Figures) -> f64| Spread::of(brought.iter().skip(1).map(of).collect()).median;
            let (per_second, here, there) = (middle(|f| f.per_second), middle(|f| f.here), middle(|f| f.there));
            writeln!(out, "  {at_once:>4} {name:<7} {per_second:>9.0}   {here:.1} + {there:.1}")?;
            line.insert(format!("{name}_{at_once}_per_second"), rounded(per_second, 0));
            line.insert(format!("{name}_{at_once}_client_us"), rounded(here, 1));
            line.insert(format!("{name}_{at_once}_authority_us"), rounded(there, 1));
        }
    }
    writeln!(out, "{}", serde_json::Value::Object(line))?;
    Ok(())
}

/// Asks without a pause, so many at the same time.
#[expect(clippy::cast_precision_loss, reason = "there are few")]
async fn ask(
    client: &Client,
    authority: &Authority,
    cookies: &[v1::Cookie],
    at_once: usize,
    round: Duration,
) -> Result<Figures> {
    let (here, there, begun) = (cpu::seconds_of(std::process::id())?, authority.cpu_seconds()?, Instant::now());
    let mut asking = JoinSet::new();
    for _ in 0..at_once {
        let (client, cookies) = (client.clone(), cookies.to_vec());
        asking.spawn(async move {
            let question = v1::ValidateSessionRequest { cookies, ..Default::default() };
            let mut asked = 0_usize;
            while begun.elapsed() < round {
                match client.sessions().check(&question).await?.verdict {
                    Verdict::Active(_) => asked += 1,
                    other => return Err(format!("a session that lives is {other:?}").into()),
                }
            }
            Result::Ok(asked)
        });
    }
    let mut asked = 0;
    while let Some(done) = asking.join_next().await {
        asked += done??;
    }
    let each = |seconds: f64| seconds * 1e6 / asked as f64;
    Ok(Figures {
        per_second: asked as f64 / begun.elapsed().as_secs_f64(),
        here: each(cpu::seconds_of(std::process::id())? - here),
        there: each(authority.cpu_seconds()? - there),
    })
}
