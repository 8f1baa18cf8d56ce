//! Owns what must hold of audit entries, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::audit_store::{EntryAdded, KeptEntry, WRITTEN_WITHIN};
use gatelodge::session::audit::{EntryId, EntryName, Room};
use gatelodge::session::key::TenantNumber;
use gatelodge::session::time::Timestamp;

use super::bench::{Bench, LONG, SHORT, TENANT};

const OTHER: TenantNumber = TenantNumber(2);
const MOST: u64 = 1000;
const DAY: Duration = Duration::from_hours(24);
const ALL: std::ops::Range<EntryId> = EntryId::FIRST..EntryId::LAST;

fn name(text: &str) -> EntryName {
    let mut name = [0; 16];
    name[..text.len()].copy_from_slice(text.as_bytes());
    EntryName(name)
}

/// The entry of that number: a quarter of an hour after the one before it, the first at the beginning of the next hour.
async fn entry(bench: &Bench, number: u64, names: &[&str]) -> KeptEntry {
    let began = bench.store.time().await.unwrap();
    let at = Timestamp::from_millis((began.as_millis() / 3_600_000 + 1) * 3_600_000 + number * 900_000);
    let names = names.iter().map(|text| name(text)).collect();
    let sealed = format!("entry {number}").into_bytes();
    KeptEntry { id: EntryId::new(at, 7, [7; 8]), names, room: Room::Users, sealed }
}

async fn keep(bench: &Bench, tenant: TenantNumber, entry: &KeptEntry) {
    assert_eq!(bench.store.keep_entry(tenant, entry.clone(), DAY, MOST).await.unwrap(), EntryAdded::Yes);
}

async fn all(bench: &Bench, tenant: TenantNumber, name: Option<EntryName>) -> Vec<String> {
    let page = bench.store.entries(tenant, name, ALL, 1000).await.unwrap();
    assert_eq!(page.next, None);
    page.entries.into_iter().map(|(_, sealed)| String::from_utf8(sealed).unwrap()).collect()
}

pub async fn entries_are_listed_the_newest_first_page_by_page(bench: &Bench) {
    assert_eq!(all(bench, TENANT, None).await, [""; 0]);
    // Four an hour; not in their order.
    let numbers: Vec<u64> = (0..20).collect();
    let mut ids = Vec::new();
    for number in numbers.iter().map(|number| number * 7 % 20) {
        let entry = entry(bench, number, &["one"]).await;
        keep(bench, TENANT, &entry).await;
        keep(bench, TENANT, &entry).await;
        ids.push(entry.id);
    }
    ids.sort_unstable();
    let expected: Vec<_> = numbers.iter().rev().map(|number| format!("entry {number}")).collect();
    for name in [None, Some(name("one"))] {
        assert_eq!(all(bench, TENANT, name).await, expected, "{name:?}");
        let (mut found, mut end, mut pages) = (Vec::new(), EntryId::LAST, 0);
        loop {
            let page = bench.store.entries(TENANT, name, EntryId::FIRST..end, 3).await.unwrap();
            assert!(page.entries.len() <= 3);
            found.extend(page.entries.into_iter().map(|(id, _)| id));
            pages += 1;
            match page.next {
                Some(next) => end = next,
                None => break,
            }
        }
        assert_eq!((found, pages), (ids.iter().rev().copied().collect(), 7), "{name:?}");
        let some = bench.store.entries(TENANT, name, ids[4]..ids[9], 100).await.unwrap();
        assert_eq!(
            some.entries.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [ids[8], ids[7], ids[6], ids[5], ids[4]]
        );
    }
}

pub async fn entries_are_found_by_their_names_in_their_tenant_alone(bench: &Bench) {
    keep(bench, TENANT, &entry(bench, 0, &["one", "two"]).await).await;
    keep(bench, TENANT, &entry(bench, 5, &["two"]).await).await;
    keep(bench, TENANT, &entry(bench, 9, &[]).await).await;
    keep(bench, OTHER, &entry(bench, 12, &["one"]).await).await;
    assert_eq!(all(bench, TENANT, Some(name("one"))).await, ["entry 0"]);
    assert_eq!(all(bench, TENANT, Some(name("two"))).await, ["entry 5", "entry 0"]);
    assert_eq!(all(bench, TENANT, Some(name("three"))).await, [""; 0]);
    assert_eq!(all(bench, OTHER, None).await, ["entry 12"]);
    assert_eq!(all(bench, TENANT, None).await, ["entry 9", "entry 5", "entry 0"]);
}

