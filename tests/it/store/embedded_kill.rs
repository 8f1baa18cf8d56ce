//! Owns the proof that a killed process loses nothing it acknowledged: a child that works on a file and says what was
//! acknowledged, killed at any moment, and the file opened again. Does not know how the file is written.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use gatelodge::authority::ports::{
    Creation, LoginEnd, LoginStore as _, LoginTaken, Lookup, OpenLogin, SessionStore as _,
};
use gatelodge::session::key::{LoginKey, SessionKey};
use gatelodge::session::record::Ending;
use gatelodge::store::embedded::EmbeddedStore;

use super::bench::{BINDING, LONG, SetClock, TENANT, fresh, new_session, user};

const FILE: &str = "GATELODGE_TEST_KILLED_FILE";
const ROUNDS: u32 = 12;

/// Not a test by itself: the body of the child. Without the variable it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(path) = std::env::var(FILE) else { return };
    let store = EmbeddedStore::open(Some(Path::new(&path)), SetClock::new()).unwrap();
    println!("ready");
    let workers = (0..4).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0u32.. {
                let new = new_session(store.time().await.unwrap(), &user());
                let key = new.key;
                assert!(matches!(store.create(new).await.unwrap(), Creation::Created(_)));
                println!("made {}", key.public());
                if turn % 3 == 0 {
                    // Said before it is asked for: from here on both are possible, until it is acknowledged.
                    println!("ending {}", key.public());
                    assert!(store.end(&key, Ending::Revoked, LONG).await.unwrap());
                    println!("ended {}", key.public());
                }
                let secret = [fresh::<16>(), [worker; 16]].concat().try_into().unwrap();
                let login = LoginKey::of(TENANT, &secret);
                store
                    .open(&login, OpenLogin { sealed: b"s".to_vec(), binding: BINDING, most: None }, LONG)
                    .await
                    .unwrap();
                assert!(matches!(store.take(&login, &[BINDING], LONG).await.unwrap(), LoginTaken::Taken { .. }));
                println!("taken {}", hex(&secret));
                assert!(store.finish(&login, LoginEnd::Done(b"answer".to_vec()), LONG).await.unwrap());
                println!("done {}", hex(&secret));
            }
        })
    });
    futures::future::join_all(workers).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    let mut said: HashMap<String, String> = HashMap::new();
    for round in 0..ROUNDS {
        let before = said.len();
        // Another moment every round, from the first writes on.
        work_and_be_killed(&path, Duration::from_millis(u64::from(round * round) * 3), &mut said);
        assert!(said.len() > before, "round {round}: the child did nothing");
        let store = EmbeddedStore::open(Some(&path), SetClock::new()).unwrap();
        for (name, last) in &said {
            let as_said = is_as_said(&store, name, last).await;
            assert!(as_said, "round {round}: {name} was {last} and is not any more");
        }
    }
    let ended = said.values().filter(|last| *last == "ended").count();
    assert!(said.len() > 100 && ended > 10, "{} things, {ended} ended: too little to prove anything", said.len());
}

fn work_and_be_killed(path: &Path, after: Duration, said: &mut HashMap<String, String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["store::embedded_kill::child", "--exact", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.ends_with("ready")), "the child does not start");
    let (acknowledged, at_first) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let said = lines.map_while(Result::ok).inspect(|_| acknowledged.send(()).unwrap_or_default());
        said.collect::<Vec<_>>()
    });
    // At least something has to be acknowledged; the moment of the kill is what varies.
    at_first.recv_timeout(Duration::from_mins(1)).expect("the child does nothing");
    std::thread::sleep(Duration::from_millis(150) + after);
    child.kill().unwrap();
    child.wait().unwrap();
    for line in reader.join().unwrap() {
        // The kill may have cut the last line.
        let Some((word, name)) = line.split_once(' ') else { continue };
        let whole = if word == "taken" || word == "done" { 64 } else { 28 };
        if ["made", "ending", "ended", "taken", "done"].contains(&word) && name.len() == whole {
            said.insert(name.to_owned(), word.to_owned());
        }
    }
}

async fn is_as_said(store: &EmbeddedStore, name: &str, last: &str) -> bool {
    if let Some(key) = SessionKey::from_public(TENANT, name) {
        let found = store.read(&key).await.unwrap();
        let has_tokens = store.tokens(&key).await.unwrap().is_some();
        return match last {
            "made" => matches!(found, Lookup::Found(_)) && has_tokens,
            "ended" => found == Lookup::Gone(Some(Ending::Revoked)) && !has_tokens,
            _ => true,
        };
    }
    let secret: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&name[at..at + 2], 16).unwrap()).collect();
    let taken = store.take(&LoginKey::of(TENANT, &secret.try_into().unwrap()), &[BINDING], LONG).await.unwrap();
    match last {
        "taken" => matches!(taken, LoginTaken::Busy | LoginTaken::Done(_)),
        _ => taken == LoginTaken::Done(b"answer".to_vec()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
