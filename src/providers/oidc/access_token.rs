//! Owns the check of an access token that is a JWT (RFC 9068, 4): form, kind, claims, signature. An ID token, a logout
//! token or a refresh token is not taken for one (security.md 25). Does not know who presents it.

use serde_json::Value;

use super::OidcProvider;
use super::claims::{Claims, date, identifier, identifiers, optional};
use super::compact::Compact;
use super::metadata::Metadata;
use super::profile::Profile;
use super::settings::AccessTokenSettings;
use super::signed::Signature;
use crate::authority::access_token::{CheckedToken, TokenFault, TokenVerdict};
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::json::{self, Object};
use crate::providers::kept::Purpose;
use crate::session::identity::Identity;
use crate::session::time::Timestamp;

/// The `typ` of an access token (RFC 9068, 2.1).
const KIND: [&str; 2] = ["at+jwt", "application/at+jwt"];
/// Claims that an ID token or logout token has, and an access token never.
const OF_OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];
/// Of a token that does not name its kind, one of these says that it was given to a client to be used at a resource.
const OF_ACCESS_TOKENS: [&str; 6] = ["scope", "scp", "client_id", "cid", "appid", "token_use"];
/// What a token must not call itself: Keycloak's `typ` and Cognito's `token_use` name its kind inside.
const OTHER_KINDS: [&str; 5] = ["id", "refresh", "offline", "logout", "action"];
const MAX_LIST: usize = 256;

type Judged<T> = Result<T, TokenFault>;

impl OidcProvider {
    pub(super) async fn check_jwt(&self, token: &Secret, now: Timestamp) -> Result<TokenVerdict, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let judged = self.read_jwt(&metadata, token, now);
        let (compact, checked) = match judged {
            Ok(judged) => judged,
            Err(fault) => return Ok(TokenVerdict::Bad(fault)),
        };
        let signed = self.signature(token, &compact, &checked.identity.issuer, Purpose::BearerToken).await?;
        Ok(match signed {
            Signature::Good => TokenVerdict::Good(Box::new(checked)),
            Signature::Bad | Signature::OfNoKnownKey => TokenVerdict::Bad(TokenFault::Forged),
        })
    }

    /// The claims of an access token that came to us with an ID token about `sub`: signed by the provider, given to us, about
    /// the same user. Whom it is for does not matter, since it is not presented to us.
    pub(super) async fn own_access_claims(
        &self,
        metadata: &Metadata,
        token: &Secret,
        sub: &str,
        now: Timestamp,
    ) -> Option<Object> {
        let compact = Compact::open(token.expose(), &metadata.algorithms).ok()?;
        let all = &compact.claims;
        kind(compact.kind.as_deref(), all).ok()?;
        let (_, expires) = self.times(all, now).ok()?;
        let is = |name: &str, value: &str| all.get(name).and_then(Value::as_str) == Some(value);
        let own = &self.settings.registration.client_id;
        let ours = ["azp", "client_id", "cid", "appid"].iter().any(|name| is(name, own));
        let issuer = self.issuer_of(all).ok().filter(|issuer| is("iss", issuer))?;
        if expires.is_none() || !ours || !is("sub", sub) {
            return None;
        }
        let signed = self.signature(token, &compact, &issuer, Purpose::Login).await.ok()?;
        (signed == Signature::Good).then_some(compact.claims)
    }

    fn read_jwt(&self, metadata: &Metadata, token: &Secret, now: Timestamp) -> Judged<(Compact, CheckedToken)> {
        let compact = Compact::open(token.expose(), &metadata.algorithms).map_err(|_| TokenFault::Forged)?;
        kind(compact.kind.as_deref(), &compact.claims)?;
        if compact.kind.is_some() {
            complete(&compact.claims)?;
        }
        let checked = self.judge_access(&compact.claims, now)?;
        if checked.expires.is_none() {
            return Err(TokenFault::Forged);
        }
        Ok((compact, checked))
    }

    /// Judges what a token or its introspection says. What is absent is judged by whoever needs it.
    pub(super) fn judge_access(&self, all: &Object, now: Timestamp) -> Judged<CheckedToken> {
        let settings = &self.settings.access_tokens;
        let forged = |_| TokenFault::Forged;
        // Bound to a key or a certificate that nobody has shown here: whoever stole it can show the token alone (RFC 9449, 7.2;
        // RFC 8705, 3).
        if all.get("cnf").is_some_and(|bound| !bound.is_null()) {
            return Err(TokenFault::Forged);
        }
        let (issued, expires) = self.times(all, now)?;
        let audiences = audiences(all)?;
        // A provider that is asked may say nothing of an audience; where the settings name one, it has to.
        if !settings.audiences.is_empty() && !audiences.iter().any(|one| settings.audiences.contains(one)) {
            return Err(TokenFault::OtherAudience);
        }
        let sub = optional(all, "sub", identifier).map_err(forged)?.unwrap_or_default();
        let claims = Claims {
            issuer: self.issuer_of(all)?,
            sub,
            auth_time: optional(all, "auth_time", date).map_err(forged)?,
            acr: optional(all, "acr", identifier).map_err(forged)?,
            amr: optional(all, "amr", identifiers).map_err(forged)?.unwrap_or_default(),
            sid: None,
            all: all.clone(),
        };
        let identity = self.identity_of(claims, &scopes(all)?)?;
        let client = ["client_id", "azp", "cid", "appid"].iter().find_map(|name| all.get(*name)?.as_str());
        Ok(CheckedToken {
            client_id: client.unwrap_or_default().to_owned(),
            audiences,
            permissions: identity.permissions.clone(),
            issued,
            expires,
            identity,
        })
    }

    fn issuer_of(&self, all: &Object) -> Judged<String> {
        let tid = all.get("tid").and_then(Value::as_str);
        let expected = self.info.issuer.expected(tid).ok_or(TokenFault::Forged)?;
        if !self.settings.admits_directory(all) {
            return Err(TokenFault::UnknownIssuer);
        }
        match all.get("iss") {
            None => Ok(expected),
            Some(Value::String(issuer)) if *issuer == expected => Ok(expected),
            Some(_) => Err(TokenFault::UnknownIssuer),
        }
    }

    fn times(&self, all: &Object, now: Timestamp) -> Judged<(Option<Timestamp>, Option<Timestamp>)> {
        let leeway = self.settings.clock_leeway;
        let moment = |name| optional(all, name, date).map_err(|_| TokenFault::Forged);
        let (issued, expires, begins) = (moment("iat")?, moment("exp")?, moment("nbf")?);
        if expires.is_some_and(|end| now >= end + leeway) {
            return Err(TokenFault::Expired);
        }
        if begins.max(issued).is_some_and(|begin| begin > now + leeway) {
            return Err(TokenFault::NotYetValid);
        }
        Ok((issued, expires))
    }

    fn identity_of(&self, claims: Claims, scopes: &[String]) -> Judged<Identity> {
        let profile = Profile::of(&claims, &Object::new(), &self.settings).map_err(|_| TokenFault::Forged)?;
        let rights = self.settings.registration.rights.find(&[&claims.all]);
        let permitted = permissions(&claims.all, &self.settings.access_tokens);
        let user_id = || self.info.issuer.user_id(&self.info.name, &claims.issuer, &claims.sub);
        let mut identity = Identity {
            user_id: if claims.sub.is_empty() { String::new() } else { user_id() },
            provider: self.info.name.clone(),
            email: profile.email,
            email_verified: profile.email_verified,
            name: profile.name,
            picture: profile.picture,
            claims: profile.claims,
            issuer: claims.issuer,
            sub: claims.sub,
            scopes: scopes.to_vec(),
            roles: Vec::new(),
            permissions: Vec::new(),
            auth_time: claims.auth_time,
            acr: claims.acr,
            amr: claims.amr,
        };
        rights.give(&mut identity, scopes);
        // Where permissions stand is said in two places: for access tokens alone, and for whatever the provider says.
        let further = permitted.into_iter().filter(|one| !identity.permissions.contains(one));
        identity.permissions = further.chain(identity.permissions.iter().cloned()).collect();
        Ok(identity)
    }
}

