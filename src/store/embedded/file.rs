//! Owns the file behind the embedded store: its tables, its rows, opening and reading it.
//! Does not know when changes are written: that is the journal's. Rows are described in FORMAT.md.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::audit_rows::EntryTables;
use super::caller_keys::CallerKey;
use super::change::Change;
use super::joined::Noted;
use super::login::Login;
use super::memory::{KeptTokens, Memory};
use super::open::OpenError;
use super::row::{self, Row};
use super::users::Deletion;
use crate::session::caller::CallerKeyId;
use crate::session::key::{LoginKey, LogoutTokenKey, Partition, ProviderSessionKey, SessionKey, UserKey};
use crate::session::time::Timestamp;
use crate::store::{answer, attributes, caller_key, mint_keys, record, user};

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

const META: TableDefinition<'static, &'static str, u32> = TableDefinition::new("meta");
const SESSIONS: Definition = TableDefinition::new("sessions");
const USES: Definition = TableDefinition::new("uses");
const TOKENS: Definition = TableDefinition::new("tokens");
const TOMBSTONES: Definition = TableDefinition::new("tombstones");
const MARKS: Definition = TableDefinition::new("marks");
const NOT_BEFORE: Definition = TableDefinition::new("not_before");
const LOGINS: Definition = TableDefinition::new("logins");
const MINT_KEYS: Definition = TableDefinition::new("mint_keys");
const ATTRIBUTES: Definition = TableDefinition::new("attributes");
const USERS: Definition = TableDefinition::new("users");
const DELETED_USERS: Definition = TableDefinition::new("deleted_users");
const JOINED: Definition = TableDefinition::new("joined");
const JOINED_ENDS: Definition = TableDefinition::new("joined_ends");
const SPENT_LOGOUTS: Definition = TableDefinition::new("spent_logouts");
const ANSWERS: Definition = TableDefinition::new("answers");
const CALLER_KEYS: Definition = TableDefinition::new("caller_keys");

/// The version of the file's layout that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// Memory is the truth for reads, so the file needs no large cache of its own.
const CACHE_BYTES: usize = 16 << 20;

/// The open file.
pub struct SessionFile {
    database: Database,
}

