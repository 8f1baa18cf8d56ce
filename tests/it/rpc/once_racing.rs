//! Owns twins: calls with one idempotency key that come at the same moment, while one of them is at work, or after its caller
//! has gone away. Does not know how they find each other.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::update_attributes_response::Outcome;
use tonic::Code;

use super::failed;
use super::once::{Pair, is_repeated, update};
use super::serving::{Serving, by, context, within};
use crate::world::faults::Fault;
use crate::world::replicas::until;
use crate::world::{Kept, on_every_store};

on_every_store! { in several threads:
    of_fifty_racing_twins_on_two_replicas_one_is_carried_out
    a_twin_waits_as_long_as_its_deadline_lets_it
    a_call_whose_caller_has_gone_is_carried_out_to_its_end
    what_fails_is_carried_out_by_who_waits_for_it
}

async fn of_fifty_racing_twins_on_two_replicas_one_is_carried_out(kept: Kept) {
    let pair = Pair::over(kept).await;
    let browser = pair.log_in("ada").await;
    let serving = |number: usize| if number.is_multiple_of(2) { &pair.one } else { &pair.two };
    let updates = (0..50).map(|number| {
        let request = by(Role::Backend, update(&browser, b"17"));
        async move { serving(number).sessions().await.update_attributes(request).await.unwrap() }
    });
    let answers = join_all(updates).await;
    let repeats = answers.iter().filter(|answer| is_repeated(answer)).count();
    assert_eq!(repeats, 49);
    for answer in answers {
        let Some(Outcome::Attributes(kept)) = answer.into_inner().outcome else { panic!("no attributes") };
        assert_eq!(kept.version, 1);
    }

    let logins = (0..50).map(|number| {
        let start = v1::StartLoginRequest {
            context: Some(context("GET", "/auth/web/login")),
            idempotency_key: "one for all".into(),
            ..Default::default()
        };
        async move { serving(number).logins().await.start_login(by(Role::Edge, start)).await.unwrap().into_inner() }
    });
    let began = pair.replicas.one.provider.wishes.lock().unwrap().len();
    let mut answers = join_all(logins).await;
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(pair.replicas.one.provider.wishes.lock().unwrap().len(), began + 1);
}

/// Lets the second replica carry out an update that stops before it is written.
async fn held(pair: &Pair) {
    let store = &pair.replicas.store;
    until(|| store.count("put_attributes") == 1).await;
}

async fn a_twin_waits_as_long_as_its_deadline_lets_it(kept: Kept) {
    let pair = Pair::over(kept).await;
    let browser = pair.log_in("ada").await;
    pair.replicas.store.set(Fault::HoldsBefore("put_attributes"));
    let asked = async |serving: &Serving, deadline| {
        let request = within(deadline, Role::Backend, update(&browser, b"17"));
        serving.sessions().await.update_attributes(request).await
    };
    let long = Duration::from_secs(20);
    let runner = asked(&pair.two, long);
    let twins = async {
        held(&pair).await;
        for serving in [&pair.one, &pair.two] {
            let late = asked(serving, Duration::from_millis(300)).await;
            failed(late, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        }
        // Longer than a claim lasts that nobody holds on to.
        let waits = asked(&pair.one, long);
        let let_go = async {
            tokio::time::sleep(Duration::from_secs(6)).await;
            pair.replicas.store.set(None);
        };
        tokio::join!(waits, let_go).0
    };
    let (runner, twin) = tokio::join!(runner, twins);
    assert!(!is_repeated(&runner.unwrap()) && is_repeated(&twin.unwrap()));
}

async fn a_call_whose_caller_has_gone_is_carried_out_to_its_end(kept: Kept) {
    let pair = Pair::over(kept).await;
    let browser = pair.log_in("ada").await;
    pair.replicas.store.set(Fault::HoldsBefore("put_attributes"));
    let mut patience = Duration::from_millis(300);
    // On a busy machine it may have gone before anything began: that is not what is shown here, and nor is who says that
    // it was late, the authority or the client itself.
    while pair.replicas.store.count("put_attributes") == 0 {
        let short = within(patience, Role::Backend, update(&browser, b"17"));
        let late = pair.two.sessions().await.update_attributes(short).await.unwrap_err();
        assert!(matches!(late.code(), Code::DeadlineExceeded | Code::Cancelled), "{late:?}");
        patience *= 2;
    }
    held(&pair).await;
    pair.replicas.store.set(None);
    let again = pair.one.sessions().await.update_attributes(by(Role::Backend, update(&browser, b"17"))).await.unwrap();
    assert!(is_repeated(&again));
}

async fn what_fails_is_carried_out_by_who_waits_for_it(kept: Kept) {
    let pair = Pair::over(kept).await;
    let browser = pair.log_in("ada").await;
    pair.replicas.store.set(Fault::Slow(Duration::from_secs(1)));
    let asked = async |serving: &Serving| {
        serving.sessions().await.update_attributes(by(Role::Backend, update(&browser, b"17"))).await
    };
    let twins = async {
        let store = &pair.replicas.store;
        until(|| store.count("attributes") == 1).await;
        let fails = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            store.set(Fault::LosesAnswerOf("attributes"));
        };
        tokio::join!(asked(&pair.one), fails).0
    };
    let (runner, twin) = tokio::join!(asked(&pair.two), twins);
    failed(runner, Code::Unavailable, "STORE_UNAVAILABLE");
    assert!(!is_repeated(&twin.unwrap()));
}
