//! Owns what is written down of what happened, and how admins ask for it. Does not know how it is kept.
//!
//! | file | what is shown |
//! |---|---|
//! | `entries` | who did what, when, from where, about which session: through AdminService, on every store |
//! | `explained` | a login that failed is explained from its request id, by the step that failed |
//! | `ended` | which sessions, users and tenants an end has touched |
//! | `flood` | what can be caused without a session is bounded, and takes no room from the rest |
//! | `again` | a call that was answered again is written down as that |
//! | `stepped_up` | a step-up is told from a login, also one that fails |
//! | `tokens` | tokens that were given out, refusals that ended sessions, clients that were warned of |
//! | `watched` | entries are told as they come, and gaps are said |
//! | `late` | whatever stood still, failed or was set back, nothing is missed unawares |
//! | `trouble` | what is not kept fails nothing, and is said |
//! | `reload` | what waits over a change of keys is written by the keys then in force |
//! | `unreplicated` | an end that too few replicas of the store have is written down as that |
//! | `beside` | a tenant's listing is the same, and costs the same, whatever others have |

mod again;
mod beside;
mod ended;
mod entries;
pub mod explained;
mod flood;
mod late;
mod reload;
mod stepped_up;
mod tokens;
mod trouble;
mod unreplicated;
mod watched;

use std::time::Duration;

use gatelodge::authority::settings::{AuditSettings, ClientAddresses, Settings};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::AuditAction;
use gatelodge_client::v1::complete_callback_request::Response;
use tonic::Status;

use crate::rpc::serving::{Serving, by, context, cookies, validation};
use crate::world::{Browser, Kept, World};

/// Everything is written down.
pub const ALL: AuditSettings = AuditSettings {
    keep_for: Duration::from_hours(24),
    most_an_hour: 1000,
    client_addresses: ClientAddresses::Whole,
    tokens: true,
    rotations: true,
    refreshes: true,
};

async fn world(kept: Kept, change: impl FnOnce(&mut Settings)) -> (World, Serving) {
    let put = kept.ready().await;
    let change = |settings: &mut Settings| {
        settings.audit = Some(ALL);
        change(settings);
    };
    let world = World::built(&["idp"], change, put);
    let serving = Serving::of(&world).await;
    (world, serving)
}

fn named<T>(id: &str, role: Role, message: T) -> tonic::Request<T> {
    let mut request = by(role, message);
    request.metadata_mut().insert("x-request-id", id.parse().unwrap());
    request
}

fn of(actions: &[AuditAction]) -> v1::AuditFilter {
    v1::AuditFilter { actions: actions.iter().map(|action| (*action).into()).collect(), ..Default::default() }
}

/// A browser begins a login, in a call of this id; the state that it brings back.
async fn begin(serving: &Serving, browser: &mut Browser, id: &str) -> String {
    let question = v1::StartLoginRequest { context: Some(context("GET", "/auth/web/login")), ..Default::default() };
    let started = serving.logins().await.start_login(named(id, Role::Edge, question)).await.unwrap().into_inner();
    let started = started.answer.unwrap();
    browser.keep(&started.set_cookies);
    let address = url::Url::parse(&started.location).unwrap();
    address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

/// A browser comes back, in a call of this id.
async fn come_back(
    serving: &Serving,
    browser: &Browser,
    id: &str,
    query: String,
) -> Result<v1::CompleteCallbackResponse, Status> {
    let question = v1::CompleteCallbackRequest {
        response: Some(Response::Query(query.into())),
        cookies: cookies(browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    Ok(serving.logins().await.complete_callback(named(id, Role::Edge, question)).await?.into_inner())
}

/// A browser that has logged in, in calls `start-SUB` and `back-SUB`, and the public id of its session.
async fn log_in(world: &World, serving: &Serving, sub: &str) -> (Browser, String) {
    let mut browser = Browser::default();
    let state = begin(serving, &mut browser, &format!("start-{sub}")).await;
    let query = format!("code={}&state={state}", world.provider.code_for(sub));
    let done = come_back(serving, &browser, &format!("back-{sub}"), query).await.unwrap();
    browser.keep(&done.answer.unwrap().set_cookies);
    let Some(v1::complete_callback_response::Outcome::Completed(login)) = done.outcome else { panic!("no session") };
    (browser, login.session.unwrap().session_id)
}

/// A browser's request is checked, in a call of this id.
async fn check(serving: &Serving, browser: &mut Browser, id: &str) -> Result<(), Status> {
    let question = v1::ValidateSessionRequest {
        touch: Some(true),
        can_set_cookies: true,
        context: Some(context("GET", "/")),
        ..validation(browser)
    };
    let answer = serving.sessions().await.validate_session(named(id, Role::Edge, question)).await?.into_inner();
    if let Some(v1::validate_session_response::Outcome::Active(active)) = answer.outcome {
        browser.keep(&active.set_cookies);
    }
    Ok(())
}

/// A browser with a credential that was rotated out several times since, every five minutes, and the public id of its session.
async fn stolen(world: &World, serving: &Serving) -> (Browser, String) {
    let (mut browser, session) = log_in(world, serving, "ada").await;
    let old = browser.clone();
    check(serving, &mut browser, "check").await.unwrap();
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(6));
        check(serving, &mut browser, "check").await.unwrap();
        check(serving, &mut browser, "check").await.unwrap();
    }
    world.clock.advance(Duration::from_mins(2));
    (old, session)
}

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
