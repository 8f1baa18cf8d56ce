//! Shows that what can't be written down fails nothing, and is said. Does not know the entries.

use gatelodge::rpc::policy::Role;
use gatelodge::session::audit::{Action, Outcome};
use gatelodge_client::v1;
use tonic::Code;

use super::ALL;
use super::explained::of_world;
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by};
use crate::world::faults::{Fault, FaultyStore};
use crate::world::log::Log;
use crate::world::{Browser, World};

#[tokio::test]
async fn an_entry_that_the_store_does_not_take_fails_no_login_and_is_said() {
    let log = Log::default();
    let _listening = log.listen();
    let (world, store): (World, std::sync::Arc<FaultyStore>) =
        World::with_faults(|settings| settings.audit = Some(ALL));
    let mut browser = Browser::default();
    store.set(Some(Fault::LosesAnswerOf("keep_entry")));
    world.log_in(&mut browser, "ada").await.result.unwrap();
    while !log.text().contains("audit entries are not kept") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let text = log.text();
    assert!(text.contains("a login is complete") && text.contains("trouble of the store"), "{text}");
    store.set(None);
    world.log_in(&mut browser, "ada").await.result.unwrap();
    of_world(&world, Action::LoginCompleted, Outcome::Done).await;
}

#[tokio::test]
async fn trouble_of_the_store_is_no_empty_list() {
    let (world, store) = World::with_faults(|settings| settings.audit = Some(ALL));
    let serving = Serving::of(&world).await;
    store.set(Some(Fault::Away));
    let asked = serving.admin().await.list_audit(by(Role::Admin, v1::ListAuditRequest::default())).await;
    failed(asked, Code::Unavailable, "STORE_UNAVAILABLE");
}
