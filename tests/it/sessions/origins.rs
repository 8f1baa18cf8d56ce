//! Shows which requests pass by where they come from, for every kind of requirement, in the words of the contract: reason,
//! remedy and finished answer. Does not know what is wrong with a token.

use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, CsrfRequirement as Csrf, DeniedReason as Reason};

use super::door::{Door, TOKENLESS, active};
use crate::world::{Kept, on_every_store};

on_every_store! {
    where_a_request_comes_from_decides_beside_its_token
    the_requirement_decides_before_the_method
    a_websocket_is_judged_by_its_origin_alone
}

const OWN: &str = "https://app.example.com";
const ALLOWED: &str = "https://spa.example.com";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It may come from there.
    Passes,
    /// Nobody said where it comes from.
    Unsaid,
    /// It may not.
    Refused,
}

/// Origin, Sec-Fetch-Site, and what they come to.
const PLACES: [(Option<&str>, Option<&str>, Place); 14] = [
    (Some(OWN), None, Place::Passes),
    (Some(OWN), Some("same-origin"), Place::Passes),
    (Some(ALLOWED), Some("cross-site"), Place::Passes),
    (Some(ALLOWED), Some("same-site"), Place::Passes),
    (Some("https://evil.example"), Some("same-origin"), Place::Refused),
    (Some("https://evil.example"), None, Place::Refused),
    (Some("http://app.example.com"), Some("same-origin"), Place::Refused),
    (Some("null"), Some("none"), Place::Refused),
    (Some(""), None, Place::Refused),
    (None, Some("same-origin"), Place::Passes),
    (None, Some("none"), Place::Passes),
    (None, Some("same-site"), Place::Refused),
    (None, Some("cross-site"), Place::Refused),
    (None, None, Place::Unsaid),
];

const FOREIGN: &str = "Send the request from the site itself, or add the origin to app.cors.allowed_origins.";

/// A fetch, its requirement, and what came with it.
#[derive(Clone, Copy, Debug)]
struct Fetch<'a> {
    method: &'static str,
    csrf: Csrf,
    origin: Option<&'static str>,
    site: Option<&'static str>,
    token: Option<&'a str>,
    upgrade: bool,
}

async fn fetch(door: &mut Door, fetch: Fetch<'_>) -> Outcome {
    let browser = door.browser.clone();
    door.ask(&browser, |question| {
        question.can_set_cookies = false;
        question.requirements = Some(v1::Requirements { csrf: fetch.csrf.into(), ..Default::default() });
        let context = question.context.as_mut().unwrap();
        context.method = fetch.method.into();
        context.sec_fetch_mode = Some("cors".into());
        context.origin = fetch.origin.map(Into::into);
        context.sec_fetch_site = fetch.site.map(Into::into);
        context.csrf_token = fetch.token.map(|token| token.to_owned().into());
        context.upgrade = fetch.upgrade.then(|| "websocket".into());
    })
    .await
}

/// It is denied for this reason, with this remedy, and the answer says both and no more.
fn assert_denied(outcome: Outcome, reason: Reason, public: &str, detail: &str, remedy: &str, of: Fetch<'_>) {
    let Outcome::Denied(denied) = outcome else { panic!("{of:?}: {outcome:?}") };
    assert_eq!((denied.reason(), denied.remedy.as_str()), (reason, remedy), "{of:?}");
    let answer = denied.answer.unwrap();
    let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(body["request_id"].take().is_string());
    let expected = serde_json::json!({ "detail": detail, "reason": public, "remedy": remedy, "request_id": null });
    assert_eq!((answer.status, answer.content_type.as_str(), body), (403, "application/json", expected), "{of:?}");
    assert!(answer.set_cookies.is_empty() && answer.location.is_empty(), "{of:?}");
}

async fn token(door: &mut Door) -> String {
    let browser = door.browser.clone();
    active(door.ask(&browser, |question| question.issue_csrf_token = true).await).csrf_token
}

// contract.md, 6; security.md 70: an Origin decides whatever Sec-Fetch-Site says; without one that does.
async fn where_a_request_comes_from_decides_beside_its_token(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let token = token(&mut door).await;
    let kinds = [("POST", Csrf::Unspecified), ("GET", Csrf::Required), ("DELETE", Csrf::Required)];
    for (method, csrf) in kinds {
        for (origin, site, place) in PLACES {
            for token in [None, Some(token.as_str())] {
                let of = Fetch { method, csrf, origin, site, token, upgrade: false };
                let outcome = fetch(&mut door, of).await;
                match (place, token) {
                    (Place::Refused, _) => {
                        let detail = "Requests from this origin are not allowed";
                        assert_denied(outcome, Reason::OriginRefused, "origin_refused", detail, FOREIGN, of);
                    }
                    (_, None) => {
                        let detail = "CSRF token mismatch";
                        assert_denied(outcome, Reason::CsrfMissing, "csrf_mismatch", detail, TOKENLESS, of);
                    }
                    (_, Some(_)) => {
                        let judged = active(outcome).judged.unwrap();
                        assert_eq!((judged.csrf, judged.origin), (true, place == Place::Passes), "{of:?}");
                    }
                }
            }
        }
    }
}

async fn the_requirement_decides_before_the_method(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    // Nothing is asked of these, wherever they come from.
    for (method, csrf) in [("GET", Csrf::Unspecified), ("HEAD", Csrf::Unspecified), ("POST", Csrf::NotRequired)] {
        for (origin, site, _) in PLACES {
            let of = Fetch { method, csrf, origin, site, token: None, upgrade: false };
            let judged = active(fetch(&mut door, of).await).judged.unwrap();
            assert!(!judged.csrf && !judged.origin, "{of:?}");
        }
    }
    // What can't be judged is no yes.
    let browser = door.browser.clone();
    let blind = v1::ValidateSessionRequest {
        context: None,
        requirements: Some(v1::Requirements { csrf: Csrf::Required.into(), ..Default::default() }),
        ..crate::rpc::serving::validation(&browser)
    };
    let refused = door.sessions.validate_session(crate::rpc::serving::by(gatelodge::rpc::policy::Role::Edge, blind));
    crate::rpc::failed(refused.await, tonic::Code::InvalidArgument, "CONTEXT_REQUIRED");
}

// contract.md, 4: a browser can send no token with it, so no Origin is refused; unless a token is asked for by name.
async fn a_websocket_is_judged_by_its_origin_alone(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    let detail = "Requests from this origin are not allowed";
    for (origin, site, place) in PLACES {
        let of = Fetch { method: "GET", csrf: Csrf::Unspecified, origin, site, token: None, upgrade: true };
        let outcome = fetch(&mut door, of).await;
        if place == Place::Passes && origin.is_some() {
            let judged = active(outcome).judged.unwrap();
            assert!(judged.origin && !judged.csrf, "{of:?}");
        } else {
            assert_denied(outcome, Reason::OriginRefused, "origin_refused", detail, FOREIGN, of);
        }
        let named = Fetch { csrf: Csrf::Required, origin: Some(OWN), ..of };
        let outcome = fetch(&mut door, named).await;
        assert_denied(outcome, Reason::CsrfMissing, "csrf_mismatch", "CSRF token mismatch", TOKENLESS, named);
        let any = Fetch { csrf: Csrf::NotRequired, ..of };
        active(fetch(&mut door, any).await);
    }
}