/// Refuses every token that is of another kind, or might be.
fn kind(typ: Option<&str>, all: &Object) -> Judged<()> {
    let named = |kind: &str| KIND.iter().any(|own| own.eq_ignore_ascii_case(kind));
    if typ.is_some_and(|typ| !named(typ)) {
        return Err(TokenFault::Forged);
    }
    let calls_itself = ["typ", "token_use"].iter().filter_map(|name| all.get(*name));
    let mut other = calls_itself.map(|kind| kind.as_str().is_none_or(is_other));
    let untyped = typ.is_none() && !OF_ACCESS_TOKENS.iter().any(|name| all.contains_key(*name));
    if untyped || other.any(|other| other) || OF_OTHER_KINDS.iter().any(|name| all.contains_key(*name)) {
        return Err(TokenFault::Forged);
    }
    Ok(())
}

/// Whether a kind that is named inside of a token or its introspection is another one than an access token's.
pub(super) fn is_other(kind: &str) -> bool {
    OTHER_KINDS.iter().any(|other| other.eq_ignore_ascii_case(kind))
}

/// What a token that says that it is one must have (RFC 9068, 2.2).
fn complete(all: &Object) -> Judged<()> {
    const NEEDED: [&str; 7] = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"];
    if NEEDED.iter().all(|name| all.contains_key(*name)) { Ok(()) } else { Err(TokenFault::Forged) }
}

fn audiences(all: &Object) -> Judged<Vec<String>> {
    match all.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(many) => texts(many).ok_or(TokenFault::Forged),
    }
}

/// `scope` (RFC 9068, 2.2.3; RFC 7662, 2.2), or `scp` of Microsoft and Okta; as words or as a list.
fn scopes(all: &Object) -> Judged<Vec<String>> {
    match all.get("scope").or_else(|| all.get("scp")) {
        None => Ok(Vec::new()),
        Some(Value::String(words)) => Ok(words.split_ascii_whitespace().take(MAX_LIST).map(str::to_owned).collect()),
        Some(list) => texts(list).ok_or(TokenFault::Forged),
    }
}

/// The permissions, where the settings say they stand; none when there is no such list.
fn permissions(all: &Object, settings: &AccessTokenSettings) -> Vec<String> {
    json::at(all, &settings.permissions_claim).and_then(texts).unwrap_or_default()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()
        .filter(|list| list.len() <= MAX_LIST)?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}
