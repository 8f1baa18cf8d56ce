//! Owns what `cargo bench --bench validate` shows: what a ValidateSession costs beside an empty echo in the same run.
//! Does not know how an authority works: each server is a process of its own, this binary started again.
//!
//! Pairs are measured in turns: the embedded store and the near cache beside an empty tonic echo, Redis beside the echo
//! with one GET; both again with metrics and traces on, beside themselves without; and the same checks on one stream
//! (`CheckSessions`), each beside an echo of the same stream. The echo
//! takes the same requests, gives the same answer, and has the same runtime, allocator and server settings. The last line
//! is one JSON object. `-- --quick` takes seconds and shows only that it works.

mod collector;
mod counted;
#[path = "../parts/cpu.rs"]
mod cpu;
mod echo;
mod forged;
mod load;
mod memory;
mod ours;
mod process;
#[path = "../parts/program.rs"]
mod program;
mod protocol;
#[path = "../parts/redis_server.rs"]
mod redis_server;
#[path = "../parts/redis_store.rs"]
mod redis_store;
mod report;
mod rounds;
#[path = "../parts/session.rs"]
mod session;
#[path = "../parts/spread.rs"]
mod spread;

use std::process::ExitCode;
use std::time::Duration;

use self::program::Result;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    rounds: usize,
    round: Duration,
    forged: usize,
    sessions: usize,
}

const WHOLE: Size = Size { rounds: 9, round: Duration::from_millis(1200), forged: 100_000, sessions: 100_000 };
const QUICK: Size = Size { rounds: 1, round: Duration::from_millis(150), forged: 2_000, sessions: 2_000 };

fn main() -> ExitCode {
    if program::has(process::SERVE) {
        return program::run(process::serve());
    }
    program::run(measure(if program::is_quick() { QUICK } else { WHOLE }))
}

async fn measure(size: Size) -> Result<()> {
    let redis = redis_server::RedisServer::start()?;
    let bytes = memory::per_session(&redis, size.sessions).await?;
    let rounds = Box::pin(rounds::measure(&redis, size)).await?;
    let forged = forged::measure(size.forged).await?;
    report::print(&rounds, &bytes, &forged)
}
