//! Owns the rules for what is written down of what happened. Does not know the other sections.

use super::Judgement;
use crate::config::Config;
use crate::config::period::Period;

const SHORTEST: Period = Period::seconds(60);
const LONGEST: Period = Period::seconds(400 * 86_400);
const MOST: u64 = 1_000_000;

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let audit = &config.app.audit;
    let fits = audit.keep_for.is_zero() || (SHORTEST..=LONGEST).contains(&audit.keep_for);
    judgement.check(fits, "app.audit.keep_for", "from 1 minute to 400 days; 0: no entry is kept");
    let fits = (1..=MOST).contains(&audit.most_an_hour);
    judgement.check(fits, "app.audit.most_an_hour", "from 1 to 1000000; `keep_for: 0` keeps none at all");
}