// In Redis an hour goes as a whole, at most that much later; what is asked for is bounded by whoever asks.
pub async fn entries_go_by_themselves(bench: &Bench) {
    let short = entry(bench, 0, &["one"]).await;
    assert_eq!(bench.store.keep_entry(TENANT, short, SHORT, MOST).await.unwrap(), EntryAdded::Yes);
    assert_eq!(all(bench, TENANT, None).await, ["entry 0"]);
    if bench.is_embedded() {
        bench.pass(SHORT + Duration::from_millis(1)).await;
        assert_eq!(all(bench, TENANT, None).await, [""; 0]);
        bench.sweep().await;
        assert_eq!(all(bench, TENANT, Some(name("one"))).await, [""; 0]);
    }
}

pub async fn an_hour_has_so_many_of_each_room_and_the_rest_is_not_bounded(bench: &Bench) {
    let mut one = entry(bench, 0, &[]).await;
    for (round, is_kept) in [(0, true), (1, true), (2, false)] {
        for room in Room::ALL {
            (one.id, one.room) = (EntryId::new(one.id.time(), round * 8 + room as u16, [7; 8]), room);
            let added = bench.store.keep_entry(TENANT, one.clone(), LONG, 2).await.unwrap();
            let is_kept = is_kept || [Room::Users, Room::Admins].contains(&room);
            let expected = if is_kept { EntryAdded::Yes } else { EntryAdded::HourIsFull };
            assert_eq!(added, expected, "{round} {room:?}");
        }
    }
    for tenant in [TENANT, OTHER] {
        let number = if tenant == TENANT { 4 } else { 0 };
        let one = KeptEntry { room: Room::Anybodys, ..entry(bench, number, &[]).await };
        let added = bench.store.keep_entry(tenant, one, LONG, 2).await.unwrap();
        assert_eq!(added, EntryAdded::Yes, "another hour, another tenant");
    }
    assert_eq!(all(bench, TENANT, None).await.len(), 13);
}

// However long its writer or the way to the store stood still: whoever watches looks back no further.
pub async fn an_entry_whose_id_lies_too_far_back_is_refused_with_the_time_that_it_is(bench: &Bench) {
    let now = bench.store.time().await.unwrap();
    let late = |at| KeptEntry { id: EntryId::new(at, 7, [7; 8]), ..template() };
    let keep = async |entry: KeptEntry| bench.store.keep_entry(TENANT, entry, DAY, MOST).await.unwrap();
    let stale = late(now - WRITTEN_WITHIN - Duration::from_secs(1));
    let EntryAdded::TooLate(told) = keep(stale).await else { panic!("it is kept where nobody looks") };
    assert!(told >= now && told.since(now) < Duration::from_secs(30), "{told:?} {now:?}");
    assert_eq!(all(bench, TENANT, None).await, [""; 0], "it takes nothing");
    assert_eq!(keep(late(told)).await, EntryAdded::Yes);
    assert_eq!(all(bench, TENANT, None).await, ["late"]);
}

fn template() -> KeptEntry {
    KeptEntry { id: EntryId::FIRST, names: vec![name("one")], room: Room::Users, sealed: b"late".to_vec() }
}

pub async fn a_tenants_entries_are_dropped_with_its_number(bench: &Bench) {
    for tenant in [TENANT, OTHER] {
        keep(bench, tenant, &entry(bench, 0, &["one"]).await).await;
        keep(bench, tenant, &entry(bench, 30, &["one"]).await).await;
    }
    bench.store.drop_entries(TENANT).await.unwrap();
    assert_eq!(all(bench, TENANT, None).await, [""; 0]);
    assert_eq!(all(bench, TENANT, Some(name("one"))).await, [""; 0]);
    assert_eq!(all(bench, OTHER, None).await.len(), 2);
}
