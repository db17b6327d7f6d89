//! From an X25519 exchange over the control connection to the keys of a session.
//!
//! Each side sends a public key made for this one session. The keys come out of HKDF-SHA256 over the shared secret,
//! salted with the exporter of the control connection, bound to everything both sides said.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::aead::{AeadKey, KEY_LENGTH};
use crate::{Cipher, Entropy, NetworkId, NodeId};

const LABEL: &[u8] = b"golem-vpn session 1";

/// The secret half of a key made for one handshake; wiped when dropped.
pub struct Secret(StaticSecret);

/// Everything both sides of a handshake know and must agree on.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    pub network: NetworkId,
    pub initiator: NodeId,
    pub responder: NodeId,
    pub initiation: &'a [u8],
    pub acceptance: &'a [u8],
    pub cipher: Cipher,
}

/// The keys of the two directions.
pub struct Keys {
    pub from_initiator: AeadKey,
    pub from_responder: AeadKey,
}

impl Secret {
    /// Makes a new secret.
    pub fn generate(entropy: &mut Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy(bytes.as_mut());
        Self(StaticSecret::from(*bytes))
    }

    /// The half that is sent.
    pub fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }

    /// The keys shared with the owner of `other`; `None` for a public key that gives the same secret to everybody.
    pub fn agree(&self, other: [u8; 32], binding: &[u8; 32], transcript: &Transcript<'_>) -> Option<Keys> {
        let shared = self.0.diffie_hellman(&PublicKey::from(other));
        shared.was_contributory().then(|| Keys::derive(&shared, binding, transcript)).flatten()
    }
}

impl Keys {
    fn derive(shared: &SharedSecret, binding: &[u8; 32], transcript: &Transcript<'_>) -> Option<Self> {
        let prk = Salt::new(HKDF_SHA256, binding).extract(shared.as_bytes());
        Some(Self {
            from_initiator: expand(&prk, b"from initiator", transcript)?,
            from_responder: expand(&prk, b"from responder", transcript)?,
        })
    }
}

fn expand(prk: &Prk, direction: &[u8], transcript: &Transcript<'_>) -> Option<AeadKey> {
    let info = [
        LABEL,
        direction,
        &transcript.network.0,
        &transcript.initiator.0,
        &transcript.responder.0,
        &[transcript.cipher.wire_bit()],
        transcript.initiation,
        transcript.acceptance,
    ];
    let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
    prk.expand(&info, KeyMaterial).ok()?.fill(bytes.as_mut()).ok()?;
    Some(AeadKey::new(transcript.cipher, &bytes))
}

/// Tells how much is wanted of the key derivation.
struct KeyMaterial;

impl KeyType for KeyMaterial {
    fn len(&self) -> usize {
        KEY_LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(seed: u8) -> Secret {
        let mut entropy: Entropy = Box::new(move |bytes| bytes.fill(seed));
        Secret::generate(&mut entropy)
    }

    fn transcript() -> Transcript<'static> {
        Transcript {
            network: NetworkId([1; 16]),
            initiator: NodeId([2; 20]),
            responder: NodeId([3; 20]),
            initiation: b"initiation",
            acceptance: b"acceptance",
            cipher: Cipher::Aes256Gcm,
        }
    }

    /// What a key makes of a message, to compare keys that can't be looked at.
    fn print(key: &AeadKey) -> Vec<u8> {
        let mut message = vec![0; 32];
        let tag = key.seal([0; 12], &[], &mut message);
        message.extend(tag);
        message
    }

    fn prints(binding: u8, transcript: &Transcript<'_>) -> (Vec<u8>, Vec<u8>) {
        let keys = secret(1).agree(secret(2).public(), &[binding; 32], transcript).unwrap();
        (print(&keys.from_initiator), print(&keys.from_responder))
    }

    #[test]
    fn both_sides_derive_the_same_two_keys() {
        let other = secret(2).agree(secret(1).public(), &[9; 32], &transcript()).unwrap();
        let (from_initiator, from_responder) = prints(9, &transcript());
        assert_ne!(from_initiator, from_responder);
        assert_eq!((from_initiator, from_responder), (print(&other.from_initiator), print(&other.from_responder)));
    }

    #[test]
    fn everything_that_was_said_is_in_the_keys() {
        let base = transcript();
        let others = [
            Transcript { network: NetworkId([8; 16]), ..base },
            Transcript { initiator: NodeId([8; 20]), ..base },
            Transcript { responder: NodeId([8; 20]), ..base },
            Transcript { initiation: b"another", ..base },
            Transcript { acceptance: b"another", ..base },
            Transcript { cipher: Cipher::ChaCha20Poly1305, ..base },
        ];
        let own = prints(9, &base);
        assert_ne!(prints(8, &base), own);
        assert!(others.iter().all(|other| prints(9, other).0 != own.0 && prints(9, other).1 != own.1));
    }

    #[test]
    fn a_public_key_of_small_order_is_refused() {
        assert!(secret(1).agree([0; 32], &[9; 32], &transcript()).is_none());
        let mut one = [0; 32];
        one[0] = 1;
        assert!(secret(1).agree(one, &[9; 32], &transcript()).is_none());
    }
}
