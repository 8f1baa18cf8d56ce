//! Owns the verbs `sessions list | show | revoke` and `health`: what an admin asks a running authority.
//! Does not know how sessions are kept.

use std::io::{self, Write};

use clap::builder::NonEmptyStringValueParser;
use gatelodge_client::v1::{self, Session, admin_service_revoke_request::Target};
use gatelodge_client::{Client, ClientOptions, Error};
use serde_json::{Value, json};

use super::Format;
use super::advice::refused;
use super::asking::{asking, lines, pages, say_unreadable, table, time};
use super::exit::Exit;
use super::filter::{FilterArgs, TenantArgs, provider_session};
use super::serving::{block_on, failed};

/// What can be done with sessions. The authority's address and an admin's key come from GATELODGE_ADDRESS and
/// GATELODGE_API_KEY.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the living sessions
    List {
        /// Only those of this user, `<provider>_<sub>`
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        user: Option<String>,
        /// Which sessions, beside whose
        #[command(flatten)]
        filter: FilterArgs,
        /// List at most this many
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Show one session
    Show {
        /// The public session id, "sid_..."
        session_id: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// End one session, or all of a user, provider or tenant; exit code 66 where the id is of no living session
    #[command(group = clap::ArgGroup::new("target").required(true))]
    Revoke {
        /// The public session id, "sid_..."
        #[arg(group = "target")]
        session_id: Option<String>,
        /// All sessions of this user, `<provider>_<sub>`
        #[arg(long, group = "target", value_parser = NonEmptyStringValueParser::new())]
        user: Option<String>,
        /// All sessions that this provider's logins have made
        #[arg(long, group = "target", value_parser = NonEmptyStringValueParser::new())]
        provider: Option<String>,
        /// All sessions that belong to one of a provider's own, `<provider>:<sid>`
        #[arg(long, group = "target", value_parser = provider_session)]
        provider_session: Option<v1::ProviderSession>,
        /// All sessions of the tenant
        #[arg(long, group = "target")]
        whole_tenant: bool,
        /// All sessions of every tenant
        #[arg(long, group = "target")]
        everything: bool,
        /// End none: say how many it would end
        #[arg(long)]
        dry_run: bool,
        /// Why, for the log
        #[arg(long, default_value = "")]
        reason: String,
        /// How to print the count
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
}

/// Runs a verb.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: Verb, tenant: TenantArgs, out: &mut impl Write) -> io::Result<Exit> {
    asking(out, tenant.options(), async |client: &Client| ask(client, verb).await)
}

/// Asks whether an authority serves: for container health checks. Needs an address and no key.
///
/// # Errors
/// The output can't be written.
pub fn health(address: &str, out: &mut impl Write) -> io::Result<Exit> {
    let asked = block_on(async {
        let client =
            Client::connect(&ClientOptions::without_key(address)).map_err(|error| failed(&error, Exit::Usage))?;
        client.is_serving("").await.map_err(|error| refused(&error, "--address (or GATELODGE_ADDRESS)"))
    });
    match asked {
        Some(Ok(true)) => writeln!(out, "serving").map(|()| Exit::Done),
        Some(Ok(false)) => writeln!(out, "not serving").map(|()| Exit::Unavailable),
        Some(Err(exit)) => Ok(exit),
        None => Ok(Exit::Failed),
    }
}

async fn ask(client: &Client, verb: Verb) -> Result<(String, Exit), Error> {
    let done = |text| (text, Exit::Done);
    Ok(match verb {
        Verb::List { user, filter, limit, output } => {
            let question = filter.question(user.unwrap_or_default());
            let mut unreadable = Vec::new();
            let sessions = pages(limit.into(), async |page_token| {
                let question = v1::ListSessionsRequest { page_size: 200, page_token, ..question.clone() };
                let page = client.admin().list_sessions(question).await?;
                unreadable.extend(page.unreadable);
                Ok((page.sessions, page.next_page_token))
            });
            let records: Vec<_> = sessions.await?.iter().map(record).collect();
            say_unreadable("sessions", &unreadable);
            done(match output {
                Format::Table if records.is_empty() => "No session is living.".to_owned(),
                Format::Table => table(&records, &COLUMNS),
                Format::Json => Value::Array(records).to_string(),
            })
        }
        Verb::Show { session_id, output } => {
            let answer = client.admin().get_session(v1::GetSessionRequest { session_id }).await?;
            let session = record(&answer.session.unwrap_or_default());
            done(match output {
                Format::Table => lines(&session, &FIELDS),
                Format::Json => session.to_string(),
            })
        }
        Verb::Revoke {
            session_id,
            user,
            provider,
            provider_session,
            whole_tenant,
            everything,
            dry_run,
            reason,
            output,
        } => {
            let one = session_id.map(Target::SessionId).or(user.map(Target::UserId));
            let one = one.or(provider_session.map(Target::ProviderSession));
            let marked = provider.map(Target::Provider).or(whole_tenant.then_some(Target::Tenant(v1::WholeTenant {})));
            let target = one.or(marked).or(everything.then_some(Target::Everything(v1::Everything {})));
            match target {
                Some(target) if dry_run => done(preview(client, target, output).await?),
                target => revoke(client, target, reason, output).await?,
            }
        }
    })
}

async fn revoke(
    client: &Client,
    target: Option<Target>,
    reason: String,
    output: Format,
) -> Result<(String, Exit), Error> {
    let is_one = matches!(target, Some(Target::SessionId(_)));
    let is_user = matches!(target, Some(Target::UserId(_)));
    let is_marked = !matches!(target, Some(Target::SessionId(_) | Target::UserId(_) | Target::ProviderSession(_)));
    let answer = client.admin().revoke(v1::AdminServiceRevokeRequest { target, reason, ..Default::default() }).await?;
    let count = answer.revoked_count;
    let text = match (output, count) {
        (Format::Json, _) if is_marked => json!({ "revoked": true }).to_string(),
        (Format::Json, _) => json!({ "revoked_count": count }).to_string(),
        (Format::Table, 0) if is_one => "No living session has this id; nothing was ended.".to_owned(),
        (Format::Table, 0) if is_user => "This user has no living session; logins under way were ended.".to_owned(),
        (Format::Table, 0) if is_marked => "All of them were ended, logins under way included.".to_owned(),
        (Format::Table, 0) => "No living session belongs to it; nothing was ended.".to_owned(),
        (Format::Table, 1) => "1 session was ended.".to_owned(),
        (Format::Table, several) => format!("{several} sessions were ended."),
    };
    Ok((text, if is_one && count == 0 { Exit::Absent } else { Exit::Done }))
}

async fn preview(client: &Client, target: Target, output: Format) -> Result<String, Error> {
    use v1::preview_revoke_request::Target as Previewed;
    // What is counted where there are too many to look at each.
    let at_most = match target {
        Target::Everything(_) => "so many sessions there are of all tenants",
        Target::Provider(_) => "so many sessions there are of this tenant, by whichever provider",
        _ => "so many sessions there are of this tenant",
    };
    let target = Some(match target {
        Target::SessionId(id) => Previewed::SessionId(id),
        Target::UserId(id) => Previewed::UserId(id),
        Target::Provider(name) => Previewed::Provider(name),
        Target::ProviderSession(own) => Previewed::ProviderSession(own),
        Target::Tenant(all) => Previewed::Tenant(all),
        Target::Everything(all) => Previewed::Everything(all),
    });
    let v1::PreviewRevokeResponse { count, exact } =
        client.admin().preview_revoke(v1::PreviewRevokeRequest { target }).await?;
    Ok(match output {
        Format::Json => json!({ "count": count, "exact": exact }).to_string(),
        Format::Table if exact => format!("{count} would be ended; nothing was."),
        Format::Table => format!("At most {count} would be ended: {at_most}. Nothing was."),
    })
}

fn record(session: &Session) -> Value {
    let (identity, info) = (session.identity.clone().unwrap_or_default(), session.info.clone().unwrap_or_default());
    json!({
        "session_id": info.session_id,
        "user_id": identity.user_id,
        "email": identity.email,
        "name": identity.name,
        "provider": identity.provider,
        "created": time(info.create_time.as_ref()),
        "last_active": time(info.last_active_time.as_ref()),
        "idle_end": time(info.idle_expire_time.as_ref()),
        "absolute_end": time(info.absolute_expire_time.as_ref()),
        "access_token_end": time(session.access_token_expire_time.as_ref()),
        "client_address": session.client_address,
        "device": info.device,
        "place": info.place,
        "user_agent": session.user_agent,
    })
}

const COLUMNS: [&str; 7] = ["session_id", "user_id", "email", "last_active", "idle_end", "device", "client_address"];

const FIELDS: [&str; 14] = [
    "session_id",
    "user_id",
    "email",
    "name",
    "provider",
    "created",
    "last_active",
    "idle_end",
    "absolute_end",
    "access_token_end",
    "client_address",
    "device",
    "place",
    "user_agent",
];
