//! Owns the names of the keys: prefix, the partition's tag, a letter for the kind, tenant, id. Does not know values.

use super::audit::Hour;
use super::tag::tag;
use crate::session::audit::EntryName;
use crate::session::key::{
    AnswerKey, LoginKey, LogoutTokenKey, PARTITIONS, Partition, ProviderSessionKey, RateKey, SessionKey, TenantNumber,
    UserKey,
};
use crate::session::mark::EVERY_TENANT;

/// A key's name.
pub type Key = Vec<u8>;

/// The maker of names under one prefix.
pub struct Keys {
    prefix: String,
}

/// The names of everything that belongs to a session.
pub struct SessionKeys {
    pub record: Key,
    pub tokens: Key,
    pub attributes: Key,
    pub lease: Key,
    pub tombstone: Key,
    pub bell: Key,
}

impl SessionKeys {
    /// All of them, in the order in which scripts take them.
    pub fn all(self) -> [Key; 6] {
        [self.record, self.tokens, self.attributes, self.lease, self.tombstone, self.bell]
    }

    /// The record, and what may still be there when it has gone by itself.
    pub fn left_behind(self) -> [Key; 4] {
        [self.record, self.tokens, self.attributes, self.lease]
    }
}

impl Keys {
    pub const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub fn session(&self, key: &SessionKey) -> SessionKeys {
        let name = |kind| self.name(key.partition, kind, key.tenant, &key.id);
        SessionKeys {
            record: self.record(key),
            tokens: name(b't'),
            attributes: name(b'a'),
            lease: name(b'l'),
            tombstone: name(b'd'),
            bell: name(b'b'),
        }
    }

    /// The record of a session alone: what every check reads.
    pub fn record(&self, key: &SessionKey) -> Key {
        self.name(key.partition, b's', key.tenant, &key.id)
    }

    /// The index of a tenant's sessions in a partition.
    pub fn index(&self, tenant: TenantNumber, partition: Partition) -> Key {
        self.name(partition, b'i', tenant, &[])
    }

    /// The mark before which no login of a user counts.
    pub fn mark(&self, user: &UserKey) -> Key {
        self.name(user.partition, b'u', user.tenant, &user.hash)
    }

    /// A user's record.
    pub fn user(&self, user: &UserKey) -> Key {
        self.name(user.partition, b'h', user.tenant, &user.hash)
    }

    /// The index of a tenant's users in a partition.
    pub fn users(&self, tenant: TenantNumber, partition: Partition) -> Key {
        self.name(partition, b'j', tenant, &[])
    }

    /// What remains of a user who was deleted: when.
    pub fn deletion(&self, user: &UserKey) -> Key {
        self.name(user.partition, b'x', user.tenant, &user.hash)
    }

    /// The sessions that belong to one of the provider's own.
    pub fn joined(&self, of: &ProviderSessionKey) -> Key {
        self.name(of.partition, b'q', of.tenant, &of.id)
    }

    /// The not-before marks of a tenant, [`EVERY_TENANT`] for the mark of everything, as this partition has them.
    pub fn not_before(&self, tenant: TenantNumber, partition: Partition) -> Key {
        self.name(partition, b'm', tenant, &[])
    }

    /// Both hashes that kill sessions of a tenant: of everything, and its own.
    pub fn killing(&self, tenant: TenantNumber, partition: Partition) -> [Key; 2] {
        [self.not_before(EVERY_TENANT, partition), self.not_before(tenant, partition)]
    }

    /// The event log.
    pub fn events(&self, partition: Partition) -> Key {
        self.name(partition, b'e', EVERY_TENANT, &[])
    }

    pub fn login(&self, key: &LoginKey) -> Key {
        self.name(key.partition, b'o', key.tenant, &key.id)
    }

    /// What rings when a login ends.
    pub fn login_bell(&self, key: &LoginKey) -> Key {
        self.name(key.partition, b'c', key.tenant, &key.id)
    }

