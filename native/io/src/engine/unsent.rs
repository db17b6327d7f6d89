//! What is left of a train when the socket is full; while there is something, packets wait.

use std::net::SocketAddr;

use golem_vpn_proto::Ecn;

use crate::udp::{Datagrams, LONGEST_TRAIN};

pub(super) struct Unsent {
    to: SocketAddr,
    ecn: Ecn,
    segment_size: usize,
    bytes: Vec<u8>,
    done: usize,
}

impl Unsent {
    pub(super) fn new() -> Self {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { to: nobody, ecn: Ecn::NotCapable, segment_size: 0, bytes: Vec::with_capacity(LONGEST_TRAIN), done: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done == self.bytes.len()
    }

    pub(super) fn keep(&mut self, to: SocketAddr, ecn: Ecn, segment_size: usize, bytes: &[u8]) {
        (self.to, self.ecn, self.segment_size, self.done) = (to, ecn, segment_size, 0);
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }

    /// Sends what the socket takes.
    pub(super) fn send(&mut self, socket: &mut impl Datagrams) {
        if !self.is_empty() {
            self.done += socket.send(self.to, self.ecn, self.segment_size, &self.bytes[self.done..]);
        }
    }
}
