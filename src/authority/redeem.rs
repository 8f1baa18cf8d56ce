//! Owns the provider's part of a callback: the code for a verified identity, which is held against what was asked for; and
//! what is told of it when there is none. Does not know what becomes of the identity.

use std::time::Duration;

use super::asked::Asked;
use super::callback::Visit;
use super::login_answer::LoginFailure;
use super::provider::{Grant, ProviderError, Redemption};
use super::{Authority, Call};
use crate::crypto::Secret;
use crate::session::audit::{Step, readable};
use crate::session::identity::Identity;
use crate::session::key::UserKey;
use crate::session::login::PendingLogin;
use crate::session::need::{Facts, LoginNeeds, Missing};
use crate::session::record::Tokens;
use crate::session::time::Timestamp;

/// The check by which a provider's adapter refuses a login that is too old, or does not say how old it is.
const LOGIN_AGE: &str = "id_token.auth_time";

impl Authority {
    /// Sends the code to the provider and gets a verified identity back.
    pub(super) async fn redeem(&self, visit: &Visit<'_>, login: &PendingLogin) -> Result<Grant, LoginFailure> {
        let Visit { callback, call, trail, .. } = *visit;
        trail.begin(Step::ProviderAnswer);
        let provider = self.ports.providers.get(&login.provider).ok_or(LoginFailure::ProviderUnknown)?;
        let failed = |error: ProviderError| {
            trail.note_cause(&error);
            failure_at_provider(&error, login, call)
        };
        if login.form_post && !callback.by_form {
            // Codes in addresses end up in histories and logs: that is what the form is for (security.md 21).
            let (provider, request_id) = (&login.provider, &call.request_id);
            tracing::warn!(provider, request_id, "the answer did not come as the form that was asked for");
            let detail = "the answer did not come as the form that was asked for";
            trail.note(|entry| detail.clone_into(&mut entry.detail));
            return Err(LoginFailure::ProviderError);
        }
        let within = self.settings.logins.lease / 2;
        if let Some(error) = callback.parameters.get("error") {
            // RFC 9207, 2.4: an error counts only when it is the provider's own.
            provider.check_issuer(callback.parameters.get("iss"), within).await.map_err(failed)?;
            // Mapped to a fixed word, and nothing of it is shown (security.md 17).
            tracing::info!(provider = login.provider, request_id = call.request_id, "the provider refused the login");
            trail.note(|entry| entry.detail = said(error));
            return Err(refusal(error));
        }
        let asked = self.asked();
        let redemption = Redemption {
            code: Secret::new(callback.parameters.get("code").unwrap_or_default()),
            code_verifier: login.code_verifier.clone(),
            nonce: login.nonce.clone(),
            redirect_uri: login.redirect_uri.clone(),
            response_issuer: callback.parameters.get("iss").map(str::to_owned),
            response_user: callback.parameters.get("user").map(Secret::new),
            authenticated_after: login.needs.max_age.map(|age| earliest(age, login.began, &asked)),
            now: asked.wall,
            within,
            trail: trail.clone(),
        };
        let grant = provider.redeem(&redemption).await.map_err(failed)?;
        let mut grant = Grant { tokens: asked.in_store_time(grant.tokens), ..grant };
        if grant.identity.name.is_none() && provider.info().names_users_once {
            grant.identity.name = self.remembered_name(&grant.identity).await;
        }
        grant.identity.auth_time = grant.identity.auth_time.map(|at| asked.past_in_store_time(at));
        trail.begin(Step::Requirements);
        trail.note(|entry| entry.user = Some(self.user_of(&grant.identity)));
        if let Some(missing) = unmet(&grant.identity, login) {
            let (provider, request_id) = (&login.provider, &call.request_id);
            tracing::info!(provider, request_id, ?missing, "the login is not what was asked for");
            trail.note(|entry| entry.detail = readable(&format!("the login lacks {missing:?}")));
            self.discard(login, &grant.identity, &grant.tokens);
            return Err(LoginFailure::AuthenticationUnmet);
        }
        Ok(grant)
    }

