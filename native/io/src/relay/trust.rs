//! Which certificates of relays are taken.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use iroh::tls::CaTlsConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::address::{Pin, RelayAddress};

/// Relays of peers that are remembered; the one not mentioned for longest gives way.
const REMEMBERED: usize = 1024;

/// The pins of the relays that were named, by host: the verifier isn't told the port.
///
/// A host with pins has to show one of those certificates and to prove that it holds its key. One without has to show
/// one of a public authority.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    own: RwLock<Vec<RelayAddress>>,
    others: RwLock<VecDeque<RelayAddress>>,
}

impl Trust {
    /// Replaces the relays that this node uses itself.
    pub(crate) fn set_own(&self, relays: Vec<RelayAddress>) {
        *self.own.write().unwrap_or_else(PoisonError::into_inner) = relays;
    }

    /// Remembers a relay that a peer has named.
    pub(crate) fn remember(&self, relay: &RelayAddress) {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        others.retain(|other| other != relay);
        if others.len() == REMEMBERED {
            others.pop_front();
        }
        others.push_back(relay.clone());
    }

    fn pins(&self, host: &str) -> Vec<Pin> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let named = own.iter().chain(others.iter()).filter(|relay| relay.dialled_host() == host);
        named.filter_map(RelayAddress::pin).collect()
    }
}

/// Makes what the library takes for deciding on certificates.
pub(crate) fn authorities(trust: Arc<Trust>) -> CaTlsConfig {
    CaTlsConfig::custom_server_cert_verifier(Arc::new(move |provider| {
        let public = CaTlsConfig::embedded().server_cert_verifier(provider.clone())?;
        let algorithms = provider.signature_verification_algorithms;
        Ok(Arc::new(Verifier { trust: trust.clone(), public, algorithms }))
    }))
}

/// Makes the TLS configuration of connections to relays.
pub(super) fn client_config(trust: Arc<Trust>) -> ClientConfig {
    authorities(trust).client_config(provider()).expect("the built-in authorities can be read")
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(crypto::aws_lc_rs::default_provider())
}

#[derive(Debug)]
struct Verifier {
    trust: Arc<Trust>,
    public: Arc<dyn ServerCertVerifier>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pins = self.trust.pins(&server.to_str());
        if pins.is_empty() {
            return self.public.verify_server_cert(certificate, intermediates, server, ocsp, now);
        }
        if pins.contains(&Pin::of(certificate)) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::certificate;

    fn named(host: &str, pin: Option<Pin>) -> RelayAddress {
        let pin = pin.map(|pin| format!("#sha256={pin}")).unwrap_or_default();
        format!("https://{host}:7{pin}").parse().unwrap()
    }

    fn is_taken(trust: &Arc<Trust>, host: &str, certificate: &CertificateDer<'_>) -> bool {
        let verifier = authorities(trust.clone()).server_cert_verifier(provider()).unwrap();
        let server = ServerName::try_from(host.to_owned()).unwrap();
        verifier.verify_server_cert(certificate, &[], &server, &[], UnixTime::now()).is_ok()
    }

    #[test]
    fn only_the_pinned_certificate_is_taken_and_only_for_its_host() {
        let [good, bad] = [0, 1].map(|_| certificate::made_for_tests());
        let trust = Arc::new(Trust::default());
        assert!(!is_taken(&trust, "192.0.2.1", &good), "no authority has signed it");
        trust.remember(&named("192.0.2.1", Some(Pin::of(&good))));
        assert!(is_taken(&trust, "192.0.2.1", &good));
        assert!(!is_taken(&trust, "192.0.2.1", &bad));
        assert!(!is_taken(&trust, "192.0.2.2", &good));
        trust.set_own(vec![named("192.0.2.2", Some(Pin::of(&bad)))]);
        assert!(is_taken(&trust, "192.0.2.2", &bad));
        trust.set_own(vec![]);
        assert!(!is_taken(&trust, "192.0.2.2", &bad));
    }

    #[test]
    fn what_was_not_mentioned_for_longest_is_forgotten() {
        let trust = Arc::new(Trust::default());
        let certificate = certificate::made_for_tests();
        let relay = |host: usize| named(&format!("h{host}.example"), Some(Pin::of(&certificate)));
        (0..REMEMBERED).for_each(|host| trust.remember(&relay(host)));
        trust.remember(&relay(0));
        trust.remember(&relay(REMEMBERED));
        assert!(!trust.pins("h0.example").is_empty());
        assert!(trust.pins("h1.example").is_empty());
    }
}
