//! Measures how many checks a client answers from what it keeps, on one core: `cargo bench -p gatelodge-client --bench kept`.
//! Prints one line of JSON, and fails when they are too few. Does not know frameworks.

mod parts;

use std::time::Duration;

use gatelodge_client::{Client, v1};
use parts::{Result, Spent, Watch, client, is_quick, middle, start, stream};
use tokio::time::sleep;

/// So many people take turns.
const PEOPLE: usize = 1000;
const ROUNDS: usize = 15;
const QUICK_ROUNDS: usize = 1;
/// So many checks in a round: short enough for the stream of events to be read between two.
const CHECKS: usize = 200_000;

/// A fifth of the five million that are demanded: a busy machine passes, a mistake that costs as much as that does not.
/// Unoptimised it is a fifth of what that brings.
const FLOOR: f64 = if cfg!(debug_assertions) { 60_000.0 } else { 1_000_000.0 };

/// What an edge asks about a browser's request.
fn question(person: usize) -> v1::ValidateSessionRequest {
    let cookie = format!("sess_v1_{person:08}_kQ3n8sW1xE6rT0yU4iO9aS2dF7gH5jLzvY7r2k9QmX4");
    let context = v1::RequestContext {
        method: "GET".into(),
        target: "/orders?page=2".into(),
        host: Some("app.example.com".into()),
        peer_address: Some("192.0.2.7".into()),
        x_forwarded_for: vec!["198.51.100.23".into()],
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".into()),
        accept_language: Some("de,en-US;q=0.7,en;q=0.3".into()),
        accept: Some("text/html,application/xhtml+xml".into()),
        sec_fetch_mode: Some("navigate".into()),
        ..Default::default()
    };
    v1::ValidateSessionRequest {
        cookies: vec![v1::Cookie { name: "__Host-session".into(), value: cookie.into() }],
        context: Some(context),
        requirements: Some(v1::Requirements::default()),
        can_set_cookies: true,
        ..Default::default()
    }
}

/// Checks until everybody is known.
async fn learn(client: &Client, asked: impl Fn() -> usize, questions: &[v1::ValidateSessionRequest]) -> Result<()> {
    loop {
        let before = asked();
        for question in questions {
            client.sessions().check(question).await?;
        }
        if asked() == before {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn round(client: &Client, questions: &[v1::ValidateSessionRequest]) -> Result<Spent> {
    let watch = Watch::start()?;
    for question in questions.iter().cycle().take(CHECKS) {
        std::hint::black_box(client.sessions().check(question).await?);
    }
    watch.spent()
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "the figures are what it is for")]
async fn measure() -> Result<()> {
    let authority = start()?;
    let asked = || authority.validate.count();
    let client = client(&authority, 16_384)?;
    let questions: Vec<_> = (0..PEOPLE).map(question).collect();
    learn(&client, asked, &questions).await?;
    let before = asked();
    let (mut clock, mut processor) = (Vec::new(), Vec::new());
    let rounds = if is_quick() { QUICK_ROUNDS } else { ROUNDS };
    for _ in 0..rounds {
        let spent = round(&client, &questions).await?;
        clock.push(CHECKS as f64 / spent.clock);
        processor.push(CHECKS as f64 / spent.processor);
        sleep(Duration::from_millis(5)).await;
    }
    let per_processor_second = middle(processor).round();
    let line = serde_json::json!({
        "bench": "kept", "people": PEOPLE, "checks": rounds * CHECKS, "asked": asked() - before,
        "per_second": middle(clock).round(), "per_processor_second": per_processor_second, "floor": FLOOR,
    });
    println!("{line}");
    if per_processor_second < FLOOR {
        return Err(format!("{per_processor_second} checks a processor second are fewer than {FLOOR}").into());
    }
    Ok(())
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}
