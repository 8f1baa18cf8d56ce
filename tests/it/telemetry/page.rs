//! Owns what the page for Prometheus says: names, labels, and that those are few. Does not know how it is served.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::{a_login_and_checks, in_a_child};

/// One line of the page: a figure under its labels.
struct Figure<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    value: f64,
}

/// Reads the text format of Prometheus, version 0.0.4. What is none of it is a fault.
fn figures(page: &str) -> Vec<Figure<'_>> {
    let body = page.split_once("\r\n\r\n").unwrap().1;
    let lines = body.lines().filter(|line| line.contains(' ') && !line.starts_with('#'));
    lines.map(figure).collect()
}

fn figure(line: &str) -> Figure<'_> {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap().split("\",").filter(|pair| !pair.is_empty());
    let labels = labels.map(|pair| {
        let (name, value) = pair.split_once("=\"").unwrap();
        (name, value.trim_end_matches('"'))
    });
    Figure { name, labels: labels.collect(), value: value.parse().unwrap() }
}

fn sum(figures: &[Figure<'_>], name: &str, labels: &[(&str, &str)]) -> f64 {
    let of =
        |one: &&Figure<'_>| one.name == name && labels.iter().all(|(key, value)| one.labels.get(key) == Some(value));
    figures.iter().filter(of).map(|one| one.value).sum()
}

/// A figure that counts is this one.
#[track_caller]
fn counts(figures: &[Figure<'_>], name: &str, labels: &[(&str, &str)], wanted: u32) {
    assert_eq!(sum(figures, name, labels).to_string(), wanted.to_string(), "{name} {labels:?}");
}

/// What may stand in a label, beside the boundaries of histograms and what every series says of the process.
fn is_known(name: &str, value: &str) -> bool {
    let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'));
    match name {
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        "rpc_method" => gatelodge::rpc::policy::methods().any(|method| method.trim_start_matches('/') == value),
        "rpc_response_status_code" | "error_type" => {
            value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        }
        "gatelodge_tenant" => value == "default",
        "gatelodge_provider" => matches!(value, "hostile" | "unknown"),
        "http_request_method" => matches!(value, "GET" | "POST"),
        "http_response_status_code" => value == "200",
        "rpc_system_name" | "db_system_name" | "db_operation_name" | "gatelodge_outcome" | "gatelodge_reason"
        | "gatelodge_basis" | "gatelodge_result" | "gatelodge_places" => word(value),
        _ => false,
    }
}

#[tokio::test]
async fn the_page_counts_what_has_happened_under_labels_that_are_few() {
    let test = "telemetry::page::the_page_counts_what_has_happened_under_labels_that_are_few";
    let Some(seen) = in_a_child(test, "0", a_login_and_checks).await else { return };
    let page = &seen.said[seen.said.find("HTTP/1.1").unwrap()..];
    let page = &page[..page.find("\ntest ").unwrap_or(page.len())];
    assert!(page.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{page}");
    let figures = figures(page);

    let check = ("rpc_method", "gatelodge.v1.SessionService/ValidateSession");
    for (code, wanted) in [("OK", 3), ("UNAUTHENTICATED", 1)] {
        let labels = [check, ("rpc_response_status_code", code)];
        counts(&figures, "rpc_server_call_duration_seconds_count", &labels, wanted);
    }
    let active = [("gatelodge_tenant", "default"), ("gatelodge_outcome", "active")];
    counts(&figures, "gatelodge_validations_total", &active, 3);
    let complete = [("gatelodge_provider", "hostile"), ("gatelodge_outcome", "complete")];
    counts(&figures, "gatelodge_logins_begun_total", &[("gatelodge_provider", "hostile")], 1);
    counts(&figures, "gatelodge_logins_ended_total", &complete, 1);
    for step in ["take", "create", "finish", "read_with_marks"] {
        assert!(
            sum(&figures, "db_client_operation_duration_seconds_count", &[("db_operation_name", step)]) > 0.0,
            "{step}"
        );
    }
    let token = [("gatelodge_provider", "hostile"), ("http_request_method", "POST")];
    counts(&figures, "http_client_request_duration_seconds_count", &token, 1);
    let calls = [("gatelodge_places", "calls")];
    counts(&figures, "gatelodge_calls_limit", &calls, 10_000);
    counts(&figures, "gatelodge_calls_in_flight", &calls, 0);
    counts(&figures, "gatelodge_near_cache_lookups_total", &[], 3);

    let labels: BTreeSet<_> = figures
        .iter()
        .filter(|one| one.name != "target_info")
        .flat_map(|one| one.labels.iter().map(|(name, value)| (*name, *value)))
        .collect();
    let unknown: Vec<_> = labels.iter().filter(|(name, value)| !is_known(name, value)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");

    // The same goes to the collector.
    let sent: BTreeSet<_> = seen.taken.metrics().into_iter().collect();
    for name in
        ["rpc.server.call.duration", "gatelodge.validations", "gatelodge.logins.ended", "db.client.operation.duration"]
    {
        assert!(sent.contains(name), "{name}: {sent:?}");
    }
}
