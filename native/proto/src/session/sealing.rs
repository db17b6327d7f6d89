//! The keys of a session's two directions. To seal or open a datagram takes nothing but its key, so any thread may;
//! what counts datagrams and remembers them stays with the session.

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use crate::wire::{HEADER_LENGTH, TAG_LENGTH};

/// Bytes of the header that hold the counter.
const COUNTER_LENGTH: usize = 8;

/// Seals what is sent.
pub(crate) struct SealKey(LessSafeKey);

/// Opens what is received.
pub(crate) struct OpenKey(LessSafeKey);

impl SealKey {
    pub fn new(key: LessSafeKey) -> Self {
        Self(key)
    }

    /// Seals a datagram in place: behind its header lie the inner packet and room for the tag.
    pub fn seal(&self, datagram: &mut [u8]) {
        let Some((rest, tag_room)) = datagram.split_last_chunk_mut::<TAG_LENGTH>() else { return };
        let Some((header, packet)) = rest.split_first_chunk_mut::<HEADER_LENGTH>() else { return };
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(header), Aad::from(header), packet)
            .expect("a packet is far shorter than the longest message of the cipher");
        tag_room.copy_from_slice(tag.as_ref());
    }
}

impl OpenKey {
    pub fn new(key: LessSafeKey) -> Self {
        Self(key)
    }

    /// Opens a datagram in place; whether it is authentic. If not, nothing of it is to be used.
    #[must_use]
    pub fn open(&self, datagram: &mut [u8]) -> bool {
        let Some((header, sealed)) = datagram.split_first_chunk_mut::<HEADER_LENGTH>() else { return false };
        self.0.open_in_place(nonce(header), Aad::from(header), sealed).is_ok()
    }
}

fn nonce(header: &[u8; HEADER_LENGTH]) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - COUNTER_LENGTH..].copy_from_slice(&header[HEADER_LENGTH - COUNTER_LENGTH..]);
    Nonce::assume_unique_for_key(bytes)
}
