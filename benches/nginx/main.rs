//! Owns what `cargo bench --bench nginx` shows: what an `auth_request` to the Rust edge adds to a request through a real
//! nginx, beside one to an empty 204 of the same HTTP server, and beside none. Does not know how an edge answers.
//!
//! nginx (`NGINX`, else the one in the path) asks `config/proxies/nginx.conf`'s way; edge and authority are processes of their
//! own. The three take turns. The last line is one JSON object. `-- --quick` takes seconds and shows only that it works.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "its memory is for `start`")]
mod authority;
#[path = "../parts/browser.rs"]
mod browser;
#[path = "../parts/cpu.rs"]
mod cpu;
mod edge;
mod load;
#[path = "../parts/opening.rs"]
mod opening;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/provider.rs"]
mod provider;
mod proxy;
#[path = "../parts/server_process.rs"]
mod server_process;
#[path = "../parts/spread.rs"]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use self::opening::Opening;
use self::program::Result;
use self::proxy::Nginx;
use self::server_process::{SERVE, ServerProcess};
use self::spread::{Spread, rounded};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What stands behind nginx, by the path that leads there: nothing asked, an empty answer, our edge.
const PATHS: [(&str, &str); 3] = [("none", "/none/"), ("empty", "/empty/"), ("edge", "/edge/")];
const IN_FLIGHT: [usize; 2] = [1, 32];
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1200);
const QUICK_ROUND: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(30);

/// What a round brought: how many a second, and microseconds for each: until it was answered, and of the processors of nginx,
/// the edge and the authority.
struct Figures {
    per_second: f64,
    waited: f64,
    cpu: [f64; 3],
}

fn main() -> ExitCode {
    if program::has(SERVE) {
        return program::run(edge::serve());
    }
    let (rounds, round) = if program::is_quick() { (1, QUICK_ROUND) } else { (ROUNDS, ROUND) };
    program::run(measure(rounds, round))
}

async fn measure(rounds: usize, round: Duration) -> Result<()> {
    let behind_proxy = "edge: { routes: [web, proxy] }\napp: { trusted_proxies: [\"127.0.0.1/32\"],";
    let opening = Opening::new(|configuration| configuration.replacen("app: {", behind_proxy, 1)).await?;
    let (authority, key) = (&opening.authority, opening.key.expose());
    let edge = ServerProcess::start(&[("GATELODGE_ADDRESS", &authority.address), ("GATELODGE_API_KEY", key)])?;
    let nginx = Nginx::start(edge.port)?;
    let (cookies, _) = opening.browser().await?.log_in(&[]).await?;
    load::until_all_pass(nginx.port, &cookies, &PATHS, Instant::now() + PATIENCE).await?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "auth_request: requests a second; microseconds until answered; CPU of nginx + edge + authority")?;
    let mut line = serde_json::Map::from_iter([("bench".to_owned(), json!("nginx"))]);
    let spent = || Ok([nginx.cpu_seconds()?, edge.cpu_seconds()?, authority.cpu_seconds()?]);
    for in_flight in IN_FLIGHT {
        let mut brought: [Vec<Figures>; 3] = Default::default();
        // In the first round connections are made.
        for number in 0..=rounds {
            for ((_, path), all) in PATHS.iter().zip(&mut brought) {
                let figures = load::round(nginx.port, path, &cookies, in_flight, round, spent).await?;
                if number > 0 {
                    all.push(figures);
                }
            }
        }
        let middle = |all: &[Figures], of: fn(&Figures) -> f64| Spread::of(all.iter().map(of).collect()).median;
        let [_, empty, asked] = &brought;
        for ((name, _), all) in PATHS.iter().zip(&brought) {
            let (rate, waited) = (middle(all, |f| f.per_second), middle(all, |f| f.waited));
            let cpu: [fn(&Figures) -> f64; 3] = [|f| f.cpu[0], |f| f.cpu[1], |f| f.cpu[2]];
            let [proxy, edge, authority] = cpu.map(|of| middle(all, of));
            writeln!(
                out,
                "{in_flight:>4} {name:<6} {rate:>8.0} {waited:>8.0}   {proxy:.1} + {edge:.1} + {authority:.1}"
            )?;
            line.insert(format!("rate_{name}_{in_flight}"), rounded(rate, 0));
            line.insert(format!("waited_us_{name}_{in_flight}"), rounded(waited, 1));
            line.insert(format!("cpu_us_{name}_{in_flight}"), rounded(proxy + edge + authority, 1));
        }
        let difference = |of: fn(&Figures) -> f64| {
            Spread::of(asked.iter().zip(empty).map(|(asked, empty)| of(asked) - of(empty)).collect())
        };
        let (waited, cpu) = (difference(|f| f.waited), difference(|f| f.cpu.iter().sum()));
        writeln!(
            out,
            "{in_flight:>4} edge beside empty, for each request: {:.0} us ({:.0} to {:.0}) later, {:.1} us of CPU more",
            waited.median, waited.least, waited.most, cpu.median
        )?;
        line.insert(format!("difference_us_{in_flight}"), rounded(waited.median, 1));
        line.insert(format!("difference_cpu_us_{in_flight}"), rounded(cpu.median, 1));
    }
    writeln!(out, "{}", serde_json::Value::Object(line))?;
    Ok(())
}
