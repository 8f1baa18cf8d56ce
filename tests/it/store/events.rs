//! Owns what must hold of the event log, in every store. Does not know which store it is.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::ports::{EventLog, Heard};
use gatelodge::session::event::{Event, Position, What};
use tokio::time::Instant;

use super::bench::{Bench, TENANT};

const BRIEFLY: Duration = Duration::from_millis(50);
const WAIT: Duration = Duration::from_secs(10);

/// An event that no other number gives.
pub fn numbered(author: u8, number: u64) -> Event {
    Event { tenant: TENANT, what: What::Heartbeat { author: [author; 8], number } }
}

/// Where the log is now.
pub async fn now<L: EventLog + ?Sized>(log: &L) -> Position {
    match log.next(None, WAIT).await.unwrap() {
        Heard::Reset(position) => position,
        heard @ Heard::Events(_) => panic!("{heard:?}"),
    }
}

/// Where the log is, with an event in it that a reader can go on after.
pub async fn begun<L: EventLog + ?Sized>(log: &L) -> Position {
    log.announce(vec![numbered(0, 0)]).await.unwrap();
    now(log).await
}

pub async fn events<L: EventLog + ?Sized>(log: &L, after: Position, wait: Duration) -> Vec<(Position, Event)> {
    match log.next(Some(after), wait).await.unwrap() {
        Heard::Events(events) => events,
        Heard::Reset(position) => panic!("a reset to {position:?}"),
    }
}

pub async fn a_reader_hears_what_comes_after_its_position_in_order(bench: &Bench) {
    let log = &*bench.store;
    let start = begun(log).await;
    assert_eq!(events(log, start, BRIEFLY).await, []);
    let last = log.announce((1..4).map(|number| numbered(1, number)).collect()).await.unwrap();
    let heard = events(log, start, WAIT).await;
    let whats: Vec<_> = heard.iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(whats, (1..4).map(|number| numbered(1, number)).collect::<Vec<_>>());
    assert_eq!(heard[2].0, last);
    assert!(heard.windows(2).all(|two| two[0].0 < two[1].0) && start < heard[0].0);
    assert_eq!(events(log, heard[0].0, WAIT).await, heard[1..]);
    assert_eq!(events(log, last, BRIEFLY).await, []);
}

pub async fn a_reader_that_waits_is_woken(bench: &Bench) {
    let start = begun(&*bench.store).await;
    let reader = Arc::clone(&bench.store);
    let waiting = tokio::spawn(async move { events(&*reader, start, WAIT).await });
    tokio::time::sleep(BRIEFLY).await;
    let began = Instant::now();
    bench.store.announce(vec![numbered(1, 1)]).await.unwrap();
    assert_eq!(waiting.await.unwrap().len(), 1);
    assert!(began.elapsed() < WAIT / 2, "{:?}", began.elapsed());
}

pub async fn writers_at_once_lose_nothing_and_keep_their_order(bench: &Bench) {
    const EACH: u64 = 100;
    let mut position = begun(&*bench.store).await;
    let write = |author: u8| {
        let store = Arc::clone(&bench.store);
        tokio::spawn(async move {
            for number in 0..EACH {
                store.announce(vec![numbered(author, number)]).await.unwrap();
            }
        })
    };
    let writers = join_all((1..=8).map(write));
    let mut heard = Vec::new();
    while heard.len() < 8 * usize::try_from(EACH).unwrap() {
        let more = events(&*bench.store, position, WAIT).await;
        assert!(!more.is_empty(), "{} heard", heard.len());
        position = more.last().unwrap().0;
        heard.extend(more);
    }
    writers.await.into_iter().for_each(Result::unwrap);
    assert!(heard.windows(2).all(|two| two[0].0 < two[1].0));
    for author in 1..=8 {
        let own = heard.iter().filter_map(|(_, event)| match event.what {
            What::Heartbeat { author: [own, ..], number } if own == author => Some(number),
            _ => None,
        });
        assert!(own.eq(0..EACH), "the events of author {author}");
    }
}

pub async fn a_position_that_the_log_does_not_know_is_a_reset(bench: &Bench) {
    let log = &*bench.store;
    let start = begun(log).await;
    let (millis, sequence) = start.parts();
    let unknown = [
        Position::default(),
        Position::new(1, 1),
        Position::new(millis, sequence + 9),
        Position::new(u64::MAX >> 2, 0),
    ];
    for position in unknown {
        assert_eq!(log.next(Some(position), BRIEFLY).await.unwrap(), Heard::Reset(start), "{position:?}");
    }
    assert_eq!(events(log, start, BRIEFLY).await, []);
}
