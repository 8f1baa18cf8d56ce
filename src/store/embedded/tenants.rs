//! Owns whose the tenants' numbers are: a table of the file, which is asked at the start alone. In memory, where nothing
//! outlives the process, nobody had a number before. Does not know what is kept under a number.

use async_trait::async_trait;
use redb::{ReadableTable as _, TableDefinition};

use super::EmbeddedStore;
use super::file::SessionFile;
use crate::authority::ports::{NamedTenant, NumberTaken, StoreError, StoreResult, TenantStore};
use crate::session::key::TenantNumber;

const TENANTS: TableDefinition<'static, u32, &str> = TableDefinition::new("tenants");

impl SessionFile {
    /// Notes whose the numbers are; nothing where one of them is another's.
    fn claim(&self, tenants: &[NamedTenant]) -> Result<Result<(), NumberTaken>, redb::Error> {
        let transaction = self.begin_write()?;
        {
            let mut table = transaction.open_table(TENANTS)?;
            for tenant in tenants {
                let kept = table.get(tenant.number.0)?.map(|kept| kept.value().to_owned());
                if let Some(kept) = kept.filter(|kept| !tenant.is_or_was(kept)) {
                    return Ok(Err(tenant.refused(kept)));
                }
                table.insert(tenant.number.0, tenant.name.as_str())?;
            }
        }
        transaction.commit()?;
        Ok(Ok(()))
    }

    fn tenants(&self) -> Result<Vec<(TenantNumber, String)>, redb::Error> {
        let transaction = self.begin_write()?;
        let table = transaction.open_table(TENANTS)?;
        let mut all = Vec::new();
        for row in table.iter()? {
            let (number, name) = row?;
            all.push((TenantNumber(number.value()), name.value().to_owned()));
        }
        Ok(all)
    }

    fn release(&self, tenant: TenantNumber) -> Result<(), redb::Error> {
        let transaction = self.begin_write()?;
        transaction.open_table(TENANTS)?.remove(tenant.0)?;
        transaction.commit()?;
        Ok(())
    }
}

impl EmbeddedStore {
    /// Notes whose the tenants' numbers are. To be called before anything is kept; blocks meanwhile.
    ///
    /// # Errors
    /// When the file can't be written. A number that is another's is no error of the store: it is the answer.
    pub fn claim(&self, tenants: &[NamedTenant]) -> StoreResult<Result<(), NumberTaken>> {
        self.file.as_ref().map_or(Ok(Ok(())), |file| file.claim(tenants).map_err(broken))
    }
}

#[async_trait]
impl TenantStore for EmbeddedStore {
    async fn tenants(&self) -> StoreResult<Vec<(TenantNumber, String)>> {
        self.file.as_ref().map_or(Ok(Vec::new()), |file| file.tenants().map_err(broken))
    }

    async fn release(&self, tenant: TenantNumber) -> StoreResult<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.release(tenant).map_err(broken))
    }
}

fn broken(error: redb::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}
