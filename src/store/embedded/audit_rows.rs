//! Owns the tables of audit entries in the file: the entries in the order of time, and by what they are found. Does not know
//! when they are written.

use std::ops::Range;

use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::file::SessionFile;
use crate::authority::audit_store::{EntryPage, KeptEntry};
use crate::session::audit::{EntryId, EntryName};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Rows<'a> = Table<'a, &'static [u8], &'static [u8]>;

const ENTRIES: Definition = TableDefinition::new("audit");
const NAMES: Definition = TableDefinition::new("audit_names");

/// How many entries one sweep removes at most: what is left waits for the next.
const AT_ONCE: usize = 2000;

/// Both tables, to be written.
pub struct EntryTables<'a> {
    entries: Rows<'a>,
    names: Rows<'a>,
}

impl<'a> EntryTables<'a> {
    pub fn open(transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self { entries: transaction.open_table(ENTRIES)?, names: transaction.open_table(NAMES)? })
    }

    pub fn add(&mut self, tenant: TenantNumber, until: Timestamp, entry: &KeptEntry) -> Result<(), redb::Error> {
        let mut value = until.as_millis().to_be_bytes().to_vec();
        value.push(u8::try_from(entry.names.len()).unwrap_or(u8::MAX));
        for name in &entry.names {
            value.extend_from_slice(&name.0);
            self.names.insert(name_key(tenant, *name, entry.id).as_slice(), [].as_slice())?;
        }
        value.extend_from_slice(&entry.sealed);
        self.entries.insert(entry_key(tenant, entry.id).as_slice(), value.as_slice())?;
        Ok(())
    }

    /// Removes what is past its end, of each tenant from the oldest on.
    pub fn sweep(&mut self, now: Timestamp) -> Result<(), redb::Error> {
        let mut from = Some(0);
        let mut gone = Vec::new();
        while let Some(start) = from {
            from = None;
            for row in self.entries.range(entry_key(TenantNumber(start), EntryId::FIRST).as_slice()..)? {
                let (key, value) = row?;
                let Some((tenant, id)) = read_key(key.value()) else { continue };
                if gone.len() >= AT_ONCE || read_until(value.value()) > now {
                    from = tenant.0.checked_add(1).filter(|_| gone.len() < AT_ONCE);
                    break;
                }
                gone.push((tenant, id));
            }
        }
        gone.into_iter().try_for_each(|(tenant, id)| self.remove(tenant, id))
    }

    /// Removes all of a tenant.
    pub fn drop_all(&mut self, tenant: TenantNumber) -> Result<(), redb::Error> {
        let (first, last) = (entry_key(tenant, EntryId::FIRST), entry_key(tenant, EntryId::LAST));
        let rows = self.entries.range(first.as_slice()..=last.as_slice())?;
        let ids = rows.map(|row| Ok(read_key(row?.0.value()))).collect::<Result<Vec<_>, redb::Error>>()?;
        ids.into_iter().flatten().try_for_each(|(tenant, id)| self.remove(tenant, id))
    }

    fn remove(&mut self, tenant: TenantNumber, id: EntryId) -> Result<(), redb::Error> {
        let Some(row) = self.entries.remove(entry_key(tenant, id).as_slice())? else { return Ok(()) };
        for name in read_names(row.value()) {
            self.names.remove(name_key(tenant, name, id).as_slice())?;
        }
        Ok(())
    }
}

impl SessionFile {
    /// As the port's `entries`; what is past its end is passed over.
    pub fn entries(
        &self,
        tenant: TenantNumber,
        name: Option<EntryName>,
        ids: Range<EntryId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<EntryPage, redb::Error> {
        let transaction = self.begin_read()?;
        let entries = transaction.open_table(ENTRIES)?;
        let mut page = EntryPage::default();
        let mut add = |id: EntryId, value: &[u8]| {
            let is_full = page.entries.len() >= limit;
            if is_full {
                page.next = page.entries.last().map(|(id, _)| *id);
            } else if let Some(sealed) = read_sealed(value).filter(|_| now < read_until(value)) {
                page.entries.push((id, sealed.to_vec()));
            }
            is_full
        };
        match name {
            None => {
                let (first, end) = (entry_key(tenant, ids.start), entry_key(tenant, ids.end));
                for row in entries.range(first.as_slice()..end.as_slice())?.rev() {
                    let (key, value) = row?;
                    if let Some((_, id)) = read_key(key.value())
                        && add(id, value.value())
                    {
                        break;
                    }
                }
            }
            Some(name) => {
                let (first, end) = (name_key(tenant, name, ids.start), name_key(tenant, name, ids.end));
                for row in transaction.open_table(NAMES)?.range(first.as_slice()..end.as_slice())?.rev() {
                    let key = row?.0;
                    let Some(id) = key.value().last_chunk().copied().map(EntryId) else { continue };
                    if let Some(value) = entries.get(entry_key(tenant, id).as_slice())?
                        && add(id, value.value())
                    {
                        break;
                    }
                }
            }
        }
        Ok(page)
    }
}

fn entry_key(tenant: TenantNumber, id: EntryId) -> Vec<u8> {
    [tenant.0.to_be_bytes().as_slice(), &id.0].concat()
}

fn name_key(tenant: TenantNumber, name: EntryName, id: EntryId) -> Vec<u8> {
    [tenant.0.to_be_bytes().as_slice(), &name.0, &id.0].concat()
}

fn read_key(key: &[u8]) -> Option<(TenantNumber, EntryId)> {
    let (tenant, id) = key.split_first_chunk::<4>()?;
    Some((TenantNumber(u32::from_be_bytes(*tenant)), EntryId(id.try_into().ok()?)))
}

/// A row that can't be read is past its end.
fn read_until(value: &[u8]) -> Timestamp {
    Timestamp::from_millis(value.first_chunk().copied().map_or(0, u64::from_be_bytes))
}

fn after_names(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = value.get(8..)?.split_first()?;
    rest.split_at_checked(usize::from(*count) * 16)
}

fn read_names(value: &[u8]) -> Vec<EntryName> {
    let names = after_names(value).map(|(names, _)| names).unwrap_or_default();
    names.as_chunks::<16>().0.iter().map(|name| EntryName(*name)).collect()
}

fn read_sealed(value: &[u8]) -> Option<&[u8]> {
    after_names(value).map(|(_, sealed)| sealed)
}
