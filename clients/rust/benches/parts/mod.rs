//! Owns what both benchmarks of the client stand on: an authority on a thread of its own that lets its answers be kept, and
//! the clocks. Does not know what is measured.

#[expect(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "it is the tests' own, and they use all of it")]
#[path = "../../tests/it/authority.rs"]
pub mod authority;
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests' own, and they use all of it")]
#[path = "../../tests/it/stream.rs"]
pub mod stream;

use std::sync::mpsc;
use std::time::Duration;

use gatelodge_client::v1::{self, validate_session_response::Outcome};
use gatelodge_client::{Client, ClientOptions};
use tokio::time::{Instant, sleep};

use authority::{Authority, KEY, active, outcome};

/// What ends a benchmark.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HEARTBEAT: Duration = Duration::from_millis(200);
const KEEP_FOR: i64 = 300;

/// Starts the authority: it says yes to everybody, and tells those who watch that nothing happens.
pub fn start() -> Result<Authority> {
    let (sender, receiver) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let authority = Authority::start().await;
            let keep_for = Some(prost_types::Duration { seconds: KEEP_FOR, nanos: 0 });
            authority.validate.judge(move |question| {
                let session_id = question.cookies.first().map(|cookie| String::from_utf8_lossy(&cookie.value));
                let session_id = session_id.unwrap_or_default().into_owned();
                outcome(Outcome::Active(v1::ActiveSession {
                    session: Some(v1::SessionInfo { session_id, ..Default::default() }),
                    event_position: vec![1].into(),
                    keep_for,
                    ..active()
                }))
            });
            if sender.send(authority.clone()).is_err() {
                return;
            }
            loop {
                let max_staleness = Some(prost_types::Duration { seconds: 5, nanos: 0 });
                let position = vec![1].into();
                authority.watched.tell(&v1::WatchSessionsResponse { position, max_staleness, ..Default::default() });
                sleep(HEARTBEAT).await;
            }
        });
    });
    Ok(receiver.recv()?)
}

/// A client of it that keeps so many answers.
pub fn client(authority: &Authority, keeps: usize) -> Result<Client> {
    let options = ClientOptions::new(format!("http://{}", authority.address), KEY).keep_answers(keeps);
    Ok(Client::connect(&options)?)
}

/// The time that went by, and that a processor spent on this thread, in seconds.
#[derive(Clone, Copy)]
pub struct Spent {
    /// By the clock.
    pub clock: f64,
    /// By the processor.
    pub processor: f64,
}

/// Measures what is done from now on.
pub struct Watch(Instant, u64);

impl Watch {
    /// Begins.
    pub fn start() -> Result<Self> {
        Ok(Self(Instant::now(), on_processor()?))
    }

    /// What was spent since.
    pub fn spent(&self) -> Result<Spent> {
        let clock = self.0.elapsed().as_secs_f64();
        Ok(Spent { clock, processor: Duration::from_nanos(on_processor()? - self.1).as_secs_f64() })
    }
}

/// What a processor has spent on this thread, in nanoseconds (proc(5), `schedstat`).
fn on_processor() -> Result<u64> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(line.split(' ').next().ok_or("schedstat is empty")?.parse()?)
}

/// Whether it is run to see that it works, and no more.
pub fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// The one in the middle.
pub fn middle(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}
