//! Owns the way from protobuf to questions. Does not know the answers.

use std::time::Duration;

use bytes::Bytes;

use super::v1;
use super::{fields, v1::complete_callback_request::Response as ResponseField};
use crate::authority::settings::{Limits, LoginSet};
use crate::authority::{
    Error, Presented, complete_callback, complete_logout, handle_backchannel_logout, handle_frontchannel_logout,
    list_sessions, list_user_sessions, list_users, revoke, revoke_as_admin, start_login, start_logout,
    update_attributes, validate_session,
};
use crate::session::event::Position;
use crate::session::need::{LoginNeeds, Needs};
use crate::session::request::{PresentedCookie, RequestContext};

const YEAR: Duration = Duration::from_hours(365 * 24);
const SECOND: Duration = Duration::from_secs(1);

type Read<T> = Result<T, Error>;

/// What came under session and binding cookie names, and the context if there is one. What a context must have, it must
/// have in every call.
pub(super) fn presented(
    cookies: Vec<v1::Cookie>,
    context: Option<Box<v1::RequestContext>>,
    limits: &Limits,
) -> Read<Presented> {
    let cookies =
        cookies.into_iter().map(|cookie| PresentedCookie { name: cookie.name, value: cookie.value }).collect();
    let mut context = context.map(|context| Box::new(read_context(*context)));
    if let Some(context) = &mut context {
        cut(context, limits)?;
    }
    Ok(Presented { cookies, context })
}

fn read_context(context: v1::RequestContext) -> RequestContext {
    RequestContext {
        method: context.method,
        target: context.target,
        host: context.host,
        peer_address: context.peer_address,
        x_forwarded_for: context.x_forwarded_for,
        forwarded: context.forwarded,
        user_agent: context.user_agent,
        accept_language: context.accept_language,
        accept: context.accept,
        content_type: context.content_type,
        upgrade: context.upgrade,
        origin: context.origin,
        sec_fetch_site: context.sec_fetch_site,
        sec_fetch_mode: context.sec_fetch_mode,
        sec_fetch_dest: context.sec_fetch_dest,
        x_requested_with: context.x_requested_with,
        csrf_token: context.csrf_token,
        x_tenant_id: context.x_tenant_id,
        place: context.place,
    }
}

/// Cuts each value of a context to the limit: a browser's oversized header fails nobody's call.
///
/// # Errors
/// There is no method.
pub(super) fn cut(context: &mut RequestContext, limits: &Limits) -> Read<()> {
    if context.method.is_empty() {
        return Err(fields::invalid("context.method", "the HTTP method; every context needs it"));
    }
    let limit = limits.header_bytes;
    let values = [
        &mut context.host,
        &mut context.peer_address,
        &mut context.user_agent,
        &mut context.accept_language,
        &mut context.accept,
        &mut context.content_type,
        &mut context.upgrade,
        &mut context.origin,
        &mut context.sec_fetch_site,
        &mut context.sec_fetch_mode,
        &mut context.sec_fetch_dest,
        &mut context.x_requested_with,
        &mut context.csrf_token,
        &mut context.x_tenant_id,
        &mut context.place,
    ];
    let values = values.into_iter().flatten().chain([&mut context.method, &mut context.target]);
    values.for_each(|value| value.truncate(limit));
    end_at(&mut context.x_forwarded_for, limit);
    end_at(&mut context.forwarded, limit);
    Ok(())
}

/// Leaves the end of a list that proxies append to, of at most `limit` bytes in all: what is nearest to us is the only part
/// that can be trusted. An element that is cut through goes too.
fn end_at(lines: &mut Vec<Bytes>, limit: usize) {
    lines.drain(..lines.len().saturating_sub(Limits::FORWARDED_LINES));
    let mut room = limit;
    for at in (0..lines.len()).rev() {
        let Some(line) = lines.get_mut(at) else { break };
        if let Some(left) = room.checked_sub(line.len()) {
            room = left;
            continue;
        }
        let end = line.slice(line.len() - room..);
        *line = end.iter().position(|byte| *byte == b',').map_or_else(Bytes::new, |comma| end.slice(comma + 1..));
        lines.drain(..at);
        break;
    }
}

