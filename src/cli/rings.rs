//! Owns the verbs `rings list | rotate | check`. Does not know what a key does at which time, nor what is kept under it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::asking::table;
use super::config::{complain, load, random};
use super::exit::Exit;
use super::serving::{block_on, exit_of, failed};
use super::{Format, private_file};
use crate::app::census::{Counted, census};
use crate::app::settings::{KeyRings, key_rings};
use crate::app::world::SystemClock;
use crate::authority::ports::Clock as _;
use crate::config::fault::Fault;
use crate::config::load::Loaded;
use crate::config::moment::Moment;
use crate::config::period::Period;
use crate::config::ring_text::{NAMES, RingText};
use crate::crypto::{Secret, key_id_text};
use crate::session::key_ring::KeyState;
use crate::session::time::Timestamp;

/// What can be done with key rings.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the keys of every ring: ids, what each does now, dates; never a secret
    List {
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Add a fresh key to rings: every replica only verifies with it until its date, and signs and seals with it from then on
    Rotate {
        /// The file of the rings; default: app.sessions.rings_file. Without either what to add is printed, and nothing written
        #[arg(long)]
        file: Option<PathBuf>,
        /// Which ring; can be repeated
        #[arg(long, default_values = ["session", "csrf"], value_parser = PossibleValuesParser::new(NAMES))]
        ring: Vec<String>,
        /// When it becomes active: every replica has to have read it by then
        #[arg(long, default_value = "10m", value_parser = period)]
        after: Period,
        /// How to print what was done
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Count sessions, users and mint keys under each key, in the store. With the embedded store the authority has to be
    /// stopped. Fails where some are under a key that is not loaded
    Check {
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
}

/// A session may be at work on its last request when its time is over, and clocks differ.
const MARGIN: Duration = Duration::from_hours(1);
/// As long as any session may live, where the configuration does not say how long its do.
const LONGEST: Duration = Duration::from_hours(400 * 24);

fn period(text: &str) -> Result<Period, &'static str> {
    Period::parse(text).ok_or("expected a length of time (`10m`)")
}

/// Runs a verb. `file` is what `--config` or `GATELODGE_CONFIG` named.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: &Verb, config: Option<&Path>, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let (loaded, now) = (load(config), SystemClock.now());
    match (verb, loaded) {
        (Verb::Rotate { file, ring, after, output }, loaded) => {
            let named = file.clone().or_else(|| ring_file(loaded.as_ref().ok()?));
            if let (None, Err(faults)) = (&named, &loaded) {
                return complain(faults, err);
            }
            let longest = loaded.ok().map_or(LONGEST, |loaded| longest(&loaded));
            let dates =
                Dates { now, active_from: now + after.get(), retire_before: now + after.get() + longest + MARGIN };
            rotate(named.as_deref(), ring, &dates, *output, out, err)
        }
        (_, Err(faults)) => complain(&faults, err),
        (Verb::List { output }, Ok(loaded)) => list(&loaded, now, *output, out),
        (Verb::Check { output }, Ok(loaded)) => match block_on(census(&loaded.config, now)) {
            Some(Ok(counted)) => check(&counted, *output, out, err),
            Some(Err(error)) => Ok(failed(&error, exit_of(&error))),
            None => Ok(Exit::Failed),
        },
    }
}

/// Where the rings of the default tenant stand: beside the configuration.
fn ring_file(loaded: &Loaded) -> Option<PathBuf> {
    let folder = loaded.files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
    loaded.config.app.sessions.rings_file.as_ref().map(|file| folder.join(file))
}

/// How long the longest session of any tenant may live.
fn longest(loaded: &Loaded) -> Duration {
    let of = |config: crate::config::Config| {
        let sessions = config.app.sessions;
        let remembered = sessions.remember_me.enabled.then(|| sessions.remember_me.max_age.get());
        sessions.max_age.get().max(remembered.unwrap_or_default())
    };
    loaded.config.tenancies().map(of).max().unwrap_or(LONGEST)
}

struct Dates {
    now: Timestamp,
    active_from: Timestamp,
    retire_before: Timestamp,
}

