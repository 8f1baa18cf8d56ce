//! Shows that a change is seen that comes while the configuration is read, or while the process starts. Does not know how files are
//! looked at.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gatelodge::app::{App, Names, Pages, settings};
use gatelodge::config::fault::Faults;
use gatelodge::config::load::{Loaded, Sources};
use gatelodge::config::variables::Variables;
use gatelodge::telemetry::Telemetry;
use tempfile::TempDir;

use crate::world::process::until;

/// What the header of CSRF tokens is called: something that shows which text was read.
fn text(header: &str) -> String {
    format!(
        "development: true\nserver: {{ listen: '127.0.0.1:0' }}\napp: {{ sessions: {{ csrf_header: {header} }} }}\n"
    )
}

fn load(folder: &Path) -> Result<Loaded, Faults> {
    settings::load(Sources::read(Some(&folder.join("gatelodge.yaml")), folder, Variables::default())?)
}

/// Runs an authority that begins with `text("first")`; `meddle` comes after each reading, with its number. Answers what was read
/// when `is_done` says so of it.
async fn read_until(
    meddle: impl Fn(&Path, usize) + Send + Sync + 'static,
    is_done: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    fs::write(path.join("gatelodge.yaml"), text("first")).unwrap();
    let loaded = load(&path).unwrap();
    let app = App::build(&loaded.config, Vec::new(), true, Names::default(), &Telemetry::default()).await.unwrap();
    meddle(&path, 0);
    let (read, number) = (Arc::new(Mutex::new(Vec::new())), AtomicUsize::new(1));
    let source = {
        let read = Arc::clone(&read);
        move || {
            let loaded = load(&path)?;
            read.lock().unwrap().push(loaded.config.app.sessions.csrf_header.clone());
            meddle(&path, number.fetch_add(1, Ordering::SeqCst));
            Ok(loaded)
        }
    };
    let app = app.reloading(loaded, Arc::new(source));
    let running = tokio::spawn(app.run(Pages::new(), std::future::pending()));
    until("what is awaited", async || is_done(&read.lock().unwrap())).await;
    running.abort();
    read.lock().unwrap().clone()
}

fn put(folder: &Path, header: &str) {
    fs::write(folder.join("next"), text(header)).unwrap();
    fs::rename(folder.join("next"), folder.join("gatelodge.yaml")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_comes_right_after_a_reading_is_read_too() {
    for number in [1, 2] {
        let meddle = move |folder: &Path, at: usize| match at {
            1 if number == 2 => put(folder, "second"),
            at if at == number => put(folder, "last"),
            _ => (),
        };
        let read = read_until(meddle, |read| read.last().is_some_and(|header| header == "last")).await;
        assert_eq!(read.len(), number + 1, "{read:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_comes_while_the_process_starts_is_read_too() {
    let meddle = |folder: &Path, at: usize| {
        if at == 0 {
            put(folder, "last");
        }
    };
    let read = read_until(meddle, |read| read.last().is_some_and(|header| header == "last")).await;
    assert_eq!(read, ["last"]);
}
