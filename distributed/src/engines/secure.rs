//! Connections of HTTP by TLS.

use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use crate::tls::Tls;

/// Connects by TLS, whatever an address's scheme: a library that finds `https` there wants to do it itself.
#[derive(Clone, Debug)]
pub(super) struct Secure(HttpsConnector<HttpConnector>);

impl Secure {
    pub(super) fn new(tls: &Tls) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        Self((connector, tls.0.clone()).into())
    }

    /// The same, with HTTP/2.
    #[cfg(feature = "etcd")]
    pub(super) fn of_http2(tls: &Tls) -> Self {
        let mut config = (*tls.0).clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self::new(&Tls(config.into()))
    }
}

impl Service<Uri> for Secure {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = <HttpsConnector<HttpConnector> as Service<Uri>>::Error;
    type Future = <HttpsConnector<HttpConnector> as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut parts = uri.into_parts();
        parts.scheme = Some(Scheme::HTTPS);
        self.0.call(Uri::from_parts(parts).unwrap_or_default())
    }
}
