//! Owns the verbs `keys`: `generate` makes an API key for the configuration, `create`, `list` and `revoke` ask a running
//! authority for keys that it keeps. A key is shown once. Does not know what a role may do.

use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Format;
use super::caller_keys::{self as asked, CreateArgs, ListArgs, RevokeArgs};
use super::exit::Exit;
use crate::config::callers::{self, Role};
use crate::crypto::ApiKey;

/// What can be done with API keys. `generate` asks nobody; for the others the authority's address and an admin's key come from
/// GATELODGE_ADDRESS and GATELODGE_API_KEY.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Make an API key, print it once, and print its line for the configuration
    Generate {
        /// What the caller may do: edge (log people in, validate), backend (validate), admin (list and end sessions)
        #[arg(long, value_parser = role_parser())]
        role: Role,
        /// The caller's name, as logs show it
        #[arg(long, value_parser = name)]
        name: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Make an API key that a running authority takes from now on, and print it once
    Create(CreateArgs),
    /// List the API keys that were made at a running authority and have not ended
    List(ListArgs),
    /// Revoke an API key that was made at a running authority; exit code 66 where there is none
    Revoke(RevokeArgs),
}

/// Runs a verb.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: Verb, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match verb {
        Verb::Generate { role, name, output } => generate(role, &name, output, out, err),
        Verb::Create(args) => asked::create(args, out),
        Verb::List(args) => asked::list(args, out),
        Verb::Revoke(args) => asked::revoke(args, out),
    }
}

fn generate(role: Role, name: &str, output: Format, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Ok(random) = super::config::random() else {
        writeln!(err, "error: the system gives no random bytes")?;
        return Ok(Exit::Failed);
    };
    let key = ApiKey::generate(random.expose());
    let (role, hash) = (role.name(), key.hash());
    match output {
        Format::Table => {
            writeln!(out, "The API key of {name} ({role}). It is shown this once:\n\n  {}\n", key.expose())?;
            writeln!(
                out,
                "Its line for the configuration, under `callers:` (in place of the `[]` there, if there is one):\n"
            )?;
            writeln!(out, "  - {{ name: {name}, role: {role}, key_hash: \"{hash}\" }}")?;
        }
        Format::Json => {
            let hash = hash.to_string();
            let key = key.expose();
            writeln!(out, "{}", serde_json::json!({ "name": name, "role": role, "api_key": key, "key_hash": hash }))?;
        }
    }
    Ok(Exit::Done)
}

/// What reads a role.
pub(super) fn role_parser() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(ROLES.map(Role::name)).try_map(|word| role(&word))
}

const ROLES: [Role; 3] = [Role::Edge, Role::Backend, Role::Admin];

fn role(text: &str) -> Result<Role, &'static str> {
    ROLES.into_iter().find(|role| role.name() == text).ok_or("no such role")
}

/// The rule of `callers[].name`, and nothing that YAML reads in its own way.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let letter = text.starts_with(|first: char| first.is_ascii_alphabetic());
    (letter && callers::is_name(text))
        .then(|| text.to_owned())
        .ok_or("expected a letter, then letters, digits and `-_.`, 64 at most")
}
