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
use super::private_file::Alone;
use super::serving::{block_on, exit_of, failed};
use super::{Format, private_file};
use crate::app::census::{Counted, Kept, Untold, census, store_time};
use crate::app::made::{Longest, MARGIN, longest};
use crate::app::settings::{KeyRings, key_rings};
use crate::app::world::SystemClock;
use crate::authority::error::with_causes;
use crate::authority::ports::Clock as _;
use crate::config::Config;
use crate::config::fault::Fault;
use crate::config::load::Loaded;
use crate::config::moment::Moment;
use crate::config::period::Period;
use crate::config::ring_text::{NAMES, RingText};
use crate::config::store::Kind;
use crate::crypto::{Secret, key_id_text};
use crate::session::key_ring::KeyState;
use crate::session::time::Timestamp;

/// What can be done with key rings.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the keys of every ring: ids, what each does now by this machine's clock, dates; never a secret
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
    /// Count sessions, users, API keys, mint keys and audit entries under each key, in the store, and say which key none needs any
    /// more. With the embedded store the authority has to be stopped. Fails where some are under a key that is not loaded
    Check {
        /// How to print them
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
}

/// How long a store may take to tell its time.
const STORE_WITHIN: Duration = Duration::from_secs(10);

fn period(text: &str) -> Result<Period, &'static str> {
    Period::parse(text).ok_or("expected a length of time (`10m`)")
}

/// Runs a verb. `file` is what `--config` or `GATELODGE_CONFIG` named.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: &Verb, config: Option<&Path>, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match (verb, load(config)) {
        (Verb::Rotate { file, ring, after, output }, loaded) => {
            let named = file.clone().or_else(|| ring_file(loaded.as_ref().ok()?));
            if let (None, Err(faults)) = (&named, &loaded) {
                return complain(faults, err);
            }
            let config = loaded.ok().map(|loaded| loaded.config);
            let now = store_clock(config.as_ref(), err)?;
            let rotation = Rotation { config, now, active_from: now + after.get(), output: *output };
            rotate(named.as_deref(), ring, &rotation, out, err)
        }
        (_, Err(faults)) => complain(&faults, err),
        (Verb::List { output }, Ok(loaded)) => list(&loaded, SystemClock.now(), *output, out),
        (Verb::Check { output }, Ok(loaded)) => match block_on(census(&loaded.config)) {
            Some(Ok(counted)) => check(&counted, *output, out, err),
            Some(Err(error)) => Ok(failed(&error, exit_of(&error))),
            None => Ok(Exit::Failed),
        },
    }
}

/// The time by the clock that dates of keys are of. The embedded store's is this machine's, and its file may be in use; where
/// another does not tell, that is said.
fn store_clock(config: Option<&Config>, err: &mut impl Write) -> io::Result<Timestamp> {
    let Some(config) = config else {
        writeln!(err, "warning: the configuration can't be used: the dates are by this machine's clock")?;
        return Ok(SystemClock.now());
    };
    if config.store.kind == Kind::Embedded {
        return Ok(SystemClock.now());
    }
    let told = block_on(async { tokio::time::timeout(STORE_WITHIN, store_time(config)).await });
    let why = match told {
        Some(Ok(Ok(now))) => return Ok(now),
        Some(Ok(Err(error))) => with_causes(&error),
        Some(Err(_)) | None => "it does not answer".to_owned(),
    };
    writeln!(err, "warning: the store's time is not known ({why}): the dates are by this machine's clock")?;
    Ok(SystemClock.now())
}

/// Where the rings of the default tenant stand: beside the configuration.
fn ring_file(loaded: &Loaded) -> Option<PathBuf> {
    let folder = loaded.files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
    loaded.config.app.sessions.rings_file.as_ref().map(|file| folder.join(file))
}

/// What keys are added by.
struct Rotation {
    config: Option<Config>,
    now: Timestamp,
    active_from: Timestamp,
    output: Format,
}

