//! Owns what is traced: calls under their callers' traces, and what they ask of store and provider. Does not know how it is
//! sent.

use opentelemetry_proto::tonic::trace::v1::Span;

use super::collector::attribute;
use super::seen::{CHECK, LOGIN, TOKEN, UNTRACED, a_login_and_checks, in_a_child};

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn of_trace<'a>(spans: &[&'a Span], trace: &str) -> Vec<&'a Span> {
    spans.iter().copied().filter(|span| hex(&span.trace_id) == trace).collect()
}

#[track_caller]
fn named<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().copied().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} among {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    found[0]
}

#[tokio::test]
async fn a_login_and_a_check_are_traced_under_their_callers_traces() {
    let test = "telemetry::traces::a_login_and_a_check_are_traced_under_their_callers_traces";
    let Some(seen) = in_a_child(test, "0", a_login_and_checks).await else { return };
    let spans = seen.taken.spans();

    let login = of_trace(&spans, LOGIN.0);
    let callback = named(&login, "gatelodge.v1.LoginService/CompleteCallback");
    assert_eq!(hex(&callback.parent_span_id), LOGIN.1);
    assert_eq!(attribute(callback, "rpc.system.name").as_deref(), Some("grpc"));
    assert_eq!(attribute(callback, "rpc.response.status_code").as_deref(), Some("OK"));
    assert_eq!(attribute(callback, "gatelodge.caller").as_deref(), Some("edge"));
    assert!(attribute(callback, "gatelodge.request_id").is_some_and(|id| !id.is_empty()));
    for step in ["take", "create"] {
        let step = named(&login, step);
        assert_eq!(step.parent_span_id, callback.span_id);
        assert_eq!(attribute(step, "db.system.name").as_deref(), Some("memory"));
        assert!(step.start_time_unix_nano >= callback.start_time_unix_nano);
    }
    let request = named(&login, "POST");
    assert_eq!(request.parent_span_id, callback.span_id);
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute(request, "gatelodge.provider").as_deref(), Some("hostile"));
    named(&login, "gatelodge.v1.LoginService/StartLogin");

    let told = seen.said.lines().find_map(|line| line.strip_prefix("TOLD ")).unwrap();
    assert_eq!(told, format!("00-{}-{}-01", LOGIN.0, hex(&request.span_id)), "the provider is told");

    let check = of_trace(&spans, CHECK.0);
    let check = named(&check, "gatelodge.v1.SessionService/ValidateSession");
    assert_eq!(hex(&check.parent_span_id), CHECK.1);

    assert_eq!(of_trace(&spans, UNTRACED.0).len(), 0, "its caller does not trace it");
    let checks = spans.iter().filter(|span| span.name.ends_with("/ValidateSession")).count();
    assert_eq!(checks, 1, "nothing else is traced where nothing is sampled, and a stranger's call never");

    let resources = seen.taken.resources();
    for (name, value) in [
        ("service.name", "gatelodge"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", "the-one-of-this-test"),
    ] {
        assert!(resources.contains(&(name.to_owned(), value.to_owned())), "{name}: {resources:?}");
    }
    assert!(!seen.taken.authorization.is_empty() && seen.taken.authorization.iter().all(|header| header == TOKEN));
}

#[tokio::test]
async fn calls_of_which_nothing_is_said_are_traced_where_all_are_sampled() {
    let test = "telemetry::traces::calls_of_which_nothing_is_said_are_traced_where_all_are_sampled";
    let Some(seen) = in_a_child(test, "1", a_login_and_checks).await else { return };
    let spans = seen.taken.spans();
    let checks: Vec<_> = spans.iter().filter(|span| span.name.ends_with("/ValidateSession")).collect();
    let roots = checks.iter().filter(|span| span.parent_span_id.is_empty()).count();
    assert_eq!((checks.len(), roots), (2, 1), "{checks:?}");
    assert_eq!(of_trace(&spans, UNTRACED.0).len(), 0, "whose caller says no is not");
}