impl SessionFile {
    /// Opens or makes the file, and locks it for this process.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let database = super::open::database(path, CACHE_BYTES)?;
        let broken = |error: redb::Error| OpenError::Unreadable { path: path.to_owned(), source: error.into() };
        let found = prepare(&database).map_err(broken)?;
        if found > FORMAT {
            return Err(OpenError::Newer { path: path.to_owned(), found, known: FORMAT });
        }
        Ok(Self { database })
    }

    /// Writes uses and changes, in this order, and returns when all of it is on disk.
    pub fn commit<'a>(
        &self,
        used: &[(SessionKey, Timestamp, Timestamp)],
        changes: impl Iterator<Item = &'a Change>,
    ) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            for (key, last_active, expires) in used {
                let row = [last_active.row(), expires.row()].concat();
                tables.uses.insert(key.row().as_slice(), row.as_slice())?;
            }
            for change in changes {
                tables.apply(change)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// What the file holds now, to be read.
    pub fn begin_read(&self) -> Result<redb::ReadTransaction, redb::Error> {
        Ok(self.database.begin_read()?)
    }

    /// A transaction of its own, which holds every commit back until it is dropped.
    pub fn begin_write(&self) -> Result<WriteTransaction, redb::Error> {
        Ok(self.database.begin_write()?)
    }

    /// The sealed tokens of a session.
    pub fn tokens(&self, key: &SessionKey) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.database.begin_read()?.open_table(TOKENS)?;
        Ok(table.get(key.row().as_slice())?.map(|tokens| tokens.value().to_vec()))
    }

    /// Reads everything but tokens into memory.
    pub fn load(&self, memory: &Memory) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let transaction = self.database.begin_read().map_err(redb::Error::from)?;
        let uses = transaction.open_table(USES)?;
        let tokens = transaction.open_table(TOKENS)?;
        let kept_with = transaction.open_table(ATTRIBUTES)?;
        for row in transaction.open_table(SESSIONS)?.iter()? {
            let (key, value) = row?;
            let (key, mut entry) = row::session(key.value(), value.value())?;
            if let Some(used) = uses.get(key.row().as_slice())? {
                let (last_active, expires) = row::used(used.value())?;
                entry.record.header.last_active = entry.record.header.last_active.max(Some(last_active));
                entry.expires = expires;
            }
            if tokens.get(key.row().as_slice())?.is_some() {
                entry.tokens = KeptTokens::InFile;
            }
            if let Some(kept) = kept_with.get(key.row().as_slice())? {
                entry.attributes = Some(attributes::read(kept.value())?);
            }
            memory.write(key.partition).insert(&key, entry);
        }
        for row in transaction.open_table(TOMBSTONES)?.iter()? {
            let (key, value) = row?;
            let (key, tombstone) = row::tombstone(key.value(), value.value())?;
            memory.write(key.partition).tombstones.insert((key.tenant, key.id), tombstone);
        }
        for row in transaction.open_table(MARKS)?.iter()? {
            let (key, value) = row?;
            let (of, mark) = row::mark(key.value(), value.value())?;
            memory.write(of.partition).marks.insert((of.tenant, of.hash), mark);
        }
        for row in transaction.open_table(NOT_BEFORE)?.iter()? {
            let (key, value) = row?;
            let (of, mark) = row::not_before(key.value(), value.value())?;
            memory.not_before_mut().0.insert(of, mark);
        }
        for row in transaction.open_table(LOGINS)?.iter()? {
            let (key, value) = row?;
            let key = LoginKey::read_row(key.value())?;
            memory.write(key.partition).logins.insert((key.tenant, key.id), Login::read(value.value())?);
        }
        for row in transaction.open_table(USERS)?.iter()? {
            let (key, value) = row?;
            let of = UserKey::read_row(key.value())?;
            memory.write(of.partition).users.known.insert((of.tenant, of.hash), user::read(value.value())?);
        }
        for row in transaction.open_table(DELETED_USERS)?.iter()? {
            let (key, value) = row?;
            let (of, (until, at)) = (UserKey::read_row(key.value())?, row::used(value.value())?);
            memory.write(of.partition).users.deleted.insert((of.tenant, of.hash), Deletion { at, until });
        }
        for row in transaction.open_table(JOINED)?.iter()? {
            let (key, value) = row?;
            let (of, session) = <(ProviderSessionKey, SessionKey)>::read_row(key.value())?;
            let (until, at) = row::used(value.value())?;
            memory.write(of.partition).joined.add(&of, session, Noted { at, until });
        }
        for row in transaction.open_table(JOINED_ENDS)?.iter()? {
            let (key, value) = row?;
            let (of, (until, at)) = (ProviderSessionKey::read_row(key.value())?, row::used(value.value())?);
            memory.write(of.partition).joined.add_end(&of, Noted { at, until });
        }
        for row in transaction.open_table(SPENT_LOGOUTS)?.iter()? {
            let (key, value) = row?;
            let (of, until) = (LogoutTokenKey::read_row(key.value())?, Timestamp::read_row(value.value())?);
            memory.write(of.partition).spent.insert((of.tenant, of.id), until);
        }
        for row in transaction.open_table(ANSWERS)?.iter()? {
            let (key, value) = row?;
            let (of, known) = row::answer(key.value(), value.value())?;
            memory.write(of.partition).calls.insert((of.tenant, of.id), known);
        }
        for row in transaction.open_table(MINT_KEYS)?.iter()? {
            let (key, value) = row?;
            let (tenant, keys) = row::mint_keys(key.value(), value.value())?;
            if let Some(first) = Partition::new(0) {
                memory.write(first).mint_keys.insert(tenant, keys);
            }
        }
        for row in transaction.open_table(CALLER_KEYS)?.iter()? {
            let (key, value) = row?;
            let (id, kept) = (CallerKeyId::read_row(key.value())?, caller_key::read(value.value())?);
            if let Some(first) = Partition::new(0) {
                memory.write(first).caller_keys.insert(id, CallerKey { kept, shown: true });
            }
        }
        Ok(())
    }
}

