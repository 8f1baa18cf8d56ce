//! Owns what is left when the authority's process ends in the middle of something, without any goodbye (security.md 124):
//! whatever was begun is wholly before or wholly after. A child of the test's own binary does the work and says how far
//! it got. Does not know how a store writes.
//!
//! | file | what is interrupted |
//! |---|---|
//! | `login` | a login's end (store.md, 8) |
//! | `once` | a call with an idempotency key |
//! | `refresh` | new tokens, at a provider that takes a refresh token once |
//! | `rotation` | a successor's issue, and its first presentation |
//! | `revocation` | the end of sessions, one by one and by marks |
//!
//! One that is killed while the provider is asked is in `tokens::replicas`, the file's own proof in `store::embedded_kill`.

mod login;
mod once;
mod refresh;
mod revocation;
mod rotation;

use std::fmt::Display;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::settings::Settings;
use gatelodge::store::embedded::EmbeddedStore;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::redis::Server;
use crate::world::kept::{connected_at, fresh_prefix, put_all};
use crate::world::log::again;
use crate::world::{FaultyStore, World};

/// Where what a killed process has kept is found by another.
enum Place {
    File(TempDir),
    Redis { port: u16, prefix: String },
}

impl Place {
    fn file() -> Self {
        Self::File(TempDir::new().unwrap())
    }

    async fn redis() -> Self {
        let port = tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap();
        Self::Redis { port, prefix: format!("kill.{}", fresh_prefix()) }
    }

    /// What a child is told of it.
    fn told(&self) -> String {
        match self {
            Self::File(folder) => format!("file {}", folder.path().join("sessions.redb").display()),
            Self::Redis { port, prefix } => format!("redis {port} {prefix}"),
        }
    }

    /// Lets so much time pass, for the world and for the store.
    async fn pass(&self, world: &World, length: Duration) {
        world.clock.advance(length);
        if let Self::Redis { .. } = self {
            tokio::time::sleep(length).await;
        }
    }
}

/// A world over the place that was told.
async fn world_at(told: &str, change: impl FnOnce(&mut Settings)) -> (World, Arc<FaultyStore>) {
    let redis = match told.split(' ').collect::<Vec<_>>()[..] {
        ["redis", port, prefix] => Some(connected_at(port.parse().unwrap(), prefix).await),
        _ => None,
    };
    let mut faults = None;
    let world = World::built(&["idp"], change, |ports| {
        if let Some(store) = redis {
            put_all(ports, &store);
        } else {
            let file = Path::new(told.strip_prefix("file ").unwrap());
            put_all(ports, &EmbeddedStore::open(Some(file), Arc::clone(&ports.clock)).unwrap());
        }
        ports.entropy = Arc::new(SystemEntropy);
        faults = Some(FaultyStore::before_all(ports));
    });
    (world, faults.unwrap())
}

/// Says something to the parent.
fn say(word: &str, rest: &str) {
    println!("\nSAID {word} {rest}");
}

/// Waits to be killed.
async fn done() -> ! {
    say("DONE", "");
    std::future::pending::<()>().await;
    unreachable!("nobody killed it")
}

/// A child that runs the test of this name again.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<(String, String)>,
}

impl Process {
    fn start(test: &str, told: &str) -> Self {
        let mut command = again(test, told);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, said: Vec::new() }
    }

    /// Listens until the child says this word, or has ended.
    async fn until(&mut self, word: &str) -> bool {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if let Some((said, rest)) = line.strip_prefix("SAID ").and_then(|line| line.split_once(' ')) {
                self.said.push((said.to_owned(), rest.to_owned()));
                if said == word {
                    return true;
                }
            }
        }
        false
    }

    /// Tells a child that waits for it to go on.
    async fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").await.unwrap();
    }

    /// Kills it where it is, or lets it come to its end, and answers what it has said.
    async fn end(mut self) -> Said {
        if self.until("DONE").await {
            self.child.start_kill().unwrap();
        }
        self.child.wait().await.unwrap();
        Said(self.said)
    }
}

/// What a child had said by its end.
struct Said(Vec<(String, String)>);

impl Said {
    /// What it said after this word; `None` where it did not get so far.
    fn get(&self, word: &str) -> Option<&str> {
        self.0.iter().find(|(said, _)| said == word).map(|(_, rest)| rest.as_str())
    }

    fn all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(said, _)| said == word).map(|(_, rest)| rest.as_str())
    }

    fn is_done(&self) -> bool {
        self.get("DONE").is_some()
    }
}

/// Lets a child work that ends before the step of this number, or not at all.
async fn killed_before(test: &str, place: &Place, step: impl Display) -> Said {
    Process::start(test, &format!("{step} {}", place.told())).end().await
}
