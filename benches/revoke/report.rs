//! Owns what is printed: the tables for people, the JSON object for programs as the last line. Does not measure.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::places::{Place, Refusal};
use crate::spread::{Spread, rounded};

/// What has been measured so far, in words and as the last line.
#[derive(Default)]
pub struct Report {
    words: Vec<String>,
    object: Map<String, Value>,
}

impl Report {
    /// Adds the sessions that were revoked one by one.
    pub fn add_single(&mut self, places: &[Place], refusals: &[Refusal]) {
        let count = refusals.len();
        self.words.push(format!("{count} sessions, one by one: milliseconds from the call of Revoke to the first no"));
        for (name, figures) in by_place(places, refusals) {
            self.row(name, &figures, 99);
            self.object.insert(format!("{name}_p50_ms"), rounded(Spread::of(figures.clone()).median, 2));
            self.object.insert(format!("{name}_p99_ms"), rounded(percentile(&figures, 99), 2));
        }
        self.object.insert("sessions".to_owned(), json!(count));
    }

    /// Adds the revocations of a whole tenant with so many sessions, all of which lived when the first began.
    pub fn add_tenant(&mut self, sessions: usize, places: &[Place], refusals: &[Refusal]) {
        let (count, held) = (refusals.len(), crate::HELD);
        self.words.push(format!(
            "a tenant of {sessions} sessions, {count} times, {held} of them known everywhere: milliseconds from the call of \
             Revoke to the first no after which there was no yes"
        ));
        let everywhere: Vec<_> =
            refusals.iter().map(|refusal| refusal.places.iter().copied().fold(0.0, f64::max)).collect();
        let answered = refusals.iter().map(|refusal| refusal.answered).collect();
        let mut rows = by_place(places, refusals);
        rows.push(("everywhere", everywhere.clone()));
        rows.push(("answered", answered));
        for (name, figures) in rows {
            self.row(name, &figures, 90);
            let Spread { median, most, .. } = Spread::of(figures);
            self.object.insert(format!("tenant_{name}_p50_ms"), rounded(median, 2));
            self.object.insert(format!("tenant_{name}_most_ms"), rounded(most, 2));
        }
        let first = everywhere.first().copied().unwrap_or(f64::NAN);
        self.words.push(format!("  the first time, when all {sessions} lived: everywhere after {first:.2}"));
        self.words.push(format!("  after each time {held} sessions were made, and lived everywhere"));
        self.object.insert("tenant_first_ms".to_owned(), rounded(first, 2));
        self.object.insert("tenant_sessions".to_owned(), json!(sessions));
        self.object.insert("tenant_rounds".to_owned(), json!(count));
    }

    pub fn print(self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        for line in self.words {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{}", Value::Object(self.object))?;
        Ok(())
    }

    fn row(&mut self, name: &str, figures: &[f64], hundredths: usize) {
        let (Spread { median, least, most }, high) = (Spread::of(figures.to_vec()), percentile(figures, hundredths));
        self.words.push(format!("  {name:<16} {median:.2} ({least:.2} to {most:.2}), p{hundredths} {high:.2}"));
    }
}

fn by_place(places: &[Place], refusals: &[Refusal]) -> Vec<(&'static str, Vec<f64>)> {
    let of = |number: usize| refusals.iter().filter_map(|refusal| refusal.places.get(number).copied()).collect();
    places.iter().enumerate().map(|(number, place)| (place.name, of(number))).collect()
}

/// The least figure that so many of a hundred do not exceed.
fn percentile(figures: &[f64], hundredths: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
