//! A session: keys for one network between two nodes, for a limited time.

mod aead;
mod handshake;
mod keys;
mod replay;
mod sealing;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use handshake::Refusal;
pub(crate) use handshake::{Initiation, Reply, choose_cipher};
pub(crate) use keys::{Keys, Secret, Transcript};
pub use replay::ReplayWindow;
pub(crate) use sealing::{OpenKey, SealKey};

use crate::wire::{HEADER_LENGTH, Header, TAG_LENGTH};
use crate::{Cipher, Config, DropReason};

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
    pub cipher: Cipher,
    /// The index the peer writes into what it sends here.
    pub index: u32,
    pub started: Instant,
    /// When it must not be used any more.
    pub ends_at: Instant,
    /// Whether the peer has proved, by a packet, that it has the session too.
    pub confirmed: bool,
    /// Packets in it, without control frames: what probes compare to tell how many were lost.
    pub packets_sent: u64,
    pub packets_received: u64,
    rekey_at: Instant,
    rekey_at_counter: u64,
    peer_index: u32,
    seal_key: Arc<SealKey>,
    open_key: Arc<OpenKey>,
    next_counter: u64,
    window: ReplayWindow,
}

/// Whether a datagram was opened before the session sees it.
#[derive(Clone, Copy)]
pub(crate) enum Seal<'a> {
    Whole,
    Opened(&'a Arc<OpenKey>),
    Forged,
}

/// What was found in a datagram.
pub(crate) struct Opened<'a> {
    pub packet: &'a mut [u8],
    /// Whether no later datagram of the session came before it.
    pub newest: bool,
}

impl Session {
    /// Starts a session with the keys of a handshake. `indices` are this node's and the peer's.
    pub fn new(role: Role, cipher: Cipher, indices: (u32, u32), keys: Keys, now: Instant, config: &Config) -> Self {
        let (seal_key, open_key) = match role {
            Role::Initiator => (keys.from_initiator, keys.from_responder),
            Role::Responder => (keys.from_responder, keys.from_initiator),
        };
        // Who was asked for the session waits a little longer for its end, so that only one of the two asks again.
        let patience = match role {
            Role::Initiator => Duration::ZERO,
            Role::Responder => config.reject_after.saturating_sub(config.rekey_after) / 4,
        };
        Self {
            cipher,
            index: indices.0,
            started: now,
            ends_at: now + config.reject_after,
            confirmed: false,
            packets_sent: 0,
            packets_received: 0,
            rekey_at: now + config.rekey_after + patience,
            rekey_at_counter: config.rekey_after_packets,
            peer_index: indices.1,
            seal_key: Arc::new(SealKey::new(seal_key)),
            open_key: Arc::new(OpenKey::new(open_key)),
            next_counter: 0,
            window: ReplayWindow::new(),
        }
    }

    /// Whether anything may still be sent.
    pub fn is_usable(&self, now: Instant) -> bool {
        now < self.ends_at && self.next_counter < LAST_COUNTER
    }

    /// Whether it is old enough, or has sent enough, to get a successor.
    pub fn is_rekey_due(&self, now: Instant) -> bool {
        now >= self.rekey_at || self.next_counter >= self.rekey_at_counter
    }

    /// What datagrams are sealed with.
    pub fn seal_key(&self) -> &Arc<SealKey> {
        &self.seal_key
    }

    /// What datagrams are opened with.
    pub fn open_key(&self) -> &Arc<OpenKey> {
        &self.open_key
    }

    /// Writes the header of the next datagram, which is then sealed with [`Self::seal_key`].
    pub fn begin(&mut self, datagram: &mut [u8]) {
        let header = Header { receiver: self.peer_index, counter: self.next_counter };
        self.next_counter += 1;
        datagram[..HEADER_LENGTH].copy_from_slice(&header.encode());
    }

