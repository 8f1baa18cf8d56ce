//! Owns what is known of a call before its message is read: its request id, its deadline, its place, its tenant's name.
//! Does not know who calls, or what is asked.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::places::Place;
use crate::authority::Call;
use crate::authority::answer_once::NamedCall;
use crate::authority::caller::Caller;
use crate::authority::tenants::Asker;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Names the tenant that a call is for: its name or its number.
const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");
/// Cut from a caller's deadline, so that we, not the network, say what was slow: a tenth of it, within these bounds, and
/// never more than half.
const MARGIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));
/// The deadline of a call that names none.
pub(super) const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// What the gate has noted of a call.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) call: Call,
    /// For which tenants the caller may ask, and which the call names.
    pub(super) asker: Asker,
    /// Who calls; `None` for whoever needs no name.
    pub(super) caller: Option<Arc<Caller>>,
    /// Held as long as the work for the call lasts.
    pub(super) place: Option<Place>,
    /// The call as its idempotency key names it, if one came.
    pub(super) named: Option<Box<NamedCall>>,
}

tokio::task_local! {
    // Not among the request's extensions: they would cost a box and a map that grows for every call.
    static ASKED: Cell<Option<Asked>>;
}

/// Answers a call with what was noted of it at hand. What nobody takes is kept until the answer is there.
pub(super) fn answering<F: Future>(asked: Asked, answer: F) -> impl Future<Output = F::Output> {
    ASKED.scope(Cell::new(Some(asked)), answer)
}

/// Takes what the gate has noted of the call that is being answered.
pub(super) fn asked() -> Asked {
    ASKED.try_with(Cell::take).ok().flatten().unwrap_or_default()
}

/// The caller's own request id, if it is short and harmless in a log; else a new one (UUID version 7).
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |id: &&HeaderValue| is_harmless(id.as_bytes());
    headers.get(&REQUEST_ID).filter(harmless).cloned().unwrap_or_else(|| {
        let new = Uuid::now_v7().to_string();
        HeaderValue::try_from(new).unwrap_or(HeaderValue::from_static("none"))
    })
}

/// Whether a caller's own request id is short, and harmless in a log.
pub(super) fn is_harmless(id: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.');
    (1..=64).contains(&id.len()) && id.iter().all(plain)
}

/// A request id as text. One that [`request_id`] has let through always is.
pub(super) fn text(request_id: &HeaderValue) -> &str {
    request_id.to_str().unwrap_or_default()
}

/// The tenant that a call names; an empty name names none.
pub(super) fn tenant(headers: &HeaderMap) -> Option<Box<[u8]>> {
    let name = headers.get(&TENANT)?.as_bytes().trim_ascii();
    (!name.is_empty()).then(|| name.into())
}

/// How long the caller waits (gRPC over HTTP/2, "Timeout").
pub(super) fn patience(headers: &HeaderMap) -> Duration {
    let read = || {
        let text = headers.get("grpc-timeout")?.to_str().ok()?;
        let (value, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let value: u64 = value.parse().ok().filter(|_| value.len() <= 8)?;
        match unit {
            "H" => Some(Duration::from_secs(value * 3600)),
            "M" => Some(Duration::from_secs(value * 60)),
            "S" => Some(Duration::from_secs(value)),
            "m" => Some(Duration::from_millis(value)),
            "u" => Some(Duration::from_micros(value)),
            "n" => Some(Duration::from_nanos(value)),
            _ => None,
        }
    };
    read().unwrap_or(DEFAULT_DEADLINE)
}

/// How long an answer may take for a caller of that patience.
pub(super) fn deadline(patience: Duration) -> Duration {
    patience.saturating_sub((patience / 10).clamp(MARGIN.0, MARGIN.1).min(patience / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 128: the caller's deadline, less what the answer needs to arrive, and never nothing at all.
    #[test]
    fn a_deadline_is_read_as_grpc_writes_it() {
        let millis = Duration::from_millis;
        let table = [
            ("1S", millis(900)),
            ("500m", millis(450)),
            ("100m", millis(80)),
            ("20m", millis(10)),
            ("1000u", Duration::from_micros(500)),
            ("2M", millis(119_900)),
            ("99999999H", Duration::from_hours(99_999_999).saturating_sub(MARGIN.1)),
        ];
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]);
            deadline(patience(&headers))
        };
        for (text, expected) in table {
            assert_eq!(of(text), expected, "{text}");
        }
        for text in ["", "1", "S", "1s", "-1S", "123456789S", "1.5S", "+"] {
            assert_eq!(of(text), DEFAULT_DEADLINE.saturating_sub(MARGIN.1), "{text}");
        }
    }
}
