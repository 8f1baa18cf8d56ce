//! Owns `rings_file`: reading key rings from a file of their own, which can be replaced by itself. Does not know what a ring
//! is.

use std::path::Path;

use super::fault::Fault;
use super::interpolate::interpolate;
use super::schema::Shape;
use super::secret_files::{Findings, OPEN_TO_EVERYBODY, is_open_to_everybody};
use super::shape::prune;
use super::tree::{Content, Node};
use super::variables::Variables;
use super::{text, yaml};

/// Where rings stand, in a tenant.
const AT: [&str; 3] = ["app", "sessions", "rings"];
const FILE: &str = "rings_file";

/// Reads each file that is named, relative to `folder`, and puts what stands in it under `rings`.
pub fn read(root: &mut Node, variables: &Variables, folder: &Path, findings: &mut Findings) {
    let tenants = root.get(&["tenants"]).map(|tenants| match &tenants.content {
        Content::Map(entries) => entries.iter().map(|(key, _)| key.text.clone()).collect(),
        _ => Vec::new(),
    });
    let mut places = vec![Vec::new()];
    places.extend(tenants.unwrap_or_default().into_iter().map(|name| vec!["tenants".to_owned(), name]));
    for place in places {
        read_one(root, &place, variables, folder, findings);
    }
}

fn read_one(root: &mut Node, of: &[String], variables: &Variables, folder: &Path, findings: &mut Findings) {
    let [app, sessions, rings] = AT;
    let under = |key: &'static str| of.iter().map(String::as_str).chain([app, sessions, key]).collect::<Vec<_>>();
    let Some(named) = root.get(&under(FILE)) else { return };
    let Content::Text(file) = &named.content else { return };
    let (file, place) = (folder.join(file), named.place.clone());
    let path = |key: &'static str| under(key).join(".");
    let mut is_given = false;
    if let Some(given) = root.get(&under(rings)) {
        given.each_text("", &mut |_, _| is_given = true);
    }
    if is_given {
        findings.faults.push(Fault::at(&place, path(FILE), "given twice: `rings` and `rings_file`"));
        return;
    }
    let text = match text::read(&file) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("can't read {}: {error}", file.display());
            findings.faults.push(Fault::at(&place, path(FILE), message));
            return;
        }
    };
    if is_open_to_everybody(&file) {
        findings.warnings.push(Fault::at(&place, path(FILE), OPEN_TO_EVERYBODY));
    }
    match yaml::read(&file.display().to_string().into(), &text, &mut findings.faults) {
        Err(fault) => findings.faults.push(fault),
        Ok(mut node) => {
            let at = path(rings);
            interpolate(&mut node, variables, &at, &mut findings.faults);
            if let Some(shape) = Shape::root().at(&AT.join(".")) {
                prune(&mut node, shape, &at, &mut findings.faults);
            }
            let keys: Vec<_> = under(rings).into_iter().map(str::to_owned).collect();
            root.set(&keys, node);
        }
    }
}
