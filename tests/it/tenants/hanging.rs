//! Owns the promise that a tenant whose provider hangs takes nothing from others. Does not know why it hangs.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use tokio::time::timeout;
use tonic::Code;

use super::town::{Town, by};
use crate::rpc::failed;
use crate::rpc::serving::{cookies, validation};
use crate::world::{Browser, Kept};

const ACME: usize = 1;
const GLOBEX: usize = 2;
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_for_one_tenants_provider_leave_places_for_all_others() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::served(kept, |_, _| (), |settings| settings.max_in_flight = 16).await;
        let mut people = Vec::new();
        for number in 0..32 {
            people.push(town.log_in(ACME, &format!("user-{number}")).await.0);
        }
        let (elsewhere, _) = town.log_in(GLOBEX, "ada").await;
        *town.worlds[ACME].provider.slow.lock().unwrap() = Some(Duration::from_hours(1));
        let refresh = |browser: &Browser, at: usize| {
            let question = v1::RefreshTokensRequest { cookies: cookies(browser), ..Default::default() };
            let request = by(Role::Edge, at, question);
            let sessions = town.serving.sessions();
            async move { sessions.await.refresh_tokens(request).await }
        };
        let mut waiting = Box::pin(join_all(people.iter().map(|browser| timeout(SOON, refresh(browser, ACME)))));
        let asked = async {
            // As soon as the provider is asked by as many as may be.
            tokio::time::sleep(Duration::from_millis(500)).await;
            let mut sessions = town.serving.sessions().await;
            sessions.validate_session(by(Role::Edge, GLOBEX, validation(&elsewhere))).await.unwrap();
            let refreshed = refresh(&elsewhere, GLOBEX).await.unwrap().into_inner();
            assert!(
                matches!(refreshed.outcome, Some(v1::refresh_tokens_response::Outcome::Refreshed(_))),
                "{refreshed:?}"
            );
            let own = sessions.validate_session(by(Role::Edge, ACME, validation(&people[0]))).await;
            own.expect("what waits for no provider is answered");
        };
        let (ended, ()) = tokio::join!(&mut waiting, asked);
        let (refused, hanging): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
        assert!((1..=8).contains(&hanging.len()), "{kept:?}: {} of 16 places", hanging.len());
        for answer in refused {
            failed(answer.unwrap(), Code::ResourceExhausted, "OVERLOADED");
        }
    }
}
