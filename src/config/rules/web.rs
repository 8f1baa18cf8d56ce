//! Owns the rules for addresses: base URL, return places, mount prefix, the edge. Does not know the other sections.

use url::Url;

use super::{Judgement, is_loopback};
use crate::config::Config;
use crate::config::app::Redirects;
use crate::config::edge::RouteSet;

const BASE: &str = "app.redirects.public_base_url";

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let header = &config.edge.place_header;
    let named = header.is_empty() || super::sessions::is_token(header);
    judgement.check(named, "edge.place_header", "not the name of a header; empty: none");
    let redirects = &config.app.redirects;
    base_url(redirects, config.development, judgement);
    for (at, place) in redirects.allowed.iter().enumerate() {
        let path = format!("app.redirects.allowed[{at}]");
        match address(place.strip_suffix('*').unwrap_or(place)) {
            None => judgement.fault(path, "expected an http or https address, exact or ending in `/*`"),
            Some(_) if place.matches('*').count() > usize::from(place.ends_with("/*")) => {
                judgement.fault(path, "`*` stands at the end alone, after a slash: `https://app.example.com/in/*`");
            }
            Some(url) if url.scheme() == "http" && !is_loopback(&url) => {
                judgement.warn(path, "plain http: who listens on the way can change where people end up");
            }
            Some(_) => {}
        }
    }
    for (at, place) in redirects.with_user_parameters.iter().enumerate() {
        let path = format!("app.redirects.with_user_parameters[{at}]");
        if place.contains('*') || !may_go_to(redirects, place) {
            judgement.fault(path, "expected one exact address that is among `allowed` or on `public_base_url`");
        }
    }
    let landings = [
        ("after_login", Some(&redirects.after_login)),
        ("after_logout", Some(&redirects.after_logout)),
        ("on_error", redirects.on_error.as_ref()),
    ];
    for (key, place) in landings {
        if place.is_some_and(|place| !may_go_to(redirects, place)) {
            let message = "expected a path (`/`) or an address that is among `allowed` or on `public_base_url`";
            judgement.fault(format!("app.redirects.{key}"), message);
        }
    }
    if config.edge.routes.contains(&RouteSet::Spa) {
        spa(config, judgement);
    }
    if config.edge.routes.contains(&RouteSet::Api) {
        let kept = !config.app.idempotency.keep_answers_for.is_zero();
        let message = "`edge.routes` has `api`, whose sessions are collected under an Idempotency-Key: more than 0";
        judgement.check(kept, "app.idempotency.keep_answers_for", message);
    }
    if !is_prefix(&config.edge.mount_prefix) {
        judgement.fault("edge.mount_prefix", "expected nothing, or `/prefix` without a slash at the end");
    }
    if config.edge.enabled && config.edge.listen == config.server.listen && config.edge.listen.port() != 0 {
        judgement.fault("edge.listen", "the gRPC server listens there; give the edge another port");
    }
}

/// A front end that forwards the code needs a page to get it at, a token to hold, and to be let ask.
fn spa(config: &Config, judgement: &mut Judgement) {
    let (spa, mint, app) = (&config.app.spa, &config.tokens.mint, &config.app);
    judgement.check(
        mint.enabled,
        "tokens.mint.enabled",
        "`edge.routes` has `spa`, whose logins give out tokens: set it to true",
    );
    if let Some(audience) = &spa.audience
        && mint.enabled
    {
        let known = mint.audiences.contains(audience);
        judgement.check(known, "app.spa.audience", "expected one of tokens.mint.audiences");
    }
    let fits = !spa.token_lifetime.is_zero() && (!mint.enabled || spa.token_lifetime <= mint.max_lifetime);
    judgement.check(fits, "app.spa.token_lifetime", "from 1 second to tokens.mint.max_lifetime");
    let offered = |name: &String| config.oidc.providers.get(name).is_some_and(|provider| provider.enabled);
    let known = spa.provider.as_ref().is_none_or(offered);
    judgement.check(known, "app.spa.provider", "expected a provider of oidc.providers that is enabled, or nothing");
    let page = Some(spa.page_at(&app.redirects.public_base_url).replace("{provider}", "p"));
    let Some(page) = page.filter(|page| !page.contains(['{', '#', '*'])).and_then(|page| address(&page)) else {
        let message = "expected a path (`/auth/{provider}`) or an http or https address without a fragment";
        return judgement.fault("app.spa.page", message);
    };
    let is_of = |origin: &str| address(origin).is_some_and(|own| own.origin() == page.origin());
    if page.scheme() == "http" && !is_loopback(&page) && !config.development {
        judgement.fault("app.spa.page", "plain http: who listens on the way could take the login; use https");
    }
    if !is_of(&app.redirects.public_base_url) && !app.cors.allowed_origins.iter().any(|origin| is_of(&origin.0)) {
        let origin = page.origin().ascii_serialization();
        let message = format!("the page's origin may not call the edge: add {origin} to app.cors.allowed_origins");
        judgement.fault("app.spa.page", message);
    }
}

/// The scheme decides whether cookies are for https alone, and the callback address is made of it (security.md 7).
fn base_url(redirects: &Redirects, development: bool, judgement: &mut Judgement) {
    let Some(url) = address(&redirects.public_base_url).filter(|url| url.scheme() == "http") else { return };
    if is_loopback(&url) {
        if !development {
            judgement.warn(BASE, "plain http on this machine: only browsers that run here can log in; use https");
        }
    } else if !development {
        judgement.fault(BASE, "plain http is for this machine or `development: true` alone; use https");
    }
}

/// Whether a browser may be sent there, as far as the configuration alone says.
fn may_go_to(redirects: &Redirects, place: &str) -> bool {
    if place.starts_with('/') {
        return !place.starts_with("//") && place.chars().all(|sign| sign.is_ascii_graphic() && sign != '\\');
    }
    let Some(url) = address(place) else { return false };
    let own = address(&redirects.public_base_url).is_some_and(|own| own.origin() == url.origin());
    own || redirects.allowed.iter().any(|allowed| {
        let (start, below) = allowed.strip_suffix('*').map_or((allowed.as_str(), false), |start| (start, true));
        address(start).is_some_and(|allowed| {
            let paths = if below { url.path().starts_with(allowed.path()) } else { url.path() == allowed.path() };
            allowed.origin() == url.origin() && paths
        })
    })
}

fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    plain.then_some(url)
}

fn is_prefix(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.' | '~');
        !part.is_empty() && part.chars().all(plain) && !part.chars().all(|sign| sign == '.')
    };
    text.is_empty() || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part))
}
