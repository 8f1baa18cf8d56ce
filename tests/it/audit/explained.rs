//! Shows that a login that failed is explained from its request id: by the step that failed, in words that name the check. The
//! cases of `providers` ask here too, each as a whole login. Does not know how a provider misbehaves.

use std::time::Duration;

use gatelodge::authority::list_audit::EntryView;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::provider::ProviderError;
use gatelodge::rpc::policy::Role;
use gatelodge::session::audit::{Action, Outcome, Step};
use gatelodge_client::v1;
use gatelodge_client::v1::{AuditAction, AuditOutcome};
use tonic::Code;

use super::{ALL, explained};
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by};
use crate::world::{Browser, Kept, World, on_every_store, state_of};

on_every_store! {
    each_failure_is_explained_by_the_step_that_failed
    a_login_is_explained_from_its_start_to_its_end
}

/// What is written down of a world's calls, all of which have one request id, once a login has ended as `outcome`.
pub async fn of_world(world: &World, action: Action, outcome: Outcome) -> EntryView {
    for _ in 0..500 {
        let views = world.authority.explain_login("test").await.unwrap_or_default();
        let found = views.into_iter().rev().find(|view| view.entry.action == action && view.entry.outcome == outcome);
        if let Some(view) = found {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nothing was written down");
}

/// The provider did what does not pass `check`: the entry names the check, and the step that it belongs to.
pub async fn is_explained(world: &World, check: &str, failure: LoginFailure) {
    let EntryView { entry, .. } = of_world(world, Action::LoginCompleted, Outcome::Failed).await;
    assert_eq!(entry.reason, failure.reason());
    let last = entry.steps.last().unwrap().step;
    let steps: &[Step] = match check.split('.').next().unwrap() {
        "response" => &[Step::ResponseIssuer],
        "token_response" | "invalid_grant" => &[Step::CodeRedeemed],
        "id_token" => &[Step::IdToken, Step::CodeRedeemed],
        "userinfo" | "claims" | "profile" => &[Step::UserInfo],
        _ => &[Step::Metadata, Step::ResponseIssuer, Step::CodeRedeemed, Step::IdToken, Step::UserInfo],
    };
    assert!(steps.contains(&last), "{check}: {entry:?}");
    if check.contains('.') {
        assert!(entry.detail.ends_with(&format!("did not pass the check {check}")), "{check}: {entry:?}");
    } else {
        assert!(entry.detail.starts_with("the identity provider "), "{check}: {entry:?}");
    }
}

/// A login that fails in some way: the word for it, and the step at which it does.
struct Case {
    word: &'static str,
    step: &'static str,
    /// Words of the sentence.
    says: &'static str,
    wish: &'static str,
    provider: Option<fn() -> ProviderError>,
    bend: fn(&str, &str) -> String,
}

const GOOD: fn(&str, &str) -> String = |code, state| format!("code={code}&state={state}");

fn case(word: &'static str, step: &'static str, says: &'static str) -> Case {
    Case { word, step, says, wish: "", provider: None, bend: GOOD }
}

fn cases() -> Vec<Case> {
    let fault = |text: &'static str| text;
    let _ = fault;
    vec![
        Case {
            bend: |code, state| format!("code={code}&state={state}&state={state}"),
            ..case("request_malformed", "callback", "came more than once")
        },
        Case {
            bend: |code, _| format!("code={code}&state=another"),
            ..case("state_invalid", "callback", "Invalid state")
        },
        Case {
            bend: |_, state| format!("error=access_denied&state={state}"),
            ..case("access_denied", "provider_answer", "access_denied")
        },
        Case {
            bend: |_, state| format!("error=SECRET-ERROR&state={state}"),
            ..case("provider_error", "provider_answer", "an error of its own")
        },
        Case {
            bend: |_, state| format!("error=access_denied&iss=https://evil.example&state={state}"),
            ..case("identity_rejected", "provider_answer", "response.iss")
        },
        Case {
            provider: Some(|| ProviderError::Unavailable("no answer in time".into())),
            ..case("provider_unavailable", "provider_answer", "no answer in time")
        },
        Case {
            provider: Some(|| ProviderError::InvalidGrant("invalid_grant".into())),
            ..case("code_refused", "provider_answer", "refused the grant")
        },
        Case {
            provider: Some(|| ProviderError::Failed("the answer is not valid".into())),
            ..case("provider_error", "provider_answer", "the answer is not valid")
        },
        Case {
            provider: Some(|| ProviderError::Rejected("id_token.aud")),
            ..case("identity_rejected", "provider_answer", "id_token.aud")
        },
        Case { wish: "acr_values=gold", ..case("authentication_unmet", "requirements", "the login lacks") },
    ]
}

async fn each_failure_is_explained_by_the_step_that_failed(kept: Kept) {
    for Case { word, step, says, wish, provider, bend } in cases() {
        let put = kept.ready().await;
        let world = World::built(&["idp"], |settings| settings.audit = Some(ALL), put);
        let serving = Serving::of(&world).await;
        let mut browser = Browser::default();
        let started = world.start(&browser, wish).await;
        browser.keep(&started.answer.set_cookies);
        *world.provider.refusal.lock().unwrap() = provider;
        let query = bend(&world.provider.code_for("ada"), &state_of(&started.answer));
        let failure = world.callback(&browser, &query).await.failure().unwrap();
        assert_eq!(failure.reason(), word, "{step}");
        of_world(&world, Action::LoginCompleted, Outcome::Failed).await;
        let entries = explained(&serving, "test").await;
        assert!(!format!("{entries:?}").contains("SECRET"), "{entries:?}");
        let entry = entries.iter().find(|entry| entry.action() == AuditAction::LoginCompleted).unwrap();
        assert_eq!((entry.outcome(), entry.reason.as_str()), (AuditOutcome::Failed, word), "{step}");
        let (failed, passed) = entry.steps.split_last().unwrap();
        assert_eq!((failed.name.as_str(), failed.outcome()), (step, AuditOutcome::Failed), "{word}: {entry:?}");
        assert!(passed.iter().all(|step| step.outcome() == AuditOutcome::Done), "{entry:?}");
        assert!(entry.detail.contains(says), "{word}: {}", entry.detail);
    }
}

async fn a_login_is_explained_from_its_start_to_its_end(kept: Kept) {
    let put = kept.ready().await;
    let world = World::built(&["idp"], |settings| settings.audit = Some(ALL), put);
    let serving = Serving::of(&world).await;
    world.log_in(&mut Browser::default(), "ada").await.result.unwrap();
    of_world(&world, Action::LoginCompleted, Outcome::Done).await;
    let entries = explained(&serving, "test").await;
    let names = |entry: &v1::AuditEntry| entry.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&entries[0]), ["request", "limits", "provider_address", "login_kept"]);
    let back = ["callback", "limits", "login_found", "provider_answer", "requirements", "session"];
    assert_eq!(names(&entries[1]), back);
    assert_eq!(entries[0].login_id, entries[1].login_id);
    let mut admin = serving.admin().await;
    let question = v1::ExplainLoginRequest { request_id: "another".into() };
    failed(admin.explain_login(by(Role::Admin, question)).await, Code::NotFound, "REQUEST_UNKNOWN");
    let question = v1::ExplainLoginRequest::default();
    failed(admin.explain_login(by(Role::Admin, question)).await, Code::InvalidArgument, "INVALID_FIELD");
}
