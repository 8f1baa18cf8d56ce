//! Owns the rules for how often clients may do what anybody can. Does not know the other sections.

use super::Judgement;
use crate::config::Config;
use crate::config::period::Period;
use crate::config::rates::Rate;

const SHORTEST: Period = Period::seconds(1);
const LONGEST: Period = Period::seconds(86_400);
const MOST: u32 = 1_000_000;

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let rates = &config.app.rates;
    rate("logins", &rates.logins, judgement);
    rate("callbacks", &rates.callbacks, judgement);
    rate("bad_credentials", &rates.bad_credentials, judgement);
}

fn rate(name: &str, rate: &Rate, judgement: &mut Judgement) {
    let path = |key: &str| format!("app.rates.{name}.{key}");
    let most = "at most 1000000; 0: no limit";
    judgement.check(rate.per_client <= MOST, &path("per_client"), most);
    judgement.check(rate.per_tenant <= MOST, &path("per_tenant"), most);
    let fits = (SHORTEST..=LONGEST).contains(&rate.within);
    judgement.check(fits, &path("within"), "from 1 second to 1 day; `per_client: 0` and `per_tenant: 0` are no limit");
    let below = rate.per_tenant > 0 && rate.per_tenant < rate.per_client;
    judgement.check(!below, &path("per_tenant"), "less than `per_client`: no client could take what it may");
}
