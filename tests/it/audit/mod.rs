//! Owns what is written down of what happened, and how admins ask for it. Does not know how it is kept.
//!
//! | file | what is shown |
//! |---|---|
//! | `entries` | who did what, when, from where, about which session: through AdminService, on every store |
//! | `explained` | a login that failed is explained from its request id, by the step that failed |
//! | `trouble` | what is not kept fails nothing, and is said |

mod entries;
pub mod explained;
mod trouble;

use std::time::Duration;

use gatelodge::authority::settings::{AuditSettings, ClientAddresses};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;

use crate::rpc::serving::{Serving, by};

/// Everything is written down.
pub const ALL: AuditSettings = AuditSettings {
    keep_for: Duration::from_hours(24),
    most_an_hour: 1000,
    client_addresses: ClientAddresses::Whole,
    tokens: true,
    rotations: true,
};

/// What an admin is listed, once there is as much as this of it: entries are written beside the answers.
pub async fn listed(serving: &Serving, filter: v1::AuditFilter, count: usize) -> Vec<v1::AuditEntry> {
    let mut admin = serving.admin().await;
    for _ in 0..500 {
        let question = v1::ListAuditRequest { filter: Some(filter.clone()), page_size: 200, ..Default::default() };
        let page = admin.list_audit(by(Role::Admin, question)).await.unwrap().into_inner();
        if page.entries.len() >= count {
            return page.entries;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("fewer than {count} of {filter:?}");
}

/// What an admin is told of a request, once there is something.
pub async fn explained(serving: &Serving, request_id: &str) -> Vec<v1::AuditEntry> {
    let mut admin = serving.admin().await;
    for _ in 0..500 {
        let question = v1::ExplainLoginRequest { request_id: request_id.to_owned() };
        if let Ok(answer) = admin.explain_login(by(Role::Admin, question)).await {
            return answer.into_inner().entries;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing of {request_id}");
}
