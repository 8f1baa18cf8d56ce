//! Owns a process that is seen at work: a login under one trace, a check under another, and calls under none. Does not know
//! what should be seen.

use std::future::Future;
use std::sync::Arc;

use gatelodge::config::Config;
use gatelodge::config::log::{Format, Log};
use gatelodge::config::oidc::Provider;
use gatelodge::config::share::Share;
use gatelodge::crypto::Secret;
use gatelodge::rpc::policy::{self, Role};
use gatelodge::telemetry::Telemetry;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::Request;
use url::Url;

use super::collector::{Collector, Taken};
use crate::hostile::{Endpoint, Hostile};
use crate::rpc::serving::{Serving, by, context, cookies, validation};
use crate::world::log::{again, told};
use crate::world::{Browser, World};

/// The trace of the login, and the span of its caller.
pub const LOGIN: (&str, &str) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
/// Those of the check.
pub const CHECK: (&str, &str) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
/// Those of a check whose caller does not trace it.
pub const UNTRACED: (&str, &str) = ("1111651916cd43dd8448eb211c80319c", "b7ad6b7169203332");
/// What opens the collector.
pub const TOKEN: &str = "Bearer CANARY-OF-THE-COLLECTOR";

/// What a child has said, and what it has sent.
pub struct Seen {
    pub said: String,
    pub log: String,
    pub taken: Taken,
}

/// Runs `work` in a child of this process, all of whose metrics and traces go to a collector of the parent's; `None` in
/// the child, when it is done.
pub async fn in_a_child<F>(test: &str, sample: &str, work: impl FnOnce(Arc<Telemetry>) -> F) -> Option<Seen>
where
    F: Future<Output = ()>,
{
    if let Some(endpoint) = told() {
        let mut config = Config::default();
        config.oidc.providers.insert("hostile".into(), Provider::default());
        let settings = &mut config.telemetry;
        settings.otlp.endpoint = Some(endpoint);
        settings.otlp.headers.insert("authorization".into(), Secret::new(TOKEN));
        settings.traces.sample = Share::parse(sample).unwrap();
        settings.traces.tell_providers = vec!["hostile".into()];
        settings.metrics.prometheus.enabled = true;
        settings.instance = Some("the-one-of-this-test".into());
        let log = Log { format: Format::Json, level: "trace".into() };
        let telemetry = Arc::new(Telemetry::start(&log, &config).unwrap());
        work(Arc::clone(&telemetry)).await;
        Arc::into_inner(telemetry).expect("nobody else has it").stop().await;
        return None;
    }
    let (collector, address) = Collector::start().await;
    let output = again(test, &address).output().await.unwrap();
    let (said, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}\n{log}");
    Some(Seen { said, log, taken: collector.taken() })
}

/// A login under its caller's trace, a check under another, one that is not to be traced, and one of which nothing is said.
pub async fn a_login_and_checks(telemetry: Arc<Telemetry>) {
    let hostile = Hostile::start().await;
    let observer = telemetry.provider("default", "hostile");
    hostile.settings_with(move |settings| settings.registration.observer.clone_from(&observer));
    let world = World::built(
        &["unused"],
        |_| (),
        |ports| {
            ports.providers = Arc::new(hostile.registry());
            ports.observer = telemetry.work();
            *ports = telemetry.before_store("memory")(ports.clone());
        },
    );
    let serving = Serving::with(&world, |settings| settings.observer = telemetry.calls(policy::methods())).await;
    let (mut logins, mut sessions) = (serving.logins().await, serving.sessions().await);
    let mut browser = Browser::default();

    let start = v1::StartLoginRequest { context: Some(context("GET", "/auth/web/login")), ..Default::default() };
    let answer = logins.start_login(under(LOGIN, "01", start)).await.unwrap().into_inner().answer.unwrap();
    browser.keep(&answer.set_cookies);
    let back = hostile.visit(Url::parse(&answer.location).unwrap().as_str()).unwrap();
    let callback = v1::CompleteCallbackRequest {
        response: Some(Response::Query(back.query().unwrap().to_owned().into())),
        cookies: cookies(&browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    let done = logins.complete_callback(under(LOGIN, "01", callback)).await.unwrap().into_inner();
    browser.keep(&done.answer.unwrap().set_cookies);

    sessions.validate_session(under(CHECK, "01", validation(&browser))).await.unwrap();
    sessions.validate_session(under(UNTRACED, "00", validation(&browser))).await.unwrap();
    sessions.validate_session(by(Role::Edge, validation(&browser))).await.unwrap();
    sessions.validate_session(Request::new(validation(&browser))).await.unwrap_err();
    let told = hostile.received(Endpoint::Token)[0].traceparent.clone();
    println!("\nTOLD {}", told.unwrap_or_default());
    println!("{}", page_of(&telemetry).await);
}

/// The page for Prometheus, read as Prometheus reads it.
pub async fn page_of(telemetry: &Telemetry) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let showing = tokio::spawn(telemetry.showing(listener).unwrap());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    showing.abort();
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    text
}

fn under<T>(trace: (&str, &str), flags: &str, message: T) -> Request<T> {
    let mut request = by(Role::Edge, message);
    let traceparent = format!("00-{}-{}-{flags}", trace.0, trace.1);
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    request
}
