//! The twin of a socket in memory: trains through a bounded channel to the other end, with a bell as descriptor.
//! The descriptor says at all times that it can be written: whoever waits for room asks again and again.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use golem_vpn_proto::Ecn;

use super::{Datagrams, Received, SocketStatus};
use crate::poll::Bell;

/// Trains that an end holds before it is full.
pub(crate) const TRAINS: usize = 16;

/// One end of a wire between two sockets.
pub(crate) struct Channel {
    local_address: SocketAddr,
    remote_address: SocketAddr,
    incoming: Receiver<Train>,
    outgoing: SyncSender<Train>,
    bell: Arc<Bell>,
    other_bell: Arc<Bell>,
    /// While set, this end receives nothing.
    stalled: Arc<AtomicBool>,
    status: SocketStatus,
}

struct Train {
    ecn: Ecn,
    segment_size: usize,
    bytes: Vec<u8>,
}

/// Makes a wire between two addresses. A train to any other address is lost.
pub(crate) fn wire(left: SocketAddr, right: SocketAddr) -> (Channel, Channel) {
    let (to_right, from_left) = sync_channel(TRAINS);
    let (to_left, from_right) = sync_channel(TRAINS);
    let (left_bell, right_bell) = (bell(), bell());
    let end = |local_address, remote_address, incoming, outgoing, bell: &Arc<Bell>, other_bell: &Arc<Bell>| Channel {
        local_address,
        remote_address,
        incoming,
        outgoing,
        bell: bell.clone(),
        other_bell: other_bell.clone(),
        stalled: Arc::default(),
        status: SocketStatus::default(),
    };
    let left_end = end(left, right, from_right, to_right, &left_bell, &right_bell);
    let right_end = end(right, left, from_left, to_left, &right_bell, &left_bell);
    (left_end, right_end)
}

fn bell() -> Arc<Bell> {
    Arc::new(Bell::new().expect("a descriptor is left"))
}

impl Channel {
    /// A switch that keeps this end from receiving while it is set.
    pub(crate) fn stall_switch(&self) -> Arc<AtomicBool> {
        self.stalled.clone()
    }
}

impl Datagrams for Channel {
    fn send(&mut self, to: SocketAddr, ecn: Ecn, segment_size: usize, bytes: &[u8]) -> usize {
        let datagrams = bytes.len().div_ceil(segment_size) as u64;
        if to != self.remote_address {
            self.status.counters.dropped_unreachable += datagrams;
            return bytes.len();
        }
        match self.outgoing.try_send(Train { ecn, segment_size, bytes: bytes.to_vec() }) {
            Ok(()) => {
                self.status.counters.datagrams_sent += datagrams;
                self.other_bell.ring();
                bytes.len()
            }
            Err(TrySendError::Full(_)) => {
                self.status.counters.send_waits += 1;
                0
            }
            Err(TrySendError::Disconnected(_)) => {
                self.status.counters.dropped_unreachable += datagrams;
                bytes.len()
            }
        }
    }

    fn receive(&mut self, mut take: impl FnMut(Received<'_>)) -> bool {
        if self.stalled.load(Ordering::SeqCst) {
            return true;
        }
        self.bell.quiet();
        for Train { ecn, segment_size, bytes } in self.incoming.try_iter() {
            let length = bytes.len();
            self.status.counters.datagrams_received += length.div_ceil(segment_size) as u64;
            let buffer = &mut bytes.into_boxed_slice();
            take(Received { from: self.remote_address, ecn, segment_size, length, buffer });
        }
        false
    }

    fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    fn status(&self) -> SocketStatus {
        self.status
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
