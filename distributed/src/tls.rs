//! TLS: which servers are trusted, and by what this side is known. The only place where rustls is set up.

use crate::access::Access;
use crate::address::Address;
use crate::{Error, Result};

/// How servers are spoken to by TLS.
#[cfg(feature = "tls")]
#[derive(Clone)]
pub(crate) struct Tls(pub(crate) std::sync::Arc<rustls::ClientConfig>);

/// Without the feature there is no TLS.
#[cfg(not(feature = "tls"))]
#[derive(Clone, Debug)]
pub(crate) enum Tls {}

impl Tls {
    /// What the address asks for: `None` if it is not TLS.
    pub(crate) fn of(address: &Address, access: &Access) -> Result<Option<Self>> {
        if address.is_tls {
            return Self::with(access).map(Some);
        }
        if access.is_for_tls() {
            let scheme = &address.scheme;
            return Err(address.bad(format!("certificates are for {scheme}+tls://")));
        }
        Ok(None)
    }

    #[cfg(not(feature = "tls"))]
    pub(crate) fn with(_: &Access) -> Result<Self> {
        let why = "it has not been compiled in; see the feature `tls`".to_owned();
        Err(Error::BadAccess { what: "TLS".to_owned(), why })
    }
}

/// An error with its causes: the first one alone says little.
#[cfg(any(feature = "json-over-http", feature = "postgres"))]
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut words = causes.map(ToString::to_string).collect::<Vec<_>>();
    // Some say what their cause says.
    words.dedup();
    words.join(": ")
}

/// What the other side or this one has against the connection, if that is what went wrong, and what to do
/// about it: asking again would not help.
#[cfg(not(feature = "tls"))]
pub(crate) fn refusal(_: &(dyn std::error::Error + 'static)) -> Option<String> {
    None
}

#[cfg(feature = "tls")]
#[allow(unused_imports, reason = "each engine asks for it, and there may be none")]
pub(crate) use with_rustls::refusal;

#[cfg(feature = "tls")]
mod with_rustls {
    use std::fmt;
    use std::io;
    use std::sync::Arc;

    use rustls::crypto::ring;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

    use super::{Access, Error, Result, Tls};
    use crate::access::Pem;

    impl Tls {
        pub(crate) fn with(access: &Access) -> Result<Self> {
            let roots = match &access.ca {
                Some(ca) => roots(ca)?,
                None => roots_of_the_system()?,
            };
            // Not the process's own provider: another library may have set it, or none.
            let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|why| bad("TLS", why))?
                .with_root_certificates(roots);
            let config = match &access.identity {
                Some((certificate, key)) => {
                    let chain = certificates(certificate)?;
                    let private = PrivateKeyDer::from_pem_slice(key.text.reveal().as_bytes());
                    let private = private.map_err(|why| bad(&key.source, why))?;
                    let with_key = builder.with_client_auth_cert(chain, private);
                    with_key.map_err(|why| bad(&key.source, why))?
                }
                None => builder.with_no_client_auth(),
            };
            Ok(Self(Arc::new(config)))
        }
    }

    /// Has keys in it.
    impl fmt::Debug for Tls {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Tls")
        }
    }

    fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>> {
        let all = CertificateDer::pem_slice_iter(pem.text.reveal().as_bytes());
        let all = all.collect::<std::result::Result<Vec<_>, _>>();
        let all = all.map_err(|why| bad(&pem.source, why))?;
        if all.is_empty() {
            return Err(bad(&pem.source, "there is no certificate in it"));
        }
        Ok(all)
    }

    fn roots(ca: &Pem) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(|why| bad(&ca.source, why))?;
        }
        Ok(roots)
    }

    fn roots_of_the_system() -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        // Some of them may be of a kind that is not known here.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = "there are none; name a CA, or install `ca-certificates`";
            return Err(bad("the operating system's certificates", why));
        }
        Ok(roots)
    }

    fn bad(what: &str, why: impl fmt::Display) -> Error {
        Error::BadAccess { what: what.to_owned(), why: why.to_string() }
    }

    pub(crate) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<String> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return advice(error);
            }
            // Its source is that of what is in it.
            let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match within {
                Some(within) => Some(within),
                None => error.source(),
            };
        }
        None
    }

    fn advice(error: &rustls::Error) -> Option<String> {
        use AlertDescription as Alert;
        use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
        let advice = match error {
            InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => "name the server as its certificate does",
            InvalidCertificate(_) => "is the CA the one that has signed the server's certificate?",
            AlertReceived(Alert::CertificateRequired | Alert::HandshakeFailure) => {
                "the server asks for the client's certificate"
            }
            AlertReceived(Alert::InternalError | Alert::UserCanceled | Alert::CloseNotify) => {
                return None;
            }
            AlertReceived(_) => "the server does not take the client's certificate, or its TLS",
            InvalidMessage(_) => "does the server speak TLS at this port?",
            _ => return None,
        };
        Some(format!("{error}; {advice}"))
    }
}
