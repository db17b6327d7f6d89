//! From an X25519 exchange over the control connection to the keys of a session.
//!
//! Each side sends a public key made for this one session. The keys come out of HKDF-SHA256 over the shared secret,
//! salted with the exporter of the control connection, bound to everything both sides said.

use aws_lc_rs::aead::{AES_256_GCM, Algorithm, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

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
    pub from_initiator: LessSafeKey,
    pub from_responder: LessSafeKey,
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

fn expand(prk: &Prk, direction: &[u8], transcript: &Transcript<'_>) -> Option<LessSafeKey> {
    let algorithm = algorithm(transcript.cipher);
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
    let okm = prk.expand(&info, algorithm).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(okm)))
}

fn algorithm(cipher: Cipher) -> &'static Algorithm {
    match cipher {
        Cipher::Aes256Gcm => &AES_256_GCM,
        Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
    }
}
