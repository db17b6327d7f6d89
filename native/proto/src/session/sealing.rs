//! The keys of a session's two directions. To seal or open a datagram takes nothing but its key, so any thread may;
//! what counts datagrams and remembers them stays with the session.

use super::aead::{AeadKey, NONCE_LENGTH};
use crate::wire::{HEADER_LENGTH, TAG_LENGTH};

/// Bytes of the header that hold the counter.
const COUNTER_LENGTH: usize = 8;

/// Seals what is sent.
pub(crate) struct SealKey(AeadKey);

/// Opens what is received.
pub(crate) struct OpenKey(AeadKey);

impl SealKey {
    pub fn new(key: AeadKey) -> Self {
        Self(key)
    }

    /// Seals a datagram in place: behind its header lie the inner packet and room for the tag.
    pub fn seal(&self, datagram: &mut [u8]) {
        let Some((rest, tag_room)) = datagram.split_last_chunk_mut::<TAG_LENGTH>() else { return };
        let Some((header, packet)) = rest.split_first_chunk_mut::<HEADER_LENGTH>() else { return };
        *tag_room = self.0.seal(nonce(header), header, packet);
    }
}

impl OpenKey {
    pub fn new(key: AeadKey) -> Self {
        Self(key)
    }

    /// Opens a datagram in place; whether it is authentic. If not, nothing of it is to be used.
    #[must_use]
    pub fn open(&self, datagram: &mut [u8]) -> bool {
        let Some((header, sealed)) = datagram.split_first_chunk_mut::<HEADER_LENGTH>() else { return false };
        self.0.open(nonce(header), header, sealed)
    }
}

fn nonce(header: &[u8; HEADER_LENGTH]) -> [u8; NONCE_LENGTH] {
    let mut bytes = [0; NONCE_LENGTH];
    bytes[NONCE_LENGTH - COUNTER_LENGTH..].copy_from_slice(&header[HEADER_LENGTH - COUNTER_LENGTH..]);
    bytes
}
