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
#[path = "../parts/provider.rs"]
mod provider;
#[path = "../parts/spread.rs"]
mod spread;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge_client::{Client, ClientOptions};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::authority::Authority;
use self::browser::Browser;
use self::spread::{Spread, rounded};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many browsers log in at once.
const BROWSERS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy)]
struct Size {
    rounds: usize,
    round: Duration,
}

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, round) = if quick { (1, Duration::from_millis(300)) } else { (9, Duration::from_secs(2)) };
    match measure(Size { rounds, round }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is closed: there is nowhere left to say it.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(size: Size) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let issuer = provider::start().await?;
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let key = ApiKey::generate(&random);
        let folder = tempfile::tempdir()?;
        let authority =
            Authority::start(folder.path(), authority::EMBEDDED, &provider::configuration(&issuer, &[("edge", &key)]))?;
        authority.serving(Instant::now() + PATIENCE).await?;
        let client = Client::connect(&ClientOptions::new(authority.address.clone(), key.expose()))?;
        let mut browsers = Vec::new();
        for _ in 0..BROWSERS {
            browsers.push((Browser::known_at(&issuer, &client).await?, Vec::new()));
        }

        let (mut rates, mut shares, mut milliseconds) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..=size.rounds {
            let (before, all_before, begin) =
                (authority.cpu_seconds()?, cpu::seconds_of(std::process::id())?, Instant::now());
            let mut working = JoinSet::new();
            for (mut browser, mut cookies) in browsers.drain(..) {
                working.spawn(async move {
                    let mut logins = 0_u32;
                    while begin.elapsed() < size.round {
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
    })
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
