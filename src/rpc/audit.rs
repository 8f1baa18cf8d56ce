//! Owns the protobuf of the audit: which entries, and how they are shown. Does not know how they are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{answers, fields, v1};
use crate::authority::Error;
use crate::authority::list_audit::{EntryView, Filter, Question};
use crate::session::audit::{Action, Outcome, StepBegun};
use crate::session::key::SessionKey;

pub(super) fn question(request: v1::ListAuditRequest) -> Result<Question, Error> {
    Ok(Question {
        filter: filter(request.filter)?,
        page_size: fields::page_size(request.page_size)?,
        page_token: request.page_token,
    })
}

pub(super) fn filter(filter: Option<v1::AuditFilter>) -> Result<Filter, Error> {
    let Some(filter) = filter else { return Ok(Filter::default()) };
    Ok(Filter {
        user_id: filter.user_id,
        session_id: filter.session_id,
        request_id: filter.request_id,
        caller: filter.caller,
        actions: filter.actions.into_iter().map(wanted).collect::<Result<_, _>>()?,
        only_failures: filter.only_failures,
        after: fields::moment("filter.after_time", filter.after_time)?,
        before: fields::moment("filter.before_time", filter.before_time)?,
    })
}

fn wanted(number: i32) -> Result<Action, Error> {
    let known: v1::AuditAction = fields::known("filter.actions", number)?;
    Action::ALL
        .into_iter()
        .find(|one| action(*one) == known)
        .ok_or_else(|| fields::invalid("filter.actions", "actions of the contract; none for all"))
}

pub(super) fn entries(views: Vec<EntryView>) -> Vec<v1::AuditEntry> {
    views.into_iter().map(entry).collect()
}

fn entry(EntryView { id, entry, user_id }: EntryView) -> v1::AuditEntry {
    let last = entry.steps.len().saturating_sub(1);
    let own = outcome(entry.outcome);
    let step = |(at, begun): (usize, &StepBegun)| v1::AuditStep {
        name: begun.step.name().to_owned(),
        time: Some(answers::timestamp(begun.at)),
        outcome: if at < last { v1::AuditOutcome::Done } else { own }.into(),
    };
    let steps = entry.steps.iter().enumerate().map(step).collect();
    v1::AuditEntry {
        entry_id: URL_SAFE_NO_PAD.encode(id.0),
        time: Some(answers::timestamp(entry.at)),
        action: action(entry.action).into(),
        outcome: own.into(),
        reason: entry.reason,
        detail: entry.detail,
        note: entry.note,
        caller: entry.caller,
        request_id: entry.request_id,
        client_address: entry.client,
        session_id: entry.session.map(|key| key.public()).unwrap_or_default(),
        user_id: user_id.unwrap_or_default(),
        provider: entry.provider,
        ended_count: entry.count,
        login_id: entry.login.map(|login| URL_SAFE_NO_PAD.encode(login)).unwrap_or_default(),
        steps,
        ended_session_ids: entry.ended.iter().map(SessionKey::public).collect(),
    }
}

const fn action(action: Action) -> v1::AuditAction {
    match action {
        Action::LoginBegun => v1::AuditAction::LoginBegun,
        Action::LoginCompleted => v1::AuditAction::LoginCompleted,
        Action::LoggedOut => v1::AuditAction::LoggedOut,
        Action::BackchannelLogout => v1::AuditAction::BackchannelLogout,
        Action::FrontchannelLogout => v1::AuditAction::FrontchannelLogout,
        Action::RevokedByUser => v1::AuditAction::RevokedByUser,
        Action::RevokedByAdmin => v1::AuditAction::RevokedByAdmin,
        Action::Theft => v1::AuditAction::Theft,
        Action::OtherClient => v1::AuditAction::OtherClient,
        Action::UserDisabled => v1::AuditAction::UserDisabled,
        Action::UserEnabled => v1::AuditAction::UserEnabled,
        Action::UserDeleted => v1::AuditAction::UserDeleted,
        Action::TokenMinted => v1::AuditAction::TokenMinted,
        Action::TokenExchanged => v1::AuditAction::TokenExchanged,
        Action::Rotated => v1::AuditAction::Rotated,
        Action::RefreshRefused => v1::AuditAction::RefreshRefused,
        Action::CallerKeyMade => v1::AuditAction::CallerKeyMade,
        Action::CallerKeyRevoked => v1::AuditAction::CallerKeyRevoked,
        Action::EntriesLeftOut => v1::AuditAction::EntriesLeftOut,
        Action::SteppedUp => v1::AuditAction::SteppedUp,
        Action::Refreshed => v1::AuditAction::Refreshed,
        Action::AnsweredAgain => v1::AuditAction::AnsweredAgain,
        Action::ConfigurationLoaded => v1::AuditAction::ConfigurationLoaded,
        Action::KeysChanged => v1::AuditAction::KeysChanged,
    }
}

const fn outcome(outcome: Outcome) -> v1::AuditOutcome {
    match outcome {
        Outcome::Done => v1::AuditOutcome::Done,
        Outcome::Failed => v1::AuditOutcome::Failed,
        Outcome::Waiting => v1::AuditOutcome::Waiting,
        Outcome::Repeated => v1::AuditOutcome::Repeated,
        Outcome::Trouble => v1::AuditOutcome::Trouble,
        Outcome::Unreplicated => v1::AuditOutcome::Unreplicated,
    }
}