    /// The logins of a tenant that are under way in the partition of this one.
    pub fn under_way(&self, key: &LoginKey) -> Key {
        self.name(key.partition, b'p', key.tenant, &[])
    }

    /// What changes when a login ends or waits, in the order in which scripts take it.
    pub fn ending(&self, key: &LoginKey) -> [Key; 3] {
        [self.login(key), self.login_bell(key), self.under_way(key)]
    }

    /// That a logout token was carried out.
    pub fn logout_token(&self, of: &LogoutTokenKey) -> Key {
        self.name(of.partition, b'v', of.tenant, &of.id)
    }

    /// What is kept of a call with an idempotency key: who carries it out, then its answer.
    pub fn answer(&self, of: &AnswerKey) -> Key {
        self.name(of.partition, b'k', of.tenant, &of.id)
    }

    /// The same, and what rings when nobody carries the call out any more.
    pub fn answering(&self, of: &AnswerKey) -> [Key; 2] {
        let answer = self.answer(of);
        let bell = [&answer[..], b"b"].concat();
        [answer, bell]
    }

    /// When what a client has taken of an allowance has come back.
    pub fn rate(&self, of: &RateKey) -> Key {
        self.name(of.partition, b'f', of.tenant, &of.id)
    }

    /// The keys that sign a tenant's own tokens.
    pub fn mint_keys(&self, tenant: TenantNumber) -> Key {
        Partition::new(0).map_or_else(Key::new, |first| self.name(first, b'y', tenant, &[]))
    }

    /// The callers' keys of a tenant.
    pub fn caller_keys(&self, tenant: TenantNumber) -> Key {
        Partition::new(0).map_or_else(Key::new, |first| self.name(first, b'n', tenant, &[]))
    }

    /// The hours of which there are audit entries of a tenant.
    pub fn entry_hours(&self, tenant: TenantNumber) -> Key {
        self.of_audit(tenant, &[])
    }

    /// The audit entries of a tenant in an hour.
    pub fn entries(&self, tenant: TenantNumber, hour: Hour) -> Key {
        self.of_audit(tenant, &hour)
    }

    /// How many of the audit entries of a tenant in an hour are of this room.
    pub fn entries_counted(&self, tenant: TenantNumber, hour: Hour, room: u8) -> Key {
        let [a, b, c, d] = hour;
        self.of_audit(tenant, &[a, b, c, d, room])
    }

    /// The audit entries of a tenant that have this name.
    pub fn entry_name(&self, tenant: TenantNumber, name: &EntryName) -> Key {
        self.of_audit(tenant, &name.0)
    }

    /// All of a tenant's audit lies in one slot; those of several are spread.
    fn of_audit(&self, tenant: TenantNumber, id: &[u8]) -> Key {
        let number = u16::try_from(tenant.0 % u32::from(PARTITIONS)).unwrap_or_default();
        Partition::new(number).map_or_else(Key::new, |own| self.name(own, b'r', tenant, id))
    }

    /// To which name each tenant's number was given.
    pub fn tenants(&self) -> Key {
        Partition::new(0).map_or_else(Key::new, |first| self.name(first, b'g', EVERY_TENANT, &[]))
    }

    /// Whoever holds this sweeps a tenant.
    pub fn sweep(&self, tenant: TenantNumber, partition: Partition) -> Key {
        self.name(partition, b'w', tenant, &[])
    }

    fn name(&self, partition: Partition, kind: u8, tenant: TenantNumber, id: &[u8]) -> Key {
        let tag = tag(partition);
        let mut name = Vec::with_capacity(self.prefix.len() + tag.len() + 23);
        name.extend_from_slice(self.prefix.as_bytes());
        name.push(b'{');
        name.extend_from_slice(tag.as_bytes());
        name.extend_from_slice(&[b'}', kind]);
        name.extend_from_slice(&tenant.0.to_be_bytes());
        name.extend_from_slice(id);
        name
    }
}

