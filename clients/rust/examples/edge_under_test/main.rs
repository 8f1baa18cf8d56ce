//! Owns the small application that `tests/edges` runs the Rust edge in. Does not know the cases.
//!
//! Reads `GATELODGE_ADDRESS`, `GATELODGE_API_KEY`, `LISTEN` and, if set, `MOUNT_PREFIX` and `ROUTE_SETS`; prints "ready" once
//! it listens.

mod application;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use gatelodge_client::v1::RouteSet;
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the edge can't run");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mount_prefix = std::env::var("MOUNT_PREFIX").unwrap_or_default();
    let client = Client::connect(&ClientOptions::from_env()?)?;
    let mut options = EdgeOptions { mount_prefix, ..EdgeOptions::default() };
    if let Ok(sets) = std::env::var("ROUTE_SETS") {
        let named = |name: &str| RouteSet::from_str_name(&format!("ROUTE_SET_{}", name.to_ascii_uppercase()));
        options.route_sets = sets.split(',').filter_map(named).collect();
    }
    let edge = Edge::new(client, options)?;
    let application = application::application(&edge);
    let listener = TcpListener::bind(std::env::var("LISTEN")?).await?;
    #[expect(clippy::print_stdout, reason = "the suite waits for this line")]
    {
        println!("ready");
    }
    Ok(axum::serve(listener, application.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
