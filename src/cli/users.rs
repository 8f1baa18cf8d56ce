//! Owns the verbs `users get | list | disable | enable | delete`: what an admin asks a running authority about people.
//! Does not know how users are kept.

use std::io::{self, Write};

use clap::builder::NonEmptyStringValueParser;
use gatelodge_client::v1::{self, User, UserState};
use gatelodge_client::{Client, Error};
use serde_json::{Value, json};

use super::Format;
use super::asking::{asking, lines, pages, say_unreadable, table, time};
use super::exit::Exit;
use super::filter::TenantArgs;

/// What can be done with users. The authority's address and an admin's key come from GATELODGE_ADDRESS and
/// GATELODGE_API_KEY.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Show one user; exit code 66 where nobody has the id
    Get {
        /// `<provider>_<sub>`
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        user_id: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// List whoever has logged in
    List {
        /// List at most this many
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// End every session of a user, and let them log in no more
    Disable(UserArgs),
    /// Let a disabled user log in again
    Enable(UserArgs),
    /// Delete a user with every session of theirs; a later login makes a new one
    Delete(UserArgs),
}

/// A user, and why something is done to them.
#[derive(Debug, clap::Args)]
pub struct UserArgs {
    /// `<provider>_<sub>`
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    user_id: String,
    /// Why, for the log
    #[arg(long, default_value = "")]
    reason: String,
    /// How to print what was done
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// Runs a verb.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: Verb, tenant: TenantArgs, out: &mut impl Write) -> io::Result<Exit> {
    asking(out, tenant.options(), async |client: &Client| Ok((ask(client, verb).await?, Exit::Done)))
}

async fn ask(client: &Client, verb: Verb) -> Result<String, Error> {
    let admin = client.admin();
    Ok(match verb {
        Verb::Get { user_id, output } => {
            let answer = admin.get_user(v1::GetUserRequest { user_id }).await?;
            let user = record(&answer.user.unwrap_or_default());
            match output {
                Format::Table => lines(&user, &FIELDS),
                Format::Json => user.to_string(),
            }
        }
        Verb::List { limit, output } => {
            let mut unreadable = Vec::new();
            let users = pages(limit.into(), async |page_token| {
                let page = admin.list_users(v1::ListUsersRequest { page_size: 200, page_token }).await?;
                unreadable.extend(page.unreadable);
                Ok((page.users, page.next_page_token))
            });
            let records: Vec<_> = users.await?.iter().map(record).collect();
            say_unreadable("users", &unreadable);
            match output {
                Format::Table if records.is_empty() => "Nobody has logged in.".to_owned(),
                Format::Table => table(&records, &COLUMNS),
                Format::Json => Value::Array(records).to_string(),
            }
        }
        Verb::Disable(UserArgs { user_id, reason, output }) => {
            let answer = admin.disable_user(v1::DisableUserRequest { user_id, reason, ..Default::default() }).await?;
            done("The user is disabled", Some(answer.revoked_count), output)
        }
        Verb::Enable(UserArgs { user_id, reason, output }) => {
            admin.enable_user(v1::EnableUserRequest { user_id, reason, ..Default::default() }).await?;
            done("The user may log in again", None, output)
        }
        Verb::Delete(UserArgs { user_id, reason, output }) => {
            let answer = admin.delete_user(v1::DeleteUserRequest { user_id, reason, ..Default::default() }).await?;
            done("The user is deleted", Some(answer.revoked_count), output)
        }
    })
}

fn done(what: &str, count: Option<u64>, output: Format) -> String {
    match (output, count) {
        (Format::Json, Some(count)) => json!({ "revoked_count": count }).to_string(),
        (Format::Json, None) => json!({}).to_string(),
        (Format::Table, None) => format!("{what}."),
        (Format::Table, Some(1)) => format!("{what}; 1 session was ended."),
        (Format::Table, Some(count)) => format!("{what}; {count} sessions were ended."),
    }
}

fn record(user: &User) -> Value {
    let state = match user.state() {
        UserState::Active => "active",
        UserState::Disabled => "disabled",
        UserState::Deleted => "deleted",
        UserState::Unspecified => "unknown",
    };
    json!({
        "user_id": user.user_id,
        "state": state,
        "email": user.email,
        "name": user.name,
        "provider": user.provider,
        "issuer": user.issuer,
        "sub": user.sub,
        "first_login": time(user.first_login_time.as_ref()),
        "last_login": time(user.last_login_time.as_ref()),
        "logins": user.login_count.to_string(),
        "deleted": time(user.delete_time.as_ref()),
    })
}

const FIELDS: [&str; 11] = [
    "user_id",
    "state",
    "email",
    "name",
    "provider",
    "issuer",
    "sub",
    "first_login",
    "last_login",
    "logins",
    "deleted",
];

const COLUMNS: [&str; 6] = ["user_id", "state", "email", "name", "last_login", "logins"];
