//! Owns what must hold of mint keys, in every store. Does not know which store it is.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::ports::KeptMintKeys;
use gatelodge::session::key::TenantNumber;

use super::bench::{Bench, LONG, SHORT, TENANT};

fn keys(revision: u64, what: &str) -> KeptMintKeys {
    KeptMintKeys { revision, sealed: what.as_bytes().to_vec() }
}

pub async fn mint_keys_read_back_and_are_the_tenants_own(bench: &Bench) {
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), None);
    assert!(bench.store.put_mint_keys(TENANT, keys(1, "first"), LONG).await.unwrap());
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), Some(keys(1, "first")));
    assert_eq!(bench.store.mint_keys(TenantNumber(2)).await.unwrap(), None);
    assert!(bench.store.put_mint_keys(TenantNumber(2), keys(1, "other"), LONG).await.unwrap());
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), Some(keys(1, "first")));
}

pub async fn mint_keys_are_written_over_those_before_them_alone(bench: &Bench) {
    for wrong in [0, 2] {
        assert!(!bench.store.put_mint_keys(TENANT, keys(wrong, "wrong"), LONG).await.unwrap());
    }
    assert!(bench.store.put_mint_keys(TENANT, keys(1, "first"), LONG).await.unwrap());
    assert!(!bench.store.put_mint_keys(TENANT, keys(1, "another first"), LONG).await.unwrap());
    assert!(!bench.store.put_mint_keys(TENANT, keys(3, "third"), LONG).await.unwrap());
    assert!(bench.store.put_mint_keys(TENANT, keys(2, "second"), LONG).await.unwrap());
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), Some(keys(2, "second")));
}

pub async fn mint_keys_go_by_themselves_and_can_begin_anew(bench: &Bench) {
    assert!(bench.store.put_mint_keys(TENANT, keys(1, "first"), LONG).await.unwrap());
    assert!(bench.store.put_mint_keys(TENANT, keys(2, "second"), SHORT).await.unwrap());
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), None);
    bench.sweep().await;
    assert!(!bench.store.put_mint_keys(TENANT, keys(3, "third"), LONG).await.unwrap());
    assert!(bench.store.put_mint_keys(TENANT, keys(1, "anew"), LONG).await.unwrap());
}

pub async fn of_a_hundred_mint_keys_one_wins(bench: &Bench) {
    let racing = (0..100).map(|number| {
        let store = bench.store.clone();
        tokio::spawn(async move {
            let won = store.put_mint_keys(TENANT, keys(1, &number.to_string()), LONG).await.unwrap();
            (won, store.mint_keys(TENANT).await.unwrap())
        })
    });
    let (won, read): (Vec<_>, Vec<_>) = join_all(racing).await.into_iter().map(Result::unwrap).unzip();
    assert!(read.iter().all(Option::is_some), "whoever lost reads what won");
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = won.iter().position(|won| *won).unwrap().to_string();
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), Some(keys(1, &winner)));
}

pub async fn mint_keys_are_sealed_anew_over_what_was_read_alone_and_end_as_they_would(bench: &Bench) {
    let reseal = |before: KeptMintKeys, sealed: &str| bench.store.reseal_mint_keys(TENANT, before, sealed.into());
    assert!(!reseal(keys(1, "first"), "anew").await.unwrap(), "there are none");
    assert!(bench.store.put_mint_keys(TENANT, keys(1, "first"), SHORT).await.unwrap());
    assert!(reseal(keys(1, "first"), "anew").await.unwrap());
    assert!(!reseal(keys(1, "first"), "once more").await.unwrap());
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), Some(keys(1, "anew")));
    assert!(bench.store.put_mint_keys(TENANT, keys(2, "second"), SHORT).await.unwrap(), "others follow as before");
    assert!(!reseal(keys(1, "anew"), "late").await.unwrap());
    assert!(reseal(keys(2, "second"), "second anew").await.unwrap());
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(bench.store.mint_keys(TENANT).await.unwrap(), None);
}
