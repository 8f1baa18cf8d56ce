//! Owns the protobuf of callers' keys: how one is asked for, and how it is shown. Does not know what a key lets its caller do.

use std::time::Duration;

use super::answers::timestamp;
use super::policy::{self, Role, Rpcs};
use super::{fields, v1};
use crate::authority::Error;
use crate::authority::caller_keys::{CallerKeyView, KeptView, Reach};
use crate::authority::create_caller_key::Question;
use crate::authority::tenants::{Asker, Tenancy};
use crate::session::caller;

const MINUTE: Duration = Duration::from_mins(1);
const TEN_YEARS: Duration = Duration::from_hours(10 * 365 * 24);
/// How long the reason for the log may be.
pub(super) const LONGEST_REASON: usize = 200;
/// How many tenants a key may name: more are all of them.
const TENANTS: usize = 1000;

pub(super) fn to_create(
    request: v1::CreateCallerKeyRequest,
    tenancy: &Tenancy,
    asker: &Asker,
) -> Result<Question, Error> {
    let name = fields::required("name", request.name)?;
    if !caller::is_name(&name) {
        return Err(fields::invalid("name", "1 to 64 letters, digits and `-_.`"));
    }
    let role = match fields::known("role", request.role)? {
        v1::CallerRole::Unspecified => return Err(fields::invalid("role", "a role: edge, backend or admin")),
        v1::CallerRole::Edge => Role::Edge,
        v1::CallerRole::Backend => Role::Backend,
        v1::CallerRole::Admin => Role::Admin,
    };
    let rpcs = policy::listed(&request.rpcs, role).map_err(|_| {
        let expected = format!("RPCs that the role {} may call, as `Service/Method`, or `*` alone", role.name());
        fields::invalid("rpcs", expected)
    })?;
    let tenants = if request.tenants.is_empty() {
        None
    } else {
        if Reach::of(asker) != Reach::Several {
            return Err(Error::BeyondMaker(
                "`tenants` is for an API key that is for every tenant, in a call that names none; without it the key is for the \
                 tenant of the call",
            ));
        }
        let names = fields::names("tenants", request.tenants, TENANTS)?;
        let unknown = || fields::invalid("tenants", "names of tenants of the configuration, or `*` alone");
        Some(tenancy.scope_of(&names).ok_or_else(unknown)?)
    };
    Ok(Question {
        name,
        role,
        rpcs,
        tenants,
        lifetime: fields::duration("lifetime", request.lifetime, MINUTE, TEN_YEARS)?,
        reason: fields::text("reason", request.reason, LONGEST_REASON)?,
    })
}

pub(super) fn shown(view: CallerKeyView, tenancy: &Tenancy) -> v1::CallerKey {
    let known =
        v1::CallerKey { key_id: view.id.public(), expire_time: Some(timestamp(view.ends)), ..v1::CallerKey::default() };
    let KeptView { caller, facts, by_former_secret } = match view.kept {
        Ok(kept) => kept,
        Err(error) => return v1::CallerKey { unreadable: error.to_string(), ..known },
    };
    let role = match facts.role {
        Role::Edge => v1::CallerRole::Edge,
        Role::Backend => v1::CallerRole::Backend,
        Role::Admin => v1::CallerRole::Admin,
    };
    let tenants = facts.tenants.map_or_else(
        || vec!["*".to_owned()],
        |tenants| tenants.into_iter().map(|tenant| tenancy.name_of(tenant)).collect(),
    );
    v1::CallerKey {
        name: facts.name,
        caller,
        role: role.into(),
        rpcs: match facts.rpcs {
            Rpcs::Usual => Vec::new(),
            Rpcs::All => vec![policy::ALL.to_owned()],
            Rpcs::Only(rpcs) => rpcs.iter().map(|rpc| policy::short(rpc).to_owned()).collect(),
        },
        tenants,
        create_time: Some(timestamp(facts.created)),
        created_by: facts.created_by,
        by_former_secret,
        ..known
    }
}
