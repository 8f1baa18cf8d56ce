//! Owns moments as people write them: "2026-11-23T12:00:00Z". Does not know what happens then.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::session::time::Timestamp;

/// A moment, in UTC (RFC 3339).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// That moment.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(time)
    }

    /// Reads "2026-11-23T12:00:00Z"; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time = humantime::parse_rfc3339(text.trim()).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self(Timestamp::from_millis(u64::try_from(time.as_millis()).ok()?)))
    }

    /// The moment.
    #[must_use]
    pub const fn get(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is written ends with the year 9999.
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.as_millis().min(253_402_300_799_000));
        write!(f, "{}", humantime::format_rfc3339_seconds(time))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a moment"))
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "moment", "description": "A moment in UTC: `2026-11-23T12:00:00Z`" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_and_what_is_none_is_refused() {
        let text = "2026-11-23T12:00:00Z";
        let moment = Moment::parse(text).unwrap();
        assert_eq!((moment.to_string().as_str(), moment.get().as_secs()), (text, 1_795_435_200));
        for wrong in ["", "2026-11-23", "2026-11-23T12:00:00", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "soon"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }
}
