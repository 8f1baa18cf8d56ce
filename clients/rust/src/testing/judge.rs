//! Owns how the fake judges requests by who is signed in. Does not know how it is asked.

use std::time::Duration;

use bytes::Bytes;

use super::World;
use super::people::Kept;
use crate::v1::{self, CsrfRequirement, DeniedReason};

/// Why a session may not make a request, and the names of what it lacks.
pub(super) struct Missing {
    pub(super) reason: DeniedReason,
    pub(super) names: Vec<String>,
}

impl From<DeniedReason> for Missing {
    fn from(reason: DeniedReason) -> Self {
        Self { reason, names: Vec::new() }
    }
}

impl Missing {
    /// Whether another login would help.
    pub(super) fn is_mended_by_login(&self) -> bool {
        matches!(self.reason, DeniedReason::LoginTooOld | DeniedReason::AcrMissing | DeniedReason::AmrMissing)
    }

    /// What a user lacks, who authenticated so long ago; in the order in which a person would mend it.
    pub(super) fn of(identity: &v1::Identity, age: Duration, needed: &v1::Requirements) -> Option<Self> {
        use DeniedReason::{AcrMissing, AmrMissing, EmailNotVerified, PermissionMissing, RoleMissing, ScopeMissing};
        let all = |needed: &[String], has: &[String]| -> Vec<String> {
            needed.iter().filter(|one| !has.contains(one)).cloned().collect()
        };
        let any = |needed: &[String], has: &[String]| {
            if needed.iter().any(|one| has.contains(one)) { Vec::new() } else { needed.to_vec() }
        };
        let lists = [
            (ScopeMissing, all(&needed.scopes, &identity.scopes)),
            (ScopeMissing, any(&needed.any_scopes, &identity.scopes)),
            (PermissionMissing, all(&needed.permissions, &identity.permissions)),
            (PermissionMissing, any(&needed.any_permissions, &identity.permissions)),
            (RoleMissing, all(&needed.roles, &identity.roles)),
        ];
        let of_login = [
            (AcrMissing, any(&needed.acr_values, std::slice::from_ref(&identity.acr))),
            (AmrMissing, all(&needed.amr_values, &identity.amr)),
        ];
        let named = |lists: &[(DeniedReason, Vec<String>)]| {
            let (reason, names) = lists.iter().find(|(_, names)| !names.is_empty())?;
            Some(Self { reason: *reason, names: names.clone() })
        };
        let is_unverified = needed.email_verified && !identity.email_verified;
        let longest = needed.max_login_age.and_then(|longest| Duration::try_from(longest).ok());
        let is_too_old = longest.is_some_and(|longest| age > longest);
        named(&lists)
            .or_else(|| is_unverified.then(|| EmailNotVerified.into()))
            .or_else(|| named(&of_login))
            .or_else(|| is_too_old.then(|| DeniedReason::LoginTooOld.into()))
    }
}

impl World {
    /// Finds what is missing for a request, in the order in which a person would mend it.
    pub(super) fn judge(
        &self,
        session: &Kept,
        needed: &v1::Requirements,
        context: Option<&v1::RequestContext>,
    ) -> Result<v1::JudgedRequirements, Missing> {
        if let Some(denial) = self.denial {
            return Err(denial.into());
        }
        let is_required = needed.csrf() == CsrfRequirement::Required;
        let is_unsafe = context.is_some_and(|context| is_upgrade(context) || !is_safe(context));
        let is_needed = is_required || needed.csrf() == CsrfRequirement::Unspecified && is_unsafe;
        let mut csrf = false;
        if is_needed {
            if self.is_foreign(context) {
                return Err(DeniedReason::OriginRefused.into());
            }
            if is_required || !context.is_some_and(is_upgrade) {
                let token = context.and_then(|context| context.csrf_token.as_ref()).filter(|token| !token.is_empty());
                let token = token.ok_or(DeniedReason::CsrfMissing)?;
                if *token != session.csrf_token.as_bytes() {
                    return Err(DeniedReason::CsrfInvalid.into());
                }
                csrf = true;
            }
        }
        if let Some(missing) = Missing::of(&session.identity, session.login.age(), needed) {
            return Err(missing);
        }
        let has_origin = context.is_some_and(|context| context.origin.is_some() || context.sec_fetch_site.is_some());
        Ok(v1::JudgedRequirements {
            csrf,
            origin: is_needed && has_origin,
            scopes: needed.scopes.clone(),
            max_login_age: needed.max_login_age,
            acr_values: needed.acr_values.clone(),
            amr_values: needed.amr_values.clone(),
            email_verified: needed.email_verified,
            permissions: needed.permissions.clone(),
            any_permissions: needed.any_permissions.clone(),
            any_scopes: needed.any_scopes.clone(),
            roles: needed.roles.clone(),
            ..Default::default()
        })
    }

    /// Whether a request comes from an origin that is not allowed.
    pub(super) fn is_foreign(&self, context: Option<&v1::RequestContext>) -> bool {
        let Some(context) = context else { return false };
        if let Some(origin) = context.origin.as_ref().filter(|origin| !origin.is_empty()) {
            let allowed = self.settings.cors.as_ref().map(|cors| cors.allowed_origins.as_slice()).unwrap_or_default();
            let is_allowed = allowed.iter().any(|allowed| *origin == allowed.as_bytes());
            return *origin != self.settings.public_base_url.as_bytes() && !is_allowed;
        }
        let site = context.sec_fetch_site.as_deref().unwrap_or_default();
        is_upgrade(context) || ![b"".as_slice(), b"same-origin", b"none"].contains(&site)
    }
}

/// Whether a person's browser is on its way to a page; a script's fetch gets JSON.
pub(super) fn is_navigation(context: &v1::RequestContext) -> bool {
    if context.x_requested_with.as_ref().is_some_and(|with| !with.is_empty()) || is_upgrade(context) {
        return false;
    }
    match &context.sec_fetch_mode {
        Some(mode) if !mode.is_empty() => mode == "navigate",
        _ => has(context.accept.as_ref(), "text/html"),
    }
}

fn is_upgrade(context: &v1::RequestContext) -> bool {
    context.method == "GET" && has(context.upgrade.as_ref(), "websocket")
}

fn has(text: Option<&Bytes>, part: &str) -> bool {
    text.is_some_and(|text| String::from_utf8_lossy(text).to_ascii_lowercase().contains(part))
}

fn is_safe(context: &v1::RequestContext) -> bool {
    matches!(context.method.as_ref(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}
