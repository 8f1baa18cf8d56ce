//! Owns the verb `dev`: everything on one machine, ready to try. Does not know what it runs.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::config::{complain, load_for_development};
use super::exit::Exit;
use super::serving::{block_on, exit_of, failed};
use crate::app::{AppError, asked_to_stop};
use crate::config::Config;
use crate::config::log::{Format, Log};
use crate::dev;
use crate::dev::DevelopmentOnly;
use crate::dev::run::{DevError, DevOptions};
use crate::telemetry::Telemetry;

/// What `dev` takes.
#[derive(Debug, clap::Args)]
pub struct DevArgs {
    /// Where the authority listens
    #[arg(long, default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Where the edge with the demo page listens
    #[arg(long, default_value = "127.0.0.1:8000")]
    edge_listen: SocketAddr,
    /// Where the development provider listens
    #[arg(long, default_value = "127.0.0.1:8090")]
    provider_listen: SocketAddr,
    /// Keep nothing: sessions and keys are gone when it ends
    #[arg(long)]
    ephemeral: bool,
    /// Where sessions and keys are kept
    #[arg(long, default_value = ".gatelodge")]
    folder: PathBuf,
}

/// Runs everything for development until it is asked to stop.
///
/// Of configuration files it reads only one that is named: the one in the usual place is for `serve`.
pub(super) fn dev(file: Option<&Path>, args: DevArgs) -> Exit {
    let base = match file.map(load_for_development) {
        None => Config::default(),
        Some(Ok(loaded)) => loaded.config,
        Some(Err(faults)) => return complain(&faults, &mut io::stderr()).unwrap_or(Exit::Failed),
    };
    let DevArgs { listen, edge_listen, provider_listen, ephemeral, folder } = args;
    let options = DevOptions { listen, edge_listen, provider_listen, ephemeral, folder, base };
    let announce = |text: &str| {
        // Whoever closed standard output does not want to read it.
        let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    };
    let only = DevelopmentOnly::in_gatelodge_dev();
    let log = Log { format: Format::Pretty, level: "info".into() };
    block_on(async {
        let telemetry = Telemetry::start(&log, &options.base).map_err(AppError::from)?;
        let ended = Box::pin(dev::run::run(&only, options, &telemetry, announce, asked_to_stop())).await;
        telemetry.stop().await;
        ended
    })
    .map_or(Exit::Failed, |done| match done {
        Ok(()) => Exit::Done,
        Err(error @ (DevError::Provider(_) | DevError::ProviderListen | DevError::Folder { .. })) => {
            failed(&error, Exit::Usage)
        }
        Err(error @ DevError::FolderInUse(_)) => failed(&error, Exit::Unavailable),
        Err(DevError::App(error)) => failed(&error, exit_of(&error)),
    })
}