    /// Opens a datagram in place, if it was not opened elsewhere.
    pub fn open<'a>(
        &mut self,
        header: &Header,
        datagram: &'a mut [u8],
        seal: Seal<'_>,
    ) -> Result<Opened<'a>, DropReason> {
        if !self.window.is_fresh(header.counter) {
            return Err(DropReason::Replayed);
        }
        let authentic = match seal {
            Seal::Whole => self.open_key.open(datagram),
            Seal::Opened(key) => Arc::ptr_eq(key, &self.open_key),
            Seal::Forged => false,
        };
        if !authentic {
            return Err(DropReason::Forged);
        }
        let newest = self.window.is_newest(header.counter);
        self.window.mark(header.counter);
        let end = datagram.len() - TAG_LENGTH;
        Ok(Opened { packet: &mut datagram[HEADER_LENGTH..end], newest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OVERHEAD;
    use crate::{Entropy, NetworkId, NodeId};

    fn pair(now: Instant) -> (Session, Session) {
        let config = Config::new(NodeId([1; 20]));
        let secret = |seed: u8| {
            let mut entropy: Entropy = Box::new(move |bytes| bytes.fill(seed));
            Secret::generate(&mut entropy)
        };
        let cipher = Cipher::Aes256Gcm;
        let (initiator, responder) = (NodeId([1; 20]), NodeId([2; 20]));
        let network = NetworkId([3; 16]);
        let transcript = Transcript { network, initiator, responder, initiation: &[], acceptance: &[], cipher };
        let keys = |own: u8, other: u8| secret(own).agree(secret(other).public(), &[0; 32], &transcript).unwrap();
        (
            Session::new(Role::Initiator, cipher, (10, 20), keys(1, 2), now, &config),
            Session::new(Role::Responder, cipher, (20, 10), keys(2, 1), now, &config),
        )
    }

    fn seal(session: &mut Session, packet: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0; packet.len() + OVERHEAD];
        datagram[HEADER_LENGTH..HEADER_LENGTH + packet.len()].copy_from_slice(packet);
        session.begin(&mut datagram);
        session.seal_key().seal(&mut datagram);
        datagram
    }

    fn open(session: &mut Session, mut datagram: Vec<u8>) -> Result<(Vec<u8>, bool), DropReason> {
        let header = Header::parse(&datagram).unwrap();
        session.open(&header, &mut datagram, Seal::Whole).map(|opened| (opened.packet.to_vec(), opened.newest))
    }

    #[test]
    fn each_side_opens_what_the_other_sealed() {
        let (mut one, mut other) = pair(Instant::now());
        let datagram = seal(&mut one, b"there");
        assert_eq!(Header::parse(&datagram), Some(Header { receiver: 20, counter: 0 }));
        assert_eq!(open(&mut other, datagram), Ok((b"there".to_vec(), true)));
        let datagram = seal(&mut other, b"");
        assert_eq!(Header::parse(&datagram), Some(Header { receiver: 10, counter: 0 }));
        assert_eq!(open(&mut one, datagram), Ok((Vec::new(), true)));
    }

    #[test]
    fn order_does_not_matter_but_repetition_does() {
        let (mut one, mut other) = pair(Instant::now());
        let (first, second) = (seal(&mut one, b"1"), seal(&mut one, b"2"));
        assert_eq!(open(&mut other, second.clone()), Ok((b"2".to_vec(), true)));
        assert_eq!(open(&mut other, first), Ok((b"1".to_vec(), false)));
        assert_eq!(open(&mut other, second), Err(DropReason::Replayed));
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed_and_does_not_use_up_the_counter() {
        let (mut one, mut other) = pair(Instant::now());
        let datagram = seal(&mut one, b"packet");
        for at in 8..datagram.len() {
            let mut forged = datagram.clone();
            forged[at] ^= 1;
            assert_eq!(open(&mut other, forged), Err(DropReason::Forged));
        }
        assert!(open(&mut other, datagram).is_ok());
    }

    #[test]
    fn nobody_opens_his_own() {
        let (mut one, _) = pair(Instant::now());
        let datagram = seal(&mut one, b"packet");
        assert_eq!(open(&mut one, datagram), Err(DropReason::Forged));
    }

    #[test]
    fn a_session_ends_by_time_and_by_number_and_the_initiator_renews_it_first() {
        let (now, config) = (Instant::now(), Config::new(NodeId([1; 20])));
        let (mut one, other) = pair(now);
        let due = now + config.rekey_after;
        assert!(!one.is_rekey_due(now) && one.is_rekey_due(due) && !other.is_rekey_due(due));
        assert!(other.is_rekey_due(now + config.reject_after) && !other.is_usable(now + config.reject_after));
        one.next_counter = config.rekey_after_packets;
        assert!(one.is_rekey_due(now) && one.is_usable(now));
        one.next_counter = LAST_COUNTER;
        assert!(!one.is_usable(now));
    }
}
