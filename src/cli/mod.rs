//! Owns the command line: verbs, tables, exit codes. Does not know how anything is done.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _, Parser};

use self::exit::Exit;

mod advice;
mod asking;
pub mod audit;
mod caller_keys;
pub mod config;
mod dev;
pub mod exit;
mod filter;
pub mod keys;
mod private_file;
pub mod rings;
mod serving;
pub mod sessions;
pub mod tenants;
pub mod users;

/// A session authority over gRPC: OpenID Connect logins and server-side sessions behind one opaque cookie
#[derive(Debug, Parser)]
#[command(name = "gatelodge", version, after_help = Exit::HELP, arg_required_else_help = true)]
pub struct Cli {
    /// The configuration file of serve, tenants, rings, config check and config show; default: gatelodge.yaml or config/gatelodge.yaml
    /// in the working directory, if there is one
    #[arg(long, short, global = true, env = "GATELODGE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Run the authority, and the edge inside it where edge.enabled says so
    Serve,
    /// Run an HTTP edge; GATELODGE_ADDRESS and GATELODGE_API_KEY say whose
    Edge(serving::EdgeArgs),
    /// Run everything on this machine, ready to try: authority, edge, a provider with two test users, a demo page
    Dev(dev::DevArgs),
    /// List, show and end sessions of a running authority; GATELODGE_ADDRESS and GATELODGE_API_KEY say which
    Sessions {
        /// Whose
        #[command(flatten)]
        tenant: filter::TenantArgs,
        /// What to do with them
        #[command(subcommand)]
        verb: sessions::Verb,
    },
    /// Show, list, disable, enable and delete users of a running authority; GATELODGE_ADDRESS and GATELODGE_API_KEY say which
    Users {
        /// Whose
        #[command(flatten)]
        tenant: filter::TenantArgs,
        /// What to do with them
        #[command(subcommand)]
        verb: users::Verb,
    },
    /// List what happened at a running authority, the newest first, or follow it; GATELODGE_ADDRESS and GATELODGE_API_KEY say
    /// which
    Audit(audit::AuditArgs),
    /// Explain a login by the id of one of its requests, as the page of one that failed shows it: the steps that were taken
    Explain(audit::ExplainArgs),
    /// List the tenants' numbers in the store, and free that of a tenant that is gone for good
    #[command(subcommand)]
    Tenants(tenants::Verb),
    /// Say whether an authority serves; for health checks of containers
    Health {
        /// The authority's address, a URL
        #[arg(long, env = "GATELODGE_ADDRESS", default_value = "http://127.0.0.1:50051")]
        address: String,
    },
    /// Check, show, describe or begin the configuration
    #[command(subcommand)]
    Config(config::Verb),
    /// Make, list and revoke API keys of callers
    #[command(subcommand)]
    Keys(keys::Verb),
    /// List, rotate and check the keys that sign and seal
    #[command(subcommand)]
    Rings(rings::Verb),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How a verb prints what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

const DEV_CONFIG: &str = "A configuration file whose providers, store and times are used as well; without -c (or \
                          GATELODGE_CONFIG) none is read";

/// The command line, where each verb says of `--config` what it means there.
fn command() -> Command {
    let option = || Arg::new("config").long("config").short('c').value_name("FILE").global(true);
    let option = || option().env("GATELODGE_CONFIG").value_parser(clap::value_parser!(PathBuf));
    let verbs = ["edge", "sessions", "users", "audit", "explain", "health", "keys", "completion"].into_iter();
    let command = Cli::command().mut_subcommand("dev", |dev| dev.arg(option().help(DEV_CONFIG)));
    verbs.fold(command, |command, verb| command.mut_subcommand(verb, |verb| verb.arg(option().hide(true))))
}

/// Reads a command line. A configuration file that is named for a verb that reads none is an error.
fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(words)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let reads = match &cli.verb {
        Verb::Serve | Verb::Dev(_) | Verb::Tenants(_) | Verb::Rings(_) => true,
        Verb::Config(verb) => matches!(verb, config::Verb::Check { .. } | config::Verb::Show { .. }),
        Verb::Edge(_)
        | Verb::Sessions { .. }
        | Verb::Users { .. }
        | Verb::Audit(_)
        | Verb::Explain(_)
        | Verb::Health { .. }
        | Verb::Keys(_)
        | Verb::Completion { .. } => false,
    };
    if !reads && matches.value_source("config") == Some(ValueSource::CommandLine) {
        let message = "--config is for serve, dev, tenants, rings, config check and config show; this verb reads no configuration file";
        return Err(command.error(ErrorKind::ArgumentConflict, message));
    }
    Ok(cli)
}

/// Reads the command line and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return if error.print().is_ok() { exit } else { Exit::Failed }.into();
        }
    };
    // What runs for long logs to standard error: nothing may hold its lock.
    let verb = match cli.verb {
        Verb::Serve => return serving::serve(cli.config.as_deref()).into(),
        Verb::Edge(args) => return serving::edge(args).into(),
        Verb::Dev(args) => return dev::dev(cli.config.as_deref(), args).into(),
        verb => verb,
    };
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    let done = perform(verb, cli.config.as_deref(), &mut out, &mut err).and_then(|exit| out.flush().map(|()| exit));
    match done {
        Ok(exit) => exit.into(),
        // Whoever reads the output has had enough: `gatelodge config show | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(_) => Exit::Failed.into(),
    }
}

fn perform(verb: Verb, file: Option<&Path>, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match verb {
        Verb::Config(verb) => config::run(&verb, file, out, err),
        Verb::Keys(verb) => keys::run(verb, out, err),
        Verb::Rings(verb) => rings::run(&verb, file, out, err),
        Verb::Sessions { tenant, verb } => sessions::run(verb, tenant, out),
        Verb::Users { tenant, verb } => users::run(verb, tenant, out),
        Verb::Audit(args) => audit::list(args, out),
        Verb::Explain(args) => audit::explain(args, out),
        Verb::Tenants(verb) => tenants::run(&verb, file, out, err),
        Verb::Health { address } => sessions::health(&address, out),
        Verb::Completion { shell } => {
            clap_complete::generate(shell, &mut command(), "gatelodge", out);
            Ok(Exit::Done)
        }
        Verb::Serve | Verb::Edge(_) | Verb::Dev(_) => Ok(Exit::Usage),
    }
}
