//! Owns the verbs `config check | show | schema | init`. Does not know what the keys mean.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Format;
use super::exit::Exit;
use crate::app::settings;
use crate::config::fault::{Fault, Faults};
use crate::config::load::{Loaded, Sources};
use crate::config::schema;
use crate::config::template::{self, InitFile};
use crate::config::variables::Variables;
use crate::crypto::SecretBytes;

/// Where the configuration is looked for when nobody says where, in this order.
const USUAL_PLACES: [&str; 2] = ["gatelodge.yaml", "config/gatelodge.yaml"];

/// What can be asked of the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Say everything that is wrong with the configuration, with line and column
    Check {
        /// The file; default as for every other verb
        file: Option<PathBuf>,
    },
    /// Show the configuration in force and where each value came from; secrets are hidden
    Show {
        /// How to print it
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
    },
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Write a commented gatelodge.yaml, and a .env with fresh secrets; one that is there is kept
    Init {
        /// The folder to write into
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

/// Runs a verb. `file` is what `--config` or `GATELODGE_CONFIG` named.
///
/// # Errors
/// The output can't be written.
pub fn run(verb: &Verb, file: Option<&Path>, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match verb {
        Verb::Check { file: named } => check(named.as_deref().or(file), out, err),
        Verb::Show { output } => show(file, *output, out, err),
        Verb::Schema => {
            serde_json::to_writer_pretty(&mut *out, schema::document())?;
            writeln!(out)?;
            Ok(Exit::Done)
        }
        Verb::Init { folder } => init(folder, out, err),
    }
}

/// Reads and checks the configuration: the file that is named, else the first of the usual places, else none; `.env`
/// in the working directory; the process's environment.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(file: Option<&Path>) -> Result<Loaded, Faults> {
    load_with(file, None)
}

/// The same for development: nothing has to be there that only production needs.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_for_development(file: &Path) -> Result<Loaded, Faults> {
    load_with(Some(file), Some(("GATELODGE__DEVELOPMENT".to_owned(), "true".to_owned())))
}

fn load_with(file: Option<&Path>, more: Option<(String, String)>) -> Result<Loaded, Faults> {
    let usual = || USUAL_PLACES.iter().map(Path::new).find(|path| path.symlink_metadata().is_ok());
    // Names and values that are not Unicode can't be ours.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let file = file.or_else(usual);
    let loaded = settings::load(Sources::read(file, Path::new(""), Variables::new(environment.chain(more)))?);
    loaded.map_err(|mut faults| {
        if file.is_none() {
            let [first, second] = USUAL_PLACES;
            let message = format!(
                "there is no {first} and no {second} here: name a file with --config, or write one with `gatelodge config init`"
            );
            faults.0.push(Fault::of("", message));
        }
        faults
    })
}

/// Says what is wrong, one line each.
///
/// # Errors
/// The output can't be written.
pub fn complain(faults: &Faults, err: &mut impl Write) -> io::Result<Exit> {
    for fault in &faults.0 {
        writeln!(err, "error: {fault}")?;
    }
    match faults.0.len() {
        1 => writeln!(err, "The configuration has 1 fault.")?,
        several => writeln!(err, "The configuration has {several} faults.")?,
    }
    Ok(Exit::Usage)
}

fn check(file: Option<&Path>, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match load(file) {
        Ok(loaded) => {
            warn(&loaded, err)?;
            let files: Vec<_> = loaded.files.iter().map(|file| file.display().to_string()).collect();
            match files.as_slice() {
                [] => writeln!(out, "ok: no file, only defaults and variables")?,
                files => writeln!(out, "ok: {}", files.join(", "))?,
            }
            Ok(Exit::Done)
        }
        Err(faults) => complain(&faults, err),
    }
}

fn show(file: Option<&Path>, output: Format, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(faults) => return complain(&faults, err),
    };
    warn(&loaded, err)?;
    match output {
        Format::Table => {
            writeln!(
                out,
                "# What is in force. Where a value is not the default, the comment says where it came from."
            )?;
            write!(out, "{}", loaded.explained())?;
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &loaded.entries())?;
            writeln!(out)?;
        }
    }
    Ok(Exit::Done)
}

fn warn(loaded: &Loaded, err: &mut impl Write) -> io::Result<()> {
    loaded.warnings.iter().try_for_each(|warning| writeln!(err, "warning: {warning}"))
}

fn init(folder: &Path, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let (Ok(session), Ok(csrf)) = (random(), random()) else {
        writeln!(err, "error: the system gives no random bytes")?;
        return Ok(Exit::Failed);
    };
    match template::init(folder, [session, csrf]) {
        Ok(files) => {
            for (InitFile { path, is_new }, what) in files.iter().zip(["every key, commented", "fresh secrets"]) {
                match is_new {
                    true => writeln!(out, "Wrote {} ({what}).", path.display())?,
                    false => writeln!(out, "Kept {}, which was there.", path.display())?,
                }
            }
            writeln!(out, "Next: enable a provider, then `gatelodge config check`.")?;
            let [yaml, _] = files;
            secrets_in_vain(&yaml.path, folder, err)?;
            Ok(Exit::Done)
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            writeln!(err, "error: {error}{cause}")?;
            Ok(Exit::Failed)
        }
    }
}

/// Warns where the new `.env` wins over secrets that were in force before: sessions would end with them.
fn secrets_in_vain(yaml: &Path, folder: &Path, err: &mut impl Write) -> io::Result<()> {
    let loaded = Sources::read(Some(yaml), folder, Variables::default()).and_then(settings::load);
    let warnings = loaded.map(|loaded| loaded.warnings).unwrap_or_default();
    let secrets = warnings.iter().filter(|warning| warning.path.ends_with("signing_secret"));
    secrets.into_iter().try_for_each(|warning| writeln!(err, "warning: {warning}"))
}

/// Random bytes of the operating system.
pub(super) fn random() -> Result<SecretBytes<32>, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(SecretBytes::new(bytes))
}
