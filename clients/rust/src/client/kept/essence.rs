//! Owns what the answer to a question depends on, in one piece of memory. Does not know the answers.
//!
//! A question as it came is some twenty pieces of memory, which keep alive the whole of what was read from a browser. What
//! is kept of it is written one part after another, each with its length before it, and compared where it stands.

use crate::v1;

/// All that the answer to a question depends on.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Essence(Box<[u8]>);

impl Essence {
    /// That of a question.
    pub(super) fn of(question: &v1::ValidateSessionRequest) -> Self {
        let mut written = Written(Vec::with_capacity(512));
        let _always = tell(question, &mut written);
        Self(written.0.into())
    }

    /// Whether this question has the same.
    pub(super) fn is_of(&self, question: &v1::ValidateSessionRequest) -> bool {
        let mut left = Left(&self.0);
        tell(question, &mut left).is_some() && left.0.is_empty()
    }

    /// How much memory it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Who is told the parts of a question, until they are not what it expected.
trait Listener {
    fn hear(&mut self, part: &[u8]) -> Option<()>;
}

struct Written(Vec<u8>);

impl Listener for Written {
    fn hear(&mut self, part: &[u8]) -> Option<()> {
        self.0.extend_from_slice(part);
        Some(())
    }
}

struct Left<'a>(&'a [u8]);

impl Listener for Left<'_> {
    fn hear(&mut self, part: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(part)?;
        Some(())
    }
}

/// Tells all that an answer depends on. Every field is named here, so that a new one is thought of.
fn tell(question: &v1::ValidateSessionRequest, to: &mut impl Listener) -> Option<()> {
    let v1::ValidateSessionRequest {
        cookies,
        context,
        requirements,
        can_set_cookies,
        touch,
        issue_csrf_token: _,
        answer_json: _,
        as_of_position: _,
    } = question;
    let touch = touch.map_or(2, u8::from);
    to.hear(&[(*can_set_cookies).into(), touch, context.is_some().into(), requirements.is_some().into()])?;
    number(cookies.len(), to)?;
    for v1::Cookie { name, value } in cookies {
        bytes(name.as_ref(), to)?;
        bytes(value, to)?;
    }
    context.as_ref().map_or(Some(()), |context| client(context, to))?;
    requirements.as_ref().map_or(Some(()), |requirements| needs(requirements, to))
}

/// What a client and its place are known by; the rest says how to answer who has no session.
fn client(context: &v1::RequestContext, to: &mut impl Listener) -> Option<()> {
    let v1::RequestContext {
        method: _,
        target: _,
        host,
        peer_address,
        x_forwarded_for,
        forwarded,
        user_agent,
        accept_language,
        accept: _,
        content_type: _,
        upgrade,
        origin: _,
        sec_fetch_site: _,
        sec_fetch_mode: _,
        sec_fetch_dest: _,
        x_requested_with: _,
        csrf_token: _,
        x_tenant_id,
        place,
    } = context;
    for value in [host, peer_address, user_agent, accept_language, upgrade, x_tenant_id, place] {
        match value {
            Some(value) => bytes(value, to)?,
            None => to.hear(&NOTHING)?,
        }
    }
    list(x_forwarded_for, to)?;
    list(forwarded, to)
}

fn needs(requirements: &v1::Requirements, to: &mut impl Listener) -> Option<()> {
    let v1::Requirements {
        csrf,
        scopes,
        max_login_age,
        acr_values,
        amr_values,
        email_verified,
        permissions,
        any_permissions,
        any_scopes,
        roles,
    } = requirements;
    let age = max_login_age.map_or((i64::MIN, 0), |age| (age.seconds, age.nanos));
    to.hear(&csrf.to_le_bytes())?;
    to.hear(&[(*email_verified).into()])?;
    to.hear(&age.0.to_le_bytes())?;
    to.hear(&age.1.to_le_bytes())?;
    for names in [scopes, acr_values, amr_values, permissions, any_permissions, any_scopes, roles] {
        list(names, to)?;
    }
    Some(())
}

/// In place of a length.
const NOTHING: [u8; 8] = [0xff; 8];

fn number(number: usize, to: &mut impl Listener) -> Option<()> {
    to.hear(&(number as u64).to_le_bytes())
}

fn bytes(value: &[u8], to: &mut impl Listener) -> Option<()> {
    number(value.len(), to)?;
    to.hear(value)
}

fn list(values: &[impl AsRef<[u8]>], to: &mut impl Listener) -> Option<()> {
    number(values.len(), to)?;
    values.iter().try_for_each(|value| bytes(value.as_ref(), to).ok_or(())).ok()
}
