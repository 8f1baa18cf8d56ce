//! Owns the way from sources to a checked configuration. Does not read the process's own environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Config;
use super::fault::{Fault, Faults};
use super::interpolate::interpolate;
use super::schema::Shape;
use super::secret_files::{self, Findings};
use super::shape::prune;
use super::tree::{Content, Node, Origin, Place};
use super::variables::Variables;
use super::{layers, overrides, ring_files, rules, text, yaml};
use crate::crypto::{Digest, digest};

/// What a configuration is made from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The YAML file; without one there are only defaults and the environment.
    pub file: Option<Text>,
    /// The `.env` file.
    pub dotenv: Option<Text>,
    /// The environment of the process.
    pub environment: Variables,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its path, as messages name it.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// A configuration that passed every check, and where its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where each value that is not a default came from, by its key.
    pub origins: BTreeMap<String, Origin>,
    /// What is allowed and still worth a second look.
    pub warnings: Vec<Fault>,
    /// The files that were read: YAML and `.env`, those of the two that are there.
    pub files: Vec<PathBuf>,
    /// Those files, and every other one that a key names: what has to be read again when it changes.
    pub watched: BTreeSet<PathBuf>,
    /// A hash of every value that is not a default, by its key, and of what is in the files that are named: tells what has
    /// changed, secrets included, and shows none.
    pub values: BTreeMap<String, Digest>,
}

impl Sources {
    /// Reads the YAML file at `path`, or none, and `.env` in `folder` if there is one.
    ///
    /// # Errors
    /// A file can't be read: the YAML file has to be there, `.env` need not.
    pub fn read(path: Option<&Path>, folder: &Path, environment: Variables) -> Result<Self, Faults> {
        let unreadable = |path: &Path, error: &std::io::Error| {
            Faults::from(Fault::of("", format!("can't read {}: {error}", path.display())))
        };
        let file = path
            .map(|path| match text::read(path) {
                Ok(text) => Ok(Text { path: path.to_owned(), text }),
                Err(error) => Err(unreadable(path, &error)),
            })
            .transpose()?;
        let dotenv = folder.join(".env");
        let dotenv = match text::read(&dotenv) {
            Ok(text) => Some(Text { path: ".env".into(), text }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&dotenv, &error)),
        };
        Ok(Self { file, dotenv, environment })
    }

    /// A configuration text of our own, with no file behind it.
    #[must_use]
    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self { file: Some(Text { path: name.into(), text: text.into() }), ..Self::default() }
    }
}

impl Config {
    /// Reads, layers and checks. The environment wins over the file, and the file over the defaults. `parts` says what
    /// those who use the values would refuse: so each rule stands once, and what passes here can be started.
    ///
    /// # Errors
    /// Everything that is wrong, at once (only a fault of YAML syntax hides what comes after it).
    pub fn load(sources: Sources, parts: impl Fn(&Self) -> Vec<Fault>) -> Result<Loaded, Faults> {
        let mut faults = Vec::new();
        let files: Vec<PathBuf> = sources.file.iter().chain(&sources.dotenv).map(|text| text.path.clone()).collect();
        let mut variables = sources.environment;
        if let Some(dotenv) = &sources.dotenv {
            variables.add_dotenv(&name_of(&dotenv.path), &dotenv.text, &mut faults);
        }
        let (file, unset) = file_layer(sources.file.as_ref(), &variables, &mut faults)?;
        let environment = environment_layer(&variables, &mut faults);
        let (mut file, mut environment) = (file, environment);

        let folder = sources.file.as_ref().and_then(|file| file.path.parent()).unwrap_or(Path::new(""));
        let (mut in_file, mut in_environment) = (Findings::default(), Findings::default());
        secret_files::read(&mut file, Shape::root(), folder, "", &mut in_file);
        secret_files::read(&mut environment, Shape::root(), Path::new(""), "", &mut in_environment);
        ring_files::read(&mut file, &variables, folder, &mut in_file);
        ring_files::read(&mut environment, &variables, Path::new(""), &mut in_environment);

        let (config, whole) = match layers::merged([&file, &environment]) {
            Ok(merged) => merged,
            Err(fault) => {
                faults.extend(unset.into_iter().chain(in_file.faults).chain(in_environment.faults).chain([fault]));
                return Err(Faults::sorted(faults));
            }
        };

        // What is missing is no fault where the environment gave it, nor under a provider that is not offered.
        let overridden = environment.leaves();
        let moot = |fault: &Fault| {
            overridden.contains_key(fault.path.trim_end_matches("_file")) || is_off(&config, &fault.path)
        };
        faults.extend(unset.into_iter().chain(in_file.faults).filter(|fault| !moot(fault)));
        faults.extend(in_environment.faults);

        let in_vain = in_vain(&file.leaves(), &overridden);
        let origins = whole.leaves();
        let placed = |mut fault: Fault| {
            fault.place = fault.place.or_else(|| nearest(&origins, &file, &fault.path));
            fault
        };
        let judged = rules::judge(&config);
        for fault in judged.faults.into_iter().chain(config.judge_each(parts)) {
            // One fault of a key is enough: what is unreadable or missing would be wrong by other rules too.
            if !faults.iter().any(|said| concerns(&said.path, &fault.path)) {
                faults.push(placed(fault));
            }
        }
        if !faults.is_empty() {
            return Err(Faults::sorted(faults));
        }
        let found = in_vain.into_iter().chain(in_file.warnings).chain(in_environment.warnings);
        let warnings = judged.warnings.into_iter().map(placed).chain(found).collect();
        let named = named_files(&whole, folder);
        let watched = files.iter().chain(named.iter().flat_map(|(_, files)| files)).cloned().collect();
        let values = with_contents(whole.hashes(), &named);
        Ok(Loaded { config, origins, warnings, files, watched, values })
    }