/// A key that was added to a ring, and what becomes of those before it.
struct Added {
    ring: String,
    id: String,
    longest: Longest,
    /// When those before it are dropped, if any of them got an end.
    former_until: Timestamp,
    got_end: bool,
}

fn rotate(
    file: Option<&Path>,
    names: &[String],
    rotation: &Rotation,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let shown = file.map_or_else(String::new, |file| file.display().to_string());
    // From before it is read until it is written: of two at once the second finds what the first has added.
    let alone = match file.map(Alone::with).transpose() {
        Ok(alone) => alone,
        Err(error) => {
            writeln!(err, "error: can't lock the folder of {shown}: {error}. Nothing was changed")?;
            return Ok(Exit::Failed);
        }
    };
    let text = match file.map(std::fs::read_to_string) {
        None => Secret::default(),
        Some(Ok(text)) => Secret::new(text),
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Secret::default(),
        Some(Err(error)) => {
            writeln!(err, "error: can't read {shown}: {error}")?;
            return Ok(Exit::Failed);
        }
    };
    let mut rings = match RingText::read(&shown, text.expose()) {
        Ok(rings) => rings,
        Err(faults) => return complain(&faults, err),
    };
    let mut added = Vec::new();
    for name in names {
        if let Some((id, date)) = rings.waiting(name, rotation.now) {
            let message = format!("the key {id} waits for {date}: rotate again once it is active");
            return complain(&Fault::of(name.clone(), message).into(), err);
        }
        let Ok(bytes) = random() else {
            writeln!(err, "error: the system gives no random bytes")?;
            return Ok(Exit::Failed);
        };
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(bytes.expose()));
        let longest = longest(rotation.config.as_ref(), name);
        let former_until = rotation.active_from + longest.life + MARGIN;
        let (id, got_end) = rings.rotate(name, &secret, rotation.active_from, former_until, rotation.now);
        added.push(Added { ring: name.clone(), id, longest, former_until, got_end });
    }
    if let (Some(file), Some(alone)) = (file, &alone)
        && !put(file, &rings, alone, err)?
    {
        return Ok(Exit::Failed);
    }
    tell_added(&added, &rings, rotation, file, out)?;
    Ok(Exit::Done)
}

/// Writes the file, and says what is wrong with that. Answers whether it is there.
fn put(file: &Path, rings: &RingText, alone: &Alone, err: &mut impl Write) -> io::Result<bool> {
    let shown = file.display();
    match private_file::replace(file, rings.text().expose(), alone) {
        Ok(None) => Ok(true),
        Ok(Some(error)) => {
            writeln!(err, "warning: {shown} is written, but may be lost with the power: its folder says {error}")?;
            Ok(true)
        }
        Err(error) => {
            writeln!(err, "error: can't write {shown}: {error}. Nothing was changed")?;
            Ok(false)
        }
    }
}

