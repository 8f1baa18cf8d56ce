//! Owns what the provider remembers: login pages shown, logins, codes, grants and tokens, and how they end.
//! Does not know HTTP, and asks for the time with every step.

use std::time::Duration;

use super::kept::Kept;
use super::keys::challenge_of;
use super::users::User;
use crate::crypto::{Digest, digest};
use crate::session::time::Timestamp;

/// How long a login page can be submitted.
const FORM_LIFE: Duration = Duration::from_mins(30);
/// How long a browser stays logged in here.
const LOGIN_LIFE: Duration = Duration::from_hours(12);
/// How long a code is good for.
const CODE_LIFE: Duration = Duration::from_mins(1);
/// How long a code is remembered, so that a second use is noticed.
const CODE_MEMORY: Duration = Duration::from_mins(10);
/// How long a grant can be refreshed.
const GRANT_LIFE: Duration = Duration::from_hours(24);
/// How long an access or ID token is good for.
pub(super) const TOKEN_LIFE: Duration = Duration::from_mins(5);

/// What a client asked for, every check passed.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub scopes: Vec<String>,
    pub code_challenge: String,
    pub login_hint: Option<String>,
    pub strength: Strength,
}

/// How a user has to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// By their password (`acr` 1).
    Password,
    /// The same; but the login page has a field for the one-time code too.
    PasswordAndPerhapsCode,
    /// By their password and the one-time code (`acr` 2).
    PasswordAndCode,
}

/// Somebody who is logged in here.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub user: &'static User,
    /// The public id of this login: the `sid` claim.
    pub sid: String,
    pub auth_time: Timestamp,
    /// Whether the one-time code was typed too.
    pub is_strong: bool,
}

impl Login {
    /// Whether the user has authenticated in this way.
    pub fn is_as_strong_as(&self, strength: Strength) -> bool {
        self.is_strong || strength != Strength::PasswordAndCode
    }

    /// The authentication context class (OpenID Connect Core, 2).
    pub fn acr(&self) -> &'static str {
        if self.is_strong { "2" } else { "1" }
    }

    /// The authentication methods (RFC 8176).
    pub fn amr(&self) -> &'static [&'static str] {
        if self.is_strong { &["pwd", "otp", "mfa"] } else { &["pwd"] }
    }
}

/// What a redeemed code granted; ended as one.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// Its name in the ledger.
    pub id: Digest,
    pub login: Login,
    pub scopes: Vec<String>,
    pub nonce: Option<String>,
    current_refresh: Option<Digest>,
}

struct Form {
    request: Request,
    browser: String,
}

struct Code {
    request: Request,
    login: Login,
    end: Timestamp,
    redeemed_as: Option<Digest>,
}

/// What the provider remembers. Secrets are kept as hashes.
#[derive(Default)]
pub(super) struct Ledger {
    forms: Kept<Form>,
    logins: Kept<Login>,
    codes: Kept<Code>,
    grants: Kept<Grant>,
    refresh_tokens: Kept<Digest>,
    access_tokens: Kept<(Digest, Vec<String>)>,
}

impl Ledger {
    /// Remembers that a login page was shown to `browser`, under the secret in the page.
    pub fn show_form(&mut self, form: &str, browser: &str, request: Request, now: Timestamp) {
        let shown = Form { request, browser: browser.to_owned() };
        self.forms.put(name("form", form), shown, now, now + FORM_LIFE);
    }

    /// What the login page was for, if it was shown to this browser. It may be submitted again: a double click is
    /// no error, and every submission needs the password.
    pub fn form(&self, form: &str, browser: &str, now: Timestamp) -> Option<&Request> {
        let shown = self.forms.get(&name("form", form), now)?;
        (shown.browser == browser).then_some(&shown.request)
    }

    /// Logs somebody in under the secret in `cookie`.
    pub fn log_in(&mut self, cookie: &str, login: Login, now: Timestamp) {
        self.logins.put(name("login", cookie), login, now, now + LOGIN_LIFE);
    }

    /// Who is logged in under the secret in `cookie`.
    pub fn login(&self, cookie: &str, now: Timestamp) -> Option<&Login> {
        self.logins.get(&name("login", cookie), now)
    }