    /// What the rules and `parts` say against it.
    #[must_use]
    pub fn faults(&self, parts: impl Fn(&Self) -> Vec<Fault>) -> Vec<Fault> {
        rules::judge(self).faults.into_iter().chain(self.judge_each(parts)).collect()
    }
}

/// The file's tree, pruned, and the faults of variables that are not set.
fn file_layer(
    file: Option<&Text>,
    variables: &Variables,
    faults: &mut Vec<Fault>,
) -> Result<(Node, Vec<Fault>), Faults> {
    let mut unset = Vec::new();
    let Some(Text { path, text }) = file else {
        return Ok((Node::new(Place::Variable(String::new()), Content::Nothing), unset));
    };
    let mut tree = match yaml::read(&name_of(path), text, faults) {
        Ok(tree) => tree,
        Err(fault) => {
            faults.push(fault);
            return Err(Faults(std::mem::take(faults)));
        }
    };
    interpolate(&mut tree, variables, "", &mut unset);
    prune(&mut tree, Shape::root(), "", faults);
    Ok((tree, unset))
}

fn environment_layer(variables: &Variables, faults: &mut Vec<Fault>) -> Node {
    let mut tree = overrides::layer(variables, faults);
    prune(&mut tree, Shape::root(), "", faults);
    tree
}

fn name_of(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

/// Secrets that the file gives although the environment gives others: whoever changes one there waits for an effect
/// that does not come.
fn in_vain(file: &BTreeMap<String, Origin>, environment: &BTreeMap<String, Origin>) -> Vec<Fault> {
    let beaten = file.iter().filter_map(|(path, here)| Some((path, here, environment.get(path)?)));
    let beaten = beaten.filter(|(_, here, winner)| !here.variables().any(|name| winner.variables().any(|w| w == name)));
    let secret = beaten.filter(|(path, ..)| Shape::root().at(path).is_some_and(Shape::is_secret));
    secret
        .map(|(path, here, winner)| {
            let message =
                format!("not in force: {winner} sets it too. The environment wins over `.env`, and that over the file");
            Fault::at(&here.place, path, message)
        })
        .collect()
}

/// Every key that names a file, and the file. Those of secrets stand relative to the configuration's folder, others to the
/// working directory: a path that is neither names nothing, and never changes.
fn named_files(whole: &Node, folder: &Path) -> Vec<(String, [PathBuf; 2])> {
    let mut found = Vec::new();
    whole.each_text("", &mut |path, text| {
        if path.ends_with("_file") && !text.is_empty() {
            found.push((path.to_owned(), [PathBuf::from(text), folder.join(text)]));
        }
    });
    found
}

/// The hashes, where a key that names a file stands for what is in it too: certificates are read by those who use them, long
/// after this. Of secrets and rings the hashes have the contents already.
fn with_contents(mut values: BTreeMap<String, Digest>, named: &[(String, [PathBuf; 2])]) -> BTreeMap<String, Digest> {
    for (path, files) in named {
        let value = path.trim_end_matches("_file");
        let is_read = values.keys().any(|known| concerns(known, value) && known != path);
        if let Some(hash) = values.get_mut(path).filter(|_| !is_read) {
            // One that can't be read is said to be so where it is used.
            let [first, second] = files.each_ref().map(|file| std::fs::read(file).unwrap_or_default());
            *hash = digest("gatelodge file", &[hash.as_slice(), &first, &second]);
        }
    }
    values
}

/// Whether a fault at `known` can be why there is one at `path`: the same key, one within it, or its file.
fn concerns(known: &str, path: &str) -> bool {
    let rest = known.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest == "_file" || rest.starts_with(['.', '[']))
}

/// Whether a key belongs to a provider that is not offered.
fn is_off(config: &Config, path: &str) -> bool {
    let of_tenant = || {
        let (name, rest) = path.strip_prefix("tenants.")?.split_once('.')?;
        Some((&config.tenants.get(name)?.oidc, rest))
    };
    let (oidc, path) = of_tenant().unwrap_or((&config.oidc, path));
    let name = path.strip_prefix("oidc.providers.").and_then(|rest| rest.split('.').next());
    name.and_then(|name| oidc.providers.get(name)).is_some_and(|provider| !provider.enabled)
}

/// Where a key stands, or the section that it is missing in.
fn nearest(origins: &BTreeMap<String, Origin>, file: &Node, path: &str) -> Option<Place> {
    if let Some(origin) = origins.get(path) {
        return Some(origin.place.clone());
    }
    let (mut keys, mut here) = (path.split('.').collect::<Vec<_>>(), None);
    while here.is_none() && !keys.is_empty() {
        here = file.get(&keys).map(|node| node.place.clone());
        keys.pop();
    }
    // Of an entry of a list: where what it has begins.
    let within = |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']));
    here.or_else(|| origins.iter().find(|(key, _)| within(key)).map(|(_, origin)| origin.place.clone()))
}
