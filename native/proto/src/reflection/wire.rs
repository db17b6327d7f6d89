//! Asking at what address a data socket is seen, on the wire. Request and answer are of the same length, so that nobody
//! is sent more than was asked for in its name.
//!
//! | bytes | |
//! |---|---|
//! | 0 | type, 5 = request, 6 = answer |
//! | 1..4 | zero |
//! | 4..8 | index that the reflector gave to the asker, little-endian |
//! | 8..16 | counter of the asker, little-endian; the answer repeats it |
//! | 16..48 | sealed: zeros; or the address, as in an answer to a probe, and zeros |
//! | 48..64 | tag |
//!
//! The cipher is ChaCha20-Poly1305, its nonce the type, three zeros and the counter; the header is authenticated.

use std::fmt;
use std::net::SocketAddr;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::paths::{read_address, write_address};
use crate::wire::{HEADER_LENGTH, TAG_LENGTH};

/// Bytes of a request, and of an answer.
pub(crate) const LENGTH: usize = HEADER_LENGTH + BODY_LENGTH + TAG_LENGTH;

const BODY_LENGTH: usize = 32;

/// The secret that a reflector hands to an asker over their control connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReflectionKey(pub [u8; 32]);

impl fmt::Debug for ReflectionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReflectionKey")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request = 5,
    Answer = 6,
}

/// A request or an answer whose body is still sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub kind: Kind,
    pub index: u32,
    pub counter: u64,
}

impl Head {
    /// Reads the head of a whole datagram; `None` for one that is neither a request nor an answer.
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let datagram: &[u8; LENGTH] = datagram.try_into().ok()?;
        let kind = match datagram[..4] {
            [5, 0, 0, 0] => Kind::Request,
            [6, 0, 0, 0] => Kind::Answer,
            _ => return None,
        };
        let index = u32::from_le_bytes(*datagram[4..].first_chunk()?);
        let counter = u64::from_le_bytes(*datagram[8..].first_chunk()?);
        Some(Self { kind, index, counter })
    }

    /// Makes the datagram; an answer holds an address.
    pub fn seal(&self, key: &Key, address: Option<SocketAddr>) -> [u8; LENGTH] {
        let mut datagram = [0; LENGTH];
        datagram[..HEADER_LENGTH].copy_from_slice(&self.encode());
        let body = &mut datagram[HEADER_LENGTH..HEADER_LENGTH + BODY_LENGTH];
        address.into_iter().for_each(|address| write_address(address, body));
        let tag = key
            .0
            .seal_in_place_separate_tag(self.nonce(), Aad::from(self.encode()), body)
            .expect("a body is far shorter than the longest message of the cipher");
        datagram[HEADER_LENGTH + BODY_LENGTH..].copy_from_slice(tag.as_ref());
        datagram
    }

    /// Opens a datagram in place and gives the address in it, if there is one; `None` when it is forged.
    pub fn open(&self, key: &Key, datagram: &mut [u8]) -> Option<Option<SocketAddr>> {
        let aad = Aad::from(self.encode());
        let body = key.0.open_in_place(self.nonce(), aad, &mut datagram[HEADER_LENGTH..]).ok()?;
        Some(read_address(body))
    }

    fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[0] = self.kind as u8;
        bytes[4..8].copy_from_slice(&self.index.to_le_bytes());
        bytes[8..].copy_from_slice(&self.counter.to_le_bytes());
        bytes
    }

    fn nonce(&self) -> Nonce {
        let mut bytes = [0; NONCE_LEN];
        bytes[0] = self.kind as u8;
        bytes[4..].copy_from_slice(&self.counter.to_le_bytes());
        Nonce::assume_unique_for_key(bytes)
    }
}

/// A key ready for use.
pub(crate) struct Key(LessSafeKey);

impl Key {
    pub fn new(bytes: &ReflectionKey) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes.0).expect("the cipher's keys have 32 bytes");
        Self(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_back_and_is_as_long_as_a_request() {
        let key = Key::new(&ReflectionKey([7; 32]));
        let address = "[2001:db8::1]:7000".parse().unwrap();
        for (kind, address) in [(Kind::Request, None), (Kind::Answer, Some(address))] {
            let head = Head { kind, index: 9, counter: 1 << 50 };
            let mut datagram = head.seal(&key, address);
            assert_eq!(Head::parse(&datagram), Some(head));
            assert_eq!(head.open(&key, &mut datagram), Some(address));
        }
    }

    #[test]
    fn a_header_lies_as_documented() {
        let head = Head { kind: Kind::Request, index: 0x0403_0201, counter: 0x0c0b_0a09_0807_0605 };
        assert_eq!(head.encode(), [5, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let key = Key::new(&ReflectionKey([7; 32]));
        let head = Head { kind: Kind::Answer, index: 9, counter: 3 };
        let datagram = head.seal(&key, None);
        for at in 0..LENGTH {
            let mut forged = datagram;
            forged[at] ^= 1;
            assert!(Head::parse(&forged).is_none_or(|head| head.open(&key, &mut forged).is_none()));
        }
        assert_eq!(Head::parse(&datagram[1..]), None);
    }
}
