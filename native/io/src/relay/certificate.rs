//! The certificate of a relay: made here or given.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::address::Pin;
use super::trust;

const LIFETIME_YEARS: i32 = 10;
const SECONDS_PER_YEAR: u64 = 31_556_952;

/// Why a certificate was not taken, or not made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("the certificate is no PEM file with a certificate in it: {0}")]
    Unreadable(String),
    #[error("the key is no PEM file with a private key in it: {0}")]
    UnreadableKey(String),
    #[error("the certificate and the key can't be used: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("no certificate can be made for these names: {0}")]
    Names(#[from] rcgen::Error),
}

/// A certificate with its key, both as PEM.
pub struct Pem {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// Makes a self-signed certificate (ECDSA P-256, ten years) for host names and IP addresses.
pub fn make(names: Vec<String>) -> Result<Pem, CertificateError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new(names)?;
    let year = current_year();
    parameters.not_before = date_time_ymd(year, 1, 1);
    parameters.not_after = date_time_ymd(year + LIFETIME_YEARS + 1, 1, 1);
    parameters.distinguished_name.push(DnType::CommonName, "golem-vpn relay");
    let certificate = parameters.self_signed(&key)?;
    Ok(Pem { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// What a relay shows to its clients, and the pin they know it by.
pub(super) struct Identity {
    pub(super) tls: Arc<ServerConfig>,
    pub(super) pin: Pin,
}

/// Reads a certificate, with the chain that may follow it.
pub(super) fn read(pem: &Pem) -> Result<Identity, CertificateError> {
    let chain = CertificateDer::pem_slice_iter(&pem.certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| CertificateError::Unreadable(error.to_string()))?;
    let first = chain.first().ok_or_else(|| CertificateError::Unreadable("it is empty".to_owned()))?;
    let pin = Pin::of(first);
    let key = PrivateKeyDer::from_pem_slice(&pem.key);
    let key = key.map_err(|error| CertificateError::UnreadableKey(error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(trust::provider()).with_safe_default_protocol_versions()?;
    let tls = builder.with_no_client_auth().with_single_cert(chain, key)?;
    Ok(Identity { tls: Arc::new(tls), pin })
}

fn current_year() -> i32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    1970 + i32::try_from(seconds / SECONDS_PER_YEAR).unwrap_or(0)
}

#[cfg(test)]
pub(super) fn made_for_tests() -> CertificateDer<'static> {
    let pem = make(vec!["127.0.0.1".to_owned()]).unwrap();
    CertificateDer::from_pem_slice(&pem.certificate).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_certificate_can_be_read() {
        let pem = make(vec!["192.0.2.1".to_owned(), "relay.example.org".to_owned()]).unwrap();
        let again = make(vec!["192.0.2.1".to_owned()]).unwrap();
        assert_eq!(read(&pem).unwrap().pin, Pin::of(&CertificateDer::from_pem_slice(&pem.certificate).unwrap()));
        assert!(read(&Pem { certificate: pem.certificate.clone(), key: again.key }).is_err(), "another key");
        let key = pem.key.clone();
        assert!(matches!(read(&Pem { certificate: vec![], key }), Err(CertificateError::Unreadable(_))));
        let certificate = pem.certificate;
        assert!(matches!(read(&Pem { certificate, key: vec![] }), Err(CertificateError::UnreadableKey(_))));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        assert!(matches!(make(vec!["ümläut".to_owned()]), Err(CertificateError::Names(_))));
    }
}
