//! Owns how a browser is known that has just come back from a login: one that failed, or one that was no help. Who sends it
//! to another one by itself would do so for ever. Does not know what the login was for.

use std::time::Duration;

use bytes::Bytes;

use super::Authority;
use crate::session::record::Standing;
use crate::session::request::RequestContext;

/// How long a browser may take from the callback to the page that it wanted: no longer ago a login counts as just made.
const WAY_BACK: Duration = Duration::from_secs(10);

impl Authority {
    /// Whether the session has just been stepped up.
    pub(super) fn has_just_stepped_up(&self, standing: &Standing) -> bool {
        standing.stepped_up && self.ports.clock.now() < standing.generation_since + WAY_BACK
    }
}

/// Whether the request is that of a browser whose login has failed: its query says so.
pub(super) fn has_failed_to_log_in(context: &RequestContext) -> bool {
    split(&context.target).is_some()
}

/// The request without what a failed login has put into its query.
pub(super) fn without_failure(context: &RequestContext) -> RequestContext {
    let target = split(&context.target).unwrap_or_else(|| context.target.clone());
    RequestContext { target, ..context.clone() }
}

/// The target without `error` and the `request_id` that follows it; `None` when there is no such pair.
fn split(target: &[u8]) -> Option<Bytes> {
    let at = target.iter().position(|byte| *byte == b'?')?;
    let (path, query) = target.split_at_checked(at)?;
    let (mut own, mut follows, mut found) = (Vec::new(), false, false);
    for pair in query.get(1..).unwrap_or_default().split(|byte| *byte == b'&') {
        let is_error = pair.starts_with(b"error=");
        let is_ours = is_error || (follows && pair.starts_with(b"request_id="));
        if !is_ours {
            own.push(pair);
        }
        (follows, found) = (is_error, found || is_error);
    }
    found.then(|| if own.is_empty() { path.to_vec() } else { [path, b"?", &own.join(&b'&')].concat() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_back_from_a_failed_login_is_known_by_the_query() {
        let table = [
            ("/pay", None),
            ("/pay?x=error=1", None),
            ("/pay?errors=1", None),
            ("/pay?request_id=1", None),
            ("/pay?error=login_required&request_id=1", Some("/pay")),
            ("/pay?a=1&error=x&request_id=1&b=2", Some("/pay?a=1&b=2")),
            ("/pay?request_id=mine&error=x&request_id=1", Some("/pay?request_id=mine")),
            ("/pay?error=x&b=2&request_id=mine", Some("/pay?b=2&request_id=mine")),
        ];
        for (target, expected) in table {
            let found = split(target.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{target}");
        }
    }
}