/// How long a member of an index is.
pub const MEMBER_LEN: usize = 26;

/// A member of an index: the user's hash and the session's id.
pub type Member = [u8; MEMBER_LEN];

/// The session that a member names.
pub fn session_of(tenant: TenantNumber, partition: Partition, member: &Member) -> SessionKey {
    let mut id = [0; 16];
    for (place, byte) in id.iter_mut().zip(member.iter().skip(10)) {
        *place = *byte;
    }
    SessionKey { tenant, partition, id }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The store format fixes these for ever.
    #[test]
    fn golden_names() {
        let partition = Partition::new(0).unwrap();
        let session = SessionKey { tenant: TenantNumber(1), partition, id: *b"0123456789abcdef" };
        let user = UserKey { tenant: TenantNumber(1), partition, hash: *b"user__hash" };
        let login = LoginKey { tenant: TenantNumber(1), partition, id: session.id };
        let keys = Keys::new("gl".to_owned());
        let start = format!("gl{{{}}}", tag(partition));
        let is =
            |name: Key, kind: &str, id: &str| assert_eq!(name, format!("{start}{kind}\0\0\0\u{1}{id}").into_bytes());
        for (name, kind) in keys.session(&session).all().into_iter().zip(["s", "t", "a", "l", "d", "b"]) {
            is(name, kind, "0123456789abcdef");
        }
        is(keys.index(TenantNumber(1), partition), "i", "");
        is(keys.sweep(TenantNumber(1), partition), "w", "");
        is(keys.mark(&user), "u", "user__hash");
        is(keys.not_before(TenantNumber(1), partition), "m", "");
        assert_eq!(keys.killing(TenantNumber(1), partition)[0], format!("{start}m\0\0\0\0").into_bytes());
        assert_eq!(keys.events(partition), format!("{start}e\0\0\0\0").into_bytes());
        is(keys.mint_keys(TenantNumber(1)), "y", "");
        is(keys.caller_keys(TenantNumber(1)), "n", "");
        assert_eq!(keys.tenants(), format!("{start}g\0\0\0\0").into_bytes());
        is(keys.user(&user), "h", "user__hash");
        is(keys.users(TenantNumber(1), partition), "j", "");
        is(keys.deletion(&user), "x", "user__hash");
        let of = ProviderSessionKey { tenant: TenantNumber(1), partition, id: session.id };
        is(keys.joined(&of), "q", "0123456789abcdef");
        let token = LogoutTokenKey { tenant: TenantNumber(1), partition, id: session.id };
        is(keys.logout_token(&token), "v", "0123456789abcdef");
        is(keys.rate(&RateKey { tenant: TenantNumber(1), partition, id: session.id }), "f", "0123456789abcdef");
        let own = format!("gl{{{}}}r\0\0\0\u{1}", tag(Partition::new(1).unwrap()));
        let of = |name: Key, id: &str| assert_eq!(name, format!("{own}{id}").into_bytes());
        of(keys.entry_hours(TenantNumber(1)), "");
        of(keys.entries(TenantNumber(1), *b"hour"), "hour");
        of(keys.entries_counted(TenantNumber(1), *b"hour", 2), "hour\u{2}");
        of(keys.entry_name(TenantNumber(1), &EntryName(session.id)), "0123456789abcdef");
        let call = AnswerKey { tenant: TenantNumber(1), partition, id: session.id };
        let [answer, bell] = keys.answering(&call);
        is(answer, "k", "0123456789abcdef");
        is(bell, "k", "0123456789abcdefb");
        is(keys.login(&login), "o", "0123456789abcdef");
        is(keys.login_bell(&login), "c", "0123456789abcdef");
        is(keys.under_way(&login), "p", "");
        assert_eq!(session_of(TenantNumber(1), partition, b"user__hash0123456789abcdef"), session);
    }
}
