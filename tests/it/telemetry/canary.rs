//! Owns the search for secrets in spans, metrics and log, when all is traced and all is logged (security.md 109). Does not
//! know who would put them there.

use super::seen::{TOKEN, in_a_child, page_of};
use crate::logins::canary::the_whole_way;
use crate::world::Kept;

#[tokio::test]
async fn no_secret_reaches_a_span_a_metric_or_the_log() {
    over(Kept::Memory, "telemetry::canary::no_secret_reaches_a_span_a_metric_or_the_log").await;
}

#[tokio::test]
async fn no_secret_reaches_a_span_a_metric_or_the_log_over_redis() {
    over(Kept::Redis, "telemetry::canary::no_secret_reaches_a_span_a_metric_or_the_log_over_redis").await;
}

async fn over(kept: Kept, test: &str) {
    let work = async |telemetry: std::sync::Arc<gatelodge::telemetry::Telemetry>| {
        for secret in Box::pin(the_whole_way(kept, &telemetry)).await {
            println!("\nSECRET {secret}");
        }
        println!("PAGE {:?}", page_of(&telemetry).await);
    };
    let Some(seen) = in_a_child(test, "1", work).await else { return };
    let mut secrets: Vec<_> = seen.said.lines().filter_map(|line| line.strip_prefix("SECRET ")).collect();
    assert!(secrets.len() >= 24, "{secrets:?}");
    secrets.push(TOKEN.trim_start_matches("Bearer "));
    let page = seen.said.lines().find_map(|line| line.strip_prefix("PAGE ")).unwrap();
    assert!(page.contains("gatelodge_logins_ended_total"), "{page}");
    let names: Vec<_> = seen.taken.spans().iter().map(|span| span.name.clone()).collect();
    for name in ["CompleteCallback", "RefreshTokens", "GetAccessToken", "StartLogout"] {
        assert!(names.iter().any(|one| one.ends_with(name)), "{name} is not traced: {names:?}");
    }
    let store = if kept == Kept::Redis { "\"redis\"" } else { "\"memory\"" };
    assert!(format!("{:?}", seen.taken.traces).contains(store), "the steps of the store are not traced");
    let (traces, metrics) = (format!("{:?}", seen.taken.traces), format!("{:?}", seen.taken.metrics));
    for (where_to, text) in
        [("traces", &traces), ("metrics", &metrics), ("the page", &page.to_owned()), ("the log", &seen.log)]
    {
        let found: Vec<_> = secrets.iter().filter(|secret| text.contains(**secret)).collect();
        assert!(found.is_empty(), "{found:?} in {where_to}");
    }
    // Whom it is about is no figure either.
    for text in [&metrics, page] {
        assert!(!text.contains("user-1") && !text.contains("sid_") && !text.contains("Browser/1"), "{text}");
    }
}
