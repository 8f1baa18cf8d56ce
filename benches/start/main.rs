//! Owns what `cargo bench --bench start` shows: how soon `gatelodge serve` serves on an empty store, and what it holds
//! in memory when idle. Does not know how it starts: it spawns the binary and asks for its health over gRPC.
//!
//! The last line is one JSON object. `-- --quick` starts it twice and shows only that it works.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "what it costs under load is for `login`")]
mod authority;
#[path = "../parts/cpu.rs"]
mod cpu;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/spread.rs"]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use self::authority::Authority;
use self::program::Result;
use self::spread::{Spread, rounded};

const STARTS: usize = 10;
const IDLE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let starts = if program::is_quick() { 2 } else { STARTS };
    program::run(measure(starts))
}

async fn measure(starts: usize) -> Result<()> {
    let (mut milliseconds, mut megabytes) = (Vec::new(), Vec::new());
    for _ in 0..starts {
        let folder = tempfile::tempdir()?;
        let begin = Instant::now();
        let authority = Authority::start(folder.path(), authority::EMBEDDED, "")?;
        authority.serving(begin + PATIENCE).await?;
        milliseconds.push(begin.elapsed().as_secs_f64() * 1e3);
        sleep(IDLE).await;
        megabytes.push(authority.resident_megabytes()?);
    }
    let mut out = std::io::stdout().lock();
    let (start, rss) = (Spread::of(milliseconds), Spread::of(megabytes));
    writeln!(out, "gatelodge serve, empty embedded store, {starts} starts: median (least to most)")?;
    writeln!(out, "from spawn to SERVING: {} ms\nresident when idle for 2 s: {} MB", words(start), words(rss))?;
    writeln!(out, "{}", json!({ "start_ms": rounded(start.median, 1), "rss_mb": rounded(rss.median, 1) }))?;
    Ok(())
}

fn words(Spread { median, least, most }: Spread) -> String {
    format!("{median:.1} ({least:.1} to {most:.1})")
}
