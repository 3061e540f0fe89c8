//! TLS on the server's side.

#[cfg(feature = "tls")]
pub use with_rustls::Secure;
#[cfg(feature = "tls")]
pub(super) use with_rustls::Shown;
#[cfg(not(feature = "tls"))]
pub use without::Secure;
#[cfg(not(feature = "tls"))]
pub(super) use without::Shown;

#[cfg(feature = "tls")]
mod with_rustls {
    use std::fmt;
    use std::io;
    use std::path::Path;

    use rustls::client::verify_server_name;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::server::ParsedCertificate;
    use tokio::net::TcpStream;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::server::TlsStream;

    use crate::Result;
    use crate::access::Pem;
    use crate::tls::of_server;

    /// What a server shows, and which clients' certificates it takes.
    #[derive(Clone)]
    pub struct Secure(TlsAcceptor);

    /// A client's certificate, which the CA for clients has signed.
    #[derive(Default)]
    pub(in super::super) struct Shown(Option<CertificateDer<'static>>);

    impl Secure {
        /// The server's certificate (and those between it and its CA), its key, and the CA for clients, if they may
        /// have certificates; in PEM. Whether a client needs one is in its [`Grant`](super::super::Grant).
        ///
        /// # Errors
        ///
        /// [`Error::BadAccess`](crate::Error::BadAccess) if a file cannot be read, or is of no use.
        pub fn of_files(certificate: &Path, key: &Path, clients: Option<&Path>) -> Result<Self> {
            let clients = clients.map(Pem::read).transpose()?;
            let config = of_server(&Pem::read(certificate)?, &Pem::read(key)?, clients.as_ref())?;
            Ok(Self(config.into()))
        }

        pub(in super::super) async fn accept(
            &self,
            stream: TcpStream,
        ) -> io::Result<(TlsStream<TcpStream>, Shown)> {
            let stream = self.0.accept(stream).await?;
            let (_, connection) = stream.get_ref();
            let chain = connection.peer_certificates().unwrap_or_default();
            let shown = chain.first().cloned().map(CertificateDer::into_owned);
            Ok((stream, Shown(shown)))
        }
    }

    impl Shown {
        /// Whether it is for this name.
        pub(in super::super) fn is_for(&self, name: &str) -> bool {
            let certificate = self.0.as_ref().map(ParsedCertificate::try_from);
            match (certificate, ServerName::try_from(name)) {
                (Some(Ok(certificate)), Ok(name)) => {
                    verify_server_name(&certificate, &name).is_ok()
                }
                _ => false,
            }
        }
    }

    /// Has keys in it.
    impl fmt::Debug for Secure {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Secure")
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    use std::io;
    use std::path::Path;

    use tokio::net::TcpStream;

    use crate::{Error, Result};

    /// TLS, which there is not without the feature `tls`.
    #[derive(Clone, Debug)]
    pub enum Secure {}

    /// Nobody shows a certificate.
    #[derive(Default)]
    pub(in super::super) struct Shown(());

    impl Secure {
        /// The feature `tls` has to be on.
        ///
        /// # Errors
        ///
        /// [`Error::BadAccess`] in any case.
        pub fn of_files(_: &Path, _: &Path, _: Option<&Path>) -> Result<Self> {
            let why = "it has not been compiled in; see the feature `tls`".to_owned();
            Err(Error::BadAccess { what: "TLS".to_owned(), why })
        }

        #[allow(clippy::unused_async, reason = "as with TLS")]
        pub(in super::super) async fn accept(
            &self,
            _: TcpStream,
        ) -> io::Result<(TcpStream, Shown)> {
            match *self {}
        }
    }

    impl Shown {
        #[allow(clippy::unused_self, reason = "as with TLS")]
        pub(in super::super) fn is_for(&self, _: &str) -> bool {
            false
        }
    }
}
