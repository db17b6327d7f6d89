//! The ciphers, each by the implementation that is the quicker one on this processor.
//!
//! Both know the same processors but for AES-GCM in wide registers: aws-lc has it for AVX-512, ring for AVX2. Where there
//! is AVX2 alone, ring takes less than half the time.

use aws_lc_rs::aead as aws_lc;
use ring::aead as ring;

use crate::Cipher;
use crate::wire::TAG_LENGTH;

pub(crate) const KEY_LENGTH: usize = 32;
pub(crate) const NONCE_LENGTH: usize = 12;
const SHARED_LENGTH: &str = "both ciphers have keys of 32 bytes";

/// A key of one cipher, for one direction.
#[allow(clippy::large_enum_variant, reason = "there are two for each session, behind pointers")]
pub(crate) enum AeadKey {
    AwsLc(aws_lc::LessSafeKey),
    Ring(ring::LessSafeKey),
}

impl AeadKey {
    /// A key for whichever library is the quicker one; what they make of a message is the same.
    pub fn new(cipher: Cipher, bytes: &[u8; KEY_LENGTH]) -> Self {
        if cipher == Cipher::Aes256Gcm && has_avx2_alone() {
            Self::ring(cipher, bytes)
        } else {
            Self::aws_lc(cipher, bytes)
        }
    }

    fn aws_lc(cipher: Cipher, bytes: &[u8; KEY_LENGTH]) -> Self {
        let algorithm = match cipher {
            Cipher::Aes256Gcm => &aws_lc::AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &aws_lc::CHACHA20_POLY1305,
        };
        Self::AwsLc(aws_lc::LessSafeKey::new(aws_lc::UnboundKey::new(algorithm, bytes).expect(SHARED_LENGTH)))
    }

    fn ring(cipher: Cipher, bytes: &[u8; KEY_LENGTH]) -> Self {
        let algorithm = match cipher {
            Cipher::Aes256Gcm => &ring::AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &ring::CHACHA20_POLY1305,
        };
        Self::Ring(ring::LessSafeKey::new(ring::UnboundKey::new(algorithm, bytes).expect(SHARED_LENGTH)))
    }

    /// Encrypts a packet in place, and gives the tag for it and for `header`.
    pub fn seal(&self, nonce: [u8; NONCE_LENGTH], header: &[u8], packet: &mut [u8]) -> [u8; TAG_LENGTH] {
        let length = "a packet is far shorter than the longest message of the cipher";
        let mut bytes = [0; TAG_LENGTH];
        match self {
            Self::AwsLc(key) => {
                let (nonce, header) = (aws_lc::Nonce::assume_unique_for_key(nonce), aws_lc::Aad::from(header));
                bytes.copy_from_slice(key.seal_in_place_separate_tag(nonce, header, packet).expect(length).as_ref());
            }
            Self::Ring(key) => {
                let (nonce, header) = (ring::Nonce::assume_unique_for_key(nonce), ring::Aad::from(header));
                bytes.copy_from_slice(key.seal_in_place_separate_tag(nonce, header, packet).expect(length).as_ref());
            }
        }
        bytes
    }

    /// Decrypts a packet in place, with its tag behind it; whether it and `header` are authentic.
    #[must_use]
    pub fn open(&self, nonce: [u8; NONCE_LENGTH], header: &[u8], sealed: &mut [u8]) -> bool {
        match self {
            Self::AwsLc(key) => {
                let (nonce, header) = (aws_lc::Nonce::assume_unique_for_key(nonce), aws_lc::Aad::from(header));
                key.open_in_place(nonce, header, sealed).is_ok()
            }
            Self::Ring(key) => {
                let (nonce, header) = (ring::Nonce::assume_unique_for_key(nonce), ring::Aad::from(header));
                key.open_in_place(nonce, header, sealed).is_ok()
            }
        }
    }
}

/// Whether several blocks of AES fit a register, but no more than AVX2 allows.
#[cfg(target_arch = "x86_64")]
fn has_avx2_alone() -> bool {
    let has_wide_aes = is_x86_feature_detected!("vaes") && is_x86_feature_detected!("vpclmulqdq");
    has_wide_aes && is_x86_feature_detected!("avx2") && !is_x86_feature_detected!("avx512vl")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2_alone() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [fn(Cipher, &[u8; KEY_LENGTH]) -> AeadKey; 2] = [AeadKey::aws_lc, AeadKey::ring];

    #[test]
    fn either_cipher_has_an_implementation() {
        for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
            let key = AeadKey::new(cipher, &[1; KEY_LENGTH]);
            let mut sealed = b"packet".to_vec();
            let tag = key.seal([2; NONCE_LENGTH], b"header", &mut sealed);
            sealed.extend(tag);
            assert!(key.open([2; NONCE_LENGTH], b"header", &mut sealed));
            assert_eq!(&sealed[..6], b"packet");
        }
    }

    proptest! {
        #[test]
        fn what_one_seals_the_other_opens(
            is_aes: bool,
            key: [u8; KEY_LENGTH],
            nonce: [u8; NONCE_LENGTH],
            header in prop::collection::vec(any::<u8>(), 0..40),
            packet in prop::collection::vec(any::<u8>(), 0..3000),
        ) {
            let cipher = if is_aes { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 };
            let keys = BOTH.map(|make| make(cipher, &key));
            let sealed = keys.each_ref().map(|key| {
                let mut bytes = packet.clone();
                let tag = key.seal(nonce, &header, &mut bytes);
                bytes.extend(tag);
                bytes
            });
            prop_assert_eq!(&sealed[0], &sealed[1]);
            for key in &keys {
                let mut bytes = sealed[0].clone();
                prop_assert!(key.open(nonce, &header, &mut bytes));
                prop_assert_eq!(&bytes[..packet.len()], &packet);
            }
        }

        #[test]
        fn neither_opens_what_was_changed(is_ring: bool, place: prop::sample::Index, packet in prop::collection::vec(any::<u8>(), 0..200)) {
            let key = BOTH[usize::from(is_ring)](Cipher::Aes256Gcm, &[1; KEY_LENGTH]);
            let mut sealed = packet;
            let tag = key.seal([2; NONCE_LENGTH], b"header", &mut sealed);
            sealed.extend(tag);
            let place = place.index(sealed.len());
            sealed[place] ^= 1;
            prop_assert!(!key.open([2; NONCE_LENGTH], b"header", &mut sealed.clone()));
            sealed[place] ^= 1;
            prop_assert!(!key.open([2; NONCE_LENGTH], b"Header", &mut sealed));
        }
    }
}
