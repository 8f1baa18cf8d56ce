//! Shows that a tenant's listing says nothing of another's: not what happened there, nor how much, by what it lists, how many
//! pages that takes, or how often the store is asked (security.md 102, 104). Does not know the other calls.

use std::time::Duration;

use gatelodge::authority::revoke_as_admin;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use tonic::Code;

use crate::rpc::{failed, fields_of};
use crate::tenants::town::{Town, by};
use crate::world::{Kept, World, on_every_store};

on_every_store! {
    a_listing_is_the_same_and_costs_the_same_whatever_other_tenants_have
    what_another_tenants_listing_shows_opens_nothing_here
}

const OURS: usize = 1;
const THEIRS: usize = 2;
/// More than one reads at once.
const MANY: usize = 450;

/// Something that an admin does at a tenant, so often.
async fn happens(town: &Town, at: usize, count: usize) {
    for number in 0..count {
        let target = revoke_as_admin::Target::User(format!("idp_{number}"));
        town.worlds[at].authority.revoke_as_admin(&World::call(), &target, "a test").await.unwrap();
    }
}

/// All that a tenant is listed, in pages of three: the entries, the pages' sizes and their tokens' lengths, and how often the
/// store was asked.
async fn seen(town: &Town, at: usize) -> (Vec<v1::AuditEntry>, Vec<(usize, usize)>, usize) {
    let (mut admin, before) = (town.serving.admin().await, town.store.count("entries"));
    let (mut entries, mut pages) = (Vec::new(), Vec::new());
    let mut question = v1::ListAuditRequest { page_size: 3, ..Default::default() };
    loop {
        let page = admin.list_audit(by(Role::Admin, at, question.clone())).await.unwrap().into_inner();
        pages.push((page.entries.len(), page.next_page_token.len()));
        entries.extend(page.entries);
        question.page_token = page.next_page_token;
        if question.page_token.is_empty() {
            return (entries, pages, town.store.count("entries") - before);
        }
    }
}

async fn until_seen(town: &Town, at: usize, count: usize) {
    while town.worlds[at].authority.list_audit(&all()).await.unwrap().entries.len() < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn all() -> gatelodge::authority::list_audit::Question {
    gatelodge::authority::list_audit::Question { page_size: 1000, ..Default::default() }
}

async fn a_listing_is_the_same_and_costs_the_same_whatever_other_tenants_have(kept: Kept) {
    let town = Town::over(kept).await;
    happens(&town, OURS, 7).await;
    until_seen(&town, OURS, 7).await;
    let before = seen(&town, OURS).await;
    assert_eq!((before.0.len(), before.1.len()), (7, 3));
    happens(&town, THEIRS, MANY).await;
    until_seen(&town, THEIRS, MANY).await;
    assert_eq!(seen(&town, OURS).await, before);
    // Nor does what comes next here say how much came there meanwhile: an id is of its tenant's own count.
    happens(&town, OURS, 1).await;
    until_seen(&town, OURS, 8).await;
    let ids: Vec<_> = seen(&town, OURS).await.0.iter().rev().map(|entry| place(&entry.entry_id)).collect();
    assert_eq!(ids, (0..8).collect::<Vec<_>>());
}

/// The place that an entry's id has among those of its moment.
fn place(id: &str) -> u16 {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap();
    u16::from_be_bytes([bytes[6], bytes[7]])
}

async fn what_another_tenants_listing_shows_opens_nothing_here(kept: Kept) {
    let town = Town::over(kept).await;
    let (_, session) = town.log_in(THEIRS, "ada").await;
    happens(&town, THEIRS, 5).await;
    happens(&town, OURS, 5).await;
    until_seen(&town, THEIRS, 7).await;
    until_seen(&town, OURS, 5).await;
    let mut admin = town.serving.admin().await;
    let theirs = seen(&town, THEIRS).await.0;
    let ours: Vec<_> = seen(&town, OURS).await.0.into_iter().map(|entry| entry.entry_id).collect();
    let list = async |at: usize, filter: v1::AuditFilter| {
        let question = v1::ListAuditRequest { filter: Some(filter), page_size: 200, ..Default::default() };
        town.serving.admin().await.list_audit(by(Role::Admin, at, question)).await
    };
    // Their session's id is as good as none; what both have, a user's id and a request's, finds what is here alone.
    let made_up = format!("{}A", &session[..session.len() - 1]);
    for id in [session.clone(), made_up] {
        let about = v1::AuditFilter { session_id: id, ..Default::default() };
        assert_eq!(list(OURS, about).await.unwrap().into_inner(), v1::ListAuditResponse::default());
    }
    for entry in &theirs {
        let filter = v1::AuditFilter {
            user_id: entry.user_id.clone(),
            request_id: entry.request_id.clone(),
            ..Default::default()
        };
        let found = list(OURS, filter).await.unwrap().into_inner().entries;
        assert!(found.iter().all(|entry| ours.contains(&entry.entry_id)), "{found:?}");
    }
    // A page of theirs is not gone on with here, and is refused as one that nobody was given.
    let first = v1::ListAuditRequest { page_size: 1, ..Default::default() };
    let page = admin.list_audit(by(Role::Admin, THEIRS, first.clone())).await.unwrap().into_inner();
    let mut said = Vec::new();
    for page_token in [page.next_page_token, "bm9ib2R5cw".to_owned()] {
        let refused =
            admin.list_audit(by(Role::Admin, OURS, v1::ListAuditRequest { page_token, ..first.clone() })).await;
        let status = failed(refused, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(fields_of(&status), ["page_token"]);
        said.push(status.message().to_owned());
    }
    assert_eq!(said[0], said[1]);
}
