//! Owns the verbs `keys create | list | revoke`: what an admin asks a running authority about callers' keys. Does not know how
//! keys are kept.

use std::io::{self, Write};

use clap::builder::NonEmptyStringValueParser;
use gatelodge_client::v1::{self, CallerKey, CallerRole};
use gatelodge_client::{Client, Error};
use serde_json::{Value, json};

use super::Format;
use super::asking::{asking, lines, table, time};
use super::exit::Exit;
use super::filter::TenantArgs;
use super::keys::{name, role_parser};
use crate::config::callers::Role;
use crate::config::period::Period;

/// The key to make.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// What the caller may do: edge (log people in, validate), backend (validate), admin (list and end sessions)
    #[arg(long, value_parser = role_parser())]
    role: Role,
    /// The caller's name; no other living key of the tenant has it
    #[arg(long, value_parser = name)]
    name: String,
    /// The only RPCs that it may call, such as SessionService/ValidateSession, or `*` for all of the role; without it all of the
    /// role, but a backend only checks sessions and tokens (docs/callers.md)
    #[arg(long = "rpc", value_name = "SERVICE/METHOD", value_delimiter = ',')]
    rpcs: Vec<String>,
    /// The tenants that it is for, `*` for every one; without it that of --tenant. Needs your own key to be for every one
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "tenant")]
    tenants: Vec<String>,
    /// How long it is good, such as 90d; without it a year
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    expires_in: Option<Period>,
    /// Why, for the log
    #[arg(long, default_value = "")]
    reason: String,
    /// Whose it is
    #[command(flatten)]
    tenant: TenantArgs,
    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// Whose keys, and how to print them.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Whose they are
    #[command(flatten)]
    tenant: TenantArgs,
    /// How to print them
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// The key to revoke.
#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// Its id, `key_...`, or the caller as `keys list` shows it, `<tenant>/<name>`
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    key: String,
    /// Why, for the log
    #[arg(long, default_value = "")]
    reason: String,
    /// Whose it is
    #[command(flatten)]
    tenant: TenantArgs,
    /// How to print what was done
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn create(args: CreateArgs, out: &mut impl Write) -> io::Result<Exit> {
    let CreateArgs { role, name, rpcs, tenants, expires_in, reason, tenant, output } = args;
    let role = match role {
        Role::Edge => CallerRole::Edge,
        Role::Backend => CallerRole::Backend,
        Role::Admin => CallerRole::Admin,
    };
    let lifetime = expires_in.and_then(|period| period.get().try_into().ok());
    let idempotency_key = String::new();
    let question =
        v1::CreateCallerKeyRequest { name, role: role.into(), rpcs, tenants, lifetime, reason, idempotency_key };
    asking(out, tenant.options(), async |client: &Client| {
        let made = client.admin().create_caller_key(question).await?;
        let mut shown = record(&made.key.unwrap_or_default());
        let text = match output {
            Format::Table => {
                let key = &made.api_key;
                format!("The API key. It is shown this once:\n\n  {key}\n\n{}", lines(&shown, &FIELDS))
            }
            Format::Json => {
                if let Value::Object(shown) = &mut shown {
                    shown.insert("api_key".to_owned(), made.api_key.into());
                }
                shown.to_string()
            }
        };
        Ok((text, Exit::Done))
    })
}

pub(super) fn list(args: ListArgs, out: &mut impl Write) -> io::Result<Exit> {
    asking(out, args.tenant.options(), async |client: &Client| {
        let listed = keys(client).await?;
        let records: Vec<_> = listed.iter().map(record).collect();
        let text = match args.output {
            Format::Table if records.is_empty() => "No API key was made at run time, or none is left.".to_owned(),
            Format::Table => {
                let all = table(&records, &COLUMNS);
                let unreadable: Vec<_> = listed.iter().filter(|key| !key.unreadable.is_empty()).map(record).collect();
                match unreadable.as_slice() {
                    [] => all,
                    some => format!("{all}\n\n{}", table(some, &["key_id", "unreadable"])),
                }
            }
            Format::Json => Value::Array(records).to_string(),
        };
        Ok((text, Exit::Done))
    })
}

pub(super) fn revoke(args: RevokeArgs, out: &mut impl Write) -> io::Result<Exit> {
    let RevokeArgs { key, reason, tenant, output } = args;
    asking(out, tenant.options(), async |client: &Client| {
        let is_id = key.starts_with("key_") && !key.contains('/');
        let key_id = if is_id { Some(key) } else { named(client, &key).await? };
        let revoked = match key_id {
            None => false,
            Some(key_id) => {
                let question = v1::RevokeCallerKeyRequest { key_id, reason, ..Default::default() };
                client.admin().revoke_caller_key(question).await?.revoked
            }
        };
        let text = match (output, revoked) {
            (Format::Json, revoked) => json!({ "revoked": revoked }).to_string(),
            (Format::Table, true) => "The API key is revoked.".to_owned(),
            (Format::Table, false) => "There is no such API key, or no longer.".to_owned(),
        };
        Ok((text, if revoked { Exit::Done } else { Exit::Absent }))
    })
}

async fn keys(client: &Client) -> Result<Vec<CallerKey>, Error> {
    Ok(client.admin().list_caller_keys(v1::ListCallerKeysRequest {}).await?.keys)
}

/// The id of a caller's key.
async fn named(client: &Client, caller: &str) -> Result<Option<String>, Error> {
    Ok(keys(client).await?.into_iter().find(|key| key.caller == caller).map(|key| key.key_id))
}

fn period(text: &str) -> Result<Period, &'static str> {
    Period::parse(text).ok_or("expected a length of time such as 90d, 12h or 30m")
}

fn record(key: &CallerKey) -> Value {
    let role = match key.role() {
        CallerRole::Edge => "edge",
        CallerRole::Backend => "backend",
        CallerRole::Admin => "admin",
        CallerRole::Unspecified => "unknown",
    };
    json!({
        "key_id": key.key_id,
        "caller": key.caller,
        "role": role,
        "tenants": key.tenants.join(","),
        "rpcs": key.rpcs.join(","),
        "created": time(key.create_time.as_ref()),
        "expires": time(key.expire_time.as_ref()),
        "created_by": key.created_by,
        "by_former_secret": if key.by_former_secret { "yes" } else { "no" },
        "unreadable": key.unreadable,
    })
}

const FIELDS: [&str; 8] = ["key_id", "caller", "role", "tenants", "rpcs", "created", "expires", "created_by"];

const COLUMNS: [&str; 7] = ["key_id", "caller", "role", "tenants", "expires", "created_by", "by_former_secret"];
