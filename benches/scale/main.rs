//! Owns what `cargo bench --bench scale` shows: what an operation of a store costs, and what a session takes, among a
//! thousand, a hundred thousand and a million of them. Does not know how a store keeps them.
//!
//! The stores of the three sizes stand side by side and are asked in turns, so that what the machine does meanwhile
//! meets all of them. The last line is one JSON object. `-- --quick` takes seconds and shows only that it works.

mod filled;
mod operations;
#[path = "../parts/redis_server.rs"]
#[expect(dead_code, reason = "every store here has a server of its own, so none is emptied")]
mod redis_server;
mod report;
mod revocation;
mod rounds;
#[path = "../parts/session.rs"]
#[expect(dead_code, reason = "a question to an authority is for `validate`")]
mod session;
#[path = "../parts/spread.rs"]
mod spread;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use filled::{Filled, Kind};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    sessions: [usize; 3],
    /// How many of them get tokens for the figure with three JWTs.
    with_tokens: usize,
    rounds: usize,
    /// How often an operation is done in a round.
    calls: usize,
}

const WHOLE: Size = Size { sessions: [1_000, 100_000, 1_000_000], with_tokens: 20_000, rounds: 15, calls: 400 };
const QUICK: Size = Size { sessions: [500, 1_000, 2_000], with_tokens: 500, rounds: 1, calls: 20 };

fn main() -> ExitCode {
    let size = if std::env::args().any(|argument| argument == "--quick") { QUICK } else { WHOLE };
    match measure(size) {
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
        let with_tokens = Filled::new(Kind::Redis, size.with_tokens, Some(session::tokens())).await?.bytes_each();
        let mut report = report::Report::new(with_tokens);
        for kind in [Kind::Redis, Kind::Embedded] {
            let mut stores = Vec::new();
            for sessions in size.sessions {
                stores.push(Filled::new(kind, sessions, None).await?);
            }
            report.add(kind, &stores, &rounds::measure(&stores, size).await?);
            if let Some(largest) = stores.last() {
                report.add_revocation(kind, &revocation::measure(largest).await?);
            }
        }
        report.print()
    })
}