fn tell_added(
    added: &[Added],
    rings: &RingText,
    rotation: &Rotation,
    file: Option<&Path>,
    out: &mut impl Write,
) -> io::Result<()> {
    let date = Moment::at(rotation.active_from);
    let record = |added: &Added| {
        json!({
            "ring": added.ring, "id": added.id, "active_from": date.to_string(),
            "former_until": Moment::at(added.former_until).to_string(), "as_long_as": added.longest.what,
            "former_got_end": added.got_end,
        })
    };
    let records: Vec<Value> = added.iter().map(record).collect();
    match (rotation.output, file) {
        (Format::Json, Some(_)) => writeln!(out, "{}", Value::Array(records)),
        (_, None) => {
            writeln!(
                out,
                "# No file of rings is named. Put this under app.sessions.rings of every replica by {date}."
            )?;
            writeln!(out, "# It is shown this once.\n{}", rings.lines().expose())
        }
        (Format::Table, Some(file)) => {
            writeln!(out, "{}", table(&records, &["ring", "id", "active_from", "former_until", "as_long_as"]))?;
            writeln!(
                out,
                "Wrote {}. Every replica has to have this file by {date}; it is read when it changes.",
                file.display()
            )?;
            if added.iter().any(|added| added.got_end) {
                writeln!(
                    out,
                    "The keys before these in the file are dropped at `former_until`: nothing is under them by then."
                )?;
            }
            let without: Vec<_> =
                added.iter().filter(|added| !added.got_end).map(|added| added.ring.as_str()).collect();
            if !without.is_empty() {
                writeln!(
                    out,
                    "No key got an end in: {}. What was used until now stands elsewhere (the secrets of the configuration, \
                     the ring `session`): take it out by hand after `former_until`, and see `gatelodge rings check`.",
                    without.join(", ")
                )?;
            }
            Ok(())
        }
    }
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
        let state = one.state.map_or("unknown", KeyState::name);
        let mut record =
            json!({ "tenant": one.tenant, "id": key_id_text(one.id), "state": state, "may_go": one.is_free() });
        if let Value::Object(record) = &mut record {
            let kinds = one.kept.named().into_iter().chain([("in_all", one.kept.total())]);
            record.extend(kinds.map(|(kind, count)| (kind.to_owned(), count.to_string().into())));
        }
        record
    };
    let records: Vec<_> = counted.iter().map(record).collect();
    match output {
        Format::Table => {
            let kinds = Kept::default().named().map(|(kind, _)| kind);
            let columns: Vec<_> = ["tenant", "id", "state"].into_iter().chain(kinds).chain(["in_all"]).collect();
            writeln!(out, "{}", table(&records, &columns))?;
            for one in counted.iter().filter(|one| one.state == Some(KeyState::Retiring)) {
                let (tenant, id) = (&one.tenant, key_id_text(one.id));
                let told = match (one.kept.total(), one.untold) {
                    (0, Untold::Nothing) => format!("nothing is under the key {id} any more: it may be taken out"),
                    (0, Untold::Until(date)) => format!(
                        "none of these is under the key {id}, but what is not counted may be (docs/operations.md): leave it in \
                         until {}",
                        Moment::at(date)
                    ),
                    (0, Untold::Unknown) => format!(
                        "none of these is under the key {id}, but what is not counted may be (docs/operations.md), and no later \
                         key says since when it signs (`active_from`): leave it in for as long as a session lasts after that"
                    ),
                    (count, _) => format!("{count} records need the key {id}: leave it in until none does"),
                };
                writeln!(out, "{tenant}: {told}")?;
            }
        }
        Format::Json => writeln!(out, "{}", Value::Array(records))?,
    }
    let lost: Vec<_> = counted.iter().filter(|one| one.is_lost()).collect();
    for Counted { tenant, id, kept, .. } in &lost {
        let kinds = kept.named().into_iter().filter(|(_, count)| *count > 0);
        let kinds: Vec<_> = kinds.map(|(kind, count)| format!("{count} {}", kind.replace('_', " "))).collect();
        let id = key_id_text(*id);
        writeln!(err, "error: {tenant}: the key {id} is not loaded; under it are {}", kinds.join(", "))?;
    }
    Ok(if lost.is_empty() { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Others may have learnt of its key by then: it is written all the same.
    #[test]
    fn a_file_that_may_be_lost_with_the_power_is_written_and_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let (file, mut err) = (folder.path().join("rings.yaml"), Vec::new());
        let rings = RingText::read("f", "csrf: [{ secret: x }]").unwrap();
        let is_there = put(&file, &rings, &Alone::unsafe_from_power().unwrap(), &mut err).unwrap();
        let err = String::from_utf8(err).unwrap();
        assert!(is_there && err.starts_with("warning: ") && err.contains("may be lost with the power"), "{err}");
        assert!(std::fs::read_to_string(&file).unwrap().contains("secret: 'x'"));
        let mut err = Vec::new();
        let alone = Alone::with(&file).unwrap();
        assert!(put(&file, &rings, &alone, &mut err).unwrap() && err.is_empty());
        assert!(!put(&folder.path().join("none/rings.yaml"), &rings, &alone, &mut err).unwrap());
        assert!(String::from_utf8(err).unwrap().contains("Nothing was changed"));
    }
}
