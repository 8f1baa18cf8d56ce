//! Owns what `cargo bench --bench login` shows: complete logins a second against the development provider, and what
//! share of their CPU is the authority's. Does not know how a login works: it does what a browser and an edge do.
//!
//! The authority is a process of its own; the provider and the browsers are this one. Each browser is known at the
//! provider already, so nobody types a password; each login replaces the browser's session of before. The last line is one JSON object. `-- --quick` takes seconds and shows
//! only that it works.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "its memory is for `start`")]
mod authority;
#[path = "../parts/browser.rs"]
mod browser;
#[path = "../parts/cpu.rs"]
mod cpu;
#[path = "../parts/opening.rs"]
#[expect(dead_code, reason = "its key is for those who ask by themselves")]
mod opening;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/provider.rs"]
mod provider;
#[path = "../parts/spread.rs"]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::opening::Opening;
use self::program::Result;
use self::spread::{Spread, rounded};

/// How many browsers log in at once.
const BROWSERS: usize = 16;

fn main() -> ExitCode {
    let quick = (1, Duration::from_millis(300));
    let (rounds, round) = if program::is_quick() { quick } else { (9, Duration::from_secs(2)) };
    program::run(measure(rounds, round))
}

async fn measure(rounds: usize, round: Duration) -> Result<()> {
    let opening = Opening::new(|configuration| configuration).await?;
    let authority = &opening.authority;
    let mut browsers = Vec::new();
    for _ in 0..BROWSERS {
        browsers.push((opening.browser().await?, Vec::new()));
    }

    let (mut rates, mut shares, mut milliseconds) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..=rounds {
        let (before, all_before, begin) =
            (authority.cpu_seconds()?, cpu::seconds_of(std::process::id())?, Instant::now());
        let mut working = JoinSet::new();
        for (mut browser, mut cookies) in browsers.drain(..) {
            working.spawn(async move {
                let mut logins = 0_u32;
                while begin.elapsed() < round {
                    // Or else one user would soon have more sessions than any user has.
                    (cookies, _) = browser.log_in(&cookies).await?;
                    logins += 1;
                }
                Result::Ok((browser, cookies, logins))
            });
        }
        let mut logins = 0;
        while let Some(done) = working.join_next().await {
            let (browser, cookies, own) = done??;
            browsers.push((browser, cookies));
            logins += own;
        }
        let (took, ours) = (begin.elapsed(), authority.cpu_seconds()? - before);
        let theirs = cpu::seconds_of(std::process::id())? - all_before;
        // The first round is the warm-up.
        if number > 0 {
            rates.push(f64::from(logins) / took.as_secs_f64());
            shares.push(ours / (ours + theirs));
            milliseconds.push(ours * 1e3 / f64::from(logins));
        }
    }
    print(Spread::of(rates), Spread::of(shares), Spread::of(milliseconds))
}

fn print(rate: Spread, share: Spread, milliseconds: Spread) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let Spread { median, least, most } = rate;
    writeln!(
        out,
        "complete logins, {BROWSERS} browsers at once, embedded store: {median:.0} ({least:.0} to {most:.0}) a second"
    )?;
    let Spread { median, least, most } = share;
    writeln!(out, "the authority's share of the CPU of all: {median:.3} ({least:.3} to {most:.3})")?;
    let Spread { median, least, most } = milliseconds;
    writeln!(out, "the authority's CPU for one login: {median:.2} ({least:.2} to {most:.2}) ms")?;
    let line = json!({
        "logins_per_second": rounded(rate.median, 0),
        "cpu_share": rounded(share.median, 3),
        "cpu_ms_per_login": rounded(milliseconds.median, 2),
    });
    writeln!(out, "{line}")?;
    Ok(())
}