pub(super) fn validate_session(
    request: v1::ValidateSessionRequest,
    limits: &Limits,
) -> Read<validate_session::Question> {
    let requirements = request.requirements.map(requirements).transpose()?.unwrap_or_default();
    Ok(validate_session::Question {
        presented: presented(request.cookies, request.context, limits)?,
        requirements,
        can_set_cookies: request.can_set_cookies,
        touch: request.touch.unwrap_or(true),
        issue_csrf_token: request.issue_csrf_token,
        answer_json: request.answer_json,
        as_of: position("as_of_position", &request.as_of_position)?,
    })
}

pub(super) fn position(field: &'static str, bytes: &[u8]) -> Read<Option<Position>> {
    let expected = || fields::invalid(field, "a position as WatchSessions told it, or nothing");
    let whole = || <[u8; 16]>::try_from(bytes).map(|bytes| Some(Position(bytes)));
    if bytes.is_empty() { Ok(None) } else { whole().map_err(|_| expected()) }
}

pub(super) fn requirements(requirements: v1::Requirements) -> Read<validate_session::Requirements> {
    use validate_session::CsrfRequirement::{ByMethod, NotRequired, Required};
    let csrf = match fields::known("requirements.csrf", requirements.csrf)? {
        v1::CsrfRequirement::Unspecified => ByMethod,
        v1::CsrfRequirement::Required => Required,
        v1::CsrfRequirement::NotRequired => NotRequired,
    };
    let rights = |field, names| fields::rights(field, names, Limits::SCOPES);
    let needs = Needs {
        scopes: fields::names("requirements.scopes", requirements.scopes, Limits::SCOPES)?,
        any_scopes: rights("requirements.any_scopes", requirements.any_scopes)?,
        permissions: rights("requirements.permissions", requirements.permissions)?,
        any_permissions: rights("requirements.any_permissions", requirements.any_permissions)?,
        roles: rights("requirements.roles", requirements.roles)?,
        email_verified: requirements.email_verified,
        login: LoginNeeds {
            acr_values: fields::login_values("requirements.acr_values", requirements.acr_values)?,
            amr_values: fields::login_values("requirements.amr_values", requirements.amr_values)?,
            max_age: fields::duration("requirements.max_login_age", requirements.max_login_age, SECOND, YEAR)?,
        },
    };
    let lists = [&needs.any_scopes, &needs.permissions, &needs.any_permissions, &needs.roles];
    if lists.into_iter().flatten().map(String::len).sum::<usize>() > Limits::RIGHTS_BYTES {
        let expected = format!("roles, permissions and alternative scopes of {} bytes in all", Limits::RIGHTS_BYTES);
        return Err(fields::invalid("requirements", expected));
    }
    Ok(validate_session::Requirements { csrf, needs })
}

pub(super) fn to_revoke(
    request: v1::SessionServiceRevokeRequest,
    limits: &Limits,
) -> Read<(Presented, revoke::Target)> {
    use v1::session_service_revoke_request::Target;
    let target = match request.target {
        Some(Target::PresentedSession(v1::PresentedSession {})) => revoke::Target::Presented,
        Some(Target::SessionId(id)) => revoke::Target::Session(fields::required("session_id", id)?),
        Some(Target::AllOthers(v1::AllOtherSessions {})) => revoke::Target::AllOthers,
        Some(Target::Form(form)) => revoke::Target::Form(form),
        Some(Target::Json(json)) => revoke::Target::Json(json),
        None => {
            let expected = "one of presented_session, session_id, all_others, form, json; it is required";
            return Err(fields::invalid("target", expected));
        }
    };
    Ok((presented(request.cookies, request.context, limits)?, target))
}

pub(super) fn list_user_sessions(
    request: v1::ListUserSessionsRequest,
    limits: &Limits,
) -> Read<list_user_sessions::Question> {
    Ok(list_user_sessions::Question {
        presented: presented(request.cookies, request.context, limits)?,
        page_size: fields::page_size(request.page_size)?,
        page_token: fields::text("page_token", request.page_token, 2048)?,
        query: request.query,
    })
}

