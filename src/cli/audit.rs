//! Owns the verbs `audit` and `explain`: what an admin asks a running authority about what happened. Does not know how that is
//! kept.

use std::io::{self, Write};

use clap::builder::NonEmptyStringValueParser;
use futures::lock::Mutex;
use gatelodge_client::v1::{self, AuditAction, AuditEntry, AuditOutcome};
use gatelodge_client::{Client, Error, Timestamp};
use serde_json::{Value, json};

use super::Format;
use super::asking::{asking, lines, pages, table, time};
use super::exit::Exit;
use super::filter::{TenantArgs, moment};

/// Which entries, and how to print them.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// Whose
    #[command(flatten)]
    tenant: TenantArgs,
    /// Only what is about this user, `<provider>_<sub>`
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// Only what is about this session, "sid_..."
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    session: Option<String>,
    /// Only what this request did
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    request: Option<String>,
    /// Only what this caller did, by its name in the configuration
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    caller: Option<String>,
    /// Only these actions: login_begun, login_completed, theft ... as entries name them
    #[arg(long, value_name = "ACTION", value_delimiter = ',', value_parser = action)]
    action: Vec<AuditAction>,
    /// Only what failed, ended in trouble, or may be undone by a failover
    #[arg(long)]
    failures: bool,
    /// Only what happened then or later: 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what happened before: 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "follow")]
    until: Option<Timestamp>,
    /// List at most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "follow")]
    limit: u16,
    /// Print what happens from now on, until the authority ends the stream; as JSON an entry on each line, and {"gap":true}
    /// where some may be missing
    #[arg(long, short)]
    follow: bool,
    /// How to print them
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// Which login, and how to print what became of it.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Whose
    #[command(flatten)]
    tenant: TenantArgs,
    /// The id of one of its requests
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    request_id: String,
    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// Lists entries, or follows them.
///
/// # Errors
/// The output can't be written.
pub fn list(args: AuditArgs, out: &mut impl Write) -> io::Result<Exit> {
    let AuditArgs { tenant, user, session, request, caller, action, failures, since, until, limit, follow, output } =
        args;
    let filter = v1::AuditFilter {
        user_id: user.unwrap_or_default(),
        session_id: session.unwrap_or_default(),
        request_id: request.unwrap_or_default(),
        caller: caller.unwrap_or_default(),
        actions: action.into_iter().map(Into::into).collect(),
        only_failures: failures,
        after_time: since,
        before_time: until,
    };
    if follow {
        let out = Mutex::new(out);
        let mut end = io::sink();
        return asking(&mut end, tenant.options(), async |client: &Client| {
            let exit = follow_all(client, filter, output, &mut **out.lock().await).await?;
            Ok((String::new(), exit))
        });
    }
    asking(out, tenant.options(), async |client: &Client| {
        let entries = pages(limit.into(), async |page_token| {
            let question = v1::ListAuditRequest { filter: Some(filter.clone()), page_size: 200, page_token };
            let page = client.admin().list_audit(question).await?;
            Ok((page.entries, page.next_page_token))
        });
        let records: Vec<_> = entries.await?.iter().map(record).collect();
        let text = match output {
            Format::Table if records.is_empty() => "Nothing of the kind was written down.".to_owned(),
            Format::Table => table(&records, &COLUMNS),
            Format::Json => Value::Array(records).to_string(),
        };
        Ok((text, Exit::Done))
    })
}

async fn follow_all(
    client: &Client,
    filter: v1::AuditFilter,
    output: Format,
    out: &mut impl Write,
) -> Result<Exit, Error> {
    let mut stream = client.admin().watch_audit(v1::WatchAuditRequest { filter: Some(filter) }).await?;
    while let Ok(Some(told)) = stream.message().await {
        let gap = told.gap.then(|| match output {
            Format::Table => GAP.to_owned(),
            Format::Json => json!({"gap": true}).to_string(),
        });
        let told = told.entries.iter().map(record).map(|record| match output {
            Format::Table => line(&record),
            Format::Json => record.to_string(),
        });
        for line in gap.into_iter().chain(told) {
            // Whoever reads has had enough.
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return Ok(Exit::Done);
            }
        }
    }
    Ok(Exit::Unavailable)
}

/// Explains a login.
///
/// # Errors
/// The output can't be written.
pub fn explain(args: ExplainArgs, out: &mut impl Write) -> io::Result<Exit> {
    let ExplainArgs { tenant, request_id, output } = args;
    asking(out, tenant.options(), async |client: &Client| {
        let answer = client.admin().explain_login(v1::ExplainLoginRequest { request_id }).await?;
        let records: Vec<_> = answer.entries.iter().map(record).collect();
        let text = match output {
            Format::Table => records.iter().map(explained).collect::<Vec<_>>().join("\n\n"),
            Format::Json => Value::Array(records).to_string(),
        };
        Ok((text, Exit::Done))
    })
}

/// An entry with its steps, a line each.
fn explained(record: &Value) -> String {
    let given = |field: &&&str| record.get(**field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let fields: Vec<_> = FIELDS.iter().filter(given).copied().collect();
    let steps = record.get("steps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let step = |step: &Value| {
        let field = |name| step.get(name).and_then(Value::as_str).unwrap_or("-");
        format!("\n  {:<8} {:<18} {}", field("outcome"), field("step"), field("time"))
    };
    steps.iter().map(step).fold(lines(record, &fields), |text, line| text + &line)
}

/// An entry on one line.
fn line(record: &Value) -> String {
    let field = |name: &&str| record.get(*name).and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or("-");
    let text = COLUMNS.iter().map(field).collect::<Vec<_>>().join("  ");
    text.chars().filter(|c| !c.is_control()).collect()
}

fn record(entry: &AuditEntry) -> Value {
    let outcome = |outcome: AuditOutcome| word(outcome.as_str_name(), "AUDIT_OUTCOME_");
    let steps: Vec<_> = entry
        .steps
        .iter()
        .map(|step| json!({"step": step.name, "outcome": outcome(step.outcome()), "time": time(step.time.as_ref())}))
        .collect();
    json!({
        "time": time(entry.time.as_ref()),
        "action": word(entry.action().as_str_name(), "AUDIT_ACTION_"),
        "outcome": outcome(entry.outcome()),
        "reason": entry.reason,
        "detail": entry.detail,
        "note": entry.note,
        "caller": entry.caller,
        "client_address": entry.client_address,
        "user_id": entry.user_id,
        "session_id": entry.session_id,
        "provider": entry.provider,
        "ended": entry.ended_count,
        "ended_session_ids": entry.ended_session_ids,
        "request_id": entry.request_id,
        "login_id": entry.login_id,
        "entry_id": entry.entry_id,
        "steps": steps,
    })
}

fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

/// Reads an action by the name that entries have for it.
fn action(text: &str) -> Result<AuditAction, String> {
    let name = format!("AUDIT_ACTION_{}", text.to_uppercase().replace('-', "_"));
    let known = AuditAction::from_str_name(&name).filter(|action| *action != AuditAction::Unspecified);
    known.ok_or_else(|| "expected an action such as login_completed, revoked_by_admin or theft".to_owned())
}

const GAP: &str = "-- entries may be missing here: `gatelodge audit` lists them --";

const COLUMNS: [&str; 9] =
    ["time", "action", "outcome", "reason", "user_id", "session_id", "caller", "client_address", "request_id"];

const FIELDS: [&str; 12] = [
    "time",
    "action",
    "outcome",
    "reason",
    "detail",
    "note",
    "caller",
    "client_address",
    "user_id",
    "session_id",
    "provider",
    "request_id",
];
