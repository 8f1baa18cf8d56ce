//! Owns the checks of a caller's own fields: what is missing, malformed or too large, by its path in the request.
//! Does not know what a field means.

use std::time::Duration;

use crate::authority::Error;
use crate::authority::settings::Limits;
use crate::session::login_wish::{LONGEST_VALUE, MOST_VALUES, is_value};
use crate::session::time::Timestamp;

const LONGEST: usize = Limits::NAME_BYTES;

/// A text of at most `most` characters.
pub(super) fn text(field: &'static str, value: String, most: usize) -> Result<String, Error> {
    if value.chars().count() <= most { Ok(value) } else { Err(invalid(field, format!("at most {most} characters"))) }
}

/// An id or token that is needed.
pub(super) fn required(field: &'static str, value: String) -> Result<String, Error> {
    if value.is_empty() { Err(invalid(field, "it is required")) } else { text(field, value, LONGEST) }
}

/// A list of at most `most` names.
pub(super) fn names(field: &'static str, values: Vec<String>, most: usize) -> Result<Vec<String>, Error> {
    let fit = values.len() <= most && values.iter().all(|value| !value.is_empty() && value.len() <= LONGEST);
    if fit { Ok(values) } else { Err(invalid(field, format!("at most {most} names, none of them empty"))) }
}

/// A list of at most `most` names of rights: none is longer than those that are kept.
pub(super) fn rights(field: &'static str, values: Vec<String>, most: usize) -> Result<Vec<String>, Error> {
    let fit =
        values.len() <= most && values.iter().all(|value| !value.is_empty() && value.len() <= Limits::RIGHT_BYTES);
    let expected = || format!("at most {most} names of at most {} bytes, none of them empty", Limits::RIGHT_BYTES);
    if fit { Ok(values) } else { Err(invalid(field, expected())) }
}

/// A list of authentication context classes or methods.
pub(super) fn login_values(field: &'static str, values: Vec<String>) -> Result<Vec<String>, Error> {
    let fit = values.len() <= MOST_VALUES && values.iter().all(|value| is_value(value));
    let expected = || format!("at most {MOST_VALUES} values of at most {LONGEST_VALUE} printable ASCII characters");
    if fit { Ok(values) } else { Err(invalid(field, expected())) }
}

/// A length of time within bounds.
pub(super) fn duration(
    field: &'static str,
    value: Option<prost_types::Duration>,
    from: Duration,
    to: Duration,
) -> Result<Option<Duration>, Error> {
    let Some(value) = value else { return Ok(None) };
    // Not by prost's own conversion: it overflows on what no Duration of protobuf may hold.
    let (seconds, nanos) = (u64::try_from(value.seconds), u32::try_from(value.nanos));
    let read = match (seconds, nanos) {
        (Ok(seconds), Ok(nanos @ ..=999_999_999)) => Some(Duration::new(seconds, nanos)),
        _ => None,
    };
    let read = read.filter(|length| (from..=to).contains(length));
    read.map(Some).ok_or_else(|| invalid(field, format!("between {} and {} seconds", from.as_secs(), to.as_secs())))
}

/// A moment.
pub(super) fn moment(field: &'static str, value: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Error> {
    let Some(value) = value else { return Ok(None) };
    let read = match (u64::try_from(value.seconds), u64::try_from(value.nanos)) {
        (Ok(seconds), Ok(nanos @ ..=999_999_999)) => seconds.checked_mul(1000).map(|millis| millis + nanos / 1_000_000),
        _ => None,
    };
    let read = read.map(Timestamp::from_millis);
    read.map(Some).ok_or_else(|| invalid(field, "a moment between the years 1970 and 9999"))
}

/// A page size: 50 where none is asked for.
pub(super) fn page_size(value: u32) -> Result<usize, Error> {
    match value {
        0 => Ok(50),
        1..=200 => Ok(value as usize),
        _ => Err(invalid("page_size", "at most 200; 0 for 50")),
    }
}

/// A value of an enum that this version knows.
pub(super) fn known<E: TryFrom<i32>>(field: &'static str, value: i32) -> Result<E, Error> {
    E::try_from(value).map_err(|_| invalid(field, "a value that this authority knows; it may be older than the caller"))
}

pub(super) fn invalid(field: &'static str, expected: impl Into<String>) -> Error {
    Error::InvalidField { field, expected: expected.into() }
}

/// A page token that is a plain offset; empty for the start.
pub(super) fn offset(token: &str) -> Result<usize, Error> {
    if token.is_empty() {
        return Ok(0);
    }
    token.parse().map_err(|_| invalid("page_token", "the next_page_token of an answer, or empty"))
}