    /// Gives the tokens of a login back that makes no session. Not those of a step-up: at many providers they are of one
    /// grant with the session's own, and would be revoked together. Those of another user are not: they are told apart by
    /// the partition, as far as that goes.
    pub(super) fn discard(&self, login: &PendingLogin, identity: &Identity, tokens: &Tokens) {
        let user = UserKey::of(self.settings.tenant, &identity.issuer, &identity.sub);
        if login.step_up.is_none_or(|session| session.partition != user.partition) {
            self.revoke_at_provider(&login.provider, tokens);
        }
    }
}

/// When the user may have authenticated at the earliest, by the world's time: as long before now as any request that needs
/// the same will allow, so that a login which is taken is not refused right afterwards. Where no age will do (Core, 3.1.2.1:
/// `prompt=login`, and `max_age=0`), since the login began; what is signed are whole seconds.
fn earliest(age: Duration, began: Timestamp, asked: &Asked) -> Timestamp {
    if age.is_zero() { asked.past_in_world_time(began) - Duration::from_secs(1) } else { asked.wall - age }
}

/// What the verified identity lacks of what was asked for (security.md 34). The age was judged with the ID token.
fn unmet(identity: &Identity, login: &PendingLogin) -> Option<Missing> {
    let needs = LoginNeeds { max_age: None, ..login.needs.clone() };
    needs.missing(&Facts::from(identity), Timestamp::default())
}

/// What the browser is told of an error that the provider sent with it: a word of ours, and nothing of it (security.md 17).
/// A login that was to show nothing is no trouble when it needs the user (OpenID Connect Core, 3.1.2.6).
fn refusal(error: &str) -> LoginFailure {
    match error {
        // The second is Apple's.
        "access_denied" | "user_cancelled_authorize" => LoginFailure::AccessDenied,
        "login_required" => LoginFailure::LoginRequired,
        "interaction_required" => LoginFailure::InteractionRequired,
        "consent_required" => LoginFailure::ConsentRequired,
        "account_selection_required" => LoginFailure::AccountSelectionRequired,
        // OpenID Connect Core Error Code unmet_authentication_requirements.
        "unmet_authentication_requirements" => LoginFailure::AuthenticationUnmet,
        _ => LoginFailure::ProviderError,
    }
}

/// Errors that an authorization endpoint may answer (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6; RFC 9101, 7), and Apple's.
const ERRORS: [&str; 19] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unmet_authentication_requirements",
    "unsupported_response_type",
    "user_cancelled_authorize",
];

/// The provider's error in a sentence of ours. Only a word of the standards is repeated: what came, anybody may have written.
fn said(error: &str) -> String {
    match ERRORS.into_iter().find(|known| *known == error) {
        Some(known) => format!("the provider sent the browser back with the error {known}"),
        None => "the provider sent the browser back with an error of its own".to_owned(),
    }
}

/// What the browser is told of a provider's trouble; the cause is for the log.
fn failure_at_provider(error: &ProviderError, login: &PendingLogin, call: &Call) -> LoginFailure {
    let (provider, request_id) = (&login.provider, &call.request_id);
    let cause = error as &dyn std::error::Error;
    tracing::warn!(provider, request_id, error = cause, "the login failed at the provider");
    match error {
        ProviderError::Unavailable(_) | ProviderError::Lost(_) => LoginFailure::ProviderUnavailable,
        ProviderError::InvalidGrant(_) => LoginFailure::CodeRefused,
        ProviderError::Failed(_)
        | ProviderError::Unsupported(_)
        | ProviderError::RequestRefused(_)
        | ProviderError::AudienceRefused(_) => LoginFailure::ProviderError,
        ProviderError::Rejected(LOGIN_AGE) if login.needs.max_age.is_some() => LoginFailure::AuthenticationUnmet,
        ProviderError::Rejected(_) => LoginFailure::IdentityRejected,
    }
}
