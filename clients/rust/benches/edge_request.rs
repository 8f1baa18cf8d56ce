//! Measures what a session check adds to a request through axum: the same route without one, with one that is answered from
//! what is kept, and with one that is asked over the loopback: `cargo bench -p gatelodge-client --bench edge_request`.
//! Prints one line of JSON. Does not know the network between a browser and an edge.

mod parts;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use gatelodge_client::{Gate, Session};
use http::Request;
use parts::{Result, Watch, client, is_quick, middle, start, stream};
use tokio::time::sleep;
use tower::ServiceExt as _;

const ROUNDS: usize = 9;
const QUICK_ROUNDS: usize = 1;

fn request() -> Result<Request<Body>> {
    let peer: SocketAddr = ([192, 0, 2, 7], 4711).into();
    Ok(Request::get("/orders?page=2")
        .header("host", "app.example.com")
        .header("cookie", "theme=dark; __Host-session=sess_v1_kQ3n8sW1xE6rT0yU4iO9aS2dF7gH5jLzvY7r2k9QmX4")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
        .header("accept", "text/html,application/xhtml+xml")
        .header("accept-language", "de,en-US;q=0.7,en;q=0.3")
        .header("sec-fetch-mode", "navigate")
        .extension(ConnectInfo(peer))
        .body(Body::empty())?)
}

/// Microseconds a request, by the clock and by the processor, each the middle of all rounds.
#[expect(clippy::cast_precision_loss, reason = "there are few")]
async fn measure(application: &Router, requests: usize) -> Result<(f64, f64)> {
    let (mut clock, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..if is_quick() { QUICK_ROUNDS } else { ROUNDS } {
        let watch = Watch::start()?;
        for _ in 0..requests {
            let response = application.clone().oneshot(request()?).await?;
            if !response.status().is_success() {
                return Err(format!("{}", response.status()).into());
            }
        }
        let spent = watch.spent()?;
        clock.push(spent.clock * 1e6 / requests as f64);
        processor.push(spent.processor * 1e6 / requests as f64);
        sleep(Duration::from_millis(5)).await;
    }
    Ok((middle(clock), middle(processor)))
}

fn with(gate: &Gate) -> Router {
    let handler = get(|session: Session| async move { session.user_id().to_owned() });
    Router::new().route("/orders", handler.layer(gate.require()))
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn run() -> Result<()> {
    let authority = start()?;
    let (keeping, asking) = (Gate::new(client(&authority, 16_384)?), Gate::new(client(&authority, 0)?));
    keeping.ready().await;
    asking.ready().await;
    let without = Router::new().route("/orders", get(|| async { "google_1".to_owned() }));
    let (kept, asked) = (with(&keeping), with(&asking));
    loop {
        let before = authority.validate.count();
        kept.clone().oneshot(request()?).await?;
        if authority.validate.count() == before {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let (plain, plain_processor) = measure(&without, 20_000).await?;
    let (cached, cached_processor) = measure(&kept, 20_000).await?;
    let (called, called_processor) = measure(&asked, 500).await?;
    let rounded = |microseconds: f64| (microseconds * 100.0).round() / 100.0;
    let line = serde_json::json!({
        "bench": "edge_request", "framework": "axum",
        "microseconds": {
            "without": rounded(plain), "cached": rounded(cached), "not_cached": rounded(called),
            "cached_adds": rounded(cached - plain), "not_cached_adds": rounded(called - plain),
        },
        "processor_microseconds": {
            "without": rounded(plain_processor), "cached": rounded(cached_processor),
            "not_cached": rounded(called_processor),
        },
    });
    println!("{line}");
    Ok(())
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}
