//! A session: keys for one network between two nodes, for a limited time.

mod handshake;
mod keys;
mod replay;

use std::time::{Duration, Instant};

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

pub use handshake::Refusal;
pub(crate) use handshake::{Initiation, Reply, choose_cipher};
pub(crate) use keys::{Keys, Secret, Transcript};
pub use replay::ReplayWindow;

use crate::wire::{HEADER_LENGTH, Header, TAG_LENGTH};
use crate::{Cipher, DropReason};

/// Counters end early enough that none is ever used twice.
const LAST_COUNTER: u64 = u64::MAX - (1 << 16);

/// Which side of the handshake this node was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

/// Seals what is sent and opens what is received.
pub(crate) struct Session {
    pub role: Role,
    pub cipher: Cipher,
    /// The index the peer writes into what it sends here.
    pub index: u32,
    pub started: Instant,
    /// Whether the peer has proved, by a packet, that it has the session too.
    pub confirmed: bool,
    peer_index: u32,
    seal_key: LessSafeKey,
    open_key: LessSafeKey,
    next_counter: u64,
    window: ReplayWindow,
}

/// What was found in a datagram.
pub(crate) struct Opened<'a> {
    pub packet: &'a mut [u8],
    /// Whether no later datagram of the session came before it.
    pub newest: bool,
}

impl Session {
    /// Starts a session with the keys of a handshake. `indices` are this node's and the peer's.
    pub fn new(role: Role, cipher: Cipher, indices: (u32, u32), keys: Keys, now: Instant) -> Self {
        let (seal_key, open_key) = match role {
            Role::Initiator => (keys.from_initiator, keys.from_responder),
            Role::Responder => (keys.from_responder, keys.from_initiator),
        };
        Self {
            role,
            cipher,
            index: indices.0,
            started: now,
            confirmed: false,
            peer_index: indices.1,
            seal_key,
            open_key,
            next_counter: 0,
            window: ReplayWindow::new(),
        }
    }

    /// Whether anything may still be sent.
    pub fn is_usable(&self, now: Instant, reject_after: Duration) -> bool {
        now < self.started + reject_after && self.next_counter < LAST_COUNTER
    }

    /// Packets sent so far.
    pub fn sent(&self) -> u64 {
        self.next_counter
    }

    /// Seals a datagram in place: the inner packet lies between room for the header and room for the tag.
    pub fn seal(&mut self, datagram: &mut [u8]) {
        let counter = self.next_counter;
        self.next_counter += 1;
        let header = Header { receiver: self.peer_index, counter }.encode();
        let end = datagram.len() - TAG_LENGTH;
        let (rest, tag_room) = datagram.split_at_mut(end);
        let (header_room, packet) = rest.split_at_mut(HEADER_LENGTH);
        header_room.copy_from_slice(&header);
        let tag = self
            .seal_key
            .seal_in_place_separate_tag(nonce(counter), Aad::from(header), packet)
            .expect("a packet is far shorter than the longest message of the cipher");
        tag_room.copy_from_slice(tag.as_ref());
    }

    /// Opens a datagram in place.
    pub fn open<'a>(&mut self, header: &Header, datagram: &'a mut [u8]) -> Result<Opened<'a>, DropReason> {
        if !self.window.is_fresh(header.counter) {
            return Err(DropReason::Replayed);
        }
        let aad = Aad::from(header.encode());
        let packet = self
            .open_key
            .open_in_place(nonce(header.counter), aad, &mut datagram[HEADER_LENGTH..])
            .map_err(|_| DropReason::Forged)?;
        let newest = self.window.is_newest(header.counter);
        self.window.mark(header.counter);
        Ok(Opened { packet, newest })
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}
