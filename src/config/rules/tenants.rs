//! Owns the rules between tenants, and between them and the callers. Does not know what holds within one: it is judged as
//! if it were alone.

use std::collections::BTreeMap;

use super::Judgement;
use crate::authority::tenants::host;
use crate::config::Config;
use crate::config::tenants::is_name;

/// In place of names: every tenant.
pub const EVERY: &str = "*";

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let default = &config.tenant;
    judgement.check(default.number > 0, "tenant.number", "tenants count from 1");
    judgement.check(!default.name.is_empty(), "tenant.name", "must not be empty");
    let told_apart = default.name != EVERY && default.name.parse::<u32>().is_err();
    judgement.check(told_apart, "tenant.name", "must not be a number or `*`: callers name tenants by either");
    let mut numbers = BTreeMap::from([(default.number, "tenant".to_owned())]);
    for (name, tenant) in &config.tenants {
        let path = format!("tenants.{name}");
        if !is_name(name) {
            let message = "a tenant's name has lower case letters, digits and `-`, and begins with a letter";
            judgement.fault(&path, message);
        }
        judgement.check(*name != default.name, &path, "is the name of the default tenant (`tenant.name`)");
        if tenant.number == 0 {
            let message = "missing: its number, from 1 on, which no other tenant has or ever had";
            judgement.fault(format!("{path}.number"), message);
        } else if let Some(other) = numbers.insert(tenant.number, path.clone()) {
            judgement.fault(format!("{path}.number"), format!("`{other}` has the same; each has its own, for ever"));
        }
    }
    former_names(config, judgement);
    hosts(config, judgement);
    cookies(config, judgement);
    callers(config, judgement);
}

fn former_names(config: &Config, judgement: &mut Judgement) {
    let others = config.tenants.iter().map(|(name, tenant)| (format!("tenants.{name}"), &tenant.formerly));
    for (path, names) in std::iter::once(("tenant".to_owned(), &config.tenant.formerly)).chain(others) {
        for (at, name) in names.iter().enumerate() {
            let is_free = *name != config.tenant.name && !config.tenants.contains_key(name);
            let message = "a tenant of this configuration has this name now";
            judgement.check(is_free, &format!("{path}.formerly[{at}]"), message);
        }
    }
}

fn hosts(config: &Config, judgement: &mut Judgement) {
    let others = config.tenants.iter().map(|(name, tenant)| (format!("tenants.{name}"), &tenant.hosts));
    let mut whose = BTreeMap::new();
    for (path, hosts) in std::iter::once(("tenant".to_owned(), &config.tenant.hosts)).chain(others) {
        for (at, one) in hosts.iter().enumerate() {
            let here = format!("{path}.hosts[{at}]");
            if let Some(other) = host::written(one).and_then(|one| whose.insert(one, here.clone())) {
                judgement.fault(here, format!("stands at `{other}` too; requests there would be of either"));
            }
        }
    }
}

/// Where tenants share an origin, a browser has one cookie of a name for all of them.
fn cookies(config: &Config, judgement: &mut Judgement) {
    let mut whose = BTreeMap::new();
    for tenancy in config.tenancies() {
        let (name, sessions) = (tenancy.tenant.name, &tenancy.app.sessions);
        let key = (tenancy.app.redirects.public_base_url, sessions.cookie.name.clone());
        if let Some(other) = whose.insert(key, name.clone()) {
            let message = format!(
                "`{other}` has the same `public_base_url` and the same cookie: a login with one takes the place of the \
                 other's session in that browser. Give each its own"
            );
            judgement.warn(format!("tenants.{name}.app.sessions.cookie.name"), message);
        }
    }
}

fn callers(config: &Config, judgement: &mut Judgement) {
    let known = |name: &String| name == EVERY || *name == config.tenant.name || config.tenants.contains_key(name);
    for (at, caller) in config.callers.iter().enumerate() {
        let path = format!("callers[{at}].tenants");
        for (place, _) in caller.tenants.iter().enumerate().filter(|(_, name)| !known(name)) {
            let message =
                "no tenant of this configuration; `tenant.name` is the default one's, `\"*\"` means every one";
            judgement.fault(format!("{path}[{place}]"), message);
        }
        if caller.tenants.is_empty() && !config.tenants.is_empty() {
            let message = "this caller may ask for every tenant, those of later too; name those it is for, or `\"*\"`";
            judgement.warn(path, message);
        }
    }
}
