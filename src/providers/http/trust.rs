//! Owns whose certificates are accepted, what is said of one that is not, and our own that we show. Does not know which
//! addresses may be called.

use std::error::Error;
use std::io;

use reqwest::{Certificate, Client, ClientBuilder, Identity};
use rustls::CertificateError;
use zeroize::Zeroizing;

use super::guard;
use crate::authority::error::Foreign;
use crate::crypto::Secret;
use crate::providers::fault::Fault;

/// Whose certificates a provider's may be issued by, and the one that we show.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    accepted: Option<Vec<Certificate>>,
    own: Option<Identity>,
}

impl Trust {
    /// Only those that these have issued, instead of the ones that the machine trusts. `None` when the text holds no
    /// certificate in PEM form, or something broken.
    #[must_use]
    pub fn only(pem: &[u8]) -> Option<Self> {
        let certificates = Certificate::from_pem_bundle(pem).ok().filter(|found| !found.is_empty())?;
        Some(Self { accepted: Some(certificates), own: None })
    }

    /// The same, which shows this certificate (PEM, with those above it) to a server that asks for one (RFC 8705, 2). `None`
    /// when it can't be read, or `key` is not its key.
    #[must_use]
    pub fn showing(self, certificate: &[u8], key: &Secret) -> Option<Self> {
        let pem = Zeroizing::new([certificate, b"\n", key.expose().as_bytes()].concat());
        let own = Identity::from_pem(&pem).ok()?;
        // Whether they belong together is looked at as a client is made, and no sooner.
        Client::builder().tls_certs_only([]).identity(own.clone()).build().ok()?;
        Some(Self { own: Some(own), ..self })
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = match &self.accepted {
            Some(certificates) => builder.tls_certs_only(certificates.clone()),
            None => builder,
        };
        match &self.own {
            Some(own) => builder.identity(own.clone()),
            None => builder,
        }
    }
}

/// Says what a failed request means: a certificate that is refused first of all, since an operator can mend that.
pub(super) fn fault_of(error: reqwest::Error) -> Fault {
    match refused_certificate(&error).map(reason) {
        Some(reason) => Fault::Certificate(reason, Foreign::new(error.without_url(), None)),
        None => guard::fault_of(error),
    }
}

fn refused_certificate<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = cause.downcast_ref() {
            return Some(why);
        }
        // What an io::Error wraps is not its source: that is its content's own source.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    None
}

fn reason(why: &CertificateError) -> &'static str {
    match why {
        // A bad signature is that of an authority that was made anew under its old name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody that is trusted here has issued it; name a private authority's own certificate under `ca_file`"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than the address has"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or this machine's clock is wrong"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or this machine's clock is wrong"
        }
        CertificateError::Revoked => "it was revoked",
        _ => "it is no proper certificate of a server",
    }
}
