//! Owns what every call says of whoever makes it: the key, and the tenant where one is named. Does not know the calls.

use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

use super::options::{ClientOptions, OptionsError};

/// Who calls, and for which tenant.
#[derive(Clone, Default)]
pub(super) struct Caller {
    authorization: Option<MetadataValue<Ascii>>,
    tenant: Option<MetadataValue<Ascii>>,
}

impl Caller {
    pub(super) fn of(options: &ClientOptions) -> Result<Self, OptionsError> {
        let authorization = match options.api_key.as_deref() {
            Some(key) => {
                let mut value: MetadataValue<Ascii> =
                    format!("Bearer {key}").parse().map_err(|_| OptionsError::ApiKey)?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let tenant = options.tenant.as_deref().map(|name| name.parse().map_err(|_| OptionsError::Tenant));
        Ok(Self { authorization, tenant: tenant.transpose()? })
    }

    /// The same for this tenant; `None` for a name that no header can hold.
    pub(super) fn for_tenant(&self, name: &str) -> Option<Self> {
        Some(Self { authorization: self.authorization.clone(), tenant: Some(name.parse().ok()?) })
    }

    pub(super) fn sign<T>(&self, request: &mut Request<T>) {
        for (name, value) in [("authorization", &self.authorization), ("x-tenant-id", &self.tenant)] {
            if let Some(value) = value {
                request.metadata_mut().insert(name, value.clone());
            }
        }
    }
}
