//! Owns what `cargo bench --bench revoke` shows: how long after a revocation began a session is refused, at each of three
//! replicas over one Redis and in a client that keeps answers, among a million sessions of a tenant. Does not know how the
//! replicas hear of it.
//!
//! Every replica and the client know each session by heart before it is revoked, at the first replica. Then all are asked
//! without a pause until they say no. First sessions are revoked one by one, then the whole tenant, with all its sessions
//! living; then the tenant again and again, with sessions in every memory that were made since. The last line is one JSON
//! object. `-- --quick` takes seconds and shows only that it works; `-- --tenant 100000` makes the tenant that large.
//! A million sessions take about 600 MB of Redis.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "what it costs is for `start` and `login`")]
mod authority;
#[path = "../parts/browser.rs"]
mod browser;
#[path = "../parts/cpu.rs"]
mod cpu;
#[path = "../parts/many.rs"]
mod many;
mod places;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/provider.rs"]
mod provider;
#[path = "../parts/redis_server.rs"]
#[expect(dead_code, reason = "what is kept in it is for `scale`")]
mod redis_server;
#[path = "../parts/redis_store.rs"]
mod redis_store;
mod report;
#[path = "../parts/session.rs"]
#[expect(dead_code, reason = "a question to an authority with all that can be asked is for `validate`")]
mod session;
#[path = "../parts/spread.rs"]
mod spread;
mod tenant;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::{Client, ClientOptions, v1};
use tokio::time::Instant;

use self::authority::Authority;
use self::browser::Browser;
use self::places::{Cookies, Place, Refusal, refused};
use self::program::Result;
use self::redis_server::RedisServer;

const REPLICAS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);
/// So many answers a client keeps that keeps any.
const KEPT: usize = 1000;
/// So many of the tenant's sessions are known everywhere when it is revoked. All that are ever made are one user's, who may
/// have a thousand.
const HELD: usize = 30;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    /// Those that are revoked one by one.
    single: usize,
    /// Those of the tenant.
    tenant: usize,
    /// How often the tenant is revoked.
    rounds: usize,
}

const WHOLE: Size = Size { single: 300, tenant: 1_000_000, rounds: 20 };
const QUICK: Size = Size { single: 3, tenant: 2_000, rounds: 2 };

fn main() -> ExitCode {
    let size = if program::is_quick() { QUICK } else { WHOLE };
    program::run(async move {
        let asked = std::env::args().skip_while(|argument| argument != "--tenant").nth(1);
        let tenant = asked.map_or(Ok(size.tenant), |asked| {
            asked.parse().map_err(|_| format!("--tenant {asked}: expected a number of sessions"))
        })?;
        measure(Size { tenant: tenant.max(HELD), ..size }).await
    })
}

async fn measure(size: Size) -> Result<()> {
    let issuer = provider::start().await?;
    let redis = RedisServer::start()?;
    let born = tenant::fill(&redis.address, size.tenant, HELD).await?;
    let (edge, admin) = (provider::key()?, provider::key()?);
    let (address, prefix) = (&redis.address, redis_store::PREFIX);
    let store = format!("store: {{ kind: redis, redis: {{ urls: [\"{address}\"], key_prefix: \"{prefix}\" }} }}");
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
    let places = [
        Place { name: "replica_1", client: to(first, &edge, 0)? },
        Place { name: "replica_2", client: to(second, &edge, 0)? },
        Place { name: "replica_3", client: to(third, &edge, 0)? },
        Place { name: "watching_client", client: to(third, &edge, KEPT)? },
    ];
    let admin = to(first, &admin, 0)?;
    let mut browser = Browser::known_at(&issuer, &to(first, &edge, 0)?).await?;
    let mut report = report::Report::default();
    report.add_single(&places, &one_by_one(size.single, &admin, &places, &mut browser).await?);
    report.add_tenant(size.tenant, &places, &whole(size.rounds, born, &admin, &places, &mut browser).await?);
    report.print()
}

/// Revokes sessions one by one.
async fn one_by_one(count: usize, admin: &Client, places: &[Place], browser: &mut Browser) -> Result<Vec<Refusal>> {
    let mut refusals = Vec::with_capacity(count);
    for _ in 0..count {
        let (cookies, session_id) = browser.log_in(&[]).await?;
        let held = known_everywhere(places, vec![cookies]).await?;
        refusals.push(refused(admin, Target::SessionId(session_id), places, &held).await?);
    }
    Ok(refusals)
}

/// Revokes the tenant so often; first these sessions of it are known everywhere, then those that were made since.
async fn whole(
    rounds: usize,
    born: Vec<Cookies>,
    admin: &Client,
    places: &[Place],
    browser: &mut Browser,
) -> Result<Vec<Refusal>> {
    let mut held = known_everywhere(places, born).await?;
    let mut refusals = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        refusals.push(refused(admin, Target::Tenant(v1::WholeTenant {}), places, &held).await?);
        let mut made = Vec::with_capacity(HELD);
        for _ in 0..HELD {
            made.push(browser.log_in(&[]).await?.0);
        }
        held = known_everywhere(places, made).await?;
    }
    Ok(refusals)
}

/// The same sessions, when they live everywhere and every place knows them by heart.
async fn known_everywhere(places: &[Place], sessions: Vec<Cookies>) -> Result<Arc<[Cookies]>> {
    for cookies in &sessions {
        for place in places {
            place.known(cookies).await?;
        }
    }
    Ok(sessions.into())
}
