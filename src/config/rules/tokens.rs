//! Owns the rules for tokens that the authority itself gives out. Does not know the other sections, but for the issuers.

use url::Url;

use super::{Judgement, is_loopback};
use crate::config::Config;
use crate::config::period::Period;

const LONGEST_TOKEN: Period = Period::seconds(86_400);
const SHORTEST_TURN: Period = Period::seconds(3600);
const LONGEST_TURN: Period = Period::seconds(400 * 86_400);

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let mint = &config.tokens.mint;
    if !mint.enabled {
        return;
    }
    let issuer = mint.issuer.as_deref().unwrap_or(&config.app.redirects.public_base_url);
    match Url::parse(issuer) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            judgement.fault("tokens.mint.issuer", "has no query and no fragment (RFC 8414, 2)");
        }
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {}
        _ => judgement.fault("tokens.mint.issuer", "an https address, under which checkers know this authority"),
    }
    let theirs = config.oidc.providers.iter().filter_map(|(name, provider)| Some((name, provider.issuer_of(name)?)));
    for (name, _) in theirs.filter(|(_, their)| *their == issuer) {
        let message = format!("`{name}` has this issuer; nobody could tell its tokens from ours");
        judgement.fault("tokens.mint.issuer", message);
    }
    let named = !mint.audiences.is_empty() && mint.audiences.iter().all(|one| !one.is_empty());
    judgement.check(named, "tokens.mint.audiences", "at least one, none of them empty: whom tokens may be for");
    let fits = !mint.lifetime.is_zero() && mint.lifetime <= mint.max_lifetime;
    judgement.check(fits, "tokens.mint.lifetime", "from 1 second to `max_lifetime`");
    judgement.check(mint.max_lifetime <= LONGEST_TOKEN, "tokens.mint.max_lifetime", "at most 1 day");
    let turns = mint.rotate_after >= SHORTEST_TURN && mint.rotate_after <= LONGEST_TURN;
    judgement.check(turns, "tokens.mint.rotate_after", "from 1 hour to 400 days");
}
