//! Owns what `cargo bench --bench envoy` shows: what Envoy's Check costs a whole `gatelodge serve`, beside an empty Check that
//! reads the same question and always says yes. Does not know how an authority answers.
//!
//! Both are processes of their own with the same runtime, allocator and server settings, and are asked in turns over one
//! connection, as a proxy has it. The last line is one JSON object. `-- --quick` takes seconds and shows only that it works.

#[path = "../parts/authority.rs"]
#[expect(dead_code, reason = "its memory is for `start`")]
mod authority;
#[path = "../parts/browser.rs"]
mod browser;
#[path = "../parts/cpu.rs"]
mod cpu;
mod empty;
mod load;
#[path = "../parts/opening.rs"]
mod opening;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/provider.rs"]
mod provider;
#[path = "../parts/server_process.rs"]
mod server_process;
#[path = "../parts/spread.rs"]
mod spread;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use self::load::{Asker, Round};
use self::opening::Opening;
use self::program::Result;
use self::server_process::{SERVE, ServerProcess};
use self::spread::{Spread, rounded};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IN_FLIGHT: [usize; 3] = [1, 32, 128];
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1200);
const QUICK_ROUND: Duration = Duration::from_millis(150);

fn main() -> ExitCode {
    if program::has(SERVE) {
        return program::run(empty::serve());
    }
    let (rounds, round) = if program::is_quick() { (1, QUICK_ROUND) } else { (ROUNDS, ROUND) };
    program::run(measure(rounds, round))
}

async fn measure(rounds: usize, round: Duration) -> Result<()> {
    let opening = Opening::new(|configuration| configuration).await?;
    let (ours, empty) = (&opening.authority, ServerProcess::start(&[])?);
    let (cookies, _) = opening.browser().await?.log_in(&[]).await?;
    let asker = |address| Asker::connect(address, opening.key.expose(), &cookies);
    let asks_ours = asker(ours.address.clone()).await?;
    let asks_empty = asker(format!("http://127.0.0.1:{}", empty.port)).await?;
    // The first check of a session writes its use down.
    asks_ours.ask().await?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "{:>9}  {:<7} {:>26} {:>12}", "in flight", "server", "checks/s", "CPU us/check")?;
    let mut line = serde_json::Map::from_iter([("bench".to_owned(), json!("envoy"))]);
    for in_flight in IN_FLIGHT {
        let mut brought: [Vec<Round>; 2] = Default::default();
        // In the first round connections are made.
        for number in 0..=rounds {
            let own = asks_ours.round(in_flight, round, || ours.cpu_seconds()).await?;
            let other = asks_empty.round(in_flight, round, || empty.cpu_seconds()).await?;
            if number > 0 {
                brought.iter_mut().zip([own, other]).for_each(|(all, one)| all.push(one));
            }
        }
        let ratio = ratio(&brought);
        let [own, other] = brought.map(|rounds| Row::of(&rounds));
        for (name, row) in [("ours", &own), ("empty", &other)] {
            let Spread { median, least, most } = row.rate;
            let rate = format!("{median:.0} ({least:.0} to {most:.0})");
            writeln!(out, "{in_flight:>9}  {name:<7} {rate:>26} {:>12.1}", row.cpu_us)?;
            line.insert(format!("rate_{name}_{in_flight}"), rounded(median, 0));
            line.insert(format!("cpu_us_{name}_{in_flight}"), rounded(row.cpu_us, 2));
        }
        let cpu_ratio = other.cpu_us / own.cpu_us;
        writeln!(
            out,
            "{in_flight:>9}  of its rate {:.3} ({:.3} to {:.3}); by CPU {cpu_ratio:.3}",
            ratio.median, ratio.least, ratio.most
        )?;
        line.insert(format!("ratio_{in_flight}"), rounded(ratio.median, 3));
        line.insert(format!("cpu_ratio_{in_flight}"), rounded(cpu_ratio, 3));
    }
    writeln!(out, "{}", serde_json::Value::Object(line))?;
    Ok(())
}

/// One server at one number in flight.
struct Row {
    rate: Spread,
    cpu_us: f64,
}

impl Row {
    fn of(rounds: &[Round]) -> Self {
        // A round is a few hundred ticks of the processors' accounting: only their sum is exact enough to divide.
        let (cpu, checks) = rounds.iter().fold((0.0, 0.0), |(cpu, checks), one| (cpu + one.cpu, checks + one.checks));
        Self { rate: Spread::of(rounds.iter().map(|one| one.per_second).collect()), cpu_us: cpu / checks * 1e6 }
    }
}

/// The ratio of the two rates, round by round.
fn ratio([own, other]: &[Vec<Round>; 2]) -> Spread {
    Spread::of(own.iter().zip(other).map(|(own, other)| own.per_second / other.per_second).collect())
}