pub(super) fn update_attributes(
    request: v1::UpdateAttributesRequest,
    limits: &Limits,
) -> Read<update_attributes::Question> {
    Ok(update_attributes::Question {
        presented: presented(request.cookies, request.context, limits)?,
        expected_version: request.expected_version,
        set: request.set.into_iter().map(|(name, value)| (name, value.into())).collect(),
        remove: request.remove,
    })
}

fn route_set(value: i32) -> Read<LoginSet> {
    Ok(match fields::known("route_set", value)? {
        v1::RouteSet::Unspecified | v1::RouteSet::Web => LoginSet::Web,
        v1::RouteSet::Api => LoginSet::Api,
        v1::RouteSet::Spa => LoginSet::Spa,
        v1::RouteSet::Proxy => return Err(fields::invalid("route_set", "a set that logs people in and out")),
    })
}

/// The set of a route that one set alone has.
fn web(value: i32) -> Read<()> {
    match route_set(value)? {
        LoginSet::Web => Ok(()),
        LoginSet::Api | LoginSet::Spa => Err(fields::invalid("route_set", "the set web: no other has this route")),
    }
}

/// Those who ask at the routes of this set.
fn asker(set: LoginSet, presented: Presented) -> Presented {
    match set {
        LoginSet::Web | LoginSet::Api => presented,
        LoginSet::Spa => presented.of_script(),
    }
}

/// A context is needed to answer a browser.
fn browser(cookies: Vec<v1::Cookie>, context: Option<Box<v1::RequestContext>>, limits: &Limits) -> Read<Presented> {
    let context =
        context.ok_or_else(|| fields::invalid("context", "what the edge saw of the request; it is required"))?;
    presented(cookies, Some(context), limits)
}

pub(super) fn start_login(request: v1::StartLoginRequest, limits: &Limits) -> Read<start_login::Question> {
    let set = route_set(request.route_set)?;
    let presented = asker(set, browser(request.cookies, request.context, limits)?);
    Ok(start_login::Question { set, provider: request.provider, query: request.query, presented })
}

pub(super) fn complete_callback(
    request: v1::CompleteCallbackRequest,
    limits: &Limits,
) -> Read<complete_callback::Question> {
    let set = route_set(request.route_set)?;
    let response = match request.response {
        Some(ResponseField::Query(bytes)) => complete_callback::Response::Query(bytes),
        // Whatever its content type: curl sends that of a form unless it is told another.
        Some(ResponseField::Form(body) | ResponseField::Json(body)) if set == LoginSet::Api => {
            let key = match request.idempotency_key {
                key if key.is_empty() => request.idempotency_header,
                key => key.into(),
            };
            complete_callback::Response::Collection { body, key }
        }
        Some(ResponseField::Form(bytes)) => complete_callback::Response::Form(bytes),
        Some(ResponseField::Json(bytes)) => complete_callback::Response::Json(bytes),
        None => return Err(fields::invalid("response", "one of query, form, json; it is required")),
    };
    let mut presented = asker(set, browser(request.cookies, request.context, limits)?);
    if matches!(response, complete_callback::Response::Collection { .. }) {
        presented = presented.of_script();
    }
    Ok(complete_callback::Question { set, provider: request.provider, response, presented })
}

pub(super) fn start_logout(request: v1::StartLogoutRequest, limits: &Limits) -> Read<start_logout::Question> {
    web(request.route_set)?;
    Ok(start_logout::Question {
        query: request.query,
        form: request.form,
        presented: browser(request.cookies, request.context, limits)?,
    })
}

pub(super) fn complete_logout(request: v1::CompleteLogoutRequest, limits: &Limits) -> Read<complete_logout::Question> {
    web(request.route_set)?;
    Ok(complete_logout::Question {
        query: request.query,
        presented: browser(request.cookies, request.context, limits)?,
    })
}

pub(super) fn backchannel_logout(
    request: v1::HandleBackchannelLogoutRequest,
    limits: &Limits,
) -> Read<handle_backchannel_logout::Question> {
    web(request.route_set)?;
    let context = browser(Vec::new(), request.context, limits)?.context.unwrap_or_default();
    Ok(handle_backchannel_logout::Question { form: request.form, context: *context })
}

