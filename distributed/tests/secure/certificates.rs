//! Certificates, for an hour of tests.

use anyhow::Result;
use bakery_servers::secure::Papers;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A CA, and what it has signed.
pub struct Certificates {
    pub server: Papers,
    pub client: String,
    pub client_key: String,
    /// Another client's.
    #[cfg_attr(not(feature = "zookeeper"), allow(dead_code))]
    pub other: (String, String),
}

impl Certificates {
    pub fn make(ca: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, ca);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let ca = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let sign = |name: &str, purpose| {
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name.push(DnType::CommonName, name);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![purpose];
            params.use_authority_key_identifier_extension = true;
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &issuer)?.pem();
            Ok::<_, rcgen::Error>((certificate, key.serialize_pem()))
        };
        let (certificate, key) = sign("server", ExtendedKeyUsagePurpose::ServerAuth)?;
        let (client, client_key) = sign("client", ExtendedKeyUsagePurpose::ClientAuth)?;
        let other = sign("another client", ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(Self { other, server: Papers { ca, certificate, key }, client, client_key })
    }
}
