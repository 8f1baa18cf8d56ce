//! Owns what `cargo bench --bench scale` shows: what an operation of a store costs, and what a session takes, among a
//! thousand, a hundred thousand and a million of them. Does not know how a store keeps them.
//!
//! The stores of the three sizes stand side by side and are asked in turns, so that what the machine does meanwhile
//! meets all of them. The last line is one JSON object. `-- --quick` takes seconds and shows only that it works.

mod filled;
#[path = "../parts/many.rs"]
mod many;
mod operations;
#[path = "../parts/program.rs"]
mod program;
#[path = "../parts/redis_server.rs"]
#[expect(dead_code, reason = "every store here has a server of its own, so none is emptied")]
mod redis_server;
#[path = "../parts/redis_store.rs"]
mod redis_store;
mod report;
mod revocation;
mod rounds;
#[path = "../parts/session.rs"]
#[expect(dead_code, reason = "a question to an authority is for `validate`")]
mod session;
#[path = "../parts/spread.rs"]
mod spread;

use std::process::ExitCode;

use self::filled::{Filled, Kind};
use self::program::Result;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let size = if program::is_quick() { QUICK } else { WHOLE };
    program::run(measure(size))
}

async fn measure(size: Size) -> Result<()> {
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
}