pub(super) fn frontchannel_logout(
    request: v1::HandleFrontchannelLogoutRequest,
    limits: &Limits,
) -> Read<handle_frontchannel_logout::Question> {
    web(request.route_set)?;
    let context = browser(Vec::new(), request.context, limits)?.context.unwrap_or_default();
    Ok(handle_frontchannel_logout::Question { query: request.query, context: *context })
}

pub(super) fn list_sessions(request: v1::ListSessionsRequest) -> Read<list_sessions::Question> {
    let provider_session = fields::text("provider_session_id", request.provider_session_id, 2048)?;
    let provider = fields::text("provider", request.provider, 2048)?;
    if !provider_session.is_empty() && provider.is_empty() {
        return Err(fields::invalid("provider", "the provider whose session `provider_session_id` names"));
    }
    Ok(list_sessions::Question {
        filter: list_sessions::Filter {
            user_id: fields::text("user_id", request.user_id, 2048)?,
            provider,
            provider_session,
            created_after: fields::moment("created_after", request.created_after)?,
            created_before: fields::moment("created_before", request.created_before)?,
        },
        page_size: fields::page_size(request.page_size)?,
        page_token: fields::text("page_token", request.page_token, 2048)?,
    })
}

pub(super) fn revoke_as_admin(request: v1::AdminServiceRevokeRequest) -> Read<(revoke_as_admin::Target, String)> {
    use v1::admin_service_revoke_request::Target;
    let target = match request.target {
        Some(Target::SessionId(id)) => revoke_as_admin::Target::Session(fields::required("session_id", id)?),
        Some(Target::UserId(id)) => revoke_as_admin::Target::User(fields::required("user_id", id)?),
        Some(Target::ProviderSession(own)) => provider_session(own)?,
        Some(Target::Provider(name)) => revoke_as_admin::Target::Provider(fields::required("provider", name)?),
        Some(Target::Tenant(v1::WholeTenant {})) => revoke_as_admin::Target::Tenant,
        Some(Target::Everything(v1::Everything {})) => revoke_as_admin::Target::Everything,
        None => return Err(no_target()),
    };
    Ok((target, fields::text("reason", request.reason, 200)?))
}

pub(super) fn preview_revoke(request: v1::PreviewRevokeRequest) -> Read<revoke_as_admin::Target> {
    use v1::preview_revoke_request::Target;
    Ok(match request.target {
        Some(Target::SessionId(id)) => revoke_as_admin::Target::Session(fields::required("session_id", id)?),
        Some(Target::UserId(id)) => revoke_as_admin::Target::User(fields::required("user_id", id)?),
        Some(Target::ProviderSession(own)) => provider_session(own)?,
        Some(Target::Provider(name)) => revoke_as_admin::Target::Provider(fields::required("provider", name)?),
        Some(Target::Tenant(v1::WholeTenant {})) => revoke_as_admin::Target::Tenant,
        Some(Target::Everything(v1::Everything {})) => revoke_as_admin::Target::Everything,
        None => return Err(no_target()),
    })
}

fn provider_session(own: v1::ProviderSession) -> Read<revoke_as_admin::Target> {
    let provider = fields::required("provider_session.provider", own.provider)?;
    let sid = fields::required("provider_session.provider_session_id", own.provider_session_id)?;
    Ok(revoke_as_admin::Target::ProviderSession(provider, sid))
}

fn no_target() -> Error {
    let expected = "one of session_id, user_id, provider_session, provider, tenant, everything; it is required";
    fields::invalid("target", expected)
}

pub(super) fn list_users(request: v1::ListUsersRequest) -> Read<list_users::Question> {
    Ok(list_users::Question {
        page_size: fields::page_size(request.page_size)?,
        page_token: fields::text("page_token", request.page_token, 2048)?,
    })
}

/// A user's id, and why something is done to them.
pub(super) fn to_user(user_id: String, reason: String) -> Read<(String, String)> {
    Ok((fields::required("user_id", user_id)?, fields::text("reason", reason, 200)?))
}
