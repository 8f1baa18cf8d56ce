//! Owns the playing of `clients/scenarios.json` on the fake authority, through the edge and the application that the suite
//! knows. Does not know what is in it.

#[path = "../../examples/edge_under_test/application.rs"]
mod application;
#[path = "../../examples/fake_under_test/given.rs"]
mod given;

use gatelodge_client::testing::FakeAuthority;
use gatelodge_client::{Edge, EdgeOptions};
use given::{set, sign_in, text};
use http::Request;
use serde_json::Value;

use crate::browser::{Got, send_body};

/// What is not as it should be.
fn wrong(got: &Got, expect: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let all = |name: &str| -> Vec<_> {
        got.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    must(expect["status"] == got.status.as_u16(), format!("status {}", got.status));
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let wanted: Vec<_> = value.as_str().map(str::to_owned).into_iter().collect();
        must(all(name) == wanted, format!("{name}: {:?}", all(name)));
    }
    let vary: Vec<_> = all("vary").iter().flat_map(|line| line.split(", ")).map(str::to_lowercase).collect();
    for name in expect["vary"].as_array().into_iter().flatten() {
        must(vary.contains(&text(name).to_lowercase()), format!("vary {vary:?}"));
    }
    for (member, value) in expect["json"].as_object().into_iter().flatten() {
        let body: Value = serde_json::from_slice(&got.body).unwrap_or_default();
        must(body[member] == *value, format!("{member} of {body}"));
    }
    if let Some(body) = expect["body"].as_str() {
        must(got.body == body.as_bytes(), format!("body {:?}", got.body));
    }
    if let Some(cookies) = expect["set_cookies"].as_array() {
        let lines = all("set-cookie");
        let pairs = lines.iter().map(|line| line.split(';').next().unwrap_or_default());
        let about_the_session: Vec<_> = pairs.filter(|pair| pair.starts_with("session=")).collect();
        must(
            about_the_session == cookies.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>(),
            format!("{lines:?}"),
        );
    }
    wrong
}

async fn play(scenario: &Value) -> Vec<String> {
    let authority = FakeAuthority::new();
    let signed_in = sign_in(&authority, &scenario["given"]);
    let edge = Edge::new(authority.client(), EdgeOptions::default()).unwrap();
    edge.gate().ready().await;
    let application = application::application(&edge);
    let then = scenario["then"].as_array().into_iter().flatten();
    let mut wrongs = Vec::new();
    for (number, step) in std::iter::once(scenario).chain(then).enumerate() {
        if number == 0 || step["given"].is_object() {
            set(&authority, &step["given"], &signed_in);
        }
        let asked = &step["request"];
        let mut request =
            Request::builder().method(asked["method"].as_str().unwrap()).uri(asked["path"].as_str().unwrap());
        for header in asked["headers"].as_array().unwrap() {
            request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
        }
        let got = send_body(application.clone(), request, text(&asked["body"])).await;
        wrongs.extend(wrong(&got, &step["expect"]).into_iter().map(|what| format!("request {number}: {what}")));
    }
    wrongs
}

#[tokio::test]
async fn every_scenario_plays_on_the_fake() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["version"], 1);
    let scenarios = file["scenarios"].as_array().unwrap();
    assert!(scenarios.len() >= 100);
    let mut wrongs = Vec::new();
    for scenario in scenarios {
        wrongs.extend(play(scenario).await.into_iter().map(|what| format!("{}: {what}", text(&scenario["name"]))));
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
