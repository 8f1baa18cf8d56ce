//! Owns how a measurement runs as a program: its flags, its runtime, how it ended. Does not measure.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use tokio::runtime::Builder;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Whether this flag was given.
pub fn has(flag: &str) -> bool {
    std::env::args().any(|argument| argument == flag)
}

/// Whether it is run to see that it works, and no more.
pub fn is_quick() -> bool {
    has("--quick")
}

/// Does this on the runtime of `gatelodge serve`, and says how it ended.
pub fn run(work: impl Future<Output = Result<()>>) -> ExitCode {
    let runtime = Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(work)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is closed: there is nowhere left to say it.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
