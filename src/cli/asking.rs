//! Owns what the verbs that ask a running authority as an admin have in common: whom they ask, how pages become a list,
//! how records are printed. Does not know what is asked.

use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use gatelodge_client::v1::Unreadable;
use gatelodge_client::{Client, ClientOptions, Error, OptionsError, Timestamp};
use serde_json::Value;

use super::advice::refused;
use super::exit::Exit;
use super::serving::{block_on, failed};

/// Asks the authority that these options name, and prints what came of it.
///
/// # Errors
/// The output can't be written.
pub(super) fn asking(
    out: &mut impl Write,
    options: Result<ClientOptions, OptionsError>,
    ask: impl AsyncFnOnce(&Client) -> Result<(String, Exit), Error>,
) -> io::Result<Exit> {
    let options = match options {
        Ok(options) => options,
        Err(error) => return Ok(failed(&error, Exit::Usage)),
    };
    let asked = block_on(async {
        let client = Client::connect(&options).map_err(|error| failed(&error, Exit::Usage))?;
        ask(&client).await.map_err(|error| refused(&error, "GATELODGE_ADDRESS"))
    });
    match asked {
        Some(Ok((text, exit))) => writeln!(out, "{text}").map(|()| exit),
        Some(Err(exit)) => Ok(exit),
        None => Ok(Exit::Failed),
    }
}

/// Reads pages until there are no more, or `limit` things; that there are others is said on standard error. A page is what
/// is on it, and the token of the next.
pub(super) async fn pages<T>(
    limit: usize,
    mut page: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Error>,
) -> Result<Vec<T>, Error> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (found, next) = page(token).await?;
        all.extend(found);
        token = next;
        if all.len() > limit {
            all.truncate(limit);
            // Standard error is closed: there is nowhere left to say it.
            let _ = writeln!(io::stderr(), "note: there are more than {limit}; --limit says how many to list");
            return Ok(all);
        }
        if token.is_empty() {
            return Ok(all);
        }
    }
}

/// Says on standard error what of a list of `kind` can't be read, each reason once.
pub(super) fn say_unreadable(kind: &str, all: &[Unreadable]) {
    let mut counts = BTreeMap::<&str, u64>::new();
    for Unreadable { why, count } in all {
        *counts.entry(why).or_default() += count;
    }
    for (why, count) in counts {
        let why: String = why.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(io::stderr(), "warning: {count} {kind} can't be read, and are not listed: {why}");
    }
}

/// Records as a table of these columns.
pub(super) fn table(records: &[Value], columns: &[&str]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.replace('_', " ").to_uppercase()));
    for record in records {
        table.add_row(columns.iter().map(|column| text(record, column)));
    }
    table.trim_fmt()
}

/// One record, a field on each line.
pub(super) fn lines(record: &Value, fields: &[&str]) -> String {
    let longest = fields.iter().map(|field| field.len()).max().unwrap_or_default();
    let line = |field: &&str| format!("{field:<longest$} {}", text(record, field));
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A field as a person reads it, with what could change a terminal left out (security.md 110).
fn text(record: &Value, field: &str) -> String {
    let text = record.get(field).and_then(Value::as_str).unwrap_or("-");
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A moment as records have it.
pub(super) fn time(moment: Option<&Timestamp>) -> Value {
    moment.map_or(Value::Null, |moment| Value::String(moment.to_string()))
}
