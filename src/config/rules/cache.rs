//! Owns the rules for what is kept in memory of sessions. Does not know the other sections.

use super::Judgement;
use crate::config::Config;
use crate::config::period::Period;

/// A replica that could not tell the others waits for so long: nobody may rely on anything older.
const LONGEST: Period = Period::seconds(5);

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let cache = &config.cache;
    let fits = (Period::millis(100)..=LONGEST).contains(&cache.max_staleness);
    judgement.check(fits, "cache.max_staleness", "from 100 milliseconds to 5 seconds");
    let fits = (1..=4_194_304).contains(&cache.max_sessions);
    judgement.check(fits, "cache.max_sessions", "from 1 to 4194304; `cache.enabled: false` keeps none");
}
