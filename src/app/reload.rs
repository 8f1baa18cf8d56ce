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

/// How often a configuration is read that names other files each time.
const ROUNDS: u32 = 5;

/// What tells that a file is another one: its place on the disk, size and time, behind every link that leads to it. So a
/// mounted folder is seen to change that is replaced by turning a link, as Kubernetes does.
type Signs = Vec<Option<[u64; 4]>>;

/// The files that were read, as they were then.
struct Watched {
    files: BTreeSet<PathBuf>,
    signs: Signs,
}

impl Watched {
    /// Forgets all other files.
    fn keep_only(&mut self, named: &BTreeSet<PathBuf>) {
        let (files, signs) = (std::mem::take(&mut self.files), std::mem::take(&mut self.signs));
        (self.files, self.signs) = files.into_iter().zip(signs).filter(|(file, _)| named.contains(file)).unzip();
    }

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

/// What reads again, and what it has seen.
struct Watch {
    live: Arc<Live>,
    source: Source,
    watched: Watched,
    /// What was wrong with what was read last, and how often files were looked at since.
    refused: Option<(Faults, u32)>,
}

/// Reads the configuration again whenever that is due, for as long as the future is not dropped. `loaded` is what the process
/// began with: what has changed while it was starting is taken up at once.
pub(super) async fn keeping(live: Arc<Live>, source: Source, loaded: Loaded, mut asked: Option<Signal>) {
    let watched = Watched { files: all_of(&loaded), signs: Signs::new() };
    let mut watch = Watch { live, source, watched, refused: None };
    watch.read(Asked::AtStart).await;
    let (mut ticks, mut settling) = (interval(LOOK_EVERY), None);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            told = hangup(asked.as_mut()) => told,
            _ = ticks.tick() => false,
        };
        let now = Watched::look(watch.watched.files.clone()).await;
        // What is being written is left alone until it was the same at two looks.
        let has_changed = now.signs != watch.watched.signs;
        let is_settled = settling.as_ref() == Some(&now.signs);
        settling = has_changed.then_some(now.signs);
        let again = watch.refused.as_mut().is_some_and(|(_, looks)| {
            *looks += 1;
            looks.is_multiple_of(TRY_AGAIN_AFTER)
        });
        if told || again || (has_changed && is_settled) {
            settling = None;
            watch.read(if told { Asked::ByHand } else { Asked::ByFile }).await;
        }
    }
}

/// What a reading is done for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    AtStart,
    ByHand,
    ByFile,
}

impl Watch {
    /// Reads, and puts in force what was read.
    async fn read(&mut self, asked: Asked) {
        let loaded = match self.read_watched().await {
            Ok(loaded) if asked == Asked::AtStart && !self.live.differs(&loaded) => return,
            Ok(loaded) => self.live.load(loaded).await,
            Err(faults) => Err(faults),
        };
        if let Err(faults) = loaded {
            let is_new = self.refused.as_ref().is_none_or(|(before, _)| *before != faults);
            if is_new || asked == Asked::ByHand {
                self.live.refuse(&faults);
            }
            self.refused = Some((faults, 0));
        } else {
            self.refused = None;
        }
    }

    /// Reads what the files say, and notes how they were before: so a change that comes meanwhile is seen at the next look.
    async fn read_watched(&mut self) -> Result<Loaded, Faults> {
        for _ in 0..ROUNDS {
            self.watched = Watched::look(self.watched.files.clone()).await;
            let loaded = read(&self.source).await?;
            let named = all_of(&loaded);
            // Of a file that nobody had looked at, nobody can say whether it changed while it was read.
            let is_known = named.is_subset(&self.watched.files);
            self.watched.keep_only(&named);
            if is_known {
                return Ok(loaded);
            }
            self.watched.files = named;
        }
        Err(Fault::of("", "the names of its files change too fast to be read").into())
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