/// Makes the tables of a new file. Answers the format that the file is in.
fn prepare(database: &Database) -> Result<u32, redb::Error> {
    let transaction = database.begin_write()?;
    let found = {
        let mut meta = transaction.open_table(META)?;
        let found = meta.get("format")?.map(|format| format.value());
        if found.is_none() {
            meta.insert("format", FORMAT)?;
        }
        found.unwrap_or(FORMAT)
    };
    if found == FORMAT {
        Tables::open(&transaction)?;
    }
    transaction.commit()?;
    Ok(found)
}

type Rows<'a> = Table<'a, &'static [u8], &'static [u8]>;

struct Tables<'a> {
    sessions: Rows<'a>,
    uses: Rows<'a>,
    tokens: Rows<'a>,
    tombstones: Rows<'a>,
    marks: Rows<'a>,
    not_before: Rows<'a>,
    logins: Rows<'a>,
    mint_keys: Rows<'a>,
    caller_keys: Rows<'a>,
    attributes: Rows<'a>,
    users: Rows<'a>,
    deleted_users: Rows<'a>,
    joined: Rows<'a>,
    joined_ends: Rows<'a>,
    spent_logouts: Rows<'a>,
    answers: Rows<'a>,
    audit: EntryTables<'a>,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            sessions: transaction.open_table(SESSIONS)?,
            uses: transaction.open_table(USES)?,
            tokens: transaction.open_table(TOKENS)?,
            tombstones: transaction.open_table(TOMBSTONES)?,
            marks: transaction.open_table(MARKS)?,
            not_before: transaction.open_table(NOT_BEFORE)?,
            logins: transaction.open_table(LOGINS)?,
            mint_keys: transaction.open_table(MINT_KEYS)?,
            caller_keys: transaction.open_table(CALLER_KEYS)?,
            attributes: transaction.open_table(ATTRIBUTES)?,
            users: transaction.open_table(USERS)?,
            deleted_users: transaction.open_table(DELETED_USERS)?,
            joined: transaction.open_table(JOINED)?,
            joined_ends: transaction.open_table(JOINED_ENDS)?,
            spent_logouts: transaction.open_table(SPENT_LOGOUTS)?,
            answers: transaction.open_table(ANSWERS)?,
            audit: EntryTables::open(transaction)?,
        })
    }

    fn apply(&mut self, change: &Change) -> Result<(), redb::Error> {
        match change {
            Change::AddSession { key, expires, tokens_end, record, tokens } => {
                let row = [&expires.row(), &tokens_end.row(), record.as_slice()].concat();
                put(&mut self.sessions, &key.row(), &row)?;
                self.put_tokens(key, tokens.as_deref())?;
            }
            Change::UpdateSession { key, record, tokens } => {
                let times = self.sessions.get(key.row().as_slice())?.map(|row| row::times(row.value()).to_vec());
                if let Some(times) = times {
                    put(&mut self.sessions, &key.row(), &[times.as_slice(), record].concat())?;
                    self.put_tokens(key, tokens.as_deref())?;
                }
            }
            Change::DropSession(key) => {
                for table in [&mut self.sessions, &mut self.uses, &mut self.tokens, &mut self.attributes] {
                    table.remove(key.row().as_slice())?;
                }
            }
            Change::PutTombstone(key, tombstone) => {
                let why = tombstone.why.map_or(0, record::ending_byte);
                put(&mut self.tombstones, &key.row(), &[tombstone.until.row().as_slice(), &[why]].concat())?;
            }
            Change::DropTombstone(key) => drop(self.tombstones.remove(key.row().as_slice())?),
            Change::PutMark(user, mark) => {
                put(&mut self.marks, &user.row(), &[mark.until.row(), mark.at.row()].concat())?;
            }
            Change::DropMark(user) => drop(self.marks.remove(user.row().as_slice())?),
            Change::PutNotBefore(of, mark) => {
                put(&mut self.not_before, &of.row(), &[mark.until.row(), mark.at.row()].concat())?;
            }
            Change::DropNotBefore(of) => drop(self.not_before.remove(of.row().as_slice())?),
            Change::PutLogin(key, login) => put(&mut self.logins, &key.row(), login)?,
            Change::DropLogin(key) => drop(self.logins.remove(key.row().as_slice())?),
            Change::PutAttributes(key, kept) => {
                if self.sessions.get(key.row().as_slice())?.is_some() {
                    put(&mut self.attributes, &key.row(), &attributes::write(kept))?;
                }
            }
            Change::PutUser(of, kept) => put(&mut self.users, &of.row(), &user::write(kept))?,
            Change::DropUser(of) => drop(self.users.remove(of.row().as_slice())?),
            Change::PutDeletion(of, deletion) => {
                put(&mut self.deleted_users, &of.row(), &[deletion.until.row(), deletion.at.row()].concat())?;
            }
            Change::DropDeletion(of) => drop(self.deleted_users.remove(of.row().as_slice())?),
            Change::PutJoined(pair, noted) => {
                put(&mut self.joined, &pair.row(), &[noted.until.row(), noted.at.row()].concat())?;
            }
            Change::DropJoined(pair) => drop(self.joined.remove(pair.row().as_slice())?),
            Change::PutJoinedEnd(of, noted) => {
                put(&mut self.joined_ends, &of.row(), &[noted.until.row(), noted.at.row()].concat())?;
            }
            Change::DropJoinedEnd(of) => drop(self.joined_ends.remove(of.row().as_slice())?),
            Change::PutSpent(of, until) => put(&mut self.spent_logouts, &of.row(), &until.row())?,
            Change::DropSpent(of) => drop(self.spent_logouts.remove(of.row().as_slice())?),
            Change::PutAnswer(of, until, request, sealed) => {
                put(&mut self.answers, &of.row(), &[until.row(), answer::answer(request, sealed)].concat())?;
            }
            Change::DropAnswer(of) => drop(self.answers.remove(of.row().as_slice())?),
            Change::PutMintKeys(tenant, until, keys) => {
                let row = [until.row(), mint_keys::write(keys)].concat();
                put(&mut self.mint_keys, &tenant.0.to_be_bytes(), &row)?;
            }
            Change::DropMintKeys(tenant) => drop(self.mint_keys.remove(tenant.0.to_be_bytes().as_slice())?),
            Change::PutCallerKey(id, kept) => put(&mut self.caller_keys, &id.row(), &caller_key::write(kept))?,
            Change::DropCallerKey(id) => drop(self.caller_keys.remove(id.row().as_slice())?),
            Change::AddEntry(tenant, until, entry) => self.audit.add(*tenant, *until, entry)?,
            Change::DropEntries(tenant) => self.audit.drop_all(*tenant)?,
            Change::SweepEntries(now) => self.audit.sweep(*now)?,
        }
        Ok(())
    }

    fn put_tokens(&mut self, key: &SessionKey, tokens: Option<&[u8]>) -> Result<(), redb::Error> {
        tokens.map_or(Ok(()), |tokens| put(&mut self.tokens, &key.row(), tokens))
    }
}

fn put(table: &mut Rows<'_>, key: &[u8], value: &[u8]) -> Result<(), redb::Error> {
    table.insert(key, value)?;
    Ok(())
}

/// Opens the file at `path`, reads it, and answers both.
pub fn open_and_load(path: &Path, memory: &Memory) -> Result<Arc<SessionFile>, OpenError> {
    let file = SessionFile::open(path)?;
    file.load(memory).map_err(|source| OpenError::Unreadable { path: path.to_owned(), source })?;
    Ok(Arc::new(file))
}
