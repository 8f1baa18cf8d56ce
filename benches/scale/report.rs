//! Owns what is printed: the tables for people, the JSON object for programs as the last line. Does not measure.

use std::io::{self, Write as _};

use serde_json::{Map, Value, json};

use crate::Result;
use crate::filled::{Filled, Kind};
use crate::operations::{OPERATIONS, Operation};
use crate::revocation::Revocation;
use crate::rounds::{Measured, micros};
use crate::spread::{Spread, rounded};

/// What has been measured so far, in words and as the last line.
pub struct Report {
    words: Vec<String>,
    object: Map<String, Value>,
}

impl Report {
    /// Begins with what a session with three JWTs takes in Redis.
    pub fn new(with_tokens: f64) -> Self {
        let words = vec![format!("redis: {with_tokens:.0} bytes a session with three JWTs")];
        let mut object = Map::new();
        object.insert("redis_bytes_with_tokens".to_owned(), rounded(with_tokens, 0));
        Self { words, object }
    }

    /// Adds the stores of one kind, the smallest first.
    pub fn add(&mut self, kind: Kind, stores: &[Filled], measured: &[Measured]) {
        let name = kind.name();
        for filled in stores {
            let (sessions, bytes) = (filled.sessions.len(), filled.bytes_each());
            self.words.push(format!("{name}: {bytes:.0} bytes of {} a session among {sessions}", filled.bytes_of()));
            self.object.insert(format!("{name}_bytes_{sessions}"), rounded(bytes, 0));
        }
        let sizes: Vec<_> = stores.iter().map(|filled| filled.sessions.len()).collect();
        let (Some(&least), Some(&most)) = (sizes.first(), sizes.last()) else { return };
        self.words
            .push(format!("{name}: microseconds for one operation, median of the rounds, among {sizes:?} sessions"));
        for operation in OPERATIONS {
            let medians: Vec<_> = sizes.iter().map(|size| Spread::of(of(measured, operation, *size)).median).collect();
            let ratio = ratio(measured, operation, least, most);
            let cells: Vec<_> = medians.iter().map(|median| format!("{median:>10.1}")).collect();
            let Spread { median, least, most } = ratio;
            let name_of = operation.name();
            self.words.push(format!("  {name_of:<18}{}   ratio {median:.3} ({least:.3} to {most:.3})", cells.concat()));
            self.object.insert(format!("{name}_{name_of}_ratio"), rounded(median, 3));
            self.object.insert(
                format!("{name}_{name_of}_us"),
                json!(medians.iter().map(|m| rounded(*m, 1)).collect::<Vec<_>>()),
            );
        }
    }

    /// Adds the revocation of a tenant.
    pub fn add_revocation(&mut self, kind: Kind, revocation: &Revocation) {
        let Revocation { sessions, took, slowest_before, slowest_meanwhile, newer_lives } = revocation;
        let (name, milliseconds) = (kind.name(), micros(*took) / 1e3);
        let lives = if *newer_lives { "lives" } else { "IS DEAD TOO" };
        self.words.push(format!(
            "{name}: all {sessions} of a tenant revoked in {milliseconds:.1} ms; slowest read {slowest_before:.0} us \
             before, {slowest_meanwhile:.0} us meanwhile; a session made after it {lives}"
        ));
        self.object.insert(format!("{name}_revoke_tenant_ms"), rounded(milliseconds, 1));
        self.object.insert(format!("{name}_slowest_read_before_us"), rounded(*slowest_before, 0));
        self.object.insert(format!("{name}_slowest_read_meanwhile_us"), rounded(*slowest_meanwhile, 0));
        self.object.insert(format!("{name}_newer_lives"), json!(newer_lives));
    }

    pub fn print(self) -> Result<()> {
        let mut out = io::stdout().lock();
        for line in self.words {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{}", Value::Object(self.object))?;
        Ok(())
    }
}

fn of(measured: &[Measured], operation: Operation, sessions: usize) -> Vec<f64> {
    let own = measured.iter().filter(|one| one.operation == operation && one.sessions == sessions);
    own.map(|one| one.microseconds).collect()
}

/// How much longer it takes among many than among few, round by round.
fn ratio(measured: &[Measured], operation: Operation, few: usize, many: usize) -> Spread {
    let in_round = |sessions, round| {
        let found = measured.iter().find(|m| m.operation == operation && m.sessions == sessions && m.round == round);
        found.map(|one| one.microseconds)
    };
    let rounds = measured.iter().filter(|one| one.operation == operation && one.sessions == many);
    Spread::of(rounds.filter_map(|one| Some(one.microseconds / in_round(few, one.round)?)).collect())
}