    /// Ends the login under the secret in `cookie`, not what was granted by it.
    pub fn forget_login(&mut self, cookie: &str, now: Timestamp) {
        self.logins.take(&name("login", cookie), now);
    }

    /// Ends a login and everything that was granted by it.
    pub fn log_out(&mut self, sid: &str) {
        self.logins.drop_where(|login| login.sid == sid);
        self.codes.drop_where(|code| code.login.sid == sid);
        self.grants.drop_where(|grant| grant.login.sid == sid);
    }

    /// Remembers a code.
    pub fn issue_code(&mut self, code: &str, request: Request, login: Login, now: Timestamp) {
        let issued = Code { request, login, end: now + CODE_LIFE, redeemed_as: None };
        self.codes.put(name("code", code), issued, now, now + CODE_MEMORY);
    }

    /// Turns a code into a grant under `new_name`, once. Any attempt spends the code, and a second one also ends
    /// what the first one got (RFC 6749, 4.1.2).
    pub fn redeem(&mut self, code: &str, proof: &Proof<'_>, new_name: &str, now: Timestamp) -> Option<Grant> {
        let id = name("grant", new_name);
        let issued = self.codes.get_mut(&name("code", code), now)?;
        if let Some(first) = issued.redeemed_as {
            self.grants.take(&first, now);
            return None;
        }
        issued.redeemed_as = Some(id);
        let request = &issued.request;
        let proven = now < issued.end
            && request.redirect_uri == proof.redirect_uri
            && request.code_challenge == challenge_of(proof.code_verifier);
        if !proven {
            return None;
        }
        let grant = Grant {
            id,
            login: issued.login.clone(),
            scopes: request.scopes.clone(),
            nonce: request.nonce.clone(),
            current_refresh: None,
        };
        self.grants.put(id, grant.clone(), now, now + GRANT_LIFE);
        Some(grant)
    }

    /// Remembers the tokens that a grant was given. The refresh token is the grant's only good one from now on.
    /// Does nothing when the grant has ended meanwhile.
    pub fn issue_tokens(&mut self, grant: &Digest, issued: &Issued<'_>, now: Timestamp) {
        let Some(kept) = self.grants.get_mut(grant, now) else { return };
        let refresh = name("refresh", issued.refresh_token);
        kept.current_refresh = Some(refresh);
        self.refresh_tokens.put(refresh, *grant, now, now + GRANT_LIFE);
        let access = (*grant, issued.scopes.to_vec());
        self.access_tokens.put(name("access", issued.access_token), access, now, now + TOKEN_LIFE);
    }

    /// The grant of a refresh token, which is thereby spent. A token that was spent before ends the grant
    /// (RFC 9700, 4.14.2).
    pub fn refresh(&mut self, refresh_token: &str, now: Timestamp) -> Option<Grant> {
        let presented = name("refresh", refresh_token);
        let id = *self.refresh_tokens.get(&presented, now)?;
        let grant = self.grants.get_mut(&id, now)?;
        if grant.current_refresh != Some(presented) {
            self.grants.take(&id, now);
            return None;
        }
        grant.current_refresh = None;
        Some(grant.clone())
    }

    /// Whose access token this is and what it may see, while its grant lives.
    pub fn access(&self, access_token: &str, now: Timestamp) -> Option<(&'static User, &[String])> {
        let (id, scopes) = self.access_tokens.get(&name("access", access_token), now)?;
        let grant = self.grants.get(id, now)?;
        Some((grant.login.user, scopes))
    }

    /// Revokes a token: a refresh token with its whole grant, an access token alone (RFC 7009, 2.1).
    pub fn revoke(&mut self, token: &str, now: Timestamp) {
        if let Some(grant) = self.refresh_tokens.take(&name("refresh", token), now) {
            self.grants.take(&grant, now);
        }
        self.access_tokens.take(&name("access", token), now);
    }
}

/// What a client has to show with a code.
pub(super) struct Proof<'a> {
    pub redirect_uri: &'a str,
    pub code_verifier: &'a str,
}

/// Tokens that were just made.
pub(super) struct Issued<'a> {
    pub access_token: &'a str,
    pub refresh_token: &'a str,
    pub scopes: &'a [String],
}

fn name(kind: &str, secret: &str) -> Digest {
    digest("gatelodge development provider", &[kind.as_bytes(), secret.as_bytes()])
}
