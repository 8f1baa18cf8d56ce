//! Owns what `cargo bench --bench revoke` shows: how long after a revocation began a session is refused, at each of three
//! replicas over one Redis and in a client that keeps answers. Does not know how the replicas hear of it.
//!
//! Every replica and the client know each session by heart before it is revoked, at the first replica. Then all are asked
//! without a pause until they say no. The last line is one JSON object. `-- --quick` takes seconds and shows only that it
//! works.

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
#[path = "../parts/redis_server.rs"]
#[expect(dead_code, reason = "what is kept in it is for `scale`")]
mod redis_server;
#[path = "../parts/spread.rs"]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge_client::{Client, ClientOptions, Verdict, v1};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::authority::Authority;
use self::browser::Browser;
use self::program::Result;
use self::redis_server::RedisServer;
use self::spread::{Spread, rounded};

const REPLICAS: usize = 3;
const SESSIONS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(30);
/// So many answers a client keeps that keeps any.
const KEPT: usize = 1000;

fn main() -> ExitCode {
    let sessions = if program::is_quick() { 3 } else { SESSIONS };
    program::run(measure(sessions))
}

async fn measure(sessions: usize) -> Result<()> {
    let issuer = provider::start().await?;
    let redis = RedisServer::start()?;
    let (edge, admin) = (provider::key()?, provider::key()?);
    let store = format!("store: {{ kind: redis, redis: {{ urls: [\"{}\"] }} }}", redis.address);
    let configuration = provider::configuration(&issuer, &[("edge", &edge), ("admin", &admin)]);
    let (mut folders, mut replicas) = (Vec::new(), Vec::new());
    for _ in 0..REPLICAS {
        let folder = tempfile::tempdir()?;
        replicas.push(Authority::start(folder.path(), &store, &configuration)?);
        folders.push(folder);
    }
    for replica in &replicas {
        replica.serving(Instant::now() + PATIENCE).await?;
    }
    let [first, second, third] = replicas.as_slice() else { return Err("there are not three replicas".into()) };
    let to = |replica: &Authority, key: &ApiKey, kept| {
        Client::connect(&ClientOptions::new(replica.address.clone(), key.expose()).keep_answers(kept))
    };
    // The client that keeps answers asks the replica that is not told.
    let asked = [
        ("replica_1", to(first, &edge, 0)?),
        ("replica_2", to(second, &edge, 0)?),
        ("replica_3", to(third, &edge, 0)?),
        ("watching_client", to(third, &edge, KEPT)?),
    ];
    let admin = to(first, &admin, 0)?;
    let mut browser = Browser::known_at(&issuer, &to(first, &edge, 0)?).await?;
    let mut took: Vec<Vec<f64>> = vec![Vec::new(); asked.len()];
    for _ in 0..sessions {
        let (cookies, session) = browser.log_in(&[]).await?;
        for (_, client) in &asked {
            known(client, &cookies).await?;
        }
        for (own, milliseconds) in took.iter_mut().zip(refused(&admin, session, &asked, &cookies).await?) {
            own.push(milliseconds);
        }
    }
    print(&asked.map(|(name, _)| name), &took)
}

/// Asks until the answer is a yes that is known by heart: the second one is.
async fn known(client: &Client, cookies: &[v1::Cookie]) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    let mut yes = 0;
    while yes < 3 {
        match is_active(client, cookies).await {
            Ok(true) => yes += 1,
            _ if Instant::now() > end => return Err("a new session is not known everywhere".into()),
            _ => sleep(Duration::from_millis(5)).await,
        }
    }
    Ok(())
}

async fn is_active(client: &Client, cookies: &[v1::Cookie]) -> Result<bool> {
    let question = v1::ValidateSessionRequest { cookies: cookies.to_vec(), ..v1::ValidateSessionRequest::default() };
    Ok(matches!(client.sessions().check(question).await?.verdict, Verdict::Active(_)))
}

/// Revokes the session, and says for each that is asked how many milliseconds after that began it first said no.
async fn refused(
    admin: &Client,
    session_id: String,
    asked: &[(&'static str, Client)],
    cookies: &[v1::Cookie],
) -> Result<Vec<f64>> {
    let begin = Instant::now();
    let mut asking = JoinSet::new();
    for (place, (_, client)) in asked.iter().enumerate() {
        let (client, cookies) = (client.clone(), cookies.to_vec());
        asking.spawn(async move {
            while is_active(&client, &cookies).await? {
                if begin.elapsed() > PATIENCE {
                    return Err("a revoked session lives on".into());
                }
                // What is known by heart is answered without ever waiting.
                tokio::task::yield_now().await;
            }
            Result::Ok((place, begin.elapsed().as_secs_f64() * 1e3))
        });
    }
    let target = v1::admin_service_revoke_request::Target::SessionId(session_id);
    let question = v1::AdminServiceRevokeRequest { target: Some(target), ..v1::AdminServiceRevokeRequest::default() };
    admin.admin().revoke(question).await?;
    let mut took = vec![f64::NAN; asked.len()];
    while let Some(done) = asking.join_next().await {
        let (place, milliseconds) = done??;
        if let Some(own) = took.get_mut(place) {
            *own = milliseconds;
        }
    }
    Ok(took)
}

fn print(names: &[&'static str], took: &[Vec<f64>]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut object = serde_json::Map::new();
    writeln!(out, "from the call of Revoke to the first no, in milliseconds: median (least to most), p99")?;
    for (name, figures) in names.iter().zip(took) {
        let (Spread { median, least, most }, p99) = (Spread::of(figures.clone()), percentile(figures, 99));
        writeln!(out, "  {name:<16} {median:.2} ({least:.2} to {most:.2}), {p99:.2}   {} sessions", figures.len())?;
        object.insert(format!("{name}_p50_ms"), rounded(median, 2));
        object.insert(format!("{name}_p99_ms"), rounded(p99, 2));
    }
    object.insert("sessions".to_owned(), json!(took.first().map_or(0, Vec::len)));
    writeln!(out, "{}", serde_json::Value::Object(object))?;
    Ok(())
}

/// The least figure that so many of a hundred do not exceed.
fn percentile(figures: &[f64], hundredths: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
