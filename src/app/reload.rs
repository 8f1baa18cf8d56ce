//! Owns when a configuration is read again: when the process is told to (SIGHUP), and when one of the files that it was read
//! from has changed. Does not know what is done with it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::live::Live;
use crate::config::fault::{Fault, Faults};
use crate::config::load::Loaded;

/// Reads the configuration from where it was read at the start.
pub type Source = Arc<dyn Fn() -> Result<Loaded, Faults> + Send + Sync>;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A configuration that was refused is tried again after so many looks: what it lacked may have come in a file that nobody
/// could know of.
const TRY_AGAIN_AFTER: u32 = 10;

/// What tells that a file is another one: its place on the disk, size and time, behind every link that leads to it. So a
/// mounted folder is seen to change that is replaced by turning a link, as Kubernetes does.
type Signs = Vec<Option<[u64; 4]>>;

/// The files that were read, as they were then.
struct Watched {
    files: BTreeSet<PathBuf>,
    signs: Signs,
}

impl Watched {
    /// As they are now.
    async fn look(files: BTreeSet<PathBuf>) -> Self {
        let looked = spawn_blocking(move || Self { signs: files.iter().map(sign).collect(), files }).await;
        looked.unwrap_or_else(|_| Self { files: BTreeSet::new(), signs: Vec::new() })
    }
}

fn sign(path: &PathBuf) -> Option<[u64; 4]> {
    use std::os::unix::fs::MetadataExt as _;
    let seen = std::fs::metadata(path).ok()?;
    Some([seen.ino(), seen.size(), seen.mtime().cast_unsigned(), seen.mtime_nsec().cast_unsigned()])
}

/// Waits for the signal that asks for it. One that comes from now on does not end the process.
pub(super) fn asked() -> Option<Signal> {
    signal(SignalKind::hangup()).ok()
}

/// Reads the configuration again whenever that is due, for as long as the future is not dropped.
pub(super) async fn keeping(live: Arc<Live>, source: Source, loaded: Loaded, mut asked: Option<Signal>) {
    let mut watched = Watched::look(all_of(&loaded)).await;
    let (mut ticks, mut settling, mut refused) = (interval(LOOK_EVERY), None, None::<(Faults, u32)>);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            told = hangup(asked.as_mut()) => told,
            _ = ticks.tick() => false,
        };
        let now = Watched::look(watched.files.clone()).await;
        // What is being written is left alone until it was the same at two looks.
        let has_changed = now.signs != watched.signs;
        let is_settled = settling.as_ref() == Some(&now.signs);
        settling = has_changed.then(|| now.signs.clone());
        let again = refused.as_mut().is_some_and(|(_, looks)| {
            *looks += 1;
            looks.is_multiple_of(TRY_AGAIN_AFTER)
        });
        if !(told || again || (has_changed && is_settled)) {
            continue;
        }
        watched = now;
        settling = None;
        match read(&source).await.and_then(|loaded| live.load(&loaded).map(|()| loaded)) {
            Ok(loaded) => {
                refused = None;
                watched = Watched::look(all_of(&loaded)).await;
            }
            Err(faults) => {
                let is_new = refused.as_ref().is_none_or(|(before, _)| *before != faults);
                if is_new || told {
                    live.refuse(&faults);
                }
                refused = Some((faults, 0));
            }
        }
    }
}

/// The files, and `.env`, which may come later.
fn all_of(loaded: &Loaded) -> BTreeSet<PathBuf> {
    loaded.watched.iter().cloned().chain([PathBuf::from(".env")]).collect()
}

async fn hangup(asked: Option<&mut Signal>) -> bool {
    match asked {
        Some(signal) => signal.recv().await.is_some(),
        None => std::future::pending().await,
    }
}

async fn read(source: &Source) -> Result<Loaded, Faults> {
    let source = Arc::clone(source);
    spawn_blocking(move || source()).await.unwrap_or_else(|_| Err(Fault::of("", "it can't be read").into()))
}