fn rotate(
    file: Option<&Path>,
    names: &[String],
    dates: &Dates,
    output: Format,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let text = match file.map(std::fs::read_to_string) {
        None => String::new(),
        Some(Ok(text)) => text,
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Some(Err(error)) => {
            writeln!(err, "error: can't read {}: {error}", file.unwrap_or(Path::new("")).display())?;
            return Ok(Exit::Failed);
        }
    };
    let shown = file.map_or_else(String::new, |file| file.display().to_string());
    let mut rings = match RingText::read(&shown, &text) {
        Ok(rings) => rings,
        Err(faults) => return complain(&faults, err),
    };
    let mut added = Vec::new();
    for name in names {
        if let Some((id, date)) = rings.waiting(name, dates.now) {
            let message = format!("the key {id} waits for {date}: rotate again once it is active");
            return complain(&Fault::of(name.clone(), message).into(), err);
        }
        let Ok(bytes) = random() else {
            writeln!(err, "error: the system gives no random bytes")?;
            return Ok(Exit::Failed);
        };
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(bytes.expose()));
        added.push((name, rings.rotate(name, &secret, dates.active_from, dates.retire_before, dates.now)));
    }
    if let Some(file) = file
        && let Err(error) = private_file::replace(file, rings.text().expose())
    {
        writeln!(err, "error: can't write {}: {error}. Nothing was changed", file.display())?;
        return Ok(Exit::Failed);
    }
    let date = Moment::at(dates.active_from);
    let record = |(ring, id): &(&String, String)| json!({ "ring": ring, "id": id, "active_from": date.to_string() });
    let records: Vec<Value> = added.iter().map(record).collect();
    match (output, file) {
        (Format::Json, Some(_)) => writeln!(out, "{}", Value::Array(records))?,
        (_, None) => {
            writeln!(
                out,
                "# No file of rings is named. Put this under app.sessions.rings of every replica by {date}."
            )?;
            writeln!(out, "# It is shown this once.\n{}", rings.lines())?;
        }
        (Format::Table, Some(file)) => {
            writeln!(out, "{}", table(&records, &["ring", "id", "active_from"]))?;
            writeln!(
                out,
                "Wrote {}. Every replica has to have this file by {date}; it is read when it changes. The keys before \
                 these are dropped at {}.",
                file.display(),
                Moment::at(dates.retire_before)
            )?;
        }
    }
    Ok(Exit::Done)
}

fn list(loaded: &Loaded, now: Timestamp, output: Format, out: &mut impl Write) -> io::Result<Exit> {
    let date = |date: Option<Timestamp>| date.map_or(Value::Null, |date| Moment::at(date).to_string().into());
    let mut records = Vec::new();
    for tenancy in loaded.config.tenancies() {
        for (ring, keys) in key_rings(&tenancy).iter().flat_map(KeyRings::named) {
            records.extend(keys.states(now).map(|(key, state)| {
                json!({
                    "tenant": tenancy.tenant.name, "ring": ring, "id": key_id_text(key.id), "state": state.name(),
                    "active_from": date(key.active_from), "retire_after": date(key.retire_after),
                })
            }));
        }
    }
    match output {
        Format::Table => {
            let columns = ["tenant", "ring", "id", "state", "active_from", "retire_after"];
            writeln!(out, "{}", table(&records, &columns))?;
        }
        Format::Json => writeln!(out, "{}", Value::Array(records))?,
    }
    Ok(Exit::Done)
}

fn check(counted: &[Counted], output: Format, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let record = |one: &Counted| {
        let kept = one.kept;
        json!({
            "tenant": one.tenant, "id": key_id_text(one.id), "state": one.state.map_or("unknown", KeyState::name),
            "sessions": kept.sessions.to_string(), "users": kept.users.to_string(),
            "mint_keys": kept.mint_keys.to_string(),
        })
    };
    let records: Vec<_> = counted.iter().map(record).collect();
    match output {
        Format::Table => {
            writeln!(out, "{}", table(&records, &["tenant", "id", "state", "sessions", "users", "mint_keys"]))?;
        }
        Format::Json => writeln!(out, "{}", Value::Array(records))?,
    }
    let lost: Vec<_> = counted.iter().filter(|one| one.is_lost()).collect();
    for Counted { tenant, id, kept, .. } in &lost {
        writeln!(
            err,
            "error: {tenant}: the key {} is not loaded; under it are {} sessions, {} users, {} sets of mint keys",
            key_id_text(*id),
            kept.sessions,
            kept.users,
            kept.mint_keys
        )?;
    }
    Ok(if lost.is_empty() { Exit::Done } else { Exit::Failed })
}
