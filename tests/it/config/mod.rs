//! Owns the journeys of the configuration, from text to values. Does not know the command line.

mod faults;
mod files;
mod layering;
mod numbers;
mod parts;
mod providers;
mod rules;
mod seed;
mod settings;
mod tenants;

use gatelodge::config::fault::Faults;
use gatelodge::config::load::{Loaded, Sources, Text};
use gatelodge::config::variables::Variables;

/// Two secrets that pass.
const SECRETS: [(&str, &str); 2] = [
    ("SESSION_SIGNING_SECRET", "qg8mVJ0b2E5yY1rXc7uT4wKzN9pLfHsDa3iQeR6oGxU"),
    ("CSRF_SIGNING_SECRET", "Zt5nP1cW8kLx3vHq0dYb7sRj2fGm9uEaT6oIiXhVyBw"),
];

/// Loads a text as "f.yaml", with `variables` and nothing else in the environment.
fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Loaded, Faults> {
    load_with_dotenv(yaml, "", variables)
}

fn load_with_dotenv(yaml: &str, dotenv: &str, variables: &[(&str, &str)]) -> Result<Loaded, Faults> {
    gatelodge::app::settings::load(Sources {
        dotenv: Some(Text { path: ".env".into(), text: dotenv.to_owned() }),
        environment: Variables::new(variables.iter().copied()),
        ..Sources::text("f.yaml", yaml)
    })
}

/// Loads a text with good secrets and what `variables` adds.
pub fn load_sound(yaml: &str, variables: &[(&str, &str)]) -> Result<Loaded, Faults> {
    load(yaml, &[&SECRETS, variables].concat())
}

/// The faults of a text that has good secrets, one line each.
fn faults(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load_sound(yaml, variables) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

/// The warnings of a text that loads.
fn warnings(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    load_sound(yaml, variables).unwrap().warnings.iter().map(ToString::to_string).collect()
}
