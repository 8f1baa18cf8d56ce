//! Owns who may call what: one row for each RPC. A method without a row is refused. Does not know any caller.

pub use crate::session::caller::{Role, Rpcs};

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anybody, without a key.
    Anyone,
    /// Any valid key.
    AnyKey,
    /// Keys of these roles.
    Roles(&'static [Role]),
}

use Role::{Admin, Backend, Edge};

/// The stream of many checks, whose questions have places of their own.
pub const CHECK_SESSIONS: &str = "/gatelodge.v1.SessionService/CheckSessions";

/// The call that a browser's own API key may stand behind.
pub const REFRESH_TOKENS: &str = "/gatelodge.v1.SessionService/RefreshTokens";

/// The stream of events, which does nothing by itself.
pub const WATCH_SESSIONS: &str = "/gatelodge.v1.SessionService/WatchSessions";

/// The stream of audit entries, which does nothing by itself but look now and then.
pub const WATCH_AUDIT: &str = "/gatelodge.v1.AdminService/WatchAudit";

/// Every method that is served.
pub const TABLE: &[(&str, Rule)] = &[
    ("/gatelodge.v1.SessionService/ValidateSession", Rule::Roles(&[Edge, Backend])),
    (CHECK_SESSIONS, Rule::Roles(&[Edge, Backend])),
    (REFRESH_TOKENS, Rule::Roles(&[Edge, Backend])),
    ("/gatelodge.v1.SessionService/GetAccessToken", Rule::Roles(&[Backend])),
    ("/gatelodge.v1.SessionService/GetUserInfo", Rule::Roles(&[Edge, Backend])),
    ("/gatelodge.v1.SessionService/ListUserSessions", Rule::Roles(&[Edge, Backend])),
    ("/gatelodge.v1.SessionService/GetAttributes", Rule::Roles(&[Backend])),
    ("/gatelodge.v1.SessionService/UpdateAttributes", Rule::Roles(&[Backend])),
    ("/gatelodge.v1.SessionService/Revoke", Rule::Roles(&[Edge, Backend])),
    (WATCH_SESSIONS, Rule::Roles(&[Edge, Backend])),
    ("/gatelodge.v1.LoginService/GetEdgeSettings", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.LoginService/ListProviders", Rule::Roles(&[Edge, Backend])),
    ("/gatelodge.v1.LoginService/StartLogin", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.LoginService/CompleteCallback", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.LoginService/StartLogout", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.LoginService/CompleteLogout", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.LoginService/HandleBackchannelLogout", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.LoginService/HandleFrontchannelLogout", Rule::Roles(&[Edge])),
    ("/gatelodge.v1.TokenService/ValidateToken", Rule::Roles(&[Edge, Backend])),
    ("/gatelodge.v1.TokenService/MintToken", Rule::Roles(&[Backend])),
    ("/gatelodge.v1.TokenService/GetJwks", Rule::AnyKey),
    ("/gatelodge.v1.AdminService/ListSessions", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/GetSession", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/Revoke", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/PreviewRevoke", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/GetUser", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/ListUsers", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/DisableUser", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/EnableUser", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/DeleteUser", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/CreateCallerKey", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/ListCallerKeys", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/RevokeCallerKey", Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/ListAudit", Rule::Roles(&[Admin])),
    (WATCH_AUDIT, Rule::Roles(&[Admin])),
    ("/gatelodge.v1.AdminService/ExplainLogin", Rule::Roles(&[Admin])),
    ("/envoy.service.auth.v3.Authorization/Check", Rule::Roles(&[Edge])),
    ("/grpc.health.v1.Health/Check", Rule::Anyone),
    ("/grpc.health.v1.Health/Watch", Rule::Anyone),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Rule::AnyKey),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Rule::AnyKey),
];

/// What a backend may call that was given no list: it checks who somebody is, and gets no token, changes nothing and ends
/// nothing (security.md 98). And what any key may.
pub const USUAL_OF_BACKENDS: [&str; 5] = [
    "/gatelodge.v1.SessionService/ValidateSession",
    CHECK_SESSIONS,
    WATCH_SESSIONS,
    "/gatelodge.v1.SessionService/GetUserInfo",
    "/gatelodge.v1.TokenService/ValidateToken",
];

/// Stands alone in a list that means every method of the role.
pub const ALL: &str = "*";

/// Every method that is served, in the order of their numbers.
pub fn methods() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(method, _)| *method)
}

/// A method as people name it: without the package of ours.
#[must_use]
pub fn short(path: &str) -> &str {
    path.trim_start_matches('/').strip_prefix("gatelodge.v1.").unwrap_or(path)
}

/// What a caller's list means, each entry of which is a method of its role: `SessionService/ValidateSession`, or the same with
/// its package; or [`ALL`] alone.
///
/// # Errors
/// The places of entries that are no such method.
pub fn listed(names: &[String], role: Role) -> Result<Rpcs, Vec<usize>> {
    match names {
        [] => return Ok(Rpcs::Usual),
        [all] if all == ALL => return Ok(Rpcs::All),
        _ => (),
    }
    let paths: Vec<_> = names.iter().map(|name| path_of(name, role)).collect();
    let wrong: Vec<_> = (0..).zip(&paths).filter(|(_, path)| path.is_none()).map(|(at, _)| at).collect();
    if wrong.is_empty() { Ok(Rpcs::Only(paths.into_iter().flatten().map(str::to_owned).collect())) } else { Err(wrong) }
}

fn path_of(name: &str, role: Role) -> Option<&'static str> {
    let name = name.strip_prefix('/').unwrap_or(name);
    let (method, who) = TABLE.iter().find(|(path, _)| short(path) == name || path.strip_prefix('/') == Some(name))?;
    who.admits(role).then_some(*method)
}

impl Rule {
    /// Whether callers of this role may.
    #[must_use]
    pub fn admits(self, role: Role) -> bool {
        match self {
            Self::Anyone | Self::AnyKey => true,
            Self::Roles(roles) => roles.contains(&role),
        }
    }
}

/// Whether a caller may call a method that its role may.
#[must_use]
pub fn is_given(rpcs: &Rpcs, role: Role, path: &str) -> bool {
    match rpcs {
        Rpcs::All => true,
        Rpcs::Usual => role != Role::Backend || USUAL_OF_BACKENDS.contains(&path) || rule(path) == Some(Rule::AnyKey),
        Rpcs::Only(own) => own.iter().any(|own| own == path),
    }
}

/// The place of a method among those that are served.
#[must_use]
pub fn number(path: &str) -> Option<usize> {
    TABLE.iter().position(|(method, _)| *method == path)
}

/// Whether the answer to a method goes on for as long as its stream lasts.
#[must_use]
pub fn is_stream(path: &str) -> bool {
    matches!(path, CHECK_SESSIONS | WATCH_SESSIONS | WATCH_AUDIT)
        || path.ends_with("/Watch")
        || path.ends_with("/ServerReflectionInfo")
}

/// The rule for a path, exactly as it came (security.md 97); `None` for a method that is not served.
#[must_use]
pub fn rule(path: &str) -> Option<Rule> {
    TABLE.iter().find(|(method, _)| *method == path).map(|(_, rule)| *rule)
}
