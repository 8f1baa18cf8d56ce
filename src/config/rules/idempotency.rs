//! Owns the rules for calls that name themselves. Does not know the other sections.

use super::Judgement;
use crate::config::Config;
use crate::config::period::Period;

const LONGEST: Period = Period::seconds(86_400);

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let keep = config.app.idempotency.keep_answers_for;
    let path = "app.idempotency.keep_answers_for";
    judgement.check(keep <= LONGEST, path, "at most 1 day; 0: keys are not looked at");
}
