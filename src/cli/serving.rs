//! Owns the verbs `serve` and `edge`, which run until they are stopped. Does not know what they run.

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, ROUTE_SETS};

use super::config::{complain, load};
use super::exit::Exit;
use crate::app::{App, AppError, Names, Pages, asked_to_stop, bind};
use crate::config::log::{Format, Log};
use crate::store::redis::ConnectError;
use crate::telemetry::{self, Telemetry};

/// What `edge` takes beside its two settings, which come from the environment.
#[derive(Debug, clap::Args)]
pub struct EdgeArgs {
    /// Where to listen for browsers
    #[arg(long, default_value = "127.0.0.1:8000", env = "GATELODGE_EDGE_LISTEN")]
    listen: SocketAddr,
    /// What stands before the paths of the routes, such as /app; the authority's edge.mount_prefix
    #[arg(long, default_value = "", env = "GATELODGE_EDGE_MOUNT_PREFIX")]
    mount_prefix: String,
    /// Log lines for people instead of JSON
    #[arg(long)]
    pretty: bool,
}

/// Runs the authority until it is asked to stop.
pub(super) fn serve(file: Option<&Path>) -> Exit {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(faults) => return complain(&faults, &mut io::stderr()).unwrap_or(Exit::Failed),
    };
    block_on(async {
        let telemetry = Telemetry::start(&loaded.config.log, &loaded.config)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let app = App::build(&loaded.config, Vec::new(), false, Names::default(), &telemetry).await?;
        // A file that was there is asked for again: without it there would be nothing but defaults.
        let was_there = loaded.files.iter().find(|file| !file.ends_with(".env")).cloned();
        let (named, listen) = (file.map(Path::to_owned).or(was_there), loaded.config.server.listen);
        let app = app.reloading(loaded, Arc::new(move || load(named.as_deref())));
        tracing::info!(%listen, version = env!("CARGO_PKG_VERSION"), "the authority listens");
        let ended = app.run(Pages::new(), asked_to_stop()).await;
        telemetry.stop().await;
        ended
    })
    .map_or(Exit::Failed, |done| done.map_or_else(|error: AppError| failed(&error, exit_of(&error)), |()| Exit::Done))
}

/// Runs an edge until it is asked to stop.
pub(super) fn edge(args: EdgeArgs) -> Exit {
    let format = if args.pretty { Format::Pretty } else { Format::Json };
    telemetry::start(&Log { format, ..Log::default() });
    let options = match ClientOptions::from_env() {
        Ok(options) => options,
        Err(error) => return failed(&error, Exit::Usage),
    };
    let run = async {
        let client = Client::connect(&options).map_err(|error| failed(&error, Exit::Usage))?;
        let (mount_prefix, route_sets) = (args.mount_prefix, ROUTE_SETS.into());
        let options = EdgeOptions { mount_prefix, route_sets, ..EdgeOptions::default() };
        let edge = Edge::new(client, options).map_err(|error| failed(&error, Exit::Usage))?;
        let listener = bind(args.listen, "--listen").await.map_err(|error| failed(&error, exit_of(&error)))?;
        tracing::info!(listen = %args.listen, "the edge listens");
        edge.serve(Pages::new(), listener, asked_to_stop()).await;
        Ok(())
    };
    block_on(run).map_or(Exit::Failed, |done| done.map_or_else(|exit| exit, |()| Exit::Done))
}

pub(super) fn exit_of(error: &AppError) -> Exit {
    match error {
        AppError::Config(_)
        | AppError::Telemetry(_)
        | AppError::Number(_)
        | AppError::Redis(ConnectError::Number(_)) => Exit::Usage,
        AppError::Listen { .. } | AppError::Embedded(_) | AppError::Redis(_) | AppError::Store(_) => Exit::Unavailable,
        AppError::Serve(_) | AppError::Edge(_) => Exit::Failed,
    }
}

/// Says why on standard error, causes included.
pub(super) fn failed(error: &dyn std::error::Error, exit: Exit) -> Exit {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    // Standard error is closed: there is nowhere left to say it.
    let _ = writeln!(io::stderr(), "{text}");
    exit
}

/// Runs work on an async runtime; `None` when there can be none.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Option<T> {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => Some(runtime.block_on(work)),
        Err(error) => {
            failed(&error, Exit::Failed);
            None
        }
    }
}
