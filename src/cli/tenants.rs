//! Owns the verbs `tenants list | release`, which work on the store of a configuration, not on a running authority. Does
//! not know what is kept of a tenant.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::Format;
use super::asking::table;
use super::config::{complain, load};
use super::exit::Exit;
use super::serving::{block_on, exit_of, failed};
use crate::app::AppError;
use crate::app::release::{self, Released};
use crate::config::Config;
use crate::session::key::TenantNumber;

/// What can be done with the numbers of tenants.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List which tenant has which number in the store, those that the configuration no longer has among them
    List {
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// End all sessions and delete all users and keys of a tenant that is gone for good, and free its number. With the
    /// embedded store the authority has to be stopped
    Release {
        /// The number
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        number: u32,
    },
}

/// Runs a verb. `file` is what `--config` or `GATELODGE_CONFIG` named.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: &Verb, file: Option<&Path>, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(faults) => return complain(&faults, err),
    };
    match block_on(done(verb, &loaded.config)) {
        Some(Ok((text, Exit::Done))) => writeln!(out, "{text}").map(|()| Exit::Done),
        Some(Ok((text, exit))) => writeln!(err, "error: {text}").map(|()| exit),
        Some(Err(error)) => Ok(failed(&error, exit_of(&error))),
        None => Ok(Exit::Failed),
    }
}

async fn done(verb: &Verb, config: &Config) -> Result<(String, Exit), AppError> {
    match verb {
        Verb::List { output } => Ok((list(&release::tenants(config).await?, *output), Exit::Done)),
        Verb::Release { number } => Ok(said(*number, &release::release(config, TenantNumber(*number)).await?)),
    }
}

fn list(tenants: &[(TenantNumber, String)], output: Format) -> String {
    let record = |(number, name): &(TenantNumber, String)| json!({ "number": number.0.to_string(), "name": name });
    let records: Vec<_> = tenants.iter().map(record).collect();
    match output {
        Format::Table if records.is_empty() => "No tenant has a number in this store yet.".to_owned(),
        Format::Table => table(&records, &["number", "name"]),
        Format::Json => serde_json::Value::Array(records).to_string(),
    }
}

fn said(number: u32, released: &Released) -> (String, Exit) {
    match released {
        Released::Yes { name, users } => {
            let text = format!(
                "Number {number} is free. All sessions of `{name}` have ended, and its users ({users}) are deleted."
            );
            (text, Exit::Done)
        }
        Released::Nobodys => (format!("no tenant has the number {number} in this store"), Exit::Absent),
        Released::StillThere { name } => {
            let text = format!("`{name}` is in the configuration with the number {number}; take it out first");
            (text, Exit::Usage)
        }
    }
}
